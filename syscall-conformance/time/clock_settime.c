/* clock_settime(2), settimeofday(2), adjtimex(2): only the real-time clock can be set, with
 * CAP_SYS_TIME; the arguments are looked at first. */
#include "../process/child.h"
#include <sys/time.h>
#include <sys/timex.h>

static void user(void)
{
    struct timespec ts;
    struct timeval tv;

    become_nobody();
    clock_gettime(CLOCK_REALTIME, &ts);
    check(clock_settime(CLOCK_REALTIME, &ts) == -1 && errno == EPERM, 1);
    gettimeofday(&tv, NULL);
    check(settimeofday(&tv, NULL) == -1 && errno == EPERM, 2);
    struct timex tx = {.modes = ADJ_OFFSET, .offset = 0};
    check(adjtimex(&tx) == -1 && errno == EPERM, 3);
    tx.modes = 0;
    check(adjtimex(&tx) >= 0, 4);
    check(llabs(tx.time.tv_sec - (long)time(NULL)) <= 1, 5);
}

int main(void)
{
    struct timespec ts = {0, 1000000000}, neg = {-1, 0};

    is_errno(clock_settime(CLOCK_REALTIME, &ts), EINVAL);
    is_errno(clock_settime(CLOCK_REALTIME, &neg), EINVAL);
    ts.tv_nsec = 0;
    is_errno(clock_settime(CLOCK_MONOTONIC, &ts), EINVAL);
    is_errno(clock_settime(CLOCK_BOOTTIME, &ts), EINVAL);
    is_errno(clock_settime(77, &ts), EINVAL);
    is_errno(syscall(SYS_clock_settime, CLOCK_REALTIME, BAD_PTR), EFAULT);
    ok(exited_with(in_child(user), 0), "a user may look but not touch");
    done();
}
