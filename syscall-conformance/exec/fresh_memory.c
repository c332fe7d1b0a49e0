/* execve(2): mappings of the old image are gone; the new one starts with untouched data. */
#include "exec.h"

static int data = 7;

int main(int argc, char **argv)
{
    void *want = (void *)0x10000000;

    if (argc == 3) {
        unsigned char vec;
        check(data == 7, 1);
        check(mincore(want, 4096, &vec) == -1 && errno == ENOMEM, 2);
        return 0;
    }
    (void)argv;
    data = 8;
    void *p = mmap(want, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    ok(p == want, "mapped");
    is_eq(run("/proc/self/exe", (char *[]){"x", "a", "b", NULL}, environ), 0);
    is_eq(data, 8);
    done();
}
