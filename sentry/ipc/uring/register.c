/* io_uring_register(2): an eventfd, restrictions, personalities, the probe. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ipc/eventfd.h"
#include "sentry/ipc/uring/uring_internal.h"
#include "sentry/kernel/cred.h"

static long set_eventfd(struct task *t, struct uring *u, uint64_t arg, uint32_t n, bool async)
{
    int fd;

    if (n != 1)
        return -EINVAL;
    if (u->eventfd)
        return -EBUSY;
    if (get_user(t, &fd, arg))
        return -EFAULT;
    cleanup_file struct file *f = fd_get(t, fd);
    if (!f)
        return -EBADF;
    if (!is_eventfd(f))
        return -EINVAL;
    u->eventfd = file_get(f);
    u->eventfd_async = async;
    return 0;
}

static long probe(struct task *t, uint64_t arg, uint32_t n)
{
    union {
        struct io_uring_probe head;
        char room[sizeof(struct io_uring_probe) + 256 * sizeof(struct io_uring_probe_op)];
    } p;
    size_t len;

    if (n > 256)
        return -EINVAL;
    n = MIN(n, (uint32_t)URING_OP_LAST);
    len = sizeof(p.head) + n * sizeof(p.head.ops[0]);
    if (copy_in(t, &p, arg, len))
        return -EFAULT;
    for (size_t i = 0; i < len; i++)
        if (p.room[i])
            return -EINVAL;
    p.head.last_op = URING_OP_LAST - 1;
    p.head.ops_len = (uint8_t)n;
    for (uint32_t i = 0; i < n; i++) {
        p.head.ops[i].op = (uint8_t)i;
        p.head.ops[i].flags = uring_op(i) ? IO_URING_OP_SUPPORTED : 0;
    }
    return copy_out(t, arg, &p, len);
}

static long enable(struct task *t, struct uring *u)
{
    if (!u->disabled)
        return -EBADFD;
    if ((u->setup & IORING_SETUP_SINGLE_ISSUER) && !u->issuer)
        u->issuer = t->tid;
    u->limits.on = u->limits.set;
    u->disabled = false;
    return 0;
}

/* --- IORING_REGISTER_RESTRICTIONS: what an enabled ring may be used for --- */
static int restrict_one(struct uring_limits *l, const struct io_uring_restriction *r)
{
    switch (r->opcode) {
    case IORING_RESTRICTION_REGISTER_OP:
        if (r->register_op >= URING_REGISTER_LAST)
            return -EINVAL;
        l->registers |= 1ULL << r->register_op;
        return 0;
    case IORING_RESTRICTION_SQE_OP:
        if (r->sqe_op >= URING_OP_LAST)
            return -EINVAL;
        l->ops |= 1ULL << r->sqe_op;
        return 0;
    case IORING_RESTRICTION_SQE_FLAGS_ALLOWED:
        l->flags_allowed = r->sqe_flags;
        return 0;
    case IORING_RESTRICTION_SQE_FLAGS_REQUIRED:
        l->flags_required = r->sqe_flags;
        return 0;
    default:
        return -EINVAL;
    }
}

static long restrict_ring(struct task *t, struct uring *u, uint64_t arg, uint32_t n)
{
    struct uring_limits l = {.set = true};

    if (!u->disabled)
        return -EBADFD;
    if (u->limits.set)
        return -EBUSY;
    if (!arg || n > IORING_RESTRICTION_LAST + URING_REGISTER_LAST + URING_OP_LAST)
        return -EINVAL;
    for (uint32_t i = 0; i < n; i++) {
        struct io_uring_restriction r;
        if (get_user(t, &r, arg + i * sizeof(r)))
            return -EFAULT;
        int err = restrict_one(&l, &r);
        if (err)
            return err;
    }
    u->limits = l;
    return 0;
}

/* --- personalities: requests with the rights that a task had --- */
static struct uring_personality *slot_of(struct uring *u, uint32_t id)
{
    for (size_t i = 0; i < URING_PERSONALITIES_MAX; i++)
        if (u->personalities[i].id == id)
            return &u->personalities[i];
    return NULL;
}

