/* epoll(7): level-triggered reports as long as it holds, edge-triggered once for each arrival. */
#include "../process/child.h"
#include <sys/epoll.h>

static struct epoll_event got[4];

static int wait_now(int ep)
{
    memset(got, 0, sizeof(got));
    return epoll_wait(ep, got, 4, 0);
}

int main(void)
{
    int p[2], ep = epoll_create1(0);
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = 0x1234567890abcdef};
    char c;

    if (pipe2(p, O_NONBLOCK) < 0)
        return 1;
    is_eq(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), 0);
    is_eq(wait_now(ep), 0);
    is_eq(write(p[1], "ab", 2), 2);
    is_eq(wait_now(ep), 1);
    is_eq(got[0].events, EPOLLIN);
    ok(got[0].data.u64 == 0x1234567890abcdef, "the data comes back");
    is_eq(wait_now(ep), 1);
    is_eq(read(p[0], &c, 1), 1);
    is_eq(wait_now(ep), 1);
    is_eq(read(p[0], &c, 1), 1);
    is_eq(wait_now(ep), 0);

    ev.events = EPOLLIN | EPOLLET;
    is_eq(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev), 0);
    is_eq(write(p[1], "ab", 2), 2);
    is_eq(wait_now(ep), 1);
    is_eq(wait_now(ep), 0);
    is_eq(read(p[0], &c, 1), 1);
    is_eq(wait_now(ep), 0);
    is_eq(write(p[1], "c", 1), 1);
    is_eq(wait_now(ep), 1);
    is_eq(wait_now(ep), 0);
    is_eq(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev), 0);
    is_eq(wait_now(ep), 1); /* MOD looks again */
    is_eq(wait_now(ep), 0);
    close(p[1]);
    is_eq(wait_now(ep), 1);
    is_eq(got[0].events, EPOLLIN | EPOLLHUP);
    is_eq(wait_now(ep), 0);

    /* Added while ready: one event. */
    if (pipe2(p, O_NONBLOCK) < 0)
        return 1;
    ev.events = EPOLLOUT | EPOLLET;
    is_eq(epoll_ctl(ep, EPOLL_CTL_ADD, p[1], &ev), 0);
    is_eq(wait_now(ep), 1);
    is_eq(wait_now(ep), 0);
    static char junk[65536];
    is_eq(write(p[1], junk, sizeof(junk)), 65536);
    is_eq(wait_now(ep), 0);
    is_eq(read(p[0], junk, sizeof(junk)), 65536);
    is_eq(wait_now(ep), 1);
    is_eq(got[0].events, EPOLLOUT);
    ev.events = 0;
    is_eq(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &ev), 0);
    is_eq(wait_now(ep), 0);
    close(p[0]);
    is_eq(wait_now(ep), 1);
    is_eq(got[0].events, EPOLLERR); /* always reported */
    done();
}
