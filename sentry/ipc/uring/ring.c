/*
 * Rings: io_uring_setup(2), io_uring_enter(2).
 *
 * Head, tails and entries are in memory that the guest maps, too, and may change while we look:
 * each word is read once, entries are copied before they are looked at, and what we need to
 * remember (sizes, our own head and tail) is kept here. The memory is sealed against shrinking.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "sentry/fs/fs.h"
#include "sentry/ipc/eventfd.h"
#include "sentry/ipc/poller.h"
#include "sentry/ipc/uring/uring_internal.h"
#include "sentry/kernel/fiber.h"
#include "sentry/sandbox.h"

#define REGISTER_LAST 37 /* of Linux 6.18 */
#define SQ_MAX 32768
#define RINGS_MAX 256
#define SETUP_KNOWN                                                                                \
    (IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_R_DISABLED |                          \
     IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SINGLE_ISSUER)
#define ENTER_KNOWN (IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP | IORING_ENTER_EXT_ARG)
#define FEATURES                                                                                   \
    (IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE |                    \
     IORING_FEAT_RW_CUR_POS | IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG)
#define SQE_FLAGS                                                                                  \
    (IOSQE_FIXED_FILE | IOSQE_IO_LINK | IOSQE_IO_HARDLINK | IOSQE_ASYNC | IOSQE_IO_DRAIN |         \
     IOSQE_CQE_SKIP_SUCCESS)
#define BATCH 64 /* entries between which others run */

struct list urings = LIST_INIT(urings);
static unsigned int nrings;

/* --- completions --- */
uint32_t uring_cq_ready(const struct uring *u)
{
    uint32_t n = u->cq_tail - __atomic_load_n(&u->shared->cq_head, __ATOMIC_ACQUIRE);

    return MIN(n, u->cq_entries);
}

static bool put_cqe(struct uring *u, const struct io_uring_cqe *c)
{
    if (u->cq_tail - __atomic_load_n(&u->shared->cq_head, __ATOMIC_ACQUIRE) >= u->cq_entries)
        return false;
    u->cqes[u->cq_tail & (u->cq_entries - 1)] = *c;
    u->cq_tail++;
    __atomic_store_n(&u->shared->cq_tail, u->cq_tail, __ATOMIC_RELEASE);
    return true;
}

static bool keep(struct uring *u, const struct io_uring_cqe *c)
{
    if (u->noverflow == u->overflow_cap) {
        uint32_t cap = MAX(u->overflow_cap * 2, 64U);
        struct io_uring_cqe *v =
            cap <= URING_OVERFLOW_MAX ? reallocarray(u->overflow, cap, sizeof(*v)) : NULL;
        if (!v)
            return false;
        u->overflow = v;
        u->overflow_cap = cap;
    }
    u->overflow[u->noverflow++] = *c;
    __atomic_fetch_or(&u->shared->sq_flags, IORING_SQ_CQ_OVERFLOW, __ATOMIC_RELEASE);
    return true;
}

void uring_post(struct uring *u, uint64_t user_data, int res)
{
    const struct io_uring_cqe c = {.user_data = user_data, .res = res};

    u->posted++;
    if ((u->noverflow || !put_cqe(u, &c)) && !keep(u, &c))
        __atomic_fetch_add(&u->shared->cq_overflow, 1, __ATOMIC_RELAXED);
    if (u->eventfd &&
        !(__atomic_load_n(&u->shared->cq_flags, __ATOMIC_RELAXED) & IORING_CQ_EVENTFD_DISABLED))
        eventfd_signal(u->eventfd, 1);
    waitq_wake(&u->wq, EPOLLIN | EPOLLRDNORM);
}

void uring_flush_overflow(struct uring *u)
{
    uint32_t n = 0;

    while (n < u->noverflow && put_cqe(u, &u->overflow[n]))
        n++;
    if (!n)
        return;
    u->noverflow -= n;
    memmove(u->overflow, u->overflow + n, u->noverflow * sizeof(*u->overflow));
    if (!u->noverflow)
        __atomic_fetch_and(&u->shared->sq_flags, ~(uint32_t)IORING_SQ_CQ_OVERFLOW,
                           __ATOMIC_RELEASE);
}