struct cred *uring_personality(struct uring *u, uint32_t id)
{
    const struct uring_personality *p = id ? slot_of(u, id) : NULL;

    return p ? p->cred : NULL;
}

/* Numbers are those after the last one given: xa_alloc_cyclic(). */
static long add_personality(struct task *t, struct uring *u)
{
    struct uring_personality *p = slot_of(u, 0);

    if (!p)
        return -ENOMEM;
    do {
        u->last_personality = u->last_personality == UINT16_MAX ? 1 : u->last_personality + 1;
    } while (slot_of(u, u->last_personality));
    *p = (struct uring_personality){u->last_personality, cred_get(t->cred)};
    return p->id;
}

static long drop_personality(struct uring *u, uint32_t id)
{
    struct uring_personality *p = id ? slot_of(u, id) : NULL;

    if (!p)
        return -EINVAL;
    cred_put(p->cred);
    *p = (struct uring_personality){0};
    return 0;
}

/* The threads that Linux has for requests that sleep, and we have not: how many is of no matter. */
static long max_workers(struct task *t, uint64_t arg, uint32_t n)
{
    uint32_t v[2];

    if (!arg || n != 2)
        return -EINVAL;
    if (get_user(t, &v, arg))
        return -EFAULT;
    if (v[0] > INT32_MAX || v[1] > INT32_MAX)
        return -EINVAL;
    memset(v, 0, sizeof(v));
    return put_user(t, &v, arg) ? -EFAULT : 0;
}

static void drop_eventfd(struct uring *u)
{
    if (u->eventfd)
        file_put(u->eventfd);
    u->eventfd = NULL;
}

void uring_unregister_all(struct uring *u)
{
    rsrc_drop_all(u, &u->files);
    rsrc_drop_all(u, &u->bufs);
    kbuf_drop_all(u);
    drop_eventfd(u);
    for (size_t i = 0; i < URING_PERSONALITIES_MAX; i++)
        (void)drop_personality(u, u->personalities[i].id);
}

long uring_register(struct task *t, struct uring *u, unsigned int op, uint64_t arg, uint32_t n)
{
    if (rsrc_registers(op))
        return rsrc_register(t, u, op, arg, n);
    switch (op) {
    case IORING_REGISTER_EVENTFD:
    case IORING_REGISTER_EVENTFD_ASYNC:
        return set_eventfd(t, u, arg, n, op == IORING_REGISTER_EVENTFD_ASYNC);
    case IORING_UNREGISTER_EVENTFD:
        if (arg || n)
            return -EINVAL;
        if (!u->eventfd)
            return -ENXIO;
        drop_eventfd(u);
        return 0;
    case IORING_REGISTER_PROBE:
        return !arg ? -EINVAL : probe(t, arg, n);
    case IORING_REGISTER_PERSONALITY:
        return arg || n ? -EINVAL : add_personality(t, u);
    case IORING_UNREGISTER_PERSONALITY:
        return arg ? -EINVAL : drop_personality(u, n);
    case IORING_REGISTER_ENABLE_RINGS:
        return arg || n ? -EINVAL : enable(t, u);
    case IORING_REGISTER_RESTRICTIONS:
        return restrict_ring(t, u, arg, n);
    case IORING_REGISTER_IOWQ_MAX_WORKERS:
        return max_workers(t, arg, n);
    case IORING_REGISTER_RING_FDS:
    case IORING_UNREGISTER_RING_FDS:
        return uring_ringfds(t, arg, n, op == IORING_REGISTER_RING_FDS);
    case IORING_REGISTER_PBUF_RING:
        return kbuf_ring_register(t, u, arg, n);
    case IORING_UNREGISTER_PBUF_RING:
        return kbuf_ring_unregister(t, u, arg, n);
    case URING_REGISTER_PBUF_STATUS:
        return kbuf_ring_status(t, u, arg, n);
    case IORING_REGISTER_SYNC_CANCEL:
        return uring_sync_cancel(t, u, arg, n);
    default:
        explain_missing("io_uring", "io_uring_register operation %u", op);
        return -EINVAL;
    }
}
