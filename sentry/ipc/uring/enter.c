/* io_uring_enter(2) and io_uring_register(2): taking entries off a ring, waiting for completions.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/ipc/poller.h"
#include "sentry/ipc/uring/uring_internal.h"
#include "sentry/kernel/explain.h"
#include "sentry/kernel/fiber.h"
#include "sentry/time/clock.h"

#define ENTER_KNOWN                                                                                \
    (IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP | IORING_ENTER_SQ_WAIT |                      \
     IORING_ENTER_EXT_ARG | IORING_ENTER_REGISTERED_RING | URING_ENTER_ABS_TIMER |                 \
     URING_ENTER_NO_IOWAIT)
#define SQE_FLAGS                                                                                  \
    (IOSQE_FIXED_FILE | IOSQE_IO_LINK | IOSQE_IO_HARDLINK | IOSQE_ASYNC | IOSQE_IO_DRAIN |         \
     IOSQE_BUFFER_SELECT | IOSQE_CQE_SKIP_SUCCESS)
#define BATCH 64 /* entries between which others run */

/* --- submission --- */
static bool next_sqe(struct uring *u, struct io_uring_sqe *sqe)
{
    uint32_t i = u->sq_head & (u->sq_entries - 1);

    if (u->array)
        i = __atomic_load_n(&u->array[i], __ATOMIC_RELAXED);
    u->sq_head++;
    __atomic_store_n(&u->shared->sq_head, u->sq_head, __ATOMIC_RELEASE);
    if (i >= u->sq_entries) {
        __atomic_fetch_add(&u->shared->sq_dropped, 1, __ATOMIC_RELAXED);
        return false;
    }
    memcpy(sqe, u->sqes + (size_t)i * u->sqe_size, sizeof(*sqe));
    __asm__ volatile("" ::: "memory"); /* what follows is about the copy */
    return true;
}

static bool allowed(const struct uring_limits *l, const struct io_uring_sqe *s)
{
    return !l->on ||
           ((l->ops >> s->opcode & 1) && (s->flags & l->flags_required) == l->flags_required &&
            !(s->flags & ~(l->flags_allowed | l->flags_required)));
}

/* io_init_req(): what is wrong with the entry itself. */
static int check_sqe(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    struct uring *u = r->ring;

    r->op = uring_op(s->opcode);
    if ((s->flags & ~SQE_FLAGS) || !r->op) {
        explain_missing("io_uring", "operation %u, flags 0x%x", s->opcode, s->flags);
        return -EINVAL;
    }
    if ((s->flags & IOSQE_BUFFER_SELECT) && !(r->op->flags & UOP_SELECT))
        return -EOPNOTSUPP;
    if (!allowed(&u->limits, s))
        return -EACCES;
    if (s->ioprio && !(r->op->flags & UOP_IOPRIO))
        return -EINVAL;
    if (s->personality) {
        struct cred *cred = uring_personality(u, s->personality);
        if (!cred)
            return -EINVAL;
        r->cred = cred_get(cred);
    }
    return r->op->prep ? r->op->prep(r) : 0;
}

struct chain {
    struct uring_req *first, *last;
    bool wrong, drain;
};

/* A time limit limits what is before it, which must not be one. */
static int check_limit(const struct chain *c, const struct uring_req *r)
{
    if (r->sqe.opcode != IORING_OP_LINK_TIMEOUT || !r->op)
        return 0;
    return c->last && c->last->sqe.opcode != IORING_OP_LINK_TIMEOUT ? 0 : -EINVAL;
}

/* Is the entry all right? */
static bool chain_add(struct chain *c, struct uring_req *r)
{
    int err = check_sqe(r);

    if (!err)
        err = check_limit(c, r);
    r->res = err;
    c->wrong |= err != 0;
    c->drain |= r->sqe.flags & IOSQE_IO_DRAIN;
    if (c->last)
        c->last->link = r;
    else
        c->first = r;
    c->last = r;
    return !err;
}

/* Those that are wrong end with what is wrong, the others are cancelled. */
static void chain_fail(struct chain *c)
{
    for (struct uring_req *r = c->first, *next; r; r = next) {
        next = r->link;
        r->link = NULL;
        uring_req_complete(r, r->res ? r->res : -ECANCELED);
    }
}