/* --- the file --- */
void uring_put(struct uring *u)
{
    if (--u->refs)
        return;
    if (u->shared)
        munmap(u->shared, u->rings_len + u->sqes_len);
    if (u->mem)
        file_put(u->mem);
    list_del(&u->ring_node);
    free(u->overflow);
    free(u);
    nrings--;
}

static void ring_release(struct file *f)
{
    struct uring *u = f->priv;

    u->dead = true;
    uring_cancel_all(u, NULL);
    uring_unregister_all(u);
    waitq_release(&u->wq);
    uring_put(u);
}

static uint32_t ring_poll(struct file *f, struct poll_table *pt)
{
    const struct uring *u = f->priv;
    uint32_t tail = __atomic_load_n(&u->shared->sq_tail, __ATOMIC_ACQUIRE);

    poll_wait(pt, (struct waitq *)(uintptr_t)&u->wq);
    return (tail - u->sq_head < u->sq_entries ? EPOLLOUT | EPOLLWRNORM : 0) |
           (uring_cq_ready(u) || u->noverflow ? EPOLLIN | EPOLLRDNORM : 0);
}

static int ring_mmap(struct task *t, struct file *f, uint64_t off, uint64_t len, int prot,
                     int flags, int *host_fd, uint64_t *host_off)
{
    struct uring *u = f->priv;
    bool sqes = off == IORING_OFF_SQES;

    if ((off != IORING_OFF_SQ_RING && off != IORING_OFF_CQ_RING && !sqes) ||
        len > (sqes ? u->sqes_len : u->rings_len) || (flags & MAP_TYPE) == MAP_PRIVATE)
        return -EINVAL;
    int err = u->mem->ops->mmap(t, u->mem, 0, len, prot, flags, host_fd, host_off);
    *host_off = sqes ? u->rings_len : 0;
    return err;
}

/* io_uring_show_fdinfo() */
static void ring_fdinfo(struct file *f, struct strbuf *out)
{
    const struct uring *u = f->priv;
    const uint32_t sq_tail = u->shared->sq_tail, cq_head = u->shared->cq_head; /* the guest's */

    strbuf_printf(out,
                  "SqMask:\t0x%x\nSqHead:\t%u\nSqTail:\t%u\nCachedSqHead:\t%u\nCqMask:\t0x%x\n"
                  "CqHead:\t%u\nCqTail:\t%u\nCachedCqTail:\t%u\nSQEs:\t%u\nCQEs:\t%u\n",
                  u->sq_entries - 1, u->sq_head, sq_tail, u->sq_head, u->cq_entries - 1, cq_head,
                  u->cq_tail, u->cq_tail, sq_tail - u->sq_head, u->cq_tail - cq_head);
    for (uint32_t n = MIN(u->cq_tail - cq_head, u->cq_entries); n; n--) {
        const struct io_uring_cqe *c = &u->cqes[(u->cq_tail - n) & (u->cq_entries - 1)];
        strbuf_printf(out, "%5u: user_data:%llu, res:%d, flag:%x\n",
                      (u->cq_tail - n) & (u->cq_entries - 1), c->user_data, c->res, c->flags);
    }
    strbuf_printf(out,
                  "SqThread:\t-1\nSqThreadCpu:\t-1\nSqTotalTime:\t0\nSqWorkTime:\t0\n"
                  "UserFiles:\t%u\nUserBufs:\t%u\n",
                  u->nfiles, u->nbufs);
    for (uint32_t i = 0; i < u->nbufs; i++)
        strbuf_printf(out, "%5u: 0x%lx/%u\n", i, (unsigned long)(uintptr_t)u->bufs[i].iov_base,
                      (unsigned int)u->bufs[i].iov_len);
    strbuf_puts(out, "PollList:\n");
    const struct uring_req *r;
    list_for_each(r, &u->pending, node)
        strbuf_printf(out, "  op=%d, task_works=0\n", r->sqe.opcode);
    strbuf_puts(out, "CqOverflowList:\n");
    for (uint32_t i = 0; i < u->noverflow; i++)
        strbuf_printf(out, "  user_data=%llu, res=%d, flags=%x\n", u->overflow[i].user_data,
                      u->overflow[i].res, u->overflow[i].flags);
    strbuf_puts(out, "NAPI:\tdisabled\n");
}

