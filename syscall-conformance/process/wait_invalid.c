/* wait4(2), waitid(2): unknown options, no event at all, or a bad idtype give EINVAL. */
#include "child.h"
#include <limits.h>

int main(void)
{
    int status;
    siginfo_t info;

    is_errno(syscall(SYS_wait4, -1, &status, 0x100, NULL), EINVAL);
    is_errno(syscall(SYS_wait4, -1, &status, WEXITED, NULL), EINVAL);
    is_errno(syscall(SYS_wait4, -1, &status, WNOWAIT, NULL), EINVAL);
    is_errno(syscall(SYS_wait4, INT_MIN, &status, 0, NULL), ESRCH);
    is_errno(syscall(SYS_waitid, P_ALL, 0, &info, 0, NULL), EINVAL);
    is_errno(syscall(SYS_waitid, P_ALL, 0, &info, WNOHANG, NULL), EINVAL);
    is_errno(syscall(SYS_waitid, P_ALL, 0, &info, WEXITED | 0x100, NULL), EINVAL);
    is_errno(syscall(SYS_waitid, 17, 0, &info, WEXITED, NULL), EINVAL);
    is_errno(syscall(SYS_waitid, P_PID, 0, &info, WEXITED, NULL), EINVAL);
    is_errno(syscall(SYS_waitid, P_PID, -5, &info, WEXITED, NULL), EINVAL);
    is_errno(syscall(SYS_waitid, P_PIDFD, 99, &info, WEXITED, NULL), EBADF);
    done();
}
