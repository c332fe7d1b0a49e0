/* sigtimedwait(2): takes a pending signal without running its handler; EAGAIN at the timeout. */
#include "sig.h"

int main(void)
{
    struct timespec zero = {0, 0}, some = {0, 30000000}, bad = {0, 1000000000};
    sigset_t set = set_of(SIGUSR1);
    siginfo_t info;

    install(SIGUSR1, record, 0);
    install(SIGUSR2, record, 0);
    block(SIGUSR1);
    is_errno(sigtimedwait(&set, &info, &zero), EAGAIN);
    int64_t start = now_ns(CLOCK_MONOTONIC);
    is_errno(sigtimedwait(&set, &info, &some), EAGAIN);
    ok(now_ns(CLOCK_MONOTONIC) - start >= 30000000, "not before the timeout");
    is_errno(sigtimedwait(&set, &info, &bad), EINVAL);
    kill(getpid(), SIGUSR1);
    is_eq(sigtimedwait(&set, &info, &zero), SIGUSR1);
    is_eq(info.si_code, SI_USER);
    is_eq(hits, 0);
    ok(!is_pending(SIGUSR1), "taken");
    pid_t poker = start_poker(SIGUSR2);
    is_errno(sigwaitinfo(&set, &info), EINTR);
    is_eq(hits, 1);
    stop_poker(poker);
    poker = start_poker(SIGUSR1);
    is_eq(sigwaitinfo(&set, &info), SIGUSR1);
    ok(info.si_pid == poker, "from the other process");
    stop_poker(poker);
    is_errno(syscall(SYS_rt_sigtimedwait, &set, &info, &zero, 4), EINVAL);
    done();
}