/* Takes a chain of linked entries off the ring: how many. stop: what follows is not submitted. */
static uint32_t submit_chain(struct task *t, struct uring *u, uint32_t max, bool *stop)
{
    struct chain c = {0};
    uint32_t n = 0;
    bool more = true;

    while (more && n < max) {
        struct io_uring_sqe sqe;
        n++;
        if (!next_sqe(u, &sqe))
            break;
        more = sqe.flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK);
        struct uring_req *r = uring_req_new(u, t, &sqe);
        if (!r) {
            uring_post(u, &(struct uring_cqe){.user_data = sqe.user_data, .res = -ENOMEM});
            break;
        }
        /* Nothing behind a wrong entry is taken, but what is linked to it. */
        if (!chain_add(&c, r) && !more)
            *stop = !(u->setup & IORING_SETUP_SUBMIT_ALL);
    }
    if (!c.first)
        return n;
    if (c.wrong)
        chain_fail(&c);
    else if (c.drain || !list_empty(&u->held))
        uring_chain_hold(c.first);
    else
        uring_req_start(c.first);
    return n;
}

/* Is it only in calls for completions that requests go on? */
static bool deferred(const struct uring *u)
{
    return u->setup & IORING_SETUP_DEFER_TASKRUN;
}

static long submit(struct task *t, struct uring *u, uint32_t to_submit, bool run)
{
    uint32_t tail = __atomic_load_n(&u->shared->sq_tail, __ATOMIC_ACQUIRE), done = 0, batch = 0;
    bool stop = false;

    to_submit = MIN(MIN(to_submit, tail - u->sq_head), u->sq_entries);
    while (done < to_submit && !stop && !task_fatal_pending(t)) {
        uint32_t n = submit_chain(t, u, to_submit - done, &stop);
        done += n;
        batch += n;
        if (run || !deferred(u))
            uring_run_ready(u, t);
        if (batch >= BATCH) {
            batch = 0;
            fiber_yield();
        }
    }
    return done;
}

/* --- waiting --- */
struct enter_wait {
    uint64_t mask, mask_size, deadline;
};

static int get_wait(struct task *t, const struct sysargs *a, struct enter_wait *w)
{
    struct io_uring_getevents_arg arg;
    struct timespec ts;

    *w = (struct enter_wait){arg_u64(a, 4), arg_u64(a, 5), NO_DEADLINE};
    if (!(arg_u32(a, 3) & IORING_ENTER_EXT_ARG))
        return 0;
    if (arg_u64(a, 5) != sizeof(arg))
        return -EINVAL;
    if (get_user(t, &arg, arg_u64(a, 4)))
        return -EFAULT;
    if (arg.pad) /* a shortest wait: IORING_FEAT_MIN_TIMEOUT is not offered */
        return -EINVAL;
    w->mask = arg.sigmask;
    w->mask_size = arg.sigmask_sz;
    if (!arg.ts)
        return 0;
    if (get_user(t, &ts, arg.ts))
        return -EFAULT;
    if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    w->deadline = clock_to_deadline(CLOCK_MONOTONIC, &ts, arg_u32(a, 3) & URING_ENTER_ABS_TIMER);
    return 0;
}

/* The sandbox freezes, and nothing else: the call goes on afterwards. */
static bool cut_by_freeze(struct task *t)
{
    return t->wait_cut && !task_signal_waiting(t);
}

static long wait_events(struct task *t, struct uring *u, uint32_t min, const struct enter_wait *w)
{
    if (!t->resuming)
        t->uring_timeouts = u->timeouts;
    for (;;) {
        uring_run_ready(u, t);
        uring_flush_overflow(u);
        /* A timeout ends the wait, too: io_should_wake(). */
        if (uring_cq_ready(u) >= min || u->timeouts != t->uring_timeouts)
            return 0;
        int err = task_wait(t, &u->wq, w->deadline);
        if (err == -ERESTARTSYS && cut_by_freeze(t))
            return -EINTR;
        if (err && uring_cq_ready(u)) /* less than asked for is no error */
            return 0;
        if (err)
            return err == -ETIMEDOUT ? -ETIME : -EINTR;
    }
}

static long get_events(struct task *t, struct uring *u, const struct sysargs *a)
{
    struct enter_wait w;
    int err = get_wait(t, a, &w);

    if (!err && w.mask)
        err = signal_set_temp_mask(t, w.mask, w.mask_size);
    if (err)
        return err;
    long r = wait_events(t, u, MIN(arg_u32(a, 2), u->cq_entries), &w);
    if (w.mask)
        poll_unmask(t, r == -EINTR);
    return r;
}

int uring_get(struct task *t, int fd, bool registered, struct file **out)
{
    if (registered) {
        if (!t->uring || (unsigned int)fd >= ARRAY_SIZE(t->uring->rings))
            return -EINVAL;
        struct file *f = t->uring->rings[fd];
        *out = f ? file_get(f) : NULL;
    } else {
        *out = fd_get(t, fd);
    }
    if (!*out)
        return -EBADF;
    return is_uring(*out) ? 0 : -EOPNOTSUPP;
}

