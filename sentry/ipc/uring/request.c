/*
 * The life of a request: started by its task, maybe asleep in its ring, completed once. Completing
 * may happen in the wake of a file's queue, where nothing may be freed that the queue belongs to:
 * requests let go of what they hold on the loop.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"
#include "sentry/ipc/uring/uring_internal.h"

static void req_free(struct ktimer *k)
{
    struct uring_req *r = container_of(k, struct uring_req, free_timer);

    if (r->file)
        file_put(r->file);
    task_put(r->task);
    uring_put(r->ring);
    free(r);
}

/* Of a linked time limit: what it limits is cancelled. */
static void timer_expired(struct ktimer *k)
{
    struct uring_req *r = container_of(k, struct uring_req, timer), *limited = r->limited;

    if (limited) {
        limited->limit = NULL;
        r->limited = NULL;
        uring_req_complete(limited, -ECANCELED);
    }
    uring_req_complete(r, -ETIME);
}

struct uring_req *uring_req_new(struct uring *u, struct task *t, const struct io_uring_sqe *sqe)
{
    struct uring_req *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->sqe = *sqe;
    r->ring = u;
    u->refs++;
    u->nreqs++;
    r->task = task_get(t);
    r->target = UINT64_MAX;
    list_init(&r->node);
    ktimer_init(&r->timer, timer_expired);
    ktimer_init(&r->free_timer, req_free);
    return r;
}

static void make_ready(struct uring_req *r)
{
    struct uring *u = r->ring;

    list_del(&r->node);
    list_add_tail(&u->ready, &r->node);
    r->events = 0;
    r->task->uring_work = true;
    waitq_wake_all(&u->wq);
    task_kick(r->task);
}

static void unarm(struct uring_req *r)
{
    for (int i = 0; i < r->nwaiters; i++)
        waitq_del(&r->waiters[i].w);
    r->nwaiters = 0;
    r->armed = false;
    ktimer_cancel(&r->timer);
}

/* A completion wakes what waits for the ring or its eventfd: of those, the task completes. */
static void file_ready(struct uring_req *r, uint32_t now)
{
    static bool completing;

    unarm(r);
    if (r->sqe.opcode == IORING_OP_POLL_ADD && !completing) {
        completing = true;
        uring_req_complete(r, (long)now);
        completing = false;
    } else {
        make_ready(r);
    }
}

static void woken(struct waiter *w, uint32_t events)
{
    struct uring_req *r = container_of(w, struct uring_waiter, w)->r;
    uint32_t now = file_poll(r->file, NULL) & r->events;

    if (now)
        file_ready(r, now);
}

static void add_waiter(struct poll_table *pt, struct waitq *q)
{
    struct uring_req *r = container_of(pt, struct uring_req, pt);

    if (r->nwaiters == URING_QUEUES_MAX)
        return;
    struct uring_waiter *uw = &r->waiters[r->nwaiters++];
    *uw = (struct uring_waiter){.w = {.mask = ~0U, .wake = woken}, .r = r};
    waitq_add(q, &uw->w);
}

void uring_req_wait(struct uring_req *r, uint32_t events, bool look)
{
    list_del(&r->node);
    list_add_tail(&r->ring->pending, &r->node);
    r->events = events;
    if (!events)
        return;
    r->events |= EPOLLERR | EPOLLHUP;
    r->armed = true;
    r->pt.add = add_waiter;
    uint32_t now = file_poll(r->file, &r->pt) & r->events;
    if (now && look)
        file_ready(r, now);
}

static bool breaks_chain(const struct uring_req *r, long res)
{
    return (res < 0 || (r->want && res != r->want)) && !(r->sqe.flags & IOSQE_IO_HARDLINK);
}

static bool drains(const struct uring_req *first)
{
    for (; first; first = first->link)
        if (first->sqe.flags & IOSQE_IO_DRAIN)
            return true;
    return false;
}

/* When all others are done the first chain starts, and those behind it that wait for no others. */
static void release_held(struct uring *u)
{
    bool first = true;

    while (!list_empty(&u->held) && (!first || u->nreqs == u->nheld)) {
        struct uring_req *head = list_first(&u->held, struct uring_req, node);
        if (!first && drains(head))
            break;
        bool drained = drains(head);
        for (struct uring_req *r = head; r; r = r->link) {
            r->held = false;
            u->nheld--;
        }
        make_ready(head);
        first = false;
        if (drained)
            break;
    }
}

static void finish(struct uring_req *r, long res)
{
    struct uring *u = r->ring;

    r->done = true;
    unarm(r);
    list_del(&r->node);
    list_init(&r->node);
    if (!u->dead && !((r->sqe.flags & IOSQE_CQE_SKIP_SUCCESS) && res >= 0)) {
        uring_post(u, r->sqe.user_data, (int)res);
        if (r->sqe.opcode == IORING_OP_TIMEOUT) { /* they wait for completions of others */
            u->posted--;
            u->timeouts++;
        }
    }
    u->nreqs--;
    if (r->held) {
        r->held = false;
        u->nheld--;
    }
    ktimer_arm(&r->free_timer, 1);
}

