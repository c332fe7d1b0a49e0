/* mmap(2) MAP_SHARED|MAP_ANONYMOUS: memory stays shared across fork, in both directions. */
#include "../process/child.h"

int main(void)
{
    volatile int *p = shared_page();
    int status;

    p[0] = 1;
    pid_t pid = fork();
    if (pid == 0) {
        check(p[0] == 1, 1);
        p[1] = 2;
        while (p[2] != 3)
            nap_ms(1);
        int grand = fork();
        if (grand == 0) {
            p[3] = 4;
            _exit(0);
        }
        waitpid(grand, &status, 0);
        _exit(p[3] == 4 ? 0 : 2);
    }
    while (p[1] != 2)
        nap_ms(1);
    p[2] = 3;
    waitpid(pid, &status, 0);
    is_eq(status, 0);
    is_eq(p[3], 4);
    done();
}
