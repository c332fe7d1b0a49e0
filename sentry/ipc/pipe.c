/*
 * Pipes and FIFOs: pipe(7), fifo(7). One byte ring a pipe, grown on demand up to its capacity;
 * packet mode (O_DIRECT) keeps the borders of packets beside it.
 *
 * A pipe lives as long as a file over it does; a FIFO's inode points at it meanwhile.
 */
#include <errno.h>
#include <linux/magic.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/ipc/pipe_internal.h"
#include "sentry/kernel/task.h"

#define PIPE_DEFAULT 65536
#define PIPE_LEAST (2 * NV_PAGE_SIZE) /* of a user who has too many pages */
#define PIPE_MAX_SIZE 1048576
#define PIPE_MAX_PRIVILEGED (16 * PIPE_MAX_SIZE)
#define PIPE_PACKETS 256
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

static struct pipe *pipe_alloc(void)
{
    struct pipe *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->limit = PIPE_DEFAULT;
    waitq_init(&p->rwait);
    waitq_init(&p->wwait);
    waitq_init(&p->open_wait);
    return p;
}

static struct pipe *pipe_new(const struct task *t)
{
    struct pipe *p = pipe_alloc();

    if (!p)
        return NULL;
    if (pipe_charge(p, t->cred->uid)) {
        free(p);
        return NULL;
    }
    if (pipe_pages_over(p, p->limit) && !pipe_privileged(t))
        pipe_resize(p, PIPE_LEAST);
    return p;
}

static void pipe_put(struct pipe *p)
{
    if (--p->refs)
        return;
    if (p->inode)
        p->inode->pipe = NULL;
    pipe_uncharge(p);
    ring_free(&p->ring);
    free(p->packets);
    free(p);
}

void pipe_inode_evicted(struct inode *i)
{
    if (i->pipe)
        i->pipe->inode = NULL;
}

static bool is_nonblock(const struct file *f, int rwf)
{
    return (f->flags & O_NONBLOCK) || (rwf & RWF_NOWAIT);
}

/* --- reading --- */
int pipe_wait_data(struct task *t, struct pipe *p, bool nonblock)
{
    while (!p->ring.used) {
        if (!p->writers)
            return 0;
        if (nonblock)
            return -EAGAIN;
        int err = task_wait(t, &p->rwait, NO_DEADLINE);
        if (err)
            return err;
    }
    return 1;
}

static struct pipe_packet *first_packet(struct pipe *p)
{
    return p->npackets ? &p->packets[p->first_packet] : NULL;
}

static void skip(struct pipe *p, size_t n)
{
    ring_skip(&p->ring, n);
    p->head += n;
}

static size_t packets_max(const struct pipe *p)
{
    return MIN(p->limit / NV_PAGE_SIZE, (size_t)PIPE_PACKETS);
}

ssize_t pipe_take(struct pipe *p, struct uio *u, size_t len)
{
    bool was_full = pipe_room(p) < PIPE_BUF || p->npackets >= packets_max(p);
    size_t done = 0;
    ssize_t n = 0;

    while (done < len && p->ring.used) {
        struct pipe_packet *pk = first_packet(p);
        bool whole = pk && pk->start == p->head;
        size_t part = !pk ? p->ring.used : whole ? pk->len : pk->start - p->head;
        n = ring_peek(&p->ring, 0, u, MIN(len - done, part));
        if (n <= 0)
            break;
        done += (size_t)n;
        if (whole) {
            skip(p, part);
            p->first_packet = (p->first_packet + 1) % PIPE_PACKETS;
            p->npackets--;
            break;
        }
        skip(p, (size_t)n);
    }
    if (done && was_full) /* who writes waits only then, and edges are told only then */
        waitq_wake(&p->wwait, EPOLLOUT | EPOLLWRNORM);
    return done ? (ssize_t)done : n;
}

void pipe_untake(struct pipe *p, const void *data, size_t len)
{
    struct pipe_packet *pk = first_packet(p);

    /* Never into the middle of a packet, which somebody else may have read in between. */
    if ((pk && pk->start < p->head) || ring_reserve(&p->ring, len))
        return;
    ring_unget(&p->ring, data, len);
    p->head -= len;
    waitq_wake(&p->rwait, EPOLLIN | EPOLLRDNORM);
}

static ssize_t pipe_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct pipe *p = f->priv;

    if (!u->resid)
        return 0;
    int r = pipe_wait_data(t, p, is_nonblock(f, rwf));
    return r <= 0 ? r : pipe_take(p, u, u->resid);
}

/* --- writing --- */
static int broken(struct task *t)
{
    siginfo_t info;

    siginfo_user(&info, SIGPIPE, SI_USER, t);
    signal_send_task(t, &info);
    return -EPIPE;
}

