/* Calls on a closed or negative descriptor fail with EBADF. */
#include "tmp.h"
#include <sys/ioctl.h>

int main(void)
{
    struct stat st;
    char c = 0;
    int n, fd;

    tmp_enter();
    fd = file_with("f", "");
    is_eq(close(fd), 0);
    is_errno(close(fd), EBADF);
    is_errno(close(-1), EBADF);
    is_errno(read(fd, &c, 1), EBADF);
    is_errno(read(fd, BAD_PTR, 1), EBADF);
    is_errno(read(fd, &c, 0), EBADF);
    is_errno(write(-1, &c, 1), EBADF);
    is_errno(fstat(fd, &st), EBADF);
    is_errno(fsync(fd), EBADF);
    is_errno(fchmod(fd, 0600), EBADF);
    is_errno(fchdir(fd), EBADF);
    is_errno(ioctl(fd, FIONREAD, &n), EBADF);
    is_errno(openat(fd, "f", O_RDONLY), EBADF);
    is_errno(dup(1 << 20), EBADF);
    is_errno(read(INT32_MAX, &c, 1), EBADF);
    done();
}
