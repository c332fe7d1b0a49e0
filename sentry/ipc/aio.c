/*
 * Linux AIO: io_setup(2), io_submit(2), io_getevents(2), io_cancel(2), io_destroy(2).
 *
 * As on Linux without direct I/O, reads, writes and syncs are done when they are submitted; only
 * poll requests stay. A context's id is the address of a page in the guest, as libraries expect;
 * its magic number says that events are to be fetched by system call.
 */
#include "sentry/ipc/aio.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/ipc/aio_internal.h"
#include "sentry/kernel/freeze.h"
#include "sentry/mm/mm_internal.h"
#include "sentry/sandbox.h"

#define CTXS_MAX 4096 /* of one address space */

static uint64_t total_nr;

uint64_t aio_nr(void)
{
    return total_nr;
}

/* --- contexts --- */
static struct aio_table *table_of(struct mm *mm)
{
    if (!mm->aio) {
        mm->aio = calloc(1, sizeof(*mm->aio));
        if (mm->aio)
            list_init(&mm->aio->ctxs);
    }
    return mm->aio;
}

static struct aio_ctx *ctx_find(struct task *t, uint64_t id)
{
    struct aio_ctx *c;

    if (t->mm->aio)
        list_for_each(c, &t->mm->aio->ctxs, node)
            if (c->id == id)
                return c;
    return NULL;
}

static void ctx_put(struct aio_ctx *c)
{
    if (--c->refs)
        return;
    free(c->events);
    free(c);
}

static void ctx_kill(struct aio_table *at, struct aio_ctx *c)
{
    list_del(&c->node);
    at->n--;
    c->dead = true;
    aio_polls_cancel(c);
    total_nr -= c->asked;
    waitq_wake_all(&c->wq);
    ctx_put(c);
}

void aio_table_free(struct aio_table *at)
{
    struct aio_ctx *c, *next;

    if (!at)
        return;
    list_for_each_safe(c, next, &at->ctxs, node)
        ctx_kill(at, c);
    free(at);
}

/* What io_setup() of fs/aio.c makes of the number asked for. */
static uint32_t capacity(uint32_t asked)
{
    uint64_t n = (uint64_t)MAX(asked, 4U * (uint32_t)sandbox->ncpus) * 2 + 2;
    uint64_t bytes = PAGE_UP(sizeof(struct io_event) * (n + 1));

    return (uint32_t)(bytes / sizeof(struct io_event)) - 2;
}

static struct aio_ctx *ctx_new(uint32_t asked)
{
    struct aio_ctx *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->refs = 1;
    c->asked = asked;
    c->max = capacity(asked);
    list_init(&c->polls);
    list_init(&c->node);
    waitq_init(&c->wq);
    return c;
}

long sys_io_setup(struct task *t, const struct sysargs *a)
{
    uint32_t asked = arg_u32(a, 0);
    uint64_t id;

    if (get_user(t, &id, arg_u64(a, 1)))
        return -EFAULT;
    if (id || !asked || 2 * asked > 0x10000000U / sizeof(struct io_event))
        return -EINVAL; /* doubled in 32 bits: ioctx_alloc() */
    if (2 * asked == 0 || asked > AIO_MAX_NR - total_nr)
        return -EAGAIN;
    struct aio_table *at = table_of(t->mm);
    struct aio_ctx *c = at && at->n < CTXS_MAX ? ctx_new(asked) : NULL;
    if (!c)
        return -ENOMEM;
    total_nr += asked; /* before anything parks */
    list_add_tail(&at->ctxs, &c->node);
    at->n++;
    const struct mmap_request r = {.len = NV_PAGE_SIZE,
                                   .prot = PROT_READ | PROT_WRITE,
                                   .flags = MAP_PRIVATE | MAP_ANONYMOUS,
                                   .vm_flags = VM_DONTFORK};
    int64_t addr = mm_mmap(t->mm, t->thr, &r, t);
    if (addr > 0) {
        c->id = (uint64_t)addr;
        if (!put_user(t, &c->id, arg_u64(a, 1)))
            return 0;
        if (!mm_lock(t->mm, t)) {
            mm_munmap(t->mm, t->thr, c->id, NV_PAGE_SIZE);
            mm_unlock(t->mm);
        }
        addr = -EFAULT;
    }
    ctx_kill(at, c);
    return addr;
}

