/* setitimer(2): an interval timer fires again and again; a zero value stops it. */
#include "sig.h"
#include <sys/time.h>

int main(void)
{
    struct itimerval it = {{0, 5000}, {0, 5000}}, off = {{0, 0}, {0, 0}}, old;

    install(SIGALRM, record, 0);
    int64_t start = now_ns(CLOCK_MONOTONIC);
    is_eq(setitimer(ITIMER_REAL, &it, NULL), 0);
    while (hits < 5)
        pause();
    ok(now_ns(CLOCK_MONOTONIC) - start >= 24000000, "five periods took their time");
    is_eq(setitimer(ITIMER_REAL, &off, &old), 0);
    is_eq(old.it_interval.tv_usec, 5000);
    int before = hits;
    nap_ms(20);
    is_eq(hits - before, 0);
    it.it_value.tv_usec = 1000000;
    is_errno(setitimer(ITIMER_REAL, &it, NULL), EINVAL);
    is_errno(setitimer(3, &off, NULL), EINVAL);
    is_errno(getitimer(-1, &old), EINVAL);
    is_errno(syscall(SYS_getitimer, ITIMER_REAL, 8), EFAULT);
    done();
}
