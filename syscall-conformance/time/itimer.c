/* setitimer(2), getitimer(2): three timers, the old value is given back, usec must be below a
 * million. */
#include "../signal/sig.h"
#include <sys/time.h>

int main(void)
{
    struct itimerval it = {{0, 0}, {0, 10000}}, old = {{9, 9}, {9, 9}};

    install(SIGALRM, record, 0);
    is_eq(getitimer(ITIMER_REAL, &old), 0);
    ok(!old.it_value.tv_sec && !old.it_value.tv_usec && !old.it_interval.tv_sec, "disarmed");
    int64_t start = now_ns(CLOCK_MONOTONIC);
    is_eq(setitimer(ITIMER_REAL, &it, NULL), 0);
    while (!hits)
        nap_ms(1);
    ok(now_ns(CLOCK_MONOTONIC) - start >= 10000000, "never early");
    is_eq(last_sig, SIGALRM);
    is_eq(last_info.si_code, SI_KERNEL);
    it = (struct itimerval){{7, 0}, {100, 5}};
    is_eq(setitimer(ITIMER_REAL, &it, NULL), 0);
    is_eq(getitimer(ITIMER_REAL, &old), 0);
    ok(old.it_value.tv_sec >= 98 && old.it_value.tv_sec <= 100 && old.it_interval.tv_sec == 7,
       "time to go and interval");
    is_eq(alarm(50) >= 99, 1); /* one timer behind both */
    is_eq(setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, &old), 0);
    ok(old.it_value.tv_sec >= 48 && old.it_interval.tv_sec == 0, "the alarm");
    is_eq(alarm(0), 0);

    it = (struct itimerval){{0, 0}, {0, 1000000}};
    is_errno(setitimer(ITIMER_REAL, &it, NULL), EINVAL);
    it = (struct itimerval){{0, -1}, {0, 1}};
    is_errno(setitimer(ITIMER_REAL, &it, NULL), EINVAL);
    it = (struct itimerval){{0, 0}, {-1, 1}};
    is_errno(setitimer(ITIMER_REAL, &it, NULL), EINVAL);
    is_errno(setitimer(3, &it, NULL), EINVAL);
    is_errno(getitimer(-1, &it), EINVAL);
    is_errno(getitimer(ITIMER_REAL, BAD_PTR), EFAULT);
    is_errno(setitimer(ITIMER_REAL, BAD_PTR, NULL), EFAULT);
    is_eq(setitimer(ITIMER_VIRTUAL, &(struct itimerval){{0, 0}, {60, 0}}, NULL), 0);
    is_eq(getitimer(ITIMER_VIRTUAL, &old), 0);
    ok(old.it_value.tv_sec >= 58 && old.it_value.tv_sec <= 60, "virtual time to go");
    is_eq(getitimer(ITIMER_PROF, &old), 0);
    ok(!old.it_value.tv_sec && !old.it_value.tv_usec, "each has its own");
    done();
}
