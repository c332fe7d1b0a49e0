/* sigaction(2): returns the old action; SIGKILL and SIGSTOP cannot be caught, bad numbers EINVAL.
 */
#include "sig.h"

int main(void)
{
    struct sigaction sa = {.sa_handler = SIG_IGN}, old;

    is_eq(sigaction(SIGUSR1, NULL, &old), 0);
    ok(old.sa_handler == SIG_DFL, "default at first");
    is_eq(sigaction(SIGUSR1, &sa, &old), 0);
    is_eq(sigaction(SIGUSR1, NULL, &old), 0);
    ok(old.sa_handler == SIG_IGN, "the new action is returned");
    is_errno(sigaction(SIGKILL, &sa, NULL), EINVAL);
    is_errno(sigaction(SIGSTOP, &sa, NULL), EINVAL);
    is_eq(sigaction(SIGKILL, NULL, &old), 0);
    is_errno(sigaction(0, &sa, NULL), EINVAL);
    is_errno(sigaction(65, &sa, NULL), EINVAL);
    is_errno(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4), EINVAL);
    is_errno(syscall(SYS_rt_sigaction, SIGUSR1, 8, NULL, 8), EFAULT);
    is_errno(syscall(SYS_rt_sigaction, SIGUSR1, NULL, 8, 8), EFAULT);
    done();
}
