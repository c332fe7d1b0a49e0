/* Wait queues and sleeping; see waitq.h. */
#include "sentry/kernel/waitq.h"

#include <errno.h>

#include "sentry/ipc/uring/uring.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/freeze.h"
#include "sentry/kernel/loop.h"
#include "sentry/kernel/rusage.h"
#include "sentry/kernel/task.h"

#define WAIT_MANY_MAX 16

void waitq_init(struct waitq *q)
{
    list_init(&q->waiters);
}

void change_made(struct change *c)
{
    c->count++;
    waitq_wake_all(&c->q);
}

void waitq_add(struct waitq *q, struct waiter *w)
{
    list_add_tail(&q->waiters, &w->node);
}

void waitq_add_first(struct waitq *q, struct waiter *w)
{
    list_add(&q->waiters, &w->node);
}

void waitq_del(struct waiter *w)
{
    if (w->node.next)
        list_del(&w->node);
}

/*
 * A wake callback may unlink its own waiter and any other: the walk goes over a private list from
 * which waiters unlink themselves just as well.
 */
static void wake_some(struct waitq *q, uint32_t events, bool one)
{
    struct list turn = LIST_INIT(turn);

    list_splice_tail(&turn, &q->waiters);
    while (!list_empty(&turn)) {
        struct waiter *w = list_first(&turn, struct waiter, node);
        list_del(&w->node);
        list_add_tail(&q->waiters, &w->node);
        if (w->mask & events) {
            w->wake(w, events);
            if (one)
                break;
        }
    }
    /* What was not visited keeps its place at the head. */
    if (!list_empty(&turn)) {
        list_splice_tail(&turn, &q->waiters);
        list_splice_tail(&q->waiters, &turn);
    }
}

void waitq_wake(struct waitq *q, uint32_t events)
{
    if (!list_empty(&q->waiters))
        wake_some(q, events, false);
}

void waitq_wake_one(struct waitq *q, uint32_t events)
{
    if (!list_empty(&q->waiters))
        wake_some(q, events, true);
}

void waitq_release(struct waitq *q)
{
    waitq_wake(q, ~0U);
    while (!list_empty(&q->waiters))
        list_del(q->waiters.next);
}

struct sleeper {
    struct fiber *fiber;
    bool woken, timed_out;
    struct ktimer timer;
};

struct sleep_waiter {
    struct waiter w;
    struct sleeper *s;
};

static void sleep_woken(struct waiter *w, uint32_t events)
{
    struct sleeper *s = container_of(w, struct sleep_waiter, w)->s;

    s->woken = true;
    fiber_wake(s->fiber);
}

static void sleep_expired(struct ktimer *k)
{
    struct sleeper *s = container_of(k, struct sleeper, timer);

    s->timed_out = true;
    fiber_wake(s->fiber);
}

enum sleep_mode { SLEEP_INTERRUPTIBLE, SLEEP_KILLABLE, SLEEP_FREEZABLE };

static bool must_wake(struct task *t, enum sleep_mode mode)
{
    if (mode == SLEEP_INTERRUPTIBLE)
        return task_signal_pending(t);
    return task_fatal_pending(t) || (mode == SLEEP_FREEZABLE && sandbox_freezing);
}

/* Requests of io_uring go on while their task sleeps in another call. */
static void run_uring(struct task *t)
{
    uint64_t deadline = t->kept_deadline_ns;
    struct waitq *on = t->sleeping_on;
    bool cut = t->wait_cut;

    t->state = TASK_RUNNING;
    uring_run_work(t);
    t->state = TASK_SLEEPING;
    t->kept_deadline_ns = deadline;
    t->sleeping_on = on;
    t->wait_cut = cut;
}

static int sleep_on(struct task *t, struct waitq **qs, int n, uint64_t deadline,
                    enum sleep_mode mode)
{
    struct sleeper s = {.fiber = fiber_current()};
    struct sleep_waiter sw[WAIT_MANY_MAX];

    t->kept_deadline_ns = deadline;
    t->wait_cut = sandbox_freezing;
    if (must_wake(t, mode))
        return mode == SLEEP_INTERRUPTIBLE ? -ERESTARTSYS : -EINTR;
    ktimer_init(&s.timer, sleep_expired);
    for (int i = 0; i < n; i++) {
        sw[i] = (struct sleep_waiter){.w = {.mask = ~0U, .wake = sleep_woken}, .s = &s};
        waitq_add(qs[i], &sw[i].w);
    }
    if (deadline != NO_DEADLINE)
        ktimer_arm(&s.timer, deadline);
    t->state = TASK_SLEEPING;
    t->nvcsw++;
    sandbox_totals.switches++;
    if (t->thr && platform->call_waits)
        platform->call_waits(t->thr);
    t->sleeping_on = n ? qs[0] : NULL;
    while (!s.woken && !s.timed_out && !must_wake(t, mode))
        if (unlikely(t->uring_work) && mode == SLEEP_INTERRUPTIBLE && !t->in_uring)
            run_uring(t);
        else
            fiber_park();
    t->state = TASK_RUNNING;
    t->sleeping_on = NULL;
    ktimer_cancel(&s.timer);
    for (int i = 0; i < n; i++)
        waitq_del(&sw[i].w);
    if (s.woken)
        return 0;
    if (s.timed_out)
        return -ETIMEDOUT;
    t->wait_cut = sandbox_freezing;
    return mode == SLEEP_INTERRUPTIBLE ? -ERESTARTSYS : -EINTR;
}

int task_wait(struct task *t, struct waitq *q, uint64_t deadline_ns)
{
    return sleep_on(t, &q, q ? 1 : 0, deadline_ns, SLEEP_INTERRUPTIBLE);
}

int task_wait_many(struct task *t, struct waitq **qs, int n, uint64_t deadline_ns)
{
    return n > WAIT_MANY_MAX ? -EINVAL : sleep_on(t, qs, n, deadline_ns, SLEEP_INTERRUPTIBLE);
}

int task_wait_killable(struct task *t, struct waitq *q)
{
    return sleep_on(t, &q, 1, NO_DEADLINE, SLEEP_KILLABLE);
}

int task_wait_freezable(struct task *t, struct waitq *q)
{
    return sleep_on(t, &q, 1, NO_DEADLINE, SLEEP_FREEZABLE);
}
