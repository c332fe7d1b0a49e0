/* epoll_wait(2): waits for at most the timeout, is woken by an event, a registration made
 * meanwhile, or a signal (EINTR even with SA_RESTART); epoll_pwait sets a mask for the wait. */
#include "../signal/sig.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int ep, fd;
static pid_t main_tid;

static void *adder(void *arg)
{
    struct epoll_event ev = {.events = EPOLLIN};

    await_state(main_tid, 'S');
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
    return NULL;
}

static void *writer(void *arg)
{
    await_state(main_tid, 'S');
    eventfd_write(fd, 1);
    return NULL;
}

int main(void)
{
    struct epoll_event out[2];
    struct timespec ts = {0, 20000000}, bad = {0, -1};
    sigset_t none = set_of(0);
    pthread_t thread;
    eventfd_t v;

    ep = epoll_create1(0);
    fd = eventfd(1, EFD_NONBLOCK);
    main_tid = (pid_t)syscall(SYS_gettid);
    int64_t start = now_ns(CLOCK_MONOTONIC);
    is_eq(epoll_wait(ep, out, 2, 30), 0);
    ok(now_ns(CLOCK_MONOTONIC) - start >= 30000000, "never early");
    pthread_create(&thread, NULL, adder, NULL);
    is_eq(epoll_wait(ep, out, 2, 10000), 1);
    pthread_join(thread, NULL);
    is_eq(eventfd_read(fd, &v), 0);
    pthread_create(&thread, NULL, writer, NULL);
    is_eq(epoll_wait(ep, out, 2, -1), 1);
    pthread_join(thread, NULL);
    is_eq(eventfd_read(fd, &v), 0);

    install(SIGUSR1, record, SA_RESTART);
    pid_t pid = start_poker(SIGUSR1);
    is_errno(epoll_wait(ep, out, 2, 10000), EINTR);
    stop_poker(pid);
    block(SIGUSR1);
    kill(getpid(), SIGUSR1);
    is_eq(epoll_wait(ep, out, 2, 1), 0);
    is_errno(epoll_pwait(ep, out, 2, -1, &none), EINTR);
    is_eq(hits, 2);
    ok(is_blocked(SIGUSR1), "the old mask is back");
    is_errno(syscall(SYS_epoll_pwait, ep, out, 2, 0, &none, 4), EINVAL);

    start = now_ns(CLOCK_MONOTONIC);
    is_eq(syscall(SYS_epoll_pwait2, ep, out, 2, &ts, NULL, 8), 0);
    ok(now_ns(CLOCK_MONOTONIC) - start >= 20000000, "epoll_pwait2 never early");
    is_errno(syscall(SYS_epoll_pwait2, ep, out, 2, &bad, NULL, 8), EINVAL);
    is_errno(syscall(SYS_epoll_pwait2, ep, out, 2, BAD_PTR, NULL, 8), EFAULT);
    done();
}
