/* prctl(2) PR_SET_PDEATHSIG: the signal is sent when the parent ends; fork clears the setting. */
#include "child.h"
#include <sys/prctl.h>

static void cleared(void)
{
    int sig = -1;

    check(prctl(PR_GET_PDEATHSIG, &sig) == 0 && sig == 0, 1);
}

int main(void)
{
    int sig = -1, status;
    siginfo_t info;

    is_errno(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
    is_errno(prctl(PR_SET_PDEATHSIG, -1), EINVAL);
    is_eq(prctl(PR_SET_PDEATHSIG, SIGUSR1), 0);
    is_eq(prctl(PR_GET_PDEATHSIG, &sig), 0);
    is_eq(sig, SIGUSR1);
    is_eq(in_child(cleared), 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    volatile int *cell = shared_page();
    pid_t pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGUSR2);
            cell[0] = 1;
            for (;;)
                pause();
        }
        while (!cell[0])
            nap_ms(1);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    is_eq(waitid(P_ALL, 0, &info, WEXITED), 0);
    is_eq(info.si_code, CLD_KILLED);
    is_eq(info.si_status, SIGUSR2);
    done();
}
