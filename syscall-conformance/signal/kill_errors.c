/* kill(2): EINVAL for a bad signal, ESRCH for no process or group; signal 0 only checks. */
#include "sig.h"

static void thread_of_another(void)
{
    check(syscall(SYS_tgkill, getppid(), gettid(), 0) == -1 && errno == ESRCH, 1);
}

int main(void)
{
    is_eq(kill(getpid(), 0), 0);
    is_eq(kill(0, 0), 0);
    is_errno(kill(getpid(), 65), EINVAL);
    is_errno(kill(getpid(), -1), EINVAL);
    is_errno(kill(0x3ffffff, 0), ESRCH);
    is_errno(kill(-0x3ffffff, 0), ESRCH);
    is_errno(kill((pid_t)0x80000000, 0), ESRCH);
    is_errno(syscall(SYS_tkill, 0, 0), EINVAL);
    is_errno(syscall(SYS_tkill, -1, 0), EINVAL);
    is_errno(syscall(SYS_tkill, 0x3ffffff, 0), ESRCH);
    is_errno(syscall(SYS_tgkill, getpid(), 0x3ffffff, 0), ESRCH);
    is_errno(syscall(SYS_tgkill, 0, gettid(), 0), EINVAL);
    is_eq(in_child(thread_of_another), 0);
    is_errno(syscall(SYS_tgkill, getpid(), gettid(), 65), EINVAL);
    done();
}
