/* readv(2) EINVAL: the vector count is less than zero or greater than 1024 (IOV_MAX), or the sum of
 * the lengths overflows ssize_t; EFAULT for a bad array. */
#include "tmp.h"
#include <sys/uio.h>

int main(void)
{
    static struct iovec iov[1025];
    static char byte[1025];
    int fd;
    volatile int negative = -1;

    tmp_enter();
    fd = file_with("f", "");
    for (int i = 0; i < 1025; i++)
        iov[i] = (struct iovec){&byte[i], 1};
    is_eq(writev(fd, iov, 1024), 1024);
    is_errno(writev(fd, iov, 1025), EINVAL);
    is_errno(readv(fd, iov, 1025), EINVAL);
    is_errno(writev(fd, iov, negative), EINVAL);
    is_eq(pread(fd, byte, 1025, 0), 1024);
    iov[0].iov_len = (size_t)-1;
    is_errno(writev(fd, iov, 2), EINVAL);
    iov[0].iov_len = 1;
    is_errno(writev(fd, BAD_PTR, 1), EFAULT);
    is_errno(readv(-1, iov, 1), EBADF);
    is_errno(readv(-1, BAD_PTR, 2000), EBADF);
    iov[1].iov_base = BAD_PTR;
    is_eq(writev(fd, iov, 2), 1);
    done();
}
