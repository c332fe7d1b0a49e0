/* pidfd_getfd(2): duplicates a descriptor of the target, close-on-exec; EBADF when it has none. */
#include "child.h"

int main(void)
{
    int pipefd[2];
    char c = 0;

    if (pipe(pipefd) < 0)
        return 1;
    int self = syscall(SYS_pidfd_open, getpid(), 0);
    int fd = syscall(SYS_pidfd_getfd, self, pipefd[0], 0);
    ok(fd >= 0 && fd != pipefd[0], "duplicated");
    is_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ok(write(pipefd[1], "z", 1) == 1 && read(fd, &c, 1) == 1 && c == 'z', "same pipe");
    is_errno(syscall(SYS_pidfd_getfd, self, 999, 0), EBADF);
    is_errno(syscall(SYS_pidfd_getfd, self, pipefd[0], 1), EINVAL);
    is_errno(syscall(SYS_pidfd_getfd, 999, 0, 0), EBADF);
    done();
}
