/* sigaction(2): SIGCHLD's siginfo has CLD_* code, child's pid, uid, and exit code or signal. */
#include "sig.h"

int main(void)
{
    siginfo_t info;
    sigset_t set = set_of(SIGCHLD);

    block(SIGCHLD);
    pid_t pid = fork();
    if (pid == 0)
        _exit(77);
    is_eq(sigwaitinfo(&set, &info), SIGCHLD);
    is_eq(info.si_code, CLD_EXITED);
    is_eq(info.si_status, 77);
    ok(info.si_pid == pid && info.si_uid == getuid(), "pid and uid");
    waitpid(pid, NULL, 0);
    pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    kill(pid, SIGSTOP);
    is_eq(sigwaitinfo(&set, &info), SIGCHLD);
    is_eq(info.si_code, CLD_STOPPED);
    is_eq(info.si_status, SIGSTOP);
    kill(pid, SIGCONT);
    is_eq(sigwaitinfo(&set, &info), SIGCHLD);
    is_eq(info.si_code, CLD_CONTINUED);
    kill(pid, SIGKILL);
    is_eq(sigwaitinfo(&set, &info), SIGCHLD);
    is_eq(info.si_code, CLD_KILLED);
    is_eq(info.si_status, SIGKILL);
    waitpid(pid, NULL, 0);
    done();
}
