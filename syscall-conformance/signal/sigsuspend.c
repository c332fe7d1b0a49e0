/* sigsuspend(2): the mask is replaced while waiting and restored before it returns EINTR. */
#include "sig.h"

static volatile bool usr2_blocked;

static void handler(int sig)
{
    (void)sig;
    usr2_blocked = is_blocked(SIGUSR2);
    hits++;
}

int main(void)
{
    struct sigaction sa = {.sa_handler = handler};
    sigset_t none = set_of(0);

    sigaction(SIGUSR1, &sa, NULL);
    block(SIGUSR1);
    block(SIGUSR2);
    raise(SIGUSR1);
    is_eq(hits, 0);
    is_errno(sigsuspend(&none), EINTR);
    is_eq(hits, 1);
    ok(!usr2_blocked, "the handler ran under the temporary mask");
    ok(is_blocked(SIGUSR1) && is_blocked(SIGUSR2), "the old mask is back");
    is_errno(syscall(SYS_rt_sigsuspend, &none, 4), EINVAL);
    is_errno(syscall(SYS_rt_sigsuspend, 8, 8), EFAULT);
    done();
}
