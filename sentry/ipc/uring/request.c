/*
 * The life of a request: started by its task, maybe asleep in its ring, completed once. Completing
 * may happen in the wake of a file's queue, where nothing may be freed that the queue belongs to:
 * requests let go of what they hold on the loop.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"
#include "sentry/ipc/uring/uring_internal.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/freeze.h"

#define BATCH 64            /* requests between which other tasks run */
#define ALL_REQS_MAX 262144 /* of all rings */
#define VECTORS_MAX (16UL << 20)
#define ALL_VECTORS_MAX (64UL << 20)

static unsigned int nreqs_all;
static size_t vector_bytes_all;

static void req_free(struct ktimer *k)
{
    struct uring_req *r = container_of(k, struct uring_req, free_timer);

    if (r->file)
        file_put(r->file);
    if (r->from)
        file_put(r->from);
    if (r->rsrc)
        rsrc_put(r->ring, r->rsrc);
    if (r->buf)
        rsrc_put(r->ring, r->buf);
    kbuf_recycle(r);
    if (r->uio)
        uio_done(r->uio);
    free(r->uio);
    uring_msg_free(r->msg);
    if (r->cred)
        cred_put(r->cred);
    task_put(r->task);
    uring_put(r->ring);
    free(r);
    nreqs_all--;
}

int uring_req_charge(struct uring_req *r, const struct uio *vector)
{
    size_t n = vector->heap_iov ? (size_t)vector->iovcnt * sizeof(struct iovec) : 0;

    if (n > VECTORS_MAX - r->ring->vector_bytes || n > ALL_VECTORS_MAX - vector_bytes_all)
        return -ENOMEM;
    r->vector_bytes += n;
    r->ring->vector_bytes += n;
    vector_bytes_all += n;
    return 0;
}

static void timer_expired(struct ktimer *k)
{
    struct uring_req *r = container_of(k, struct uring_req, timer);

    if (r->has_res) /* of a task that is gone */
        uring_req_complete(r, r->res);
    else
        uring_timer_expired(r, false);
}

struct uring_req *uring_req_new(struct uring *u, struct task *t, const struct io_uring_sqe *sqe)
{
    bool room = u->nreqs < URING_REQS_MAX && nreqs_all < ALL_REQS_MAX;
    struct uring_req *r = room ? calloc(1, sizeof(*r)) : NULL;

    if (!r)
        return NULL;
    r->sqe = *sqe;
    r->ring = u;
    u->refs++;
    u->nreqs++;
    nreqs_all++;
    r->task = task_get(t);
    r->target = UINT64_MAX;
    r->drain = sqe->flags & IOSQE_IO_DRAIN;
    list_init(&r->node);
    list_init(&r->bucket);
    ktimer_init(&r->timer, timer_expired);
    ktimer_init(&r->free_timer, req_free);
    return r;
}

static void move_to(struct uring_req *r, struct list *l)
{
    list_del(&r->node);
    list_add_tail(l, &r->node);
}

/* Its task goes on with it; if that is gone it ends, soon: this may be the wake of a queue. */
static void make_ready(struct uring_req *r)
{
    struct uring *u = r->ring;

    r->events = 0;
    if (!r->task->fds) {
        r->has_res = true;
        r->res = r->begun ? -ECANCELED : -EFAULT;
        move_to(r, &u->pending);
        ktimer_arm(&r->timer, 1);
        return;
    }
    bool first = list_empty(&u->ready);
    move_to(r, &u->ready);
    uring_tell_work(u, first);
    if (u->setup & IORING_SETUP_DEFER_TASKRUN)
        return;
    r->task->uring_work = true;
    task_kick(r->task);
}

void uring_req_again(struct uring_req *r)
{
    make_ready(r);
}

static void unarm(struct uring_req *r)
{
    for (int i = 0; i < r->nwaiters; i++)
        waitq_del(&r->waiters[i].w);
    r->nwaiters = 0;
    r->armed = false;
    ktimer_cancel(&r->timer);
}

void uring_req_doom(struct uring_req *r)
{
    unarm(r);
    r->has_res = true;
    r->res = -ECANCELED;
    make_ready(r);
}

/*
 * A poll is complete when its file is ready. Not so where a completion is just being told: it wakes
 * what waits for the ring or its eventfd; of those, the task completes, and of rings whose issuer
 * has to call for it.
 */
