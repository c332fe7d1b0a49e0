/* pidfd_send_signal(2): signals the process of the descriptor; ESRCH when it is gone. */
#include "child.h"

int main(void)
{
    int status;
    siginfo_t info = {0};
    pid_t pid = fork();

    if (pid == 0) {
        for (;;)
            pause();
    }
    int fd = syscall(SYS_pidfd_open, pid, 0);
    is_eq(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), 0);
    is_errno(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0x80000000), EINVAL);
    is_errno(syscall(SYS_pidfd_send_signal, fd, 65, NULL, 0), EINVAL);
    is_errno(syscall(SYS_pidfd_send_signal, 1, 0, NULL, 0), EBADF);
    info.si_signo = SIGUSR2;
    is_errno(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, &info, 0), EINVAL);
    is_eq(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 0), 0);
    waitpid(pid, &status, 0);
    ok(killed_by(status, SIGUSR1), "killed by the signal");
    is_errno(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), ESRCH);
    done();
}
