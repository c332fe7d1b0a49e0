/* mq_overview(7): descriptors of queues can be polled. */
#include "mq.h"
#include <sys/epoll.h>

static int ready(mqd_t q)
{
    struct pollfd p = {.fd = q, .events = POLLIN | POLLOUT};

    must(poll(&p, 1, 0));
    return p.revents;
}

int main(void)
{
    mqd_t q = mq_new(1, 8, 0);
    struct epoll_event ev = {.events = EPOLLIN};
    char buf[8];

    is_eq(ready(q), POLLOUT);
    must(mq_send(q, "x", 1, 0));
    is_eq(ready(q), POLLIN);
    must(mq_receive(q, buf, 8, NULL));
    is_eq(ready(q), POLLOUT);
    int ep = (int)must(epoll_create1(0));
    is_eq(epoll_ctl(ep, EPOLL_CTL_ADD, q, &ev), 0);
    is_eq(epoll_wait(ep, &ev, 1, 0), 0);
    pid_t pid = (pid_t)must(fork());
    if (!pid)
        _exit(mq_send(q, "y", 1, 0) ? 1 : 0);
    is_eq(epoll_wait(ep, &ev, 1, 10000), 1);
    must(waitpid(pid, NULL, 0));
    done();
}
