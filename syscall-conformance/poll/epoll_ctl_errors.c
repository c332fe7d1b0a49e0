/* epoll_ctl(2): EEXIST, ENOENT, EPERM for files that are always ready, EINVAL for itself, EBADF and
 * EFAULT; DEL ignores the event. */
#include "../process/child.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

int main(void)
{
    struct epoll_event ev = {.events = EPOLLIN}, out;

    is_errno(epoll_create(0), EINVAL);
    is_errno(epoll_create(-1), EINVAL);
    is_errno(epoll_create1(1), EINVAL);
    int ep = epoll_create1(EPOLL_CLOEXEC), fd = eventfd(0, 0);
    is_eq(fcntl(ep, F_GETFD), FD_CLOEXEC);
    is_eq(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), 0);
    is_errno(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), EEXIST);
    is_eq(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev), 0);
    is_eq(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL), 0);
    is_errno(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL), ENOENT);
    is_errno(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev), ENOENT);
    is_errno(epoll_ctl(ep, 9, fd, &ev), EINVAL);
    is_errno(epoll_ctl(ep, EPOLL_CTL_ADD, 99, &ev), EBADF);
    is_errno(epoll_ctl(99, EPOLL_CTL_ADD, fd, &ev), EBADF);
    is_errno(epoll_ctl(fd, EPOLL_CTL_ADD, ep, &ev), EINVAL);
    is_errno(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev), EINVAL);
    is_errno(epoll_ctl(ep, EPOLL_CTL_ADD, fd, BAD_PTR), EFAULT);
    is_errno(epoll_ctl(ep, EPOLL_CTL_ADD, 99, BAD_PTR), EFAULT);
    enter_scratch();
    int file = open("f", O_RDWR | O_CREAT, 0600), dir = open(".", O_RDONLY);
    is_errno(epoll_ctl(ep, EPOLL_CTL_ADD, file, &ev), EPERM);
    is_errno(epoll_ctl(ep, EPOLL_CTL_ADD, dir, &ev), EPERM);
    is_errno(epoll_ctl(ep, EPOLL_CTL_ADD, open("f", O_PATH), &ev), EBADF);

    is_errno(epoll_wait(ep, &out, 0, 0), EINVAL);
    is_errno(syscall(SYS_epoll_wait, ep, &out, -1, 0), EINVAL);
    is_errno(epoll_wait(fd, &out, 1, 0), EINVAL);
    is_errno(epoll_wait(99, &out, 1, 0), EBADF);
    is_eq(epoll_wait(ep, BAD_PTR, 1, 0), 0);
    ev.events = EPOLLOUT;
    is_eq(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), 0);
    is_errno(epoll_wait(ep, BAD_PTR, 1, 0), EFAULT);
    is_eq(epoll_wait(ep, &out, 1, 0), 1);

    /* EPOLLEXCLUSIVE: ADD only, with few other events, not on an epoll. */
    ev.events = EPOLLIN | EPOLLEXCLUSIVE;
    is_errno(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev), EINVAL);
    is_eq(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL), 0);
    is_eq(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), 0);
    ev.events = EPOLLIN;
    is_errno(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev), EINVAL);
    is_eq(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL), 0);
    ev.events = EPOLLIN | EPOLLONESHOT | EPOLLEXCLUSIVE;
    is_errno(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), EINVAL);
    ev.events = EPOLLIN | EPOLLEXCLUSIVE;
    is_errno(epoll_ctl(ep, EPOLL_CTL_ADD, epoll_create1(0), &ev), EINVAL);
    is_errno(read(ep, &out, sizeof(out)), EINVAL);
    is_errno(write(ep, &out, sizeof(out)), EINVAL);
    done();
}
