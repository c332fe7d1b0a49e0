/* fcntl(2): F_DUPFD duplicates to the lowest available descriptor greater than or equal to arg. */
#include "tmp.h"
#include <sys/resource.h>

int main(void)
{
    struct rlimit rl;
    int fd;

    tmp_enter();
    fd = file_with("f", "");
    is_eq(fcntl(fd, F_DUPFD, 100), 100);
    is_eq(fcntl(fd, F_DUPFD, 100), 101);
    is_eq(fcntl(fd, F_DUPFD_CLOEXEC, 100), 102);
    is_eq(fcntl(101, F_GETFD), 0);
    is_eq(fcntl(102, F_GETFD), FD_CLOEXEC);
    close(101);
    is_eq(fcntl(102, F_DUPFD, 50), 50);
    is_eq(fcntl(102, F_DUPFD, 100), 101);
    is_errno(fcntl(fd, F_DUPFD, -1), EINVAL);
    must(getrlimit(RLIMIT_NOFILE, &rl));
    is_errno(fcntl(fd, F_DUPFD, (int)rl.rlim_cur), EINVAL);
    is_errno(fcntl(400, F_DUPFD, 0), EBADF);
    done();
}
