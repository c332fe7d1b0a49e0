/* ioctl_tfd(2) TFD_IOC_SET_TICKS sets how many expirations a read tells; fdinfo has clock, ticks
 * and the flags of the last timerfd_settime(2). */
#include "../process/child.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>

#ifndef TFD_IOC_SET_TICKS
#define TFD_IOC_SET_TICKS _IOW('T', 0, uint64_t)
#endif

static int fd;

static void info(const char *what)
{
    char path[64], line[128], text[512] = "";

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = 0;
        if (!strncmp(line, "clockid", 7) || !strncmp(line, "ticks", 5) ||
            !strncmp(line, "settime", 7) || !strncmp(line, "it_interval", 11)) {
            strcat(text, line);
            strcat(text, "; ");
        }
    }
    if (f)
        fclose(f);
    ok(1, "%s: %s", what, text);
}

int main(void)
{
    uint64_t ticks = 12345, got = 0;
    struct itimerspec t = {.it_value = {1000000, 0}, .it_interval = {7, 8}};
    struct pollfd p;

    fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    p = (struct pollfd){fd, POLLIN | POLLRDNORM | POLLOUT, 0};
    info("new");
    is_eq(ioctl(fd, TFD_IOC_SET_TICKS, &ticks), 0);
    is_eq(poll(&p, 1, 0), 1);
    is_eq(p.revents, POLLIN);
    info("with ticks");
    is_eq(read(fd, &got, sizeof(got)), 8);
    is_eq(got, 12345);
    is_errno(read(fd, &got, sizeof(got)), EAGAIN);
    ticks = 0;
    is_errno(ioctl(fd, TFD_IOC_SET_TICKS, &ticks), EINVAL);
    is_errno(ioctl(fd, TFD_IOC_SET_TICKS, BAD_PTR), EFAULT);
    is_errno(ioctl(fd, FIONREAD, &ticks), ENOTTY);
    ticks = UINT64_MAX;
    is_eq(ioctl(fd, TFD_IOC_SET_TICKS, &ticks), 0);
    is_eq(timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL), 0);
    info("a time sets it back");
    is_errno(read(fd, &got, sizeof(got)), EAGAIN);
    is_errno(read(fd, &got, 7), EINVAL);
    is_eq(timerfd_settime(fd, TFD_TIMER_CANCEL_ON_SET, &t, NULL), 0);
    info("flags");
    is_eq(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &t, NULL), 0);
    info("both flags");
    is_errno(timerfd_settime(fd, 4, &t, NULL), EINVAL);
    is_errno(timerfd_create(CLOCK_TAI, 0), EINVAL);
    is_errno(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
    done();
}
