/* execve(2): E2BIG when one string exceeds 128 KiB or all exceed the limit on arguments. */
#include "exec.h"

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return 50;
    size_t max = 131072;
    char *big = malloc(max + 1);
    memset(big, 'a', max);
    big[max] = 0;
    char *args[] = {"x", big, NULL};
    ok(exited_with(run("/proc/self/exe", args, environ), 200 + E2BIG), "a string of 128 KiB");
    big[max - 1] = 0;
    ok(exited_with(run("/proc/self/exe", args, environ), 50), "one byte less");
    char **many = calloc(101, sizeof(*many));
    for (int i = 0; i < 100; i++)
        many[i] = big;
    ok(exited_with(run("/proc/self/exe", many, environ), 200 + E2BIG), "too much in sum");
    done();
}
