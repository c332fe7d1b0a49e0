/* futex(2): a word in a segment is one futex for all who attach it, wherever. */
#include "sysv.h"
#include <linux/futex.h>

int main(void)
{
    int id = new_shm(4096, 0600), status;
    volatile int *a = shmat(id, NULL, 0);

    pid_t pid = (pid_t)must(fork());
    if (!pid) {
        volatile int *b = shmat(id, NULL, 0);
        b[1] = 1;
        while (!b[0])
            syscall(SYS_futex, b, FUTEX_WAIT, 0, NULL, NULL, 0);
        _exit(b[0]);
    }
    while (!a[1])
        usleep(1000);
    a[0] = 5;
    while (!waitpid(pid, &status, WNOHANG)) {
        syscall(SYS_futex, a, FUTEX_WAKE, 1, NULL, NULL, 0);
        usleep(1000);
    }
    is_eq(WEXITSTATUS(status), 5);
    done();
}