void uring_chain_hold(struct uring_req *first)
{
    struct uring *u = first->ring;

    for (struct uring_req *r = first; r; r = r->link) {
        r->held = true;
        u->nheld++;
    }
    list_add_tail(&u->held, &first->node);
    release_held(u);
}

/* The request ends, and what is linked to it starts or ends. */
static void complete(struct uring_req *r, long res)
{
    struct uring *u = r->ring;
    struct uring_req *next = r->link;
    bool cancel = breaks_chain(r, res);

    if (r->done)
        return;
    r->link = NULL;
    finish(r, res);
    if (r->limited) /* cancelled by itself: what it limited has no limit any more */
        r->limited->limit = NULL;
    r->limited = NULL;
    if (r->limit) {
        r->limit->limited = NULL;
        finish(r->limit, -ECANCELED);
        r->limit = NULL;
    }
    while (next && (cancel || u->dead)) {
        struct uring_req *after = next->link;
        next->link = NULL;
        finish(next, -ECANCELED);
        next = after;
    }
    if (next)
        make_ready(next);
    release_held(u);
}

void uring_timeouts_check(struct uring *u)
{
    struct uring_req *r;
    bool again = true;

    while (again) {
        again = false;
        list_for_each(r, &u->pending, node) {
            if (u->posted >= r->target) {
                complete(r, 0);
                again = true;
                break;
            }
        }
    }
}

void uring_req_complete(struct uring_req *r, long res)
{
    struct uring *u = r->ring;

    complete(r, res);
    uring_timeouts_check(u);
}

/* A time limit that follows: it begins now, and what is linked to it follows r. */
static int begin_limit(struct uring_req *r, uint64_t *deadline)
{
    struct uring_req *l = r->link;

    if (r->limit || !l || l->sqe.opcode != IORING_OP_LINK_TIMEOUT)
        return 0;
    int err = uring_deadline(l, l->sqe.timeout_flags & IORING_TIMEOUT_ABS, deadline);
    if (err || l->sqe.ioprio || l->sqe.off || l->sqe.buf_index || l->sqe.len != 1 ||
        l->sqe.timeout_flags & ~(uint32_t)IORING_TIMEOUT_ABS)
        return err ? err : -EINVAL;
    r->link = l->link;
    l->link = NULL;
    r->limit = l;
    l->limited = r;
    return 0;
}

void uring_req_start(struct uring_req *r)
{
    uint64_t deadline = 0;
    int err = begin_limit(r, &deadline);
    long res = err ? -ECANCELED : uring_op(r);

    if (err) { /* the limit is what is wrong */
        struct uring_req *l = r->link;
        r->link = NULL;
        uring_req_complete(r, res);
        uring_req_complete(l, err);
        return;
    }
    if (res == URING_WAITS && !r->done && r->limit && deadline)
        ktimer_arm(&r->limit->timer, deadline);
    if (res == URING_WAITS || r->done)
        return;
    if (res <= -ERESTARTSYS && res >= -ERESTART_RESTARTBLOCK)
        res = -EINTR;
    uring_req_complete(r, res);
}

struct uring_req *uring_find(struct uring *u, uint64_t user_data, int op)
{
    struct list *const lists[] = {&u->pending, &u->ready, &u->held};
    struct uring_req *r;

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        list_for_each(r, lists[i], node) {
            if (r->sqe.user_data == user_data && (op < 0 || r->sqe.opcode == op))
                return r;
        }
    return NULL;
}

static struct uring_req *first_of(struct uring *u, const struct task *t)
{
    struct list *const lists[] = {&u->pending, &u->ready, &u->held};
    struct uring_req *r;

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        list_for_each(r, lists[i], node) {
            if (!t || r->task == t)
                return r;
        }
    return NULL;
}

void uring_cancel_all(struct uring *u, const struct task *t)
{
    struct uring_req *r;

    while ((r = first_of(u, t)))
        uring_req_complete(r, -ECANCELED);
}

void uring_run_ready(struct uring *u, struct task *t)
{
    struct uring_req *r;
    bool found = true;

    u->refs++;
    while (found && !task_signal_pending(t)) {
        found = false;
        list_for_each(r, &u->ready, node) {
            if (r->task != t)
                continue;
            list_del(&r->node);
            list_init(&r->node);
            uring_req_start(r);
            found = true;
            break;
        }
    }
    uring_put(u);
}

static bool has_ready(const struct uring *u, const struct task *t)
{
    const struct uring_req *r;

    list_for_each(r, &u->ready, node) {
        if (r->task == t)
            return true;
    }
    return false;
}

static struct uring *ring_with_work(const struct task *t)
{
    struct uring *u;

    list_for_each(u, &urings, ring_node) {
        if (has_ready(u, t))
            return u;
    }
    return NULL;
}

void uring_run_work(struct task *t)
{
    struct uring *u;

    t->in_uring = true;
    while ((u = ring_with_work(t)) && !task_signal_pending(t))
        uring_run_ready(u, t);
    t->in_uring = false;
    t->uring_work = ring_with_work(t) != NULL;
}

void uring_task_exit(struct task *t)
{
    struct uring *u;

    list_for_each(u, &urings, ring_node)
        uring_cancel_all(u, t);
    t->uring_work = false;
}
