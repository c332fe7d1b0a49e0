/* getauxval(3): AT_RANDOM's 16 bytes are fresh for every execve. */
#include "exec.h"
#include <sys/auxv.h>

int main(int argc, char **argv)
{
    char buf[2][16];
    int p[2];

    if (argc == 2)
        return write(atoi(argv[1]), (void *)getauxval(AT_RANDOM), 16) == 16 ? 0 : 1;
    if (pipe(p) < 0)
        return 1;
    dup2(p[1], 30);
    is_eq(run_self("30"), 0);
    is_eq(run_self("30"), 0);
    is_eq(read(p[0], buf, 32), 32);
    ok(memcmp(buf[0], buf[1], 16), "they differ");
    done();
}
