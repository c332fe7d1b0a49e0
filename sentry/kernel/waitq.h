/*
 * Wait queues. A condition is checked by the waiter in a loop around task_wait(); because the
 * sentry is single-threaded nothing can slip in between the check and the sleep.
 * Poll and epoll hang callback waiters on the same queues.
 */
#ifndef NV_SENTRY_KERNEL_WAITQ_H
#define NV_SENTRY_KERNEL_WAITQ_H

#include <stdint.h>
#include "base/list.h"

struct waitq {
    struct list waiters;
};

struct waiter {
    struct list node;
    uint32_t mask; /* events of interest: EPOLL* bits; ~0 for any */
    void (*wake)(struct waiter *w, uint32_t events);
};

struct task;

void waitq_init(struct waitq *q);
void waitq_add(struct waitq *q, struct waiter *w); /* tail; w->wake set by the caller */
void waitq_add_first(struct waitq *q, struct waiter *w);
void waitq_del(struct waiter *w);                      /* safe when not queued */
void waitq_wake(struct waitq *q, uint32_t events);     /* all whose mask meets events */
void waitq_wake_one(struct waitq *q, uint32_t events); /* the first of those */
static inline void waitq_wake_all(struct waitq *q)
{
    waitq_wake(q, ~0U);
}
/* Something whose changes poll(2) tells of: who looks keeps the count that it has seen. */
struct change {
    uint64_t count;
    struct waitq q;
};
#define CHANGE_INIT(name)                                                                          \
    {                                                                                              \
        0,                                                                                         \
        {                                                                                          \
            LIST_INIT((name).q.waiters)                                                            \
        }                                                                                          \
    }
void change_made(struct change *c);

/* Wakes every waiter and unlinks it: the queue's owner is going away. */
void waitq_release(struct waitq *q);

#define NO_DEADLINE UINT64_MAX

/*
 * Sleeps until q is woken, a signal is pending or the deadline (host CLOCK_MONOTONIC ns) passes.
 * 0: woken; -ERESTARTSYS: signal pending (see sentry/signal/README.md: dispatch turns it into
 * EINTR or a restart); -ETIMEDOUT. Never returns 0 spuriously only: callers loop on their
 * condition.
 */
int task_wait(struct task *t, struct waitq *q, uint64_t deadline_ns);
/* Same on several queues; masks may be NULL. */
int task_wait_many(struct task *t, struct waitq **qs, int n, uint64_t deadline_ns);
/* Only a fatal signal interrupts: -EINTR. */
int task_wait_killable(struct task *t, struct waitq *q);
/* A fatal signal or the sandbox's freezing: -EINTR. */
int task_wait_freezable(struct task *t, struct waitq *q);

#endif
