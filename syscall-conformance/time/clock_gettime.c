/* clock_gettime(2): the clocks go forward, agree with each other, and unknown ones are EINVAL; the
 * system call and the vDSO say the same. */
#include "../process/child.h"
#include <sys/time.h>

static int64_t raw_ns(clockid_t clock)
{
    struct timespec ts = {-1, -1};

    if (syscall(SYS_clock_gettime, clock, &ts) < 0)
        return -1;
    return ts.tv_nsec < 0 || ts.tv_nsec > 999999999 ? -1 : ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int main(void)
{
    static const clockid_t clocks[] = {
        CLOCK_REALTIME, CLOCK_MONOTONIC,          CLOCK_MONOTONIC_RAW,
        CLOCK_BOOTTIME, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
        CLOCK_TAI};
    struct timespec ts;

    for (int i = 0; i < 7; i++) {
        int64_t a = now_ns(clocks[i]), b = raw_ns(clocks[i]), c = now_ns(clocks[i]);
        ok(a >= 0 && b >= a && c >= b, "clock %d: vDSO and call in order", clocks[i]);
    }
    int64_t m = now_ns(CLOCK_MONOTONIC), b = now_ns(CLOCK_BOOTTIME);
    ok(b + 1000000 >= m, "BOOTTIME is not behind MONOTONIC");
    int64_t coarse = raw_ns(CLOCK_MONOTONIC_COARSE);
    m = now_ns(CLOCK_MONOTONIC);
    ok(coarse <= m && coarse > m - 1000000000, "COARSE is behind by little");
    coarse = now_ns(CLOCK_REALTIME_COARSE);
    int64_t r = now_ns(CLOCK_REALTIME);
    ok(coarse <= r && coarse > r - 1000000000, "the real-time one as well");
    int bad = 0;
    int64_t last = now_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < 1000; i++) {
        int64_t t = i % 50 ? now_ns(CLOCK_MONOTONIC) : raw_ns(CLOCK_MONOTONIC);
        bad += t < last;
        last = t;
    }
    is_eq(bad, 0);
    is_errno(clock_gettime(77, &ts), EINVAL);
    is_errno(clock_gettime(-1, &ts), EINVAL);
    is_errno(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, BAD_PTR), EFAULT);
    is_errno(syscall(SYS_clock_gettime, 10, &ts), EINVAL); /* CLOCK_SGI_CYCLE, gone */

    struct timeval tv;
    struct timezone tz;
    r = now_ns(CLOCK_REALTIME) / 1000;
    is_eq(gettimeofday(&tv, NULL), 0);
    ok(tv.tv_sec * 1000000LL + tv.tv_usec >= r, "gettimeofday is CLOCK_REALTIME");
    is_eq(syscall(SYS_gettimeofday, NULL, &tz), 0);
    is_eq(syscall(SYS_gettimeofday, NULL, NULL), 0);
    is_errno(syscall(SYS_gettimeofday, BAD_PTR, NULL), EFAULT);
    time_t t = time(NULL), t2 = -1;
    is_eq(syscall(SYS_time, &t2) == t2, 1);
    ok(t2 - t >= 0 && t2 - t < 10, "time in seconds");
    is_errno(syscall(SYS_time, BAD_PTR), EFAULT);
    done();
}
