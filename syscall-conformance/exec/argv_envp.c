/* execve(2): the new program gets exactly the given argument and environment strings. */
#include "exec.h"

static int check_arguments(int argc, char **argv)
{
    return argc == 5 && !strcmp(argv[0], "name") && !strcmp(argv[2], "") &&
           !strcmp(argv[3], "two words") && strlen(argv[4]) == 100000 && !argv[5] && environ[0] &&
           !strcmp(environ[0], "A=1") && !strcmp(environ[1], "no-equals") &&
           !strcmp(environ[2], "") && !environ[3];
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return check_arguments(argc, argv) ? 0 : 1;
    char *big = malloc(100001);
    memset(big, 'b', 100000);
    big[100000] = 0;
    char *args[] = {"name", "x", "", "two words", big, NULL};
    char *env[] = {"A=1", "no-equals", "", NULL};
    is_eq(run("/proc/self/exe", args, env), 0);
    done();
}
