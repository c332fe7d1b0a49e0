/* fcntl(2): F_SETFL changes only O_APPEND, O_ASYNC, O_DIRECT, O_NOATIME and O_NONBLOCK; access mode
 * and creation flags are ignored. */
#include "tmp.h"

int main(void)
{
    int fd, kept = O_APPEND | O_NONBLOCK | O_ACCMODE | O_CREAT | O_TRUNC | O_EXCL;

    tmp_enter();
    fd = (int)must(open("f", O_RDONLY | O_CREAT | O_TRUNC | O_EXCL, 0644));
    is_eq(fcntl(fd, F_GETFL) & kept, O_RDONLY);
    is_eq(fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK | O_APPEND | O_TRUNC), 0);
    is_eq(fcntl(fd, F_GETFL) & kept, O_RDONLY | O_NONBLOCK | O_APPEND);
    is_errno(write(fd, "x", 1), EBADF);
    is_eq(fcntl(fd, F_SETFL, 0), 0);
    is_eq(fcntl(fd, F_GETFL) & kept, 0);
    is_eq(fcntl(fd, F_GETFD), 0);
    is_eq(fcntl(fd, F_SETFD, 0xfe), 0);
    is_eq(fcntl(fd, F_GETFD), 0);
    is_eq(fcntl(fd, F_SETFD, 0xff), 0);
    is_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    is_errno(fcntl(fd, 9999, 0), EINVAL);
    is_errno(fcntl(-1, F_GETFL), EBADF);
    is_errno(fcntl(-1, 9999, 0), EBADF);
    done();
}
