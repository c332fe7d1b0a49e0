/* clock_getres(2): 1 ns for the fine clocks, the tick for coarse ones; a NULL result is allowed. */
#include "../process/child.h"

static long res(clockid_t clock)
{
    struct timespec ts = {-1, -1};

    return syscall(SYS_clock_getres, clock, &ts) < 0 || ts.tv_sec ? -1 : ts.tv_nsec;
}

int main(void)
{
    is_eq(res(CLOCK_REALTIME), 1);
    is_eq(res(CLOCK_MONOTONIC), 1);
    is_eq(res(CLOCK_MONOTONIC_RAW), 1);
    is_eq(res(CLOCK_BOOTTIME), 1);
    is_eq(res(CLOCK_TAI), 1);
    is_eq(res(CLOCK_PROCESS_CPUTIME_ID), 1);
    is_eq(res(CLOCK_THREAD_CPUTIME_ID), 1);
    long coarse = res(CLOCK_MONOTONIC_COARSE);
    ok(coarse >= 1000000 && coarse <= 10000000, "a tick");
    is_eq(res(CLOCK_REALTIME_COARSE) == coarse, 1);
    is_eq(syscall(SYS_clock_getres, CLOCK_REALTIME, NULL), 0);
    is_errno(syscall(SYS_clock_getres, 77, NULL), EINVAL);
    is_errno(syscall(SYS_clock_getres, CLOCK_REALTIME, BAD_PTR), EFAULT);
    done();
}
