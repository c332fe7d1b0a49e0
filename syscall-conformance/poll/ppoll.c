/* ppoll(2): a timeout in nanoseconds that the C library does not show updated, and a signal mask in
 * force only while waiting. */
#include "../signal/sig.h"
#include <poll.h>

static long sys_ppoll(void *fds, unsigned long n, void *ts, void *mask, size_t size)
{
    return syscall(SYS_ppoll, fds, n, ts, mask, size);
}

int main(void)
{
    int p[2];
    struct timespec ts = {0, 20000000}, bad = {0, 1000000000}, neg = {-1, 0};
    sigset_t none = set_of(0), usr1 = set_of(SIGUSR1);

    if (pipe(p) < 0)
        return 1;
    struct pollfd pfd = {p[0], POLLIN, 0};
    int64_t start = now_ns(CLOCK_MONOTONIC);
    is_eq(ppoll(&pfd, 1, &ts, NULL), 0);
    ok(now_ns(CLOCK_MONOTONIC) - start >= 20000000, "never early");
    is_eq(sys_ppoll(&pfd, 1, &ts, NULL, 0), 0);
    ok(ts.tv_sec == 0 && ts.tv_nsec == 0, "the call itself writes what is left");
    is_errno(ppoll(&pfd, 1, &bad, NULL), EINVAL);
    is_errno(ppoll(&pfd, 1, &neg, NULL), EINVAL);
    is_errno(sys_ppoll(&pfd, 1, BAD_PTR, NULL, 0), EFAULT);
    is_errno(sys_ppoll(&pfd, 1, NULL, &none, 4), EINVAL);
    is_errno(sys_ppoll(&pfd, 1, NULL, BAD_PTR, 8), EFAULT);

    install(SIGUSR1, record, 0);
    block(SIGUSR1);
    kill(getpid(), SIGUSR1);
    is_eq(hits, 0);
    is_errno(ppoll(&pfd, 1, NULL, &none), EINTR);
    is_eq(hits, 1);
    ok(is_blocked(SIGUSR1), "the old mask is back");
    kill(getpid(), SIGUSR1);
    ts = (struct timespec){0, 1000000};
    is_eq(ppoll(&pfd, 1, &ts, &usr1), 0);
    is_eq(hits, 1);
    ok(is_pending(SIGUSR1), "still pending");

    /* What is ready wins over what is pending. */
    is_eq(write(p[1], "x", 1), 1);
    is_eq(ppoll(&pfd, 1, NULL, &none), 1);
    is_eq(pfd.revents, POLLIN);
    is_eq(hits, 1);
    ok(is_pending(SIGUSR1), "not delivered: the call did not wait");
    done();
}