int pipe_wait_room(struct task *t, struct pipe *p, bool nonblock)
{
    for (;;) {
        if (!p->readers)
            return broken(t);
        if (pipe_room(p))
            return 1;
        int err = nonblock ? -EAGAIN : task_wait(t, &p->wwait, NO_DEADLINE);
        if (err)
            return err;
    }
}

ssize_t pipe_append(struct pipe *p, struct uio *u, size_t len)
{
    int err = ring_reserve(&p->ring, len);
    ssize_t n = err ? err : ring_put(&p->ring, u, len);

    if (n > 0 && (size_t)n < len) { /* a fault: Linux drops the page it was about to add */
        size_t partial = (size_t)n % NV_PAGE_SIZE;
        p->ring.used -= partial;
        n = n - (ssize_t)partial ? n - (ssize_t)partial : -EFAULT;
    }
    if (n > 0)
        waitq_wake(&p->rwait, EPOLLIN | EPOLLRDNORM);
    return n;
}

static ssize_t append_packet(struct pipe *p, struct uio *u, size_t len)
{
    if (!p->packets)
        p->packets = calloc(PIPE_PACKETS, sizeof(*p->packets));
    if (!p->packets)
        return -ENOMEM;
    uint64_t start = p->head + p->ring.used;
    ssize_t n = pipe_append(p, u, len);
    if (n > 0)
        p->packets[(p->first_packet + p->npackets++) % PIPE_PACKETS] =
            (struct pipe_packet){start, (uint32_t)n};
    return n;
}

/* Writes of up to PIPE_BUF bytes are whole or wait. A packet has a page of its own. */
static bool fits(const struct pipe *p, size_t want, bool packet)
{
    size_t room = pipe_room(p);

    if (packet)
        return room >= want && p->npackets < packets_max(p);
    return room >= want || (want > PIPE_BUF && room > 0);
}

static ssize_t pipe_write(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct pipe *p = f->priv;
    bool packet = f->flags & O_DIRECT;
    size_t done = 0;
    ssize_t n = 0;

    while (u->resid) {
        size_t want = packet ? MIN(u->resid, (size_t)PIPE_BUF) : u->resid;
        if (!p->readers) {
            n = broken(t);
            break;
        }
        if (!fits(p, want, packet)) {
            n = is_nonblock(f, rwf) ? -EAGAIN : task_wait(t, &p->wwait, NO_DEADLINE);
            if (n)
                break;
            continue;
        }
        n = packet ? append_packet(p, u, want) : pipe_append(p, u, MIN(want, pipe_room(p)));
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done ? (ssize_t)done : n;
}

/* --- the file --- */
static uint32_t pipe_poll(struct file *f, struct poll_table *pt)
{
    struct pipe *p = f->priv;
    uint32_t e = 0;

    if (file_readable(f)) {
        poll_wait(pt, &p->rwait);
        if (p->ring.used)
            e |= EPOLLIN | EPOLLRDNORM;
        /* A FIFO that was opened before its first writer came has not been hung up on. */
        if (!p->writers && p->w_opens != (unsigned int)f->pos)
            e |= EPOLLHUP;
    }
    if (file_writable(f)) {
        poll_wait(pt, &p->wwait);
        if (pipe_room(p) >= PIPE_BUF)
            e |= EPOLLOUT | EPOLLWRNORM;
        if (!p->readers)
            e |= EPOLLERR;
    }
    return e;
}

static long pipe_ioctl(struct task *t, struct file *f, unsigned int cmd, unsigned long arg)
{
    struct pipe *p = f->priv;
    int n = (int)p->ring.used;

    return cmd == FIONREAD ? put_user(t, &n, arg) : -ENOTTY;
}

static void pipe_release(struct file *f)
{
    struct pipe *p = f->priv;

    if (file_readable(f))
        p->readers--;
    if (file_writable(f))
        p->writers--;
    waitq_wake(&p->rwait, EPOLLIN | EPOLLRDNORM | EPOLLHUP);
    waitq_wake(&p->wwait, EPOLLOUT | EPOLLWRNORM | EPOLLERR);
    pipe_put(p);
}

static int pipe_restore(struct file *f);

static const struct file_ops pipe_ops = {
    .kind = "pipe",
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
    .release = pipe_release,
    .no_seek = true,
    .io = FILE_NOWAIT,
    .priv_type = &ckpt_pipe,
    .restore = pipe_restore,
};
CKPT_SYMBOL("file_ops", "pipe", pipe_ops);

struct pipe *pipe_of(const struct file *f)
{
    return f->ops == &pipe_ops ? f->priv : NULL;
}

bool file_is_pipe(const struct file *f)
{
    return pipe_of(f);
}

/* The file counts as an end of p. */
static void attach(struct pipe *p, struct file *f)
{
    p->refs++;
    f->priv = p;
    if (file_readable(f)) {
        p->readers++;
        p->r_opens++;
    }
    if (file_writable(f)) {
        p->writers++;
        p->w_opens++;
    }
}

long pipe_fcntl(struct task *t, struct file *f, int cmd, long arg)
{
    struct pipe *p = pipe_of(f);
    unsigned int want = (unsigned int)arg;
    size_t size = NV_PAGE_SIZE;

    if (!p)
        return -EBADF;
    if (cmd == F_GETPIPE_SZ)
        return (long)p->limit;
    if (want > 1U << 31)
        return -EINVAL;
    while (size < want)
        size *= 2;
    if (size > p->limit && size > PIPE_MAX_SIZE && !cred_capable(t->cred, 24 /* SYS_RESOURCE */))
        return -EPERM;
    if (size > p->limit && pipe_pages_over(p, size) && !pipe_privileged(t))
        return -EPERM;
    if (size > PIPE_MAX_PRIVILEGED)
        return -ENOMEM;
    if (p->ring.used > size)
        return -EBUSY;
    pipe_resize(p, size);
    waitq_wake(&p->wwait, EPOLLOUT | EPOLLWRNORM);
    return (long)size;
}

/* --- pipe(2) --- */
static int pipe_files(struct task *t, int flags, struct file *ends[2])
{
    struct pipe *p = pipe_new(t);

    if (!p)
        return -ENOMEM;
    ends[0] = file_new_anon(&pipe_ops, S_IFIFO | 0600, O_RDONLY | (flags & O_NONBLOCK), p);
    if (!ends[0]) {
        pipe_uncharge(p);
        free(p);
        return file_new_error();
    }
    attach(p, ends[0]);
    /* Both ends are opens of one inode. */
    p->inode = ends[0]->inode;
    p->inode->pipe = p;
    ends[1] =
        file_new(&pipe_ops, p->inode, &ends[0]->path, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)));
    if (!ends[1]) {
        file_put(ends[0]);
        return file_new_error();
    }
    attach(p, ends[1]);
    return 0;
}

