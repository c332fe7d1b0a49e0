/* A library that goes and another that comes to its place: the calls are the new one's. */
#include "text.h"

int main(void)
{
    int bad = 0;

    enter_scratch();
    int fd[4] = {code_file("a", FRONT, SYS_getpid, 1), code_file("b", BACK, SYS_getpid, 2),
                 code_file("c", FRONT, SYS_getppid, 3), code_file("d", BACK, SYS_getppid, 4)};
    unsigned char *p = map_code(fd[0], NULL, PROT_READ | PROT_EXEC);
    for (int i = 0; i < 24; i++) {
        int k = i % 4;
        long nr = k < 2 ? SYS_getpid : SYS_getppid;
        if (i % 3 == 0) /* else it is mapped over */
            bad += munmap(p, 4096) != 0;
        bad += map_code(fd[k], p, PROT_READ | PROT_EXEC) != p;
        bad += wrong(p, nr, WARM, (k < 2 ? getpid() : getppid()) + k + 1);
    }
    is_eq(bad, 0);
    done();
}