static const struct file_ops ring_ops = {
    .kind = "[io_uring]",
    .fdinfo = ring_fdinfo,
    .poll = ring_poll,
    .mmap = ring_mmap,
    .release = ring_release,
    .no_seek = true,
};

bool is_uring(const struct file *f)
{
    return f->ops == &ring_ops;
}

/* --- setup --- */
static uint32_t power_of_two(uint32_t n)
{
    uint32_t p = 1;

    while (p < n)
        p *= 2;
    return p;
}

static int map_memory(struct uring *u)
{
    size_t cqes = sizeof(struct uring_shared), array = cqes + u->cq_entries * sizeof(*u->cqes);

    u->rings_len = PAGE_UP(array + u->sq_entries * sizeof(uint32_t));
    u->sqes_len = PAGE_UP(u->sq_entries * sizeof(struct io_uring_sqe));
    u->mem = tmpfs_anon_file("[io_uring]", O_RDWR, u->rings_len + u->sqes_len);
    int fd = u->mem ? tmpfs_host_fd(u->mem) : -ENOMEM;
    if (fd < 0)
        return fd;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
        return -errno;
    char *p = mmap(NULL, u->rings_len + u->sqes_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return -ENOMEM;
    u->shared = (struct uring_shared *)(void *)p;
    u->cqes = (struct io_uring_cqe *)(void *)(p + cqes);
    u->array = (uint32_t *)(void *)(p + array);
    u->sqes = (struct io_uring_sqe *)(void *)(p + u->rings_len);
    u->shared->sq_mask = u->sq_entries - 1;
    u->shared->sq_entries = u->sq_entries;
    u->shared->cq_mask = u->cq_entries - 1;
    u->shared->cq_entries = u->cq_entries;
    return 0;
}

static void tell_offsets(const struct uring *u, struct io_uring_params *p)
{
    const char *base = (const char *)u->shared;

    p->sq_entries = u->sq_entries;
    p->cq_entries = u->cq_entries;
    p->features = FEATURES;
    p->sq_off = (struct io_sqring_offsets){
        .head = offsetof(struct uring_shared, sq_head),
        .tail = offsetof(struct uring_shared, sq_tail),
        .ring_mask = offsetof(struct uring_shared, sq_mask),
        .ring_entries = offsetof(struct uring_shared, sq_entries),
        .flags = offsetof(struct uring_shared, sq_flags),
        .dropped = offsetof(struct uring_shared, sq_dropped),
        .array = (uint32_t)((const char *)u->array - base),
    };
    p->cq_off = (struct io_cqring_offsets){
        .head = offsetof(struct uring_shared, cq_head),
        .tail = offsetof(struct uring_shared, cq_tail),
        .ring_mask = offsetof(struct uring_shared, cq_mask),
        .ring_entries = offsetof(struct uring_shared, cq_entries),
        .overflow = offsetof(struct uring_shared, cq_overflow),
        .cqes = (uint32_t)((const char *)u->cqes - base),
        .flags = offsetof(struct uring_shared, cq_flags),
    };
}

static int check_params(uint32_t *entries, struct io_uring_params *p)
{
    for (size_t i = 0; i < ARRAY_SIZE(p->resv); i++)
        if (p->resv[i])
            return -EINVAL;
    if (p->flags & ~(uint32_t)SETUP_KNOWN) {
        explain_missing("io_uring", "setup flags 0x%x", p->flags & ~(uint32_t)SETUP_KNOWN);
        return -EINVAL;
    }
    bool clamp = p->flags & IORING_SETUP_CLAMP;
    if (!*entries || (*entries > SQ_MAX && !clamp))
        return -EINVAL;
    *entries = power_of_two(MIN(*entries, (uint32_t)SQ_MAX));
    if (!(p->flags & IORING_SETUP_CQSIZE)) {
        p->cq_entries = 2 * *entries;
        return 0;
    }
    if (!p->cq_entries || (p->cq_entries > 2 * SQ_MAX && !clamp))
        return -EINVAL;
    p->cq_entries = power_of_two(MIN(p->cq_entries, 2U * SQ_MAX));
    return p->cq_entries < *entries ? -EINVAL : 0;
}

static bool enabled(void)
{
    if (!sandbox->io_uring)
        explain_missing("syscall", "io_uring (--io-uring enables it)");
    return sandbox->io_uring;
}

long sys_io_uring_setup(struct task *t, const struct sysargs *a)
{
    struct io_uring_params p;
    uint32_t entries = arg_u32(a, 0);

    if (!enabled())
        return -ENOSYS;
    if (get_user(t, &p, arg_u64(a, 1)))
        return -EFAULT;
    int err = check_params(&entries, &p);
    if (err)
        return err;
    struct uring *u = nrings < RINGS_MAX ? calloc(1, sizeof(*u)) : NULL;
    if (!u)
        return -ENOMEM;
    nrings++;
    list_add_tail(&urings, &u->ring_node);
    u->refs = 1;
    u->sq_entries = entries;
    u->cq_entries = p.cq_entries;
    u->disabled = p.flags & IORING_SETUP_R_DISABLED;
    if ((p.flags & (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_R_DISABLED)) ==
        IORING_SETUP_SINGLE_ISSUER)
        u->issuer = t->tid;
    u->single_issuer = p.flags & IORING_SETUP_SINGLE_ISSUER;
    u->submit_all = p.flags & IORING_SETUP_SUBMIT_ALL;
    list_init(&u->pending);
    list_init(&u->ready);
    list_init(&u->held);
    waitq_init(&u->wq);
    err = map_memory(u);
    struct file *f = err ? NULL : file_new_anon(&ring_ops, 0600, O_RDWR, u);
    if (!f) {
        uring_put(u);
        return err ? err : file_new_error();
    }
    tell_offsets(u, &p);
    if (put_user(t, &p, arg_u64(a, 1))) {
        file_put(f);
        return -EFAULT;
    }
    return fd_install_steal(t, f, true);
}

/* --- enter --- */
static bool next_sqe(struct uring *u, struct io_uring_sqe *sqe)
{
    uint32_t i = __atomic_load_n(&u->array[u->sq_head & (u->sq_entries - 1)], __ATOMIC_RELAXED);

    u->sq_head++;
    __atomic_store_n(&u->shared->sq_head, u->sq_head, __ATOMIC_RELEASE);
    if (i >= u->sq_entries) {
        __atomic_fetch_add(&u->shared->sq_dropped, 1, __ATOMIC_RELAXED);
        return false;
    }
    memcpy(sqe, (const void *)&u->sqes[i], sizeof(*sqe));
    __asm__ volatile("" ::: "memory"); /* what follows is about the copy */
    return true;
}

static int check_sqe(const struct io_uring_sqe *s)
{
    if ((s->flags & ~SQE_FLAGS) || s->personality || !uring_op_known(s->opcode)) {
        explain_missing("io_uring", "operation %u, flags 0x%x", s->opcode, s->flags);
        return -EINVAL;
    }
    return 0;
}

/* Takes a chain of linked entries off the ring: how many. stop: what follows is not submitted. */
static uint32_t submit_chain(struct task *t, struct uring *u, uint32_t max, bool *stop)
{
    struct uring_req *first = NULL, *wrong = NULL, **end = &first;
    uint32_t n = 0;
    int bad = 0;
    bool more = true, drain = false;

    while (more && n < max) {
        struct io_uring_sqe sqe;
        n++;
        if (!next_sqe(u, &sqe))
            break;
        more = sqe.flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK);
        drain |= sqe.flags & IOSQE_IO_DRAIN;
        int err = check_sqe(&sqe);
        struct uring_req *r = uring_req_new(u, t, &sqe);
        if (!r) {
            uring_post(u, sqe.user_data, -ENOMEM);
            break;
        }
        if (err && !bad) { /* it and what is linked to it fail */
            bad = err;
            wrong = r;
        }
        *end = r;
        end = &r->link;
    }
    if (!first)
        return n;
    if (!bad) {
        if (drain || !list_empty(&u->held))
            uring_chain_hold(first);
        else
            uring_req_start(first);
        return n;
    }
    for (struct uring_req *r = first, *next; r; r = next) {
        next = r->link;
        r->link = NULL;
        uring_req_complete(r, r == wrong ? bad : -ECANCELED);
    }
    *stop = !u->submit_all;
    return n;
}

