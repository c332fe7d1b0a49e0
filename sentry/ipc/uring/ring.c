/*
 * Rings: their memory, their completions, io_uring_setup(2).
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
#include "sentry/ipc/uring/uring_internal.h"
#include "sentry/sandbox.h"

#define SQ_MAX 32768
#define RINGS_MAX 256
#define SETUP_KNOWN                                                                                \
    (IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_ATTACH_WQ | IORING_SETUP_R_DISABLED | \
     IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |             \
     IORING_SETUP_SQE128 | IORING_SETUP_CQE32 | IORING_SETUP_SINGLE_ISSUER |                       \
     IORING_SETUP_DEFER_TASKRUN | URING_SETUP_NO_SQARRAY)
#define FEATURES                                                                                   \
    (IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE |                    \
     IORING_FEAT_RW_CUR_POS | IORING_FEAT_FAST_POLL | IORING_FEAT_POLL_32BITS |                    \
     IORING_FEAT_EXT_ARG | IORING_FEAT_NATIVE_WORKERS | IORING_FEAT_RSRC_TAGS |                    \
     IORING_FEAT_CQE_SKIP | IORING_FEAT_LINKED_FILE | URING_FEAT_REG_REG_RING)

struct list urings = LIST_INIT(urings);
static unsigned int nrings;

/* --- completions --- */
uint32_t uring_cq_ready(const struct uring *u)
{
    uint32_t n = u->cq_tail - __atomic_load_n(&u->shared->cq_head, __ATOMIC_ACQUIRE);

    return MIN(n, u->cq_entries);
}

static bool put_cqe(struct uring *u, const struct uring_cqe *c)
{
    if (u->cq_tail - __atomic_load_n(&u->shared->cq_head, __ATOMIC_ACQUIRE) >= u->cq_entries)
        return false;
    memcpy(u->cqes + (size_t)(u->cq_tail & (u->cq_entries - 1)) * u->cqe_size, c, u->cqe_size);
    u->cq_tail++;
    __atomic_store_n(&u->shared->cq_tail, u->cq_tail, __ATOMIC_RELEASE);
    return true;
}