long sys_io_destroy(struct task *t, const struct sysargs *a)
{
    struct aio_ctx *c = arg_u64(a, 0) ? ctx_find(t, arg_u64(a, 0)) : NULL;

    if (!c)
        return -EINVAL;
    uint64_t id = c->id;
    ctx_kill(t->mm->aio, c);
    if (!mm_lock(t->mm, t)) {
        mm_munmap(t->mm, t->thr, id, NV_PAGE_SIZE);
        mm_unlock(t->mm);
    }
    return 0;
}

/* --- completion --- */
/* Room for one more event was booked by the submission. */
void aio_complete(struct aio_ctx *c, struct file *eventfd, const struct io_event *ev)
{
    if (!c->dead) {
        c->events[c->nevents++] = *ev;
        waitq_wake_all(&c->wq);
    }
    if (eventfd)
        eventfd_signal(eventfd, 1);
}

static int book(struct aio_ctx *c)
{
    if (c->active >= c->max)
        return -EAGAIN;
    if (c->active == c->cap) {
        uint32_t cap = MIN(MAX(c->cap * 2, 16U), c->max);
        struct io_event *ev = reallocarray(c->events, cap, sizeof(*ev));
        if (!ev)
            return -EAGAIN;
        c->events = ev;
        c->cap = cap;
    }
    c->active++;
    return 0;
}

/* --- submission --- */
/* IOCB_FLAG_IOPRIO: ioprio_check_cap(). Priorities change nothing here. */
static int check_prio(const struct task *t, const struct iocb *cb)
{
    unsigned int prio = (uint16_t)cb->aio_reqprio;

    if (!(cb->aio_flags & IOCB_FLAG_IOPRIO))
        return 0;
    switch (prio >> IOPRIO_CLASS_SHIFT & 7) {
    case IOPRIO_CLASS_RT:
        return cred_capable(t->cred, CAP_SYS_NICE) || cred_capable(t->cred, CAP_SYS_ADMIN) ? 0
                                                                                           : -EPERM;
    case IOPRIO_CLASS_NONE:
        return prio & 7 ? -EINVAL : 0;
    case IOPRIO_CLASS_BE:
    case IOPRIO_CLASS_IDLE:
        return 0;
    default:
        return -EINVAL;
    }
}

static long do_rw(struct task *t, struct file *f, const struct iocb *cb, enum uio_dir dir, bool vec,
                  bool *is_event)
{
    loff_t pos = cb->aio_offset;
    struct uio u;
    long n;

    unsigned int plain = dir == UIO_DEST ? FILE_PLAIN_READ : FILE_PLAIN_WRITE;

    int prio = check_prio(t, cb);
    if (prio)
        return prio;
    if (!(f->ops->io & plain)) {
        int err = file_check_rwf(f, dir == UIO_SOURCE, cb->aio_rw_flags);
        if (err)
            return err;
    }
    if (!(dir == UIO_DEST ? file_readable(f) : file_writable(f)))
        return -EBADF;
    if (!(dir == UIO_DEST ? f->ops->read : f->ops->write) || (f->ops->io & plain))
        return -EINVAL;
    if (vec) {
        int err = uio_init_iovec(&u, t, dir, cb->aio_buf, cb->aio_nbytes);
        if (err)
            return err;
    } else {
        if (!user_range_ok(cb->aio_buf, cb->aio_nbytes))
            return -EFAULT;
        uio_init_user(&u, t, dir, cb->aio_buf, MIN(cb->aio_nbytes, 0x7ffff000UL));
    }
    loff_t *at = f->ops->no_seek ? NULL : &pos;
    if (at && pos < 0) {
        n = -EINVAL;
    } else {
        *is_event = true;
        n = dir == UIO_DEST ? file_read(t, f, &u, at, cb->aio_rw_flags)
                            : file_write(t, f, &u, at, cb->aio_rw_flags);
    }
    uio_done(&u);
    return n;
}