static long submit(struct task *t, struct uring *u, uint32_t to_submit)
{
    uint32_t tail = __atomic_load_n(&u->shared->sq_tail, __ATOMIC_ACQUIRE), done = 0, batch = 0;

    bool stop = false;

    to_submit = MIN(MIN(to_submit, tail - u->sq_head), u->sq_entries);
    while (done < to_submit && !stop && !task_fatal_pending(t)) {
        uint32_t n = submit_chain(t, u, to_submit - done, &stop);
        done += n;
        batch += n;
        uring_run_ready(u, t);
        if (batch >= BATCH) {
            batch = 0;
            fiber_yield();
        }
    }
    return done;
}

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
    w->mask = arg.sigmask;
    w->mask_size = arg.sigmask_sz;
    if (!arg.ts)
        return 0;
    if (get_user(t, &ts, arg.ts))
        return -EFAULT;
    if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    w->deadline = deadline_after(&ts);
    return 0;
}

static long wait_events(struct task *t, struct uring *u, uint32_t min, const struct enter_wait *w)
{
    uint64_t timeouts = u->timeouts;

    for (;;) {
        uring_run_ready(u, t);
        uring_flush_overflow(u);
        /* A timeout ends the wait, too: io_should_wake(). */
        if (uring_cq_ready(u) >= min || u->timeouts != timeouts)
            return 0;
        int err = task_wait(t, &u->wq, w->deadline);
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

static int get_ring(struct task *t, int fd, struct file **out)
{
    *out = fd_get(t, fd);
    if (!*out)
        return -EBADF;
    return (*out)->ops == &ring_ops ? 0 : -EOPNOTSUPP;
}

long sys_io_uring_enter(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    uint32_t flags = arg_u32(a, 3);

    if (!enabled())
        return -ENOSYS;
    if (flags & ~(uint32_t)ENTER_KNOWN)
        return -EINVAL;
    int err = get_ring(t, arg_i32(a, 0), &f);
    if (err)
        return err;
    struct uring *u = f->priv;
    if (u->disabled)
        return -EBADFD;
    if (u->issuer && u->issuer != t->tid)
        return -EEXIST;
    long done = submit(t, u, arg_u32(a, 1));
    if (!(flags & IORING_ENTER_GETEVENTS)) {
        uring_flush_overflow(u);
        return done;
    }
    long r = get_events(t, u, a);
    return done ? done : r;
}

long sys_io_uring_register(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;

    if (!enabled())
        return -ENOSYS;
    /* The operation comes before the descriptor; none goes without one, and none is registered. */
    if (arg_u32(a, 1) >= REGISTER_LAST || arg_i32(a, 0) == -1)
        return -EINVAL;
    int err = get_ring(t, arg_i32(a, 0), &f);
    const struct uring *u = err ? NULL : f->priv;
    if (u && u->issuer && u->issuer != t->tid)
        return -EEXIST;
    return err ? err : uring_register(t, f->priv, arg_u32(a, 1), arg_u64(a, 2), arg_u32(a, 3));
}
