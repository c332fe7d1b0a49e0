/* ioctl_eventpoll(2): EPIOCSPARAMS checks and keeps how a set would poll busily; other requests are
 * EINVAL. */
#include "../tmp.h"
#include <sys/epoll.h>
#include <sys/ioctl.h>

struct params {
    uint32_t usecs;
    uint16_t budget;
    uint8_t prefer, pad;
};
#define SET _IOW(0x8a, 1, struct params)
#define GET _IOR(0x8a, 2, struct params)

static int fd;

static int as_user(void)
{
    struct params p = {1, 65, 0, 0};

    drop_root();
    return errno_of(ioctl(fd, SET, &p));
}

int main(void)
{
    struct params p = {7, 8, 1, 0}, got = {1, 1, 1, 1};

    fd = (int)must(epoll_create1(0));
    is_eq(ioctl(fd, GET, &got), 0);
    ok(!got.usecs && !got.budget && !got.prefer && !got.pad, "nothing at first");
    is_eq(ioctl(fd, SET, &p), 0);
    is_eq(ioctl(fd, GET, &got), 0);
    ok(!memcmp(&p, &got, sizeof(p)), "kept");
    p.pad = 1;
    is_errno(ioctl(fd, SET, &p), EINVAL);
    p = (struct params){7, 8, 2, 0};
    is_errno(ioctl(fd, SET, &p), EINVAL);
    p = (struct params){0x80000000U, 8, 0, 0};
    is_errno(ioctl(fd, SET, &p), EINVAL);
    is_errno(ioctl(fd, SET, BAD_PTR), EFAULT);
    is_errno(ioctl(fd, GET, BAD_PTR), EFAULT);
    is_eq(in_child(as_user), EPERM);
    is_errno(ioctl(fd, FIONREAD, &p), EINVAL);
    done();
}
