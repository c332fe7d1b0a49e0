/*
 * The event loop; see loop.h. Order of one turn: ready fibers, guest events, expired timers, and
 * every POLL_FDS_NS (or before sleeping) the epoll set. The loop sleeps only after the platform was
 * told to ring the doorbell and had nothing more to say.
 */
#include "sentry/kernel/stat.h"
#include "sentry/kernel/loop.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"
#include "platform/platform.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/task.h"

#define POLL_FDS_NS 30000
#define FIBER_BUDGET 256
#define LOOKS 24 /* at the guests, before a clock is read: calls that follow each other closely */
#define TURNS 32 /* at most so many without timers and descriptors */

static int epfd = -1, cpus = 1;
static cpu_set_t allowed; /* the host CPUs that we may use */
static bool stopping;

/* --- time --- */
uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t realtime_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t deadline_after(const struct timespec *ts)
{
    const struct task *t = task_current();
    uint64_t rel, at;

    if (t && unlikely(t->resuming) && t->kept_deadline_ns)
        return t->kept_deadline_ns;
    if (__builtin_mul_overflow((uint64_t)ts->tv_sec, (uint64_t)NSEC_PER_SEC, &rel) ||
        __builtin_add_overflow(rel, (uint64_t)ts->tv_nsec, &rel) ||
        __builtin_add_overflow(now_ns(), rel, &at))
        return UINT64_MAX - 1;
    return at;
}

/* --- host descriptors --- */
int loop_fd_add(struct loop_fd *w)
{
    struct epoll_event ev = {.events = w->events, .data.ptr = w};

    return epoll_ctl(epfd, EPOLL_CTL_ADD, w->fd, &ev) ? -errno : 0;
}

int loop_fd_mod(struct loop_fd *w, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = w};

    w->events = events;
    return epoll_ctl(epfd, EPOLL_CTL_MOD, w->fd, &ev) ? -errno : 0;
}

/* Events already fetched for a watch that goes away in the same batch must not reach it. */
static struct epoll_event batch[64];
static int batch_len, batch_next;

void loop_fd_del(struct loop_fd *w)
{
    epoll_ctl(epfd, EPOLL_CTL_DEL, w->fd, NULL);
    for (int i = batch_next; i < batch_len; i++)
        if (batch[i].data.ptr == w)
            batch[i].data.ptr = NULL;
}

static void poll_fds(int64_t timeout_ns)
{
    struct timespec ts = {.tv_sec = timeout_ns / NSEC_PER_SEC,
                          .tv_nsec = timeout_ns % NSEC_PER_SEC};

    batch_len = epoll_pwait2(epfd, batch, ARRAY_SIZE(batch), timeout_ns < 0 ? NULL : &ts, NULL);
    for (batch_next = 0; batch_next < batch_len;) {
        struct epoll_event ev = batch[batch_next++];
        struct loop_fd *w = ev.data.ptr;
        if (w)
            w->cb(w, ev.events);
    }
    batch_len = 0;
}

struct fd_wait {
    struct loop_fd w;
    struct fiber *fiber;
    bool done;
};

static void fd_wait_cb(struct loop_fd *w, uint32_t revents)
{
    struct fd_wait *fw = container_of(w, struct fd_wait, w);

    fw->done = true;
    fiber_wake(fw->fiber);
}

int loop_fd_wait(int fd, uint32_t events)
{
    struct fd_wait fw = {
        .w = {.fd = fd, .events = events | EPOLLONESHOT, .cb = fd_wait_cb},
        .fiber = fiber_current(),
    };
    int dupfd = -1;
    int err = loop_fd_add(&fw.w);

    if (err == -EEXIST) { /* somebody watches this FD already: watch a duplicate */
        dupfd = dup(fd);
        if (dupfd < 0)
            return -errno;
        fw.w.fd = dupfd;
        err = loop_fd_add(&fw.w);
    }
    if (err == -EPERM) /* regular files are always ready */
        err = 0;
    else if (!err) {
        while (!fw.done)
            fiber_park();
        loop_fd_del(&fw.w);
    }
    if (dupfd >= 0)
        close(dupfd);
    return err;
}

/* --- the loop --- */
int loop_init(void)
{
    if (!sched_getaffinity(0, sizeof(allowed), &allowed))
        cpus = CPU_COUNT(&allowed);
    epfd = epoll_create1(EPOLL_CLOEXEC);
    return epfd < 0 ? -errno : 0;
}

const cpu_set_t *loop_cpus(void)
{
    return &allowed;
}

int loop_ncpus(void)
{
    return cpus;
}

void loop_stop(void)
{
    stopping = true;
}

/* Polls guests for as long as the platform thinks it worthwhile. True: there is work. */
static bool spin_for_work(void)
{
    int64_t spin = platform->spin_ns();

    if (spin <= 0)
        return false;
    uint64_t start = now_ns();
    for (bool give_way = false;; give_way = platform->crowded()) {
        for (int i = 0; i < 32; i++) {
            if (platform->poll() || fiber_any_ready())
                return true;
            if (give_way)
                sched_yield();
            else
                __builtin_ia32_pause();
        }
        uint64_t now = now_ns();
        if (ktimers_first() && ktimers_first()->expires_ns <= now)
            return true;
        if ((int64_t)(now - start) > spin)
            return false;
    }
}

static void loop_sleep(void)
{
    int64_t timeout = -1;

    if (!platform->idle_enter())
        return;
    stats.sleeps++;
    if (ktimers_first()) {
        uint64_t now = now_ns();
        uint64_t at = ktimers_first()->expires_ns;
        timeout = at > now ? (int64_t)(at - now) : 0;
    }
    poll_fds(timeout);
    platform->idle_leave();
}

/* Has a guest something for us at once? What everything else costs would be felt by each call. */
static bool look_again(void)
{
    for (int i = 0; i < LOOKS; i++) {
        if (platform->poll() || fiber_any_ready())
            return true;
        __builtin_ia32_pause();
    }
    return false;
}

void loop_run(void)
{
    uint64_t last_fds = 0;
    unsigned int turn = 0;

    while (!stopping) {
        fiber_run_ready(FIBER_BUDGET);
        if (!look_again() || ++turn % TURNS == 0) {
            uint64_t now = now_ns();
            ktimers_run(now);
            if (now - last_fds > POLL_FDS_NS) {
                poll_fds(0);
                last_fds = now;
            }
        }
        if (stopping || fiber_any_ready() || spin_for_work())
            continue;
        loop_sleep();
        last_fds = now_ns();
        ktimers_run(last_fds);
    }
}
