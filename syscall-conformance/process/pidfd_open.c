/* pidfd_open(2): EINVAL for bad flags or pids, ESRCH for none; the descriptor is close-on-exec. */
#include "child.h"
#include <poll.h>

int main(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        for (;;)
            pause();
    }
    is_errno(syscall(SYS_pidfd_open, pid, 1), EINVAL);
    is_errno(syscall(SYS_pidfd_open, 0, 0), EINVAL);
    is_errno(syscall(SYS_pidfd_open, -1, 0), EINVAL);
    is_errno(syscall(SYS_pidfd_open, 0x3ffffff, 0), ESRCH);
    int fd = syscall(SYS_pidfd_open, pid, 0);
    is_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    struct pollfd pfd = {fd, POLLIN, 0};
    is_eq(poll(&pfd, 1, 0), 0);
    kill(pid, SIGKILL);
    is_eq(poll(&pfd, 1, 5000), 1);
    is_eq(pfd.revents & POLLIN, POLLIN);
    waitpid(pid, &status, 0);
    ok(poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLIN), "still readable after reaping");
    close(fd);
    done();
}