static long do_pipe(struct task *t, uint64_t addr, int flags)
{
    struct file *ends[2] = {NULL};
    int fds[2];

    if (flags & ~(O_CLOEXEC | O_DIRECT | O_NONBLOCK | O_EXCL))
        return -EINVAL;
    if (flags & O_EXCL) /* O_NOTIFICATION_PIPE, as without CONFIG_WATCH_QUEUE */
        return -ENOPKG;
    int err = pipe_files(t, flags, ends);
    if (err)
        return err;
    fds[0] = fd_install(t, ends[0], flags & O_CLOEXEC, 0);
    fds[1] = fds[0] < 0 ? fds[0] : fd_install(t, ends[1], flags & O_CLOEXEC, 0);
    file_put(ends[0]);
    file_put(ends[1]);
    err = fds[1] < 0 ? fds[1] : put_user(t, &fds, addr);
    if (err && fds[0] >= 0)
        fd_close(t, fds[0]);
    if (err && fds[1] >= 0)
        fd_close(t, fds[1]);
    return err;
}

long sys_pipe(struct task *t, const struct sysargs *a)
{
    return do_pipe(t, arg_u64(a, 0), 0);
}

long sys_pipe2(struct task *t, const struct sysargs *a)
{
    return do_pipe(t, arg_u64(a, 0), arg_i32(a, 1));
}

/* --- FIFOs --- */
static int wait_other(struct task *t, struct pipe *p, const unsigned int *opens, unsigned int had)
{
    while (*opens == had) {
        int err = task_wait(t, &p->open_wait, NO_DEADLINE);
        if (err)
            return err;
    }
    return 0;
}

static int get_pipe(struct task *t, struct inode *i)
{
    if (i->pipe)
        return 0;
    i->pipe = pipe_new(t);
    if (!i->pipe)
        return -ENOMEM;
    i->pipe->inode = i;
    return 0;
}

