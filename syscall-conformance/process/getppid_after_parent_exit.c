/* getppid(2): after the parent has terminated, the ID is that of the adopting process. */
#include "child.h"

int main(void)
{
    volatile int *cell = shared_page();
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        pid_t mid = getpid();
        if (fork() == 0) {
            cell[1] = getppid() == mid;
            cell[0] = 1;
            for (int i = 0; i < 3000 && getppid() == mid; i++)
                nap_ms(1);
            cell[2] = getppid() != mid;
            cell[0] = 2;
            _exit(0);
        }
        while (cell[0] == 0)
            nap_ms(1);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    for (int i = 0; i < 5000 && cell[0] != 2; i++)
        nap_ms(1);
    is_eq(cell[1], 1);
    is_eq(cell[2], 1);
    done();
}
