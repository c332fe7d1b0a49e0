/* timerfd_create(2): a read gives the number of expirations since the last, blocks or fails with
 * EAGAIN until there is one; poll works; settime resets. */
#include "../signal/sig.h"
#include <poll.h>
#include <sys/timerfd.h>

static short ready(int fd, int ms)
{
    struct pollfd pfd = {fd, POLLIN | POLLOUT, 0};

    poll(&pfd, 1, ms);
    return pfd.revents;
}

int main(void)
{
    struct itimerspec its = {{0, 0}, {0, 10000000}}, old;
    uint64_t n;
    char small[4];

    is_errno(timerfd_create(77, 0), EINVAL);
    is_errno(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
    is_errno(timerfd_create(CLOCK_MONOTONIC, 0x1), EINVAL);
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    is_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    is_eq(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
    is_errno(read(fd, &n, 8), EAGAIN);
    is_eq(ready(fd, 0), 0);
    int64_t start = now_ns(CLOCK_MONOTONIC);
    is_eq(timerfd_settime(fd, 0, &its, &old), 0);
    ok(!old.it_value.tv_sec && !old.it_value.tv_nsec, "was disarmed");
    is_errno(read(fd, &n, 8), EAGAIN);
    is_eq(ready(fd, 5000), POLLIN);
    ok(now_ns(CLOCK_MONOTONIC) - start >= 10000000, "never early");
    is_errno(read(fd, small, 4), EINVAL);
    is_errno(write(fd, &n, 8), EINVAL);
    is_eq(read(fd, &n, 8), 8);
    is_eq(n, 1);
    is_errno(read(fd, &n, 8), EAGAIN);
    is_eq(timerfd_gettime(fd, &old), 0);
    ok(!old.it_value.tv_sec && !old.it_value.tv_nsec, "disarmed");

    its = (struct itimerspec){{0, 2000000}, {0, 2000000}};
    is_eq(timerfd_settime(fd, 0, &its, NULL), 0);
    nap_ms(21);
    is_eq(read(fd, &n, 8), 8);
    ok(n >= 10, "all expirations");
    /* settime throws away what was not read. */
    nap_ms(5);
    its = (struct itimerspec){{0, 0}, {100, 0}};
    is_eq(timerfd_settime(fd, 0, &its, &old), 0);
    is_eq(old.it_interval.tv_nsec, 2000000);
    is_errno(read(fd, &n, 8), EAGAIN);
    is_eq(timerfd_gettime(fd, &old), 0);
    ok(old.it_value.tv_sec >= 98 && old.it_value.tv_sec <= 100, "time to go");

    its = (struct itimerspec){{0, 0}, {1, 0}};
    is_eq(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL), 0);
    is_eq(ready(fd, 1000), POLLIN); /* long past */
    int rt = timerfd_create(CLOCK_REALTIME, 0);
    int64_t at = now_ns(CLOCK_REALTIME) + 10000000;
    its.it_value = (struct timespec){at / 1000000000, at % 1000000000};
    is_eq(timerfd_settime(rt, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &its, NULL), 0);
    is_eq(read(rt, &n, 8), 8);
    ok(now_ns(CLOCK_REALTIME) >= at, "waited until the time");
    is_eq(n, 1);
    install(SIGUSR1, record, 0);
    pid_t pid = start_poker(SIGUSR1);
    is_errno(read(rt, &n, 8), EINTR);
    stop_poker(pid);

    its.it_value.tv_nsec = 1000000000;
    is_errno(timerfd_settime(fd, 0, &its, NULL), EINVAL);
    is_errno(timerfd_settime(fd, 0x10, &old, NULL), EINVAL);
    is_errno(timerfd_settime(fd, 0, BAD_PTR, NULL), EFAULT);
    is_errno(timerfd_gettime(fd, BAD_PTR), EFAULT);
    is_errno(timerfd_settime(99, 0, &old, NULL), EBADF);
    is_errno(timerfd_settime(0, 0, &old, NULL), EINVAL);
    is_errno(timerfd_gettime(0, &old), EINVAL);
    done();
}