static long do_sync(struct task *t, struct file *f, const struct iocb *cb, bool data,
                    bool *is_event)
{
    if (cb->aio_buf || cb->aio_offset || cb->aio_nbytes || cb->aio_rw_flags)
        return -EINVAL;
    if (!f->ops->fsync)
        return S_ISREG(f->inode->mode) || S_ISDIR(f->inode->mode) ? (*is_event = true, 0) : -EINVAL;
    *is_event = true;
    return f->ops->fsync(t, f, data);
}

static long operate(struct task *t, struct aio_ctx *c, const struct aio_op *op, bool *is_event)
{
    const struct iocb *cb = &op->cb;

    switch (cb->aio_lio_opcode) {
    case IOCB_CMD_PREAD:
    case IOCB_CMD_PREADV:
        return do_rw(t, op->file, cb, UIO_DEST, cb->aio_lio_opcode == IOCB_CMD_PREADV, is_event);
    case IOCB_CMD_PWRITE:
    case IOCB_CMD_PWRITEV:
        return do_rw(t, op->file, cb, UIO_SOURCE, cb->aio_lio_opcode == IOCB_CMD_PWRITEV, is_event);
    case IOCB_CMD_FSYNC:
    case IOCB_CMD_FDSYNC:
        return do_sync(t, op->file, cb, cb->aio_lio_opcode == IOCB_CMD_FDSYNC, is_event);
    case IOCB_CMD_POLL:
        return aio_poll_start(c, op);
    default:
        return -EINVAL;
    }
}

static int get_files(struct task *t, struct aio_op *op)
{
    op->file = fd_get(t, (int)op->cb.aio_fildes);
    if (!op->file)
        return -EBADF;
    if (!(op->cb.aio_flags & IOCB_FLAG_RESFD))
        return 0;
    op->eventfd = fd_get(t, (int)op->cb.aio_resfd);
    if (!op->eventfd)
        return -EBADF;
    return is_eventfd(op->eventfd) ? 0 : -EINVAL;
}

static long run(struct task *t, struct aio_ctx *c, struct aio_op *op)
{
    const uint32_t key = 0;
    bool is_event = false;

    int err = get_files(t, op);
    if (err)
        return err;
    if (put_user(t, &key, op->addr + offsetof(struct iocb, aio_key)))
        return -EFAULT;
    long r = operate(t, c, op, &is_event);
    if (r == AIO_PENDING || (r < 0 && !is_event))
        return r;
    /* The sandbox freezes: the call is made again, as if this were not yet submitted. */
    if (r == -ERESTARTSYS && sandbox_freezing && !task_signal_waiting(t))
        return r;
    if (is_restart_code(r))
        r = -EINTR;
    const struct io_event ev = {.data = op->cb.aio_data, .obj = op->addr, .res = r};
    aio_complete(c, op->eventfd, &ev);
    return 0;
}

static long submit_one(struct task *t, struct aio_ctx *c, uint64_t addr)
{
    struct aio_op op = {.addr = addr};

    if (get_user(t, &op.cb, addr))
        return -EFAULT;
    if (op.cb.aio_reserved2 || (int64_t)op.cb.aio_nbytes < 0)
        return -EINVAL;
    int err = book(c);
    if (err)
        return err;
    long r = run(t, c, &op);
    if (r == AIO_PENDING) /* it has the files */
        return 0;
    if (r < 0)
        c->active--;
    if (op.file)
        file_put(op.file);
    if (op.eventfd)
        file_put(op.eventfd);
    return r;
}