static void file_ready(struct uring_req *r, uint32_t now)
{
    static bool completing;

    if (r->sqe.opcode != IORING_OP_POLL_ADD || completing || !r->task->fds ||
        (r->ring->setup & IORING_SETUP_DEFER_TASKRUN)) {
        unarm(r);
        make_ready(r);
        return;
    }
    completing = true;
    if (!r->multishot || !uring_req_more(r, (long)now)) {
        unarm(r);
        uring_req_complete(r, (long)now);
    }
    completing = false;
}

static void woken(struct waiter *w, uint32_t events)
{
    struct uring_req *r = container_of(w, struct uring_waiter, w)->r;
    uint32_t now = file_poll(r->watched, NULL) & r->events;

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

void uring_req_wait(struct uring_req *r, struct file *f, uint32_t events, bool look)
{
    unarm(r);
    move_to(r, r->target != UINT64_MAX ? &r->ring->counting : &r->ring->pending);
    r->events = events;
    r->watched = f;
    r->waited = true;
    if (!events)
        return;
    r->events |= EPOLLERR | EPOLLHUP;
    r->armed = true;
    r->pt.add = add_waiter;
    uint32_t now = file_poll(f, &r->pt) & r->events;
    if (now && look)
        file_ready(r, now);
}

static bool breaks_chain(const struct uring_req *r, long res)
{
    if (r->sqe.flags & IOSQE_IO_HARDLINK)
        return false;
    if (res == -ETIME && r->sqe.opcode == IORING_OP_TIMEOUT)
        return !(r->sqe.timeout_flags & IORING_TIMEOUT_ETIME_SUCCESS);
    return res < 0 || (r->want && res != r->want);
}

static bool drains(const struct uring_req *first)
{
    for (; first; first = first->link)
        if (first->drain)
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

static struct uring_cqe cqe_of(const struct uring_req *r, long res, uint32_t flags)
{
    return (struct uring_cqe){
        r->sqe.user_data, (int)res, r->cflags | flags, {r->extra[0], r->extra[1]}};
}

/* What is ready late goes on in the task, there too. */
static bool as_thread(const struct uring_req *r)
{
    return r->begun &&
           ((r->op->flags & UOP_THREAD) || ((r->sqe.flags & IOSQE_ASYNC) && !r->waited));
}

static void finish(struct uring_req *r, long res, bool silent)
{
    struct uring *u = r->ring;

    r->done = true;
    unarm(r);
    list_del(&r->node);
    list_init(&r->node);
    list_del(&r->bucket);
    list_init(&r->bucket);
    if (!u->dead && !silent) {
        const struct uring_cqe c = cqe_of(r, res, 0);
        u->as_thread = as_thread(r);
        uring_post(u, &c);
        u->as_thread = false;
        if (r->sqe.opcode == IORING_OP_TIMEOUT) { /* they wait for completions of others */
            u->posted--;
            u->timeouts++;
        }
    }
    u->nreqs--;
    u->vector_bytes -= r->vector_bytes;
    vector_bytes_all -= r->vector_bytes;
    if (r->held) {
        r->held = false;
        u->nheld--;
    }
    if (!r->runs) /* or else its task is in the middle of it, and lets it go */
        ktimer_arm(&r->free_timer, 1);
}

bool uring_req_more(struct uring_req *r, long res)
{
    const struct uring_cqe c = cqe_of(r, res, IORING_CQE_F_MORE);
    bool posted = !r->ring->dead && uring_post_if_room(r->ring, &c);

    if (posted && r->sqe.opcode == IORING_OP_TIMEOUT) {
        r->ring->posted--;
        r->ring->timeouts++;
    }
    r->cflags = posted ? 0 : r->cflags;
    if (posted)
        uring_timeouts_check(r->ring);
    return posted && !r->done;
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

/* What follows a failure is cancelled; without a word if that is how the failed one succeeds. */
static void cancel_links(const struct uring_req *failed, struct uring_req *next)
{
    bool silent = failed->sqe.flags & IOSQE_CQE_SKIP_SUCCESS;

    while (next) {
        struct uring_req *after = next->link;
        next->link = NULL;
        finish(next, -ECANCELED, silent);
        next = after;
    }
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
    /* A time limit that runs out does what it is for. */
    bool fine = res >= 0 || (res == -ETIME && r->sqe.opcode == IORING_OP_LINK_TIMEOUT);
    finish(r, res, (r->sqe.flags & IOSQE_CQE_SKIP_SUCCESS) && fine);
    if (r->limited) /* cancelled by itself: what it limited has no limit any more */
        r->limited->limit = NULL;
    r->limited = NULL;
    if (r->limit) {
        r->limit->limited = NULL;
        /* It was not needed, which is no failure. */
        finish(r->limit, -ECANCELED, r->limit->sqe.flags & IOSQE_CQE_SKIP_SUCCESS);
        r->limit = NULL;
    }
    if (cancel || u->dead)
        cancel_links(r, next);
    else if (next)
        make_ready(next);
    release_held(u);
}

void uring_timeouts_check(struct uring *u)
{
    struct uring_req *r;
    bool again = true;

    while (again) {
        again = false;
        list_for_each(r, &u->counting, node) {
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
static void begin_limit(struct uring_req *r)
{
    struct uring_req *l = r->link;

    if (r->limit || !l || l->sqe.opcode != IORING_OP_LINK_TIMEOUT)
        return;
    r->link = l->link;
    l->link = NULL;
    r->limit = l;
    l->limited = r;
}

static int find_file(struct uring_req *r)
{
    if (r->file || !(r->op->flags & UOP_FILE))
        return 0;
    if (!(r->sqe.flags & IOSQE_FIXED_FILE)) {
        r->file = fd_get(r->task, r->sqe.fd);
        return r->file ? 0 : -EBADF;
    }
    r->rsrc = rsrc_get(&r->ring->files, (uint32_t)r->sqe.fd);
    if (!r->rsrc)
        return -EBADF;
    r->file = file_get(r->rsrc->file);
    return 0;
}

static long issue(struct uring_req *r)
{
    struct task *t = r->task;
    struct fd_detour *detour = t->fd_detour;
    struct cred *own = t->cred;
    int err = find_file(r);

    if (err)
        return err;
    t->fd_detour = NULL;
    if (r->cred)
        t->cred = r->cred;
    long res = r->op->issue(r);
    if (r->cred && t->cred == r->cred)
        t->cred = own;
    t->fd_detour = detour;
    return res;
}

static void start(struct uring_req *r)
{
    if (r->has_res) {
        r->has_res = false;
        if (r->res)
            uring_req_complete(r, r->res);
        else
            uring_timer_expired(r, true);
        return;
    }
    begin_limit(r);
    if (!r->begun)
        uring_req_rename(r, r->sqe.user_data);
    r->begun = r->runs = true;
    move_to(r, &r->ring->running);
    long res = issue(r);
    r->runs = false;
    if (r->done) {
        ktimer_arm(&r->free_timer, 1);
        return;
    }
    if (is_restart_code(res) && sandbox_freezing && !task_signal_waiting(r->task)) {
        make_ready(r); /* it begins again when the sandbox goes on */
        res = URING_WAITS;
    }
    if (res == URING_WAITS) {
        if (r->limit && !ktimer_armed(&r->limit->timer))
            ktimer_arm(&r->limit->timer, uring_deadline(r->limit));
        return;
    }
    uring_req_complete(r, is_restart_code(res) ? -EINTR : res);
}

/* Its time limits are not those of a call that it is made in, and that is made again. */
void uring_req_start(struct uring_req *r)
{
    struct task *t = r->task;
    bool resuming = t->resuming;

    t->resuming = false;
    start(r);
    t->resuming = resuming;
}

/* --- going on with them --- */
void uring_run_ready(struct uring *u, struct task *t)
{
    struct uring_req *r;
    bool found = true;
    unsigned int n = 0;

    u->refs++;
    if (u->setup & IORING_SETUP_TASKRUN_FLAG)
        __atomic_fetch_and(&u->shared->sq_flags, ~(uint32_t)IORING_SQ_TASKRUN, __ATOMIC_RELEASE);
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
        if (++n % BATCH == 0)
            fiber_yield();
    }
    uring_put(u);
}

static bool has_ready(const struct uring *u, const struct task *t)
{
    const struct uring_req *r;

    if (u->setup & IORING_SETUP_DEFER_TASKRUN)
        return false;
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
