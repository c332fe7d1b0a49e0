/* close_range(2): closes a range, or marks it close-on-exec; EINVAL when first is above last. */
#include "child.h"
#include <linux/close_range.h>

int main(void)
{
    for (int fd = 40; fd < 44; fd++)
        dup2(1, fd);
    is_errno(syscall(SYS_close_range, 5, 4, 0), EINVAL);
    is_errno(syscall(SYS_close_range, 40, 41, 0x80), EINVAL);
    is_eq(syscall(SYS_close_range, 40, 41, CLOSE_RANGE_CLOEXEC), 0);
    is_eq(fcntl(40, F_GETFD), FD_CLOEXEC);
    is_eq(fcntl(42, F_GETFD), 0);
    is_eq(syscall(SYS_close_range, 41, ~0U, 0), 0);
    is_eq(fcntl(40, F_GETFD), FD_CLOEXEC);
    is_errno(fcntl(41, F_GETFD), EBADF);
    is_errno(fcntl(43, F_GETFD), EBADF);
    done();
}