long sys_io_submit(struct task *t, const struct sysargs *a)
{
    struct aio_ctx *c = ctx_find(t, arg_u64(a, 0));
    int64_t n = arg_i64(a, 1), i;
    long err = 0;

    if (!c || n < 0)
        return -EINVAL;
    n = MIN(n, (int64_t)c->max);
    c->refs++;
    for (i = 0; i < n && !err; i++) {
        uint64_t addr;
        err = get_user(t, &addr, arg_u64(a, 2) + (uint64_t)i * 8) ? -EFAULT : 0;
        if (!err)
            err = submit_one(t, c, addr);
        if (!err && c->dead)
            err = -EINVAL;
        if (err)
            break;
        if ((i & 63) == 63)
            fiber_yield();
    }
    ctx_put(c);
    return i ? i : err;
}

long sys_io_cancel(struct task *t, const struct sysargs *a)
{
    uint64_t addr = arg_u64(a, 1);
    uint32_t key;

    if (get_user(t, &key, addr + offsetof(struct iocb, aio_key)))
        return -EFAULT;
    if (key)
        return -EINVAL;
    struct aio_ctx *c = ctx_find(t, arg_u64(a, 0));
    return c && aio_poll_cancel(c, addr) ? -EINPROGRESS : -EINVAL;
}

/* --- events --- */
static long take_events(struct task *t, struct aio_ctx *c, uint64_t addr, uint32_t max)
{
    uint32_t n = MIN(c->nevents, max);

    if (!n) /* perhaps there is no array yet */
        return 0;
    if (copy_out(t, addr, c->events, n * sizeof(*c->events)))
        return -EFAULT;
    c->nevents -= n;
    c->active -= n;
    memmove(c->events, c->events + n, c->nevents * sizeof(*c->events));
    return (long)n;
}

static long read_events(struct task *t, struct aio_ctx *c, int64_t min, int64_t max, uint64_t addr,
                        uint64_t deadline)
{
    int64_t got = 0;

    for (;;) {
        long n = take_events(t, c, addr + (uint64_t)got * sizeof(struct io_event),
                             (uint32_t)MIN(max - got, (int64_t)c->max));
        if (n < 0)
            return got ? got : n;
        got += n;
        if (got >= min || !deadline)
            return got;
        if (c->dead)
            return got ? got : -EINVAL;
        int err = task_wait(t, &c->wq, deadline);
        if (err && !c->nevents)
            return got || err == -ETIMEDOUT ? got : -EINTR;
    }
}

static int get_deadline(struct task *t, uint64_t addr, uint64_t *deadline)
{
    struct timespec ts;

    *deadline = NO_DEADLINE;
    if (!addr)
        return 0;
    if (get_user(t, &ts, addr))
        return -EFAULT;
    if (ts.tv_sec < 0 || (!ts.tv_sec && ts.tv_nsec <= 0))
        *deadline = 0;
    else
        *deadline = deadline_after(&ts);
    return 0;
}

static long get_events(struct task *t, const struct sysargs *a, uint64_t deadline)
{
    struct aio_ctx *c = ctx_find(t, arg_u64(a, 0));
    int64_t min = arg_i64(a, 1), max = arg_i64(a, 2);

    if (!c || min > max || min < 0)
        return -EINVAL;
    c->refs++;
    long r = read_events(t, c, min, max, arg_u64(a, 3), deadline);
    ctx_put(c);
    return r;
}

long sys_io_getevents(struct task *t, const struct sysargs *a)
{
    uint64_t deadline;
    int err = get_deadline(t, arg_u64(a, 4), &deadline);

    return err ? err : get_events(t, a, deadline);
}

