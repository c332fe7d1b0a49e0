/* waitid(2) P_PIDFD: waits for the child the descriptor refers to. */
#include "child.h"

int main(void)
{
    siginfo_t info;
    pid_t pid = fork();

    if (pid == 0)
        _exit(17);
    int fd = syscall(SYS_pidfd_open, pid, 0);
    is_eq(waitid(P_PIDFD, fd, &info, WEXITED), 0);
    ok(info.si_pid == pid, "si_pid");
    is_eq(info.si_status, 17);
    is_errno(waitid(P_PIDFD, fd, &info, WEXITED), ECHILD);
    is_errno(waitid(P_PIDFD, 1, &info, WEXITED), EBADF);
    done();
}