long sys_io_uring_enter(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    uint32_t flags = arg_u32(a, 3);

    if (!uring_enabled())
        return -ENOSYS;
    if (flags & ~(uint32_t)ENTER_KNOWN)
        return -EINVAL;
    int err = uring_get(t, arg_i32(a, 0), flags & IORING_ENTER_REGISTERED_RING, &f);
    if (err)
        return err;
    struct uring *u = f->priv;
    if (u->disabled)
        return -EBADFD;
    if (u->issuer && u->issuer != t->tid)
        return -EEXIST;
    if (arg_u32(a, 1) && uring_task_use(t))
        return -ENOMEM;
    long done = submit(t, u, arg_u32(a, 1), flags & IORING_ENTER_GETEVENTS);
    if (!(flags & IORING_ENTER_GETEVENTS)) {
        uring_flush_overflow(u);
        return done;
    }
    long r = get_events(t, u, a);
    if (done && r == -EINTR && cut_by_freeze(t)) { /* what is submitted is not to be again */
        t->done_ago += (uint64_t)done;
        t->sys.arg[1] = arg_u32(a, 1) - (uint64_t)done;
        return r;
    }
    return done ? done : r;
}

/* --- rings by number --- */
int uring_task_use(struct task *t)
{
    if (!t->uring)
        t->uring = calloc(1, sizeof(*t->uring));
    return t->uring ? 0 : -ENOMEM;
}

bool uring_has_numbers(const struct task *t)
{
    for (size_t i = 0; t->uring && i < ARRAY_SIZE(t->uring->rings); i++)
        if (t->uring->rings[i])
            return true;
    return false;
}

static long ringfd_add(struct task *t, struct io_uring_rsrc_update *up)
{
    struct file **rings = t->uring->rings;
    uint32_t from = up->offset, to = from + 1;

    if (up->resv)
        return -EINVAL;
    if (from == UINT32_MAX) {
        from = 0;
        to = ARRAY_SIZE(t->uring->rings);
    } else if (from >= ARRAY_SIZE(t->uring->rings)) {
        return -EINVAL;
    }
    while (from < to && rings[from])
        from++;
    if (from == to)
        return -EBUSY;
    cleanup_file struct file *f = NULL;
    int err = uring_get(t, (int)up->data, false, &f);
    if (err)
        return err;
    rings[from] = file_get(f);
    up->offset = from;
    return 0;
}

static long ringfd_drop(struct task *t, const struct io_uring_rsrc_update *up)
{
    if (up->resv || up->data || up->offset >= ARRAY_SIZE(t->uring->rings))
        return -EINVAL;
    if (t->uring->rings[up->offset])
        file_put(t->uring->rings[up->offset]);
    t->uring->rings[up->offset] = NULL;
    return 0;
}

long uring_ringfds(struct task *t, uint64_t arg, uint32_t n, bool add)
{
    struct io_uring_rsrc_update up;
    long err = 0;
    uint32_t i;

    if (!n || n > ARRAY_SIZE(t->uring->rings))
        return -EINVAL;
    if (uring_task_use(t))
        return -ENOMEM;
    for (i = 0; i < n && !err; i++) {
        uint64_t at = arg + i * sizeof(up);
        if (get_user(t, &up, at))
            err = -EFAULT;
        else
            err = add ? ringfd_add(t, &up) : ringfd_drop(t, &up);
        if (!err && add && put_user(t, &up, at)) {
            file_put(t->uring->rings[up.offset]);
            t->uring->rings[up.offset] = NULL;
            err = -EFAULT;
        }
        if (err)
            break;
    }
    return i ? (long)i : err;
}

static void ringfds_drop_all(struct task *t)
{
    struct uring_task *own = t->uring;

    t->uring = NULL;
    for (size_t i = 0; own && i < ARRAY_SIZE(own->rings); i++)
        if (own->rings[i])
            file_put(own->rings[i]);
    free(own);
}

void uring_task_gone(struct task *t, bool exec)
{
    ringfds_drop_all(t);
    uring_task_cancel(t, exec);
}

long sys_io_uring_register(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    uint32_t op = arg_u32(a, 1) & ~URING_REGISTER_USE_REGISTERED_RING;

    if (!uring_enabled())
        return -ENOSYS;
    /* The operation comes before the descriptor; of those that go without one there is none. */
    if (op >= URING_REGISTER_LAST || arg_i32(a, 0) == -1)
        return -EINVAL;
    int err = uring_get(t, arg_i32(a, 0), arg_u32(a, 1) & URING_REGISTER_USE_REGISTERED_RING, &f);
    if (err)
        return err;
    const struct uring *u = f->priv;
    if (u->issuer && u->issuer != t->tid)
        return -EEXIST;
    if (u->limits.on && !(u->limits.registers >> op & 1))
        return -EACCES;
    return uring_register(t, f->priv, op, arg_u64(a, 2), arg_u32(a, 3));
}