long sys_io_pgetevents(struct task *t, const struct sysargs *a)
{
    struct {
        uint64_t mask, size;
    } sig = {0};
    uint64_t deadline;

    int err = get_deadline(t, arg_u64(a, 4), &deadline);
    if (!err && arg_u64(a, 5) && get_user(t, &sig, arg_u64(a, 5)))
        err = -EFAULT;
    if (!err && sig.mask)
        err = signal_set_temp_mask(t, sig.mask, sig.size);
    if (err)
        return err;
    long r = get_events(t, a, deadline);
    if (sig.mask)
        poll_unmask(t, r == -EINTR);
    return r;
}

/* --- checkpoints --- */
static const struct ckpt_field ctx_fields[] = {
    CKPT_UINT(struct aio_ctx, id),
    CKPT_UINT_MAX(struct aio_ctx, asked, AIO_MAX_NR),
};

static void aio_save(struct ckpt_writer *w, void *obj)
{
    const struct aio_table *at = obj;
    const struct aio_ctx *c;

    ckpt_put_u32(w, at->n);
    list_for_each(c, &at->ctxs, node) {
        ckpt_put_fields(w, ctx_fields, ARRAY_SIZE(ctx_fields), c);
        ckpt_put_u32(w, c->nevents);
        ckpt_put_bytes(w, c->events, c->nevents * sizeof(*c->events));
        aio_polls_save(w, c);
        if (c->active != c->nevents + aio_npolls(c))
            ckpt_refuse(w, "a context of io_setup", "requests under way cannot be saved");
    }
}

static void *aio_create(struct ckpt_reader *r)
{
    struct aio_table *at = calloc(1, sizeof(*at));

    if (at)
        list_init(&at->ctxs);
    return at;
}

static void aio_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct aio_table *at = obj;
    uint32_t n = ckpt_get_count(r, CTXS_MAX, 12);

    while (n-- && !ckpt_failed(r)) {
        struct aio_ctx *c = ctx_new(1);
        if (!c) {
            ckpt_bad(r, "out of memory");
            return;
        }
        ckpt_get_fields(r, ctx_fields, ARRAY_SIZE(ctx_fields), c, version);
        uint32_t nevents = ckpt_get_count(r, 4 * AIO_MAX_NR, sizeof(struct io_event));
        c->max = capacity(c->asked);
        if (!c->asked || c->asked > AIO_MAX_NR - total_nr || nevents > c->max) {
            ckpt_bad(r, "a context for %u events with %u", c->asked, nevents);
            return;
        }
        c->events = calloc(MAX(nevents, 1U), sizeof(*c->events));
        if (!c->events) {
            ckpt_bad(r, "out of memory");
            return;
        }
        total_nr += c->asked;
        c->nevents = c->active = nevents;
        ckpt_get_bytes(r, c->events, nevents * sizeof(*c->events));
        if (version > 1)
            aio_polls_load(r, c);
        c->cap = MAX(c->active, 1U);
        c->events = reallocarray(c->events, c->cap, sizeof(*c->events));
        if (!c->events)
            ckpt_bad(r, "out of memory");
        list_add_tail(&at->ctxs, &c->node);
        at->n++;
    }
}

/* One address space owns it. */
static void aio_hold(void *obj)
{
    ((struct aio_table *)obj)->owners++;
}

static void aio_link(struct ckpt_reader *r, void *obj)
{
    struct aio_table *at = obj;
    struct aio_ctx *c;

    if (at->owners != 1)
        ckpt_bad(r, "contexts of several address spaces");
    list_for_each(c, &at->ctxs, node)
        aio_polls_link(r, c);
}

const struct ckpt_type ckpt_aio = {
    .name = "aio contexts",
    .id = CT_AIO,
    .version = 2, /* 2: poll requests under way */
    .save = aio_save,
    .create = aio_create,
    .load = aio_load,
    .link = aio_link,
    .hold = aio_hold,
};
CKPT_TYPE_REGISTER(ckpt_aio);
