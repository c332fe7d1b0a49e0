/* nanosleep(2): at least the time asked for; interrupted by a handler it fails with EINTR and
 * writes the time left; invalid times are EINVAL. */
#include "../signal/sig.h"

int main(void)
{
    struct timespec ts = {0, 20000000}, rem = {77, 77}, bad;

    int64_t start = now_ns(CLOCK_MONOTONIC);
    is_eq(nanosleep(&ts, &rem), 0);
    ok(now_ns(CLOCK_MONOTONIC) - start >= 20000000, "never early");
    ok(rem.tv_sec == 77 && rem.tv_nsec == 77, "rem is untouched");
    ts = (struct timespec){0, 0};
    is_eq(nanosleep(&ts, NULL), 0);
    ts = (struct timespec){0, 1};
    is_eq(nanosleep(&ts, NULL), 0);
    bad = (struct timespec){-1, 0};
    is_errno(nanosleep(&bad, NULL), EINVAL);
    bad = (struct timespec){0, -1};
    is_errno(nanosleep(&bad, NULL), EINVAL);
    bad = (struct timespec){0, 1000000000};
    is_errno(nanosleep(&bad, NULL), EINVAL);
    is_errno(syscall(SYS_nanosleep, BAD_PTR, NULL), EFAULT);
    is_errno(syscall(SYS_nanosleep, NULL, NULL), EFAULT);

    install(SIGUSR1, record, SA_RESTART);
    ts = (struct timespec){100, 0};
    pid_t pid = start_poker(SIGUSR1);
    is_errno(nanosleep(&ts, &rem), EINTR);
    stop_poker(pid);
    ok(rem.tv_sec >= 80 && rem.tv_sec < 100, "the time left");
    pid = start_poker(SIGUSR1);
    is_errno(nanosleep(&ts, NULL), EINTR);
    stop_poker(pid);
    pid = start_poker(SIGUSR1);
    is_errno(syscall(SYS_nanosleep, &ts, BAD_PTR), EFAULT);
    stop_poker(pid);
    done();
}