static bool keep(struct uring *u, const struct uring_cqe *c)
{
    if (u->noverflow == u->overflow_cap) {
        uint32_t cap = MAX(u->overflow_cap * 2, 64U);
        struct uring_cqe *v =
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

static void posted(struct uring *u)
{
    u->posted++;
    if (u->eventfd &&
        !(__atomic_load_n(&u->shared->cq_flags, __ATOMIC_RELAXED) & IORING_CQ_EVENTFD_DISABLED) &&
        (!u->eventfd_async || u->as_thread))
        eventfd_signal(u->eventfd, 1);
    waitq_wake(&u->wq, EPOLLIN | EPOLLRDNORM);
}

bool uring_post(struct uring *u, const struct uring_cqe *c)
{
    bool there = (!u->noverflow && put_cqe(u, c)) || keep(u, c);

    if (!there)
        __atomic_fetch_add(&u->shared->cq_overflow, 1, __ATOMIC_RELAXED);
    posted(u);
    return there;
}

bool uring_post_if_room(struct uring *u, const struct uring_cqe *c)
{
    if (u->noverflow || !put_cqe(u, c))
        return false;
    posted(u);
    return true;
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

void uring_tell_work(struct uring *u, bool first)
{
    if (first && u->eventfd && !u->eventfd_async && (u->setup & IORING_SETUP_DEFER_TASKRUN))
        eventfd_signal(u->eventfd, 1);
    if (u->setup & IORING_SETUP_TASKRUN_FLAG)
        __atomic_fetch_or(&u->shared->sq_flags, IORING_SQ_TASKRUN, __ATOMIC_RELEASE);
    waitq_wake_all(&u->wq);
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
    uring_cancel_all(u);
    uring_unregister_all(u);
    waitq_release(&u->wq);
    uring_put(u);
}

/* What has to be done by a call of the issuer's is work for it, too. */
static bool has_deferred(const struct uring *u)
{
    return (u->setup & IORING_SETUP_DEFER_TASKRUN) && !list_empty(&u->ready);
}

static uint32_t ring_poll(struct file *f, struct poll_table *pt)
{
    const struct uring *u = f->priv;
    uint32_t tail = __atomic_load_n(&u->shared->sq_tail, __ATOMIC_ACQUIRE);

    poll_wait(pt, (struct waitq *)(uintptr_t)&u->wq);
    return (tail - u->sq_head < u->sq_entries ? EPOLLOUT | EPOLLWRNORM : 0) |
           (uring_cq_ready(u) || u->noverflow || has_deferred(u) ? EPOLLIN | EPOLLRDNORM : 0);
}

static int ring_mmap(struct task *t, struct file *f, uint64_t off, uint64_t len, int prot,
                     int flags, int *host_fd, uint64_t *host_off)
{
    struct uring *u = f->priv;
    uint64_t bgid = (off & ~URING_OFF_PBUF_RING) >> URING_OFF_PBUF_SHIFT;
    bool pbufs = (off & URING_OFF_PBUF_RING) && bgid <= UINT16_MAX &&
                 !(off & ((1ULL << URING_OFF_PBUF_SHIFT) - 1));
    bool sqes = off == IORING_OFF_SQES;
    size_t have = sqes ? u->sqes_len : u->rings_len;
    struct file *mem = pbufs ? kbuf_ring_memory(u, (uint16_t)bgid, &have) : u->mem;

    if (!mem)
        return -ENOMEM;
    if ((off != IORING_OFF_SQ_RING && off != IORING_OFF_CQ_RING && !sqes && !pbufs) || len > have ||
        (flags & MAP_TYPE) == MAP_PRIVATE)
        return -EINVAL;
    int err = mem->ops->mmap(t, mem, 0, len, prot, flags, host_fd, host_off);
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
        uint32_t at = (u->cq_tail - n) & (u->cq_entries - 1);
        struct uring_cqe c;
        memcpy(&c, u->cqes + (size_t)at * u->cqe_size, 16);
        strbuf_printf(out, "%5u: user_data:%lu, res:%d, flag:%x\n", at, c.user_data, c.res,
                      c.flags);
    }
    strbuf_printf(out,
                  "SqThread:\t-1\nSqThreadCpu:\t-1\nSqTotalTime:\t0\nSqWorkTime:\t0\n"
                  "UserFiles:\t%u\nUserBufs:\t%u\n",
                  u->files.n, u->bufs.n);
    for (uint32_t i = 0; i < u->bufs.n; i++)
        if (u->bufs.v[i])
            strbuf_printf(out, "%5u: 0x%lx/%u\n", i,
                          (unsigned long)(uintptr_t)u->bufs.v[i]->buf.iov_base,
                          (unsigned int)u->bufs.v[i]->buf.iov_len);
        else
            strbuf_printf(out, "%5u: <none>\n", i);
    strbuf_puts(out, "PollList:\n");
    const struct uring_req *r;
    list_for_each(r, &u->pending, node)
        strbuf_printf(out, "  op=%d, task_works=0\n", r->sqe.opcode);
    strbuf_puts(out, "CqOverflowList:\n");
    for (uint32_t i = 0; i < u->noverflow; i++)
        strbuf_printf(out, "  user_data=%lu, res=%d, flags=%x\n", u->overflow[i].user_data,
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
    bool index = !(u->setup & URING_SETUP_NO_SQARRAY);
    size_t cqes = sizeof(struct uring_shared), array = cqes + (size_t)u->cq_entries * u->cqe_size;

    u->rings_len = PAGE_UP(array + (index ? u->sq_entries * sizeof(uint32_t) : 0));
    u->sqes_len = PAGE_UP((size_t)u->sq_entries * u->sqe_size);
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
    u->cqes = p + cqes;
    u->array = index ? (uint32_t *)(void *)(p + array) : NULL;
    u->sqes = p + u->rings_len;
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
        .array = u->array ? (uint32_t)((const char *)u->array - base) : 0,
    };
    p->cq_off = (struct io_cqring_offsets){
        .head = offsetof(struct uring_shared, cq_head),
        .tail = offsetof(struct uring_shared, cq_tail),
        .ring_mask = offsetof(struct uring_shared, cq_mask),
        .ring_entries = offsetof(struct uring_shared, cq_entries),
        .overflow = offsetof(struct uring_shared, cq_overflow),
        .cqes = (uint32_t)(u->cqes - base),
        .flags = offsetof(struct uring_shared, cq_flags),
    };
}

/* io_uring_sanitise_params(). */
static int check_flags(struct task *t, const struct io_uring_params *p)
{
    uint32_t f = p->flags, coop = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_DEFER_TASKRUN;

    if (f & ~(uint32_t)SETUP_KNOWN) {
        explain_missing("io_uring", "setup flags 0x%x", f & ~(uint32_t)SETUP_KNOWN);
        return -EINVAL;
    }
    if (((f & IORING_SETUP_TASKRUN_FLAG) && !(f & coop)) ||
        ((f & IORING_SETUP_DEFER_TASKRUN) && !(f & IORING_SETUP_SINGLE_ISSUER)))
        return -EINVAL;
    if (!(f & IORING_SETUP_ATTACH_WQ))
        return 0;
    cleanup_file struct file *other = fd_get(t, (int)p->wq_fd);
    if (!other)
        return -ENXIO;
    return is_uring(other) ? 0 : -EINVAL;
}

static int check_params(struct task *t, uint32_t *entries, struct io_uring_params *p)
{
    for (size_t i = 0; i < ARRAY_SIZE(p->resv); i++)
        if (p->resv[i])
            return -EINVAL;
    int err = check_flags(t, p);
    if (err)
        return err;
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

bool uring_enabled(void)
{
    if (!sandbox->io_uring)
        explain_missing("syscall", "io_uring (--io-uring enables it)");
    return sandbox->io_uring;
}

static struct uring *ring_new(struct task *t, uint32_t entries, const struct io_uring_params *p)
{
    struct uring *u = nrings < RINGS_MAX ? calloc(1, sizeof(*u)) : NULL;

    if (!u)
        return NULL;
    nrings++;
    list_add_tail(&urings, &u->ring_node);
    u->refs = 1;
    u->setup = p->flags;
    u->sq_entries = entries;
    u->cq_entries = p->cq_entries;
    u->cqe_size = p->flags & IORING_SETUP_CQE32 ? 32 : 16;
    u->sqe_size = p->flags & IORING_SETUP_SQE128 ? 128 : 64;
    u->disabled = p->flags & IORING_SETUP_R_DISABLED;
    if ((p->flags & IORING_SETUP_SINGLE_ISSUER) && !u->disabled)
        u->issuer = t->tid;
    list_init(&u->pending);
    list_init(&u->ready);
    list_init(&u->counting);
    list_init(&u->running);
    list_init(&u->held);
    list_init(&u->all_groups);
    for (size_t i = 0; i < URING_BUCKETS; i++)
        list_init(&u->buckets[i]);
    waitq_init(&u->wq);
    return u;
}

long sys_io_uring_setup(struct task *t, const struct sysargs *a)
{
    struct io_uring_params p;
    uint32_t entries = arg_u32(a, 0);

    if (!uring_enabled())
        return -ENOSYS;
    if (get_user(t, &p, arg_u64(a, 1)))
        return -EFAULT;
    int err = check_params(t, &entries, &p);
    if (err)
        return err;
    struct uring *u = uring_task_use(t) ? NULL : ring_new(t, entries, &p);
    if (!u)
        return -ENOMEM;
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
