/* epoll_ctl(2) EPOLLONESHOT: after one report the descriptor is disabled until EPOLL_CTL_MOD. */
#include "../process/child.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

int main(void)
{
    int ep = epoll_create1(0), fd = eventfd(0, EFD_NONBLOCK);
    struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT, .data.u32 = 7}, out[2];

    is_eq(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), 0);
    is_eq(eventfd_write(fd, 1), 0);
    is_eq(epoll_wait(ep, out, 2, 0), 1);
    is_eq(out[0].events, EPOLLIN);
    is_eq(epoll_wait(ep, out, 2, 0), 0);
    is_eq(eventfd_write(fd, 1), 0);
    is_eq(epoll_wait(ep, out, 2, 0), 0);
    is_errno(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), EEXIST);
    ev.data.u32 = 8;
    is_eq(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev), 0);
    is_eq(epoll_wait(ep, out, 2, 0), 1);
    is_eq(out[0].data.u32, 8);
    is_eq(epoll_wait(ep, out, 2, 0), 0);

    /* Disabled, not even a hang-up is reported. */
    int p[2];
    if (pipe(p) < 0)
        return 1;
    is_eq(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), 0);
    is_eq(write(p[1], "x", 1), 1);
    is_eq(epoll_wait(ep, out, 2, 0), 1);
    close(p[1]);
    is_eq(epoll_wait(ep, out, 2, 0), 0);
    is_eq(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev), 0);
    is_eq(epoll_wait(ep, out, 2, 0), 1);
    is_eq(out[0].events, EPOLLIN | EPOLLHUP);
    done();
}
