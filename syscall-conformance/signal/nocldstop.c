/* sigaction(2) SA_NOCLDSTOP: no SIGCHLD when children stop or continue. */
#include "sig.h"

static int stops(int flags)
{
    siginfo_t info;
    pid_t pid;

    install(SIGCHLD, record, flags);
    hits = 0;
    pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    kill(pid, SIGSTOP);
    while (waitid(P_PID, pid, &info, WSTOPPED) < 0)
        ;
    int stopped = hits;
    kill(pid, SIGKILL);
    while (waitid(P_PID, pid, &info, WEXITED) < 0)
        ;
    return stopped * 10 + (hits - stopped);
}

int main(void)
{
    is_eq(stops(0), 11);
    is_eq(stops(SA_NOCLDSTOP), 1);
    done();
}
