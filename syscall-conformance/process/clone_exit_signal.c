/* clone(2): the low byte of flags is the signal sent to the parent when the child terminates. */
#include "child.h"

int main(void)
{
    sigset_t set;
    siginfo_t info;
    int status;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid_t pid = syscall(SYS_clone, SIGUSR2, 0, 0, 0, 0);
    if (pid == 0)
        syscall(SYS_exit_group, 2);
    is_eq(sigwaitinfo(&set, &info), SIGUSR2);
    ok(info.si_pid == pid, "si_pid");
    is_eq(info.si_code, CLD_EXITED);
    is_eq(info.si_status, 2);
    is_errno(waitpid(pid, &status, 0), ECHILD);
    ok(waitpid(pid, &status, __WCLONE) == pid, "a clone child");
    done();
}
