/* clock_nanosleep(2): relative and TIMER_ABSTIME on several clocks; a time that has passed returns
 * at once; errors are returned, not put in errno; ABSTIME leaves rem alone. */
#include "../signal/sig.h"

int main(void)
{
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI};
    struct timespec ts, rem;

    for (int i = 0; i < 4; i++) {
        int64_t start = now_ns(clocks[i]), end = start + 15000000;
        ts = (struct timespec){end / 1000000000, end % 1000000000};
        is_eq(clock_nanosleep(clocks[i], TIMER_ABSTIME, &ts, NULL), 0);
        ok(now_ns(clocks[i]) >= end, "clock %d reached the time", clocks[i]);
        start = now_ns(clocks[i]);
        ts = (struct timespec){0, 15000000};
        is_eq(clock_nanosleep(clocks[i], 0, &ts, NULL), 0);
        ok(now_ns(clocks[i]) - start >= 15000000, "clock %d never early", clocks[i]);
    }
    ts = (struct timespec){1, 0};
    is_eq(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL), 0);
    is_eq(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &(struct timespec){0, 0}, NULL), 0);
    is_eq(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, 1000000000}, NULL), EINVAL);
    is_eq(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){-1, 0}, NULL), EINVAL);
    is_eq(clock_nanosleep(77, 0, &ts, NULL), EINVAL);
    is_errno(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL), EOPNOTSUPP);
    is_errno(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &ts, NULL), EOPNOTSUPP);
    is_errno(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_COARSE, 0, &ts, NULL), EOPNOTSUPP);
    is_errno(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, BAD_PTR, NULL), EFAULT);

    install(SIGUSR1, record, 0);
    ts = (struct timespec){100, 0};
    rem = (struct timespec){5, 5};
    pid_t pid = start_poker(SIGUSR1);
    is_eq(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &rem), EINTR);
    stop_poker(pid);
    ok(rem.tv_sec >= 80 && rem.tv_sec < 100, "the time left");
    rem = (struct timespec){5, 5};
    int64_t end = now_ns(CLOCK_MONOTONIC) / 1000000000 + 100;
    ts = (struct timespec){end, 0};
    pid = start_poker(SIGUSR1);
    is_eq(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, &rem), EINTR);
    stop_poker(pid);
    ok(rem.tv_sec == 5 && rem.tv_nsec == 5, "rem is untouched with TIMER_ABSTIME");
    done();
}
