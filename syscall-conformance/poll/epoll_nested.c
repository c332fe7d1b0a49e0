/* epoll(7): an epoll is readable when it has events, so it can be polled and watched by another; a
 * circle or a chain that is too long is ELOOP. */
#include "../process/child.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

int main(void)
{
    int inner = epoll_create1(0), outer = epoll_create1(0), fd = eventfd(0, EFD_NONBLOCK);
    struct epoll_event ev = {.events = EPOLLIN, .data.u32 = 1}, out[2];
    struct pollfd pfd = {inner, POLLIN | POLLOUT, 0};

    is_eq(epoll_ctl(inner, EPOLL_CTL_ADD, fd, &ev), 0);
    ev.data.u32 = 2;
    is_eq(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &ev), 0);
    is_eq(poll(&pfd, 1, 0), 0);
    is_eq(epoll_wait(outer, out, 2, 0), 0);
    is_eq(eventfd_write(fd, 1), 0);
    is_eq(poll(&pfd, 1, 0), 1);
    is_eq(pfd.revents, POLLIN);
    is_eq(epoll_wait(outer, out, 2, 0), 1);
    is_eq(out[0].data.u32, 2);
    is_eq(epoll_wait(inner, out, 2, 0), 1);
    is_eq(out[0].data.u32, 1);
    eventfd_t v;
    is_eq(eventfd_read(fd, &v), 0);
    is_eq(epoll_wait(outer, out, 2, 0), 0);
    is_eq(poll(&pfd, 1, 0), 0);

    is_errno(epoll_ctl(inner, EPOLL_CTL_ADD, outer, &ev), ELOOP);
    int chain[8] = {epoll_create1(0)}, n = 0;
    for (int i = 1; i < 8; i++) {
        chain[i] = epoll_create1(0);
        if (epoll_ctl(chain[i], EPOLL_CTL_ADD, chain[i - 1], &ev) < 0)
            break;
        n++;
    }
    is_eq(n, 4);
    is_eq(errno, ELOOP);

    /* A waiter at the outer one is woken through the inner one. */
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        check(await_state(parent, 'S'), 1);
        _exit(eventfd_write(fd, 1) != 0);
    }
    is_eq(epoll_wait(outer, out, 2, 10000), 1);
    waitpid(pid, NULL, 0);
    done();
}
