/* sigprocmask(2): SIGKILL and SIGSTOP are never blocked; a bad how is EINVAL; fork keeps the mask.
 */
#include "sig.h"

static void child(void)
{
    check(is_blocked(SIGUSR1) && !is_blocked(SIGUSR2), 1);
    check(!is_pending(SIGUSR1), 2);
}

int main(void)
{
    sigset_t all, old;

    sigfillset(&all);
    is_eq(sigprocmask(SIG_SETMASK, &all, NULL), 0);
    ok(!is_blocked(SIGKILL) && !is_blocked(SIGSTOP), "never these");
    ok(is_blocked(SIGTERM) && is_blocked(SIGRTMAX), "all others");
    all = set_of(SIGUSR1);
    is_eq(sigprocmask(SIG_SETMASK, &all, &old), 0);
    ok(sigismember(&old, SIGTERM), "the old mask is returned");
    is_errno(syscall(SYS_rt_sigprocmask, 77, &all, NULL, 8), EINVAL);
    is_errno(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, 16), EINVAL);
    is_errno(syscall(SYS_rt_sigprocmask, SIG_BLOCK, 8, NULL, 8), EFAULT);
    is_eq(syscall(SYS_rt_sigprocmask, 77, NULL, &old, 8), 0);
    raise(SIGUSR1);
    ok(is_pending(SIGUSR1), "pending");
    is_eq(in_child(child), 0);
    done();
}
