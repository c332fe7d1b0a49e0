/*
 * The sentry's event loop: guest events (platform), file descriptors (epoll), timers, worker
 * completions. Nothing here blocks except loop_run() itself when there is nothing to do.
 */
#ifndef NV_SENTRY_KERNEL_LOOP_H
#define NV_SENTRY_KERNEL_LOOP_H

#include <stdbool.h>
#include <sched.h>
#include <stdint.h>
#include "base/list.h"

int loop_init(void);
const cpu_set_t *loop_cpus(void); /* of the host, that it lets us use */
int loop_ncpus(void);             /* that the host lets us use */
void loop_run(void);              /* until loop_stop() */
void loop_stop(void);

/* Host file descriptors. events/revents are EPOLL*. cb runs on the loop and must not park. */
struct loop_fd {
    int fd;
    uint32_t events;
    void (*cb)(struct loop_fd *w, uint32_t revents);
};
int loop_fd_add(struct loop_fd *w);
int loop_fd_mod(struct loop_fd *w, uint32_t events);
void loop_fd_del(struct loop_fd *w);
/* Parks the current fiber until the host fd is ready for events. Uninterruptible. */
int loop_fd_wait(int fd, uint32_t events);

/* One-shot timers on the host's CLOCK_MONOTONIC, absolute nanoseconds. cb must not park. */
struct ktimer {
    uint64_t expires_ns;
    struct ktimer *child, *next, *prev; /* timers.c; prev NULL: not armed */
    void (*cb)(struct ktimer *t);
};
void ktimer_init(struct ktimer *t, void (*cb)(struct ktimer *t));
void ktimer_arm(struct ktimer *t, uint64_t expires_ns); /* re-arms when armed */
void ktimer_cancel(struct ktimer *t);
/* None expires meanwhile: the sandbox is frozen, or not yet whole. */
void ktimers_hold(bool hold);
/* For the loop: the next to expire, NULL: none, or they are held; and those that have. */
struct ktimer *ktimers_first(void);
void ktimers_run(uint64_t now);
static inline bool ktimer_armed(const struct ktimer *t)
{
    return t->prev != NULL;
}
/* The host's CLOCK_MONOTONIC now. */
uint64_t now_ns(void);
uint64_t realtime_ns(void);
/* Now plus a checked relative timespec, saturating. */
struct timespec;
uint64_t deadline_after(const struct timespec *ts);

/* Runs fn(arg) on a worker thread and parks the calling fiber until it is done. fn may only touch
 * its argument and host descriptors. Returns what fn returns. */
long worker_call(long (*fn)(void *arg), void *arg);

#endif