int fifo_open(struct task *t, struct inode *i, int flags, struct file **out)
{
    int acc = flags & O_ACCMODE, err = get_pipe(t, i);

    if (err)
        return err;
    struct pipe *p = i->pipe;
    p->refs++;
    err = acc == O_ACCMODE                                         ? -EINVAL
          : acc == O_WRONLY && (flags & O_NONBLOCK) && !p->readers ? -ENXIO
                                                                   : 0;
    struct file *f = err ? NULL : file_new(&pipe_ops, i, NULL, flags);
    if (!f) {
        pipe_put(p);
        return err ? err : file_new_error();
    }
    attach(p, f);
    pipe_put(p);
    waitq_wake_all(&p->open_wait);
    /* Another open of pipe(2)'s own object, through /proc/PID/fd, waits for nobody: fs/pipe.c. */
    if (i->sb->magic == ANON_INODE_FS_MAGIC) {
        *out = f;
        return 0;
    }
    if (acc == O_RDONLY && !p->writers) {
        if (flags & O_NONBLOCK)
            f->pos = p->w_opens;
        else
            err = wait_other(t, p, &p->w_opens, p->w_opens);
    } else if (acc == O_WRONLY && !p->readers) {
        err = wait_other(t, p, &p->r_opens, p->r_opens);
    }
    if (err) {
        file_put(f);
        return err;
    }
    *out = f;
    return 0;
}

/* --- checkpoints --- */
static void pipe_save(struct ckpt_writer *w, void *obj)
{
    struct pipe *p = obj;

    ring_save(w, &p->ring);
    ckpt_put_u32(w, p->npackets);
    ckpt_put_u32(w, pipe_uid(p));
    for (unsigned int i = 0; i < p->npackets; i++) {
        const struct pipe_packet *pk = &p->packets[(p->first_packet + i) % PIPE_PACKETS];
        ckpt_put_u64(w, pk->start);
        ckpt_put_u32(w, pk->len);
    }
}

static void *pipe_create(struct ckpt_reader *r)
{
    return pipe_alloc();
}

/* Packets lie one after the other in what the ring holds; the first may be half read. */
static void load_packets(struct ckpt_reader *r, struct pipe *p, uint32_t n)
{
    uint64_t end = p->head + p->ring.used, at = p->head;

    p->packets = calloc(PIPE_PACKETS, sizeof(*p->packets));
    if (!p->packets) {
        ckpt_bad(r, "out of memory");
        return;
    }
    for (uint32_t i = 0; i < n && !ckpt_failed(r); i++) {
        struct pipe_packet *pk = &p->packets[i];
        pk->start = ckpt_get_u64(r);
        pk->len = ckpt_get_u32(r);
        if (pk->start < at || pk->start > end || !pk->len || pk->len > end - pk->start)
            ckpt_bad(r, "packets that do not lie in its data");
        at = pk->start + pk->len;
    }
    p->npackets = n;
}

static void pipe_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct pipe *p = obj;

    ring_load(r, &p->ring, 2 * (size_t)PIPE_MAX_PRIVILEGED);
    uint32_t n = ckpt_get_count(r, PIPE_PACKETS, sizeof(uint64_t) + sizeof(uint32_t));
    if (p->limit > PIPE_MAX_PRIVILEGED || p->head > UINT64_MAX / 2)
        ckpt_bad(r, "larger than a pipe can be");
    else if (pipe_charge(p, version > 1 ? ckpt_get_u32(r) : 0))
        ckpt_bad(r, "out of memory");
    if (n && !ckpt_failed(r))
        load_packets(r, p, n);
}

static void pipe_link(struct ckpt_reader *r, void *obj)
{
    struct pipe *p = obj;

    if (!p->refs || (p->inode && (!S_ISFIFO(p->inode->mode) || p->inode->pipe)))
        ckpt_bad(r, "nobody's, or of an inode that has another");
    else if (p->inode)
        p->inode->pipe = p;
}

static void pipe_hold(void *obj)
{
    ((struct pipe *)obj)->refs++;
}

/* Its openings are counted in the record, who has it open is not. */
static int pipe_restore(struct file *f)
{
    struct pipe *p = f->priv;

    if (f->inode != p->inode)
        return -EINVAL;
    p->readers += file_readable(f);
    p->writers += file_writable(f);
    return 0;
}

static const struct ckpt_field pipe_fields[] = {
    CKPT_UINT(struct pipe, limit),
    CKPT_UINT(struct pipe, head),
    CKPT_UINT(struct pipe, r_opens),
    CKPT_UINT(struct pipe, w_opens),
    CKPT_WEAK(struct pipe, inode, &ckpt_inode),
};

const struct ckpt_type ckpt_pipe = {
    .name = "pipe",
    .id = CT_PIPE,
    .version = 2, /* 2: its user */
    CKPT_TABLE(pipe_fields),
    .save = pipe_save,
    .create = pipe_create,
    .load = pipe_load,
    .link = pipe_link,
    .hold = pipe_hold,
};
CKPT_TYPE_REGISTER(ckpt_pipe);
