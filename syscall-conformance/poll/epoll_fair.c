/* epoll_wait(2): when more are ready than asked for, successive calls go round all of them. */
#include "../process/child.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

int main(void)
{
    int ep = epoll_create1(0), seen[10] = {0}, fds[10];
    struct epoll_event out[3];

    for (int i = 0; i < 10; i++) {
        struct epoll_event ev = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        fds[i] = eventfd(1, EFD_NONBLOCK);
        if (epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &ev) < 0)
            return 1;
    }
    int short_calls = 0;
    for (int i = 0; i < 10; i++) {
        int n = epoll_wait(ep, out, 3, 0);
        short_calls += n != 3;
        for (int k = 0; k < n; k++)
            seen[out[k].data.u32]++;
    }
    is_eq(short_calls, 0);
    int bad = 0;
    for (int i = 0; i < 10; i++)
        bad += seen[i] != 3;
    is_eq(bad, 0);
    is_eq(epoll_wait(ep, out, 1, 0), 1);
    is_eq(out[0].data.u32, 0);
    is_eq(epoll_wait(ep, out, 1, 0), 1);
    is_eq(out[0].data.u32, 1);
    eventfd_t v;
    for (int i = 0; i < 10; i++)
        eventfd_read(fds[i], &v);
    is_eq(epoll_wait(ep, out, 3, 0), 0);
    is_eq(eventfd_write(fds[7], 1), 0);
    is_eq(eventfd_write(fds[2], 1), 0);
    is_eq(epoll_wait(ep, out, 3, 0), 2);
    is_eq(out[0].data.u32, 7);
    is_eq(out[1].data.u32, 2);
    done();
}
