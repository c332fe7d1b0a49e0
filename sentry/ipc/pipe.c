/*
 * Pipes and FIFOs: pipe(7). One byte ring a pipe, grown on demand up to its capacity; packet mode
 * (O_DIRECT) keeps the packet lengths beside it.
 */
#include "sentry/ipc/pipe.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/file.h"

#define PIPE_DEFAULT 65536
#define PIPE_MAX_SIZE 1048576
#define RING_FIRST 4096
#define PACKETS_MAX 256

struct pipe {
    unsigned int refs;
    char *ring;
    size_t cap;   /* allocated, a power of two */
    size_t limit; /* F_SETPIPE_SZ */
    size_t head, used;
    int readers, writers;
    unsigned int r_opens, w_opens; /* counted for FIFO opens that wait for the other end */
    struct waitq rwait, wwait, open_wait;
    uint16_t packets[PACKETS_MAX]; /* lengths of the first packets, O_DIRECT */
    int npackets;
    struct inode *inode; /* weak */
};

static struct pipe *pipe_new(void)
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

static void pipe_put(struct pipe *p)
{
    if (--p->refs)
        return;
    if (p->inode)
        p->inode->pipe = NULL;
    free(p->ring);
    free(p);
}

void pipe_inode_evicted(struct inode *i)
{
    if (i->pipe)
        i->pipe->inode = NULL;
}

static int resize(struct pipe *p, size_t cap)
{
    char *ring = malloc(cap);

    if (!ring)
        return -ENOMEM;
    for (size_t done = 0; done < p->used;) {
        size_t at = (p->head + done) & (p->cap - 1), n = MIN(p->used - done, p->cap - at);
        memcpy(ring + done, p->ring + at, n);
        done += n;
    }
    free(p->ring);
    p->ring = ring;
    p->cap = cap;
    p->head = 0;
    return 0;
}

static int make_room(struct pipe *p, size_t more)
{
    size_t cap = p->cap ? p->cap : RING_FIRST;

    while (cap < p->used + more)
        cap *= 2;
    return cap > p->cap ? resize(p, cap) : 0;
}

static ssize_t ring_get(struct pipe *p, struct uio *u, size_t len)
{
    size_t done = 0;

    while (done < len) {
        size_t n = MIN(len - done, p->cap - p->head);
        ssize_t r = uio_write(u, p->ring + p->head, n);
        if (r <= 0)
            return done ? (ssize_t)done : r;
        p->head = (p->head + (size_t)r) & (p->cap - 1);
        p->used -= (size_t)r;
        done += (size_t)r;
    }
    return (ssize_t)done;
}

static ssize_t ring_put(struct pipe *p, struct uio *u, size_t len)
{
    size_t done = 0;

    while (done < len) {
        size_t tail = (p->head + p->used) & (p->cap - 1);
        size_t n = MIN(len - done, p->cap - tail);
        ssize_t r = uio_read(u, p->ring + tail, n);
        if (r <= 0)
            return done ? (ssize_t)done : r;
        p->used += (size_t)r;
        done += (size_t)r;
    }
    return (ssize_t)done;
}

static ssize_t pipe_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct pipe *p = f->priv;

    if (!u->resid)
        return 0;
    while (!p->used) {
        if (!p->writers)
            return 0;
        if ((f->flags & O_NONBLOCK) || (rwf & 8))
            return -EAGAIN;
        int err = task_wait(t, &p->rwait, NO_DEADLINE);
        if (err)
            return err;
    }
    size_t len = MIN(u->resid, p->used);
    size_t packet = p->npackets ? p->packets[0] : 0;
    if (packet)
        len = MIN(len, packet);
    ssize_t n = ring_get(p, u, len);
    if (packet && n >= 0) { /* the rest of a packet is lost */
        size_t rest = packet - (size_t)n;
        p->head = (p->head + rest) & (p->cap - 1);
        p->used -= rest;
        memmove(p->packets, p->packets + 1, (size_t)--p->npackets * sizeof(p->packets[0]));
    }
    if (n > 0)
        waitq_wake(&p->wwait, EPOLLOUT | EPOLLWRNORM);
    return n;
}

static ssize_t broken(struct task *t)
{
    siginfo_t info;

    siginfo_kernel(&info, SIGPIPE);
    info.si_code = SI_USER;
    signal_send_task(t, &info);
    return -EPIPE;
}

/* Writes of up to PIPE_BUF bytes are whole or wait. */
static ssize_t pipe_write(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct pipe *p = f->priv;
    bool packets = f->flags & O_DIRECT;
    size_t done = 0;

    if (!p->readers)
        return broken(t);
    while (u->resid) {
        size_t room = p->limit > p->used ? p->limit - p->used : 0;
        size_t want = packets ? MIN(u->resid, (size_t)PIPE_BUF) : u->resid;
        bool fits = room >= want || (want > PIPE_BUF && room > 0);
        if (packets)
            fits = room >= want && p->npackets < PACKETS_MAX;
        if (!p->readers)
            return done ? (ssize_t)done : broken(t);
        if (!fits) {
            int err = (f->flags & O_NONBLOCK) || (rwf & 8)
                          ? -EAGAIN
                          : task_wait(t, &p->wwait, NO_DEADLINE);
            if (err)
                return done ? (ssize_t)done : err;
            continue;
        }
        size_t len = MIN(want, room);
        int err = make_room(p, len);
        ssize_t n = err ? err : ring_put(p, u, len);
        if (n <= 0)
            return done ? (ssize_t)done : n;
        if (packets)
            p->packets[p->npackets++] = (uint16_t)n;
        done += (size_t)n;
        waitq_wake(&p->rwait, EPOLLIN | EPOLLRDNORM);
    }
    return (ssize_t)done;
}

static uint32_t pipe_poll(struct file *f, struct poll_table *pt)
{
    struct pipe *p = f->priv;
    uint32_t e = 0;

    if (file_readable(f)) {
        poll_wait(pt, &p->rwait);
        if (p->used)
            e |= EPOLLIN | EPOLLRDNORM;
        if (!p->writers && p->w_opens)
            e |= EPOLLHUP;
    }
    if (file_writable(f)) {
        poll_wait(pt, &p->wwait);
        if (p->used + PIPE_BUF <= p->limit)
            e |= EPOLLOUT | EPOLLWRNORM;
        if (!p->readers)
            e |= EPOLLERR;
    }
    return e;
}

static long pipe_ioctl(struct task *t, struct file *f, unsigned int cmd, unsigned long arg)
{
    struct pipe *p = f->priv;
    int n = (int)p->used;

    return cmd == FIONREAD ? put_user(t, &n, arg) : -ENOTTY;
}

static void pipe_release(struct file *f)
{
    struct pipe *p = f->priv;

    if (file_readable(f))
        p->readers--;
    if (file_writable(f))
        p->writers--;
    waitq_wake(&p->rwait, EPOLLIN | EPOLLHUP);
    waitq_wake(&p->wwait, EPOLLOUT | EPOLLERR);
    pipe_put(p);
}

static const struct file_ops pipe_ops = {
    .kind = "pipe",
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
    .release = pipe_release,
    .no_seek = true,
};

static void attach(struct pipe *p, const struct file *f)
{
    p->refs++;
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
    if (f->ops != &pipe_ops)
        return -EBADF;
    struct pipe *p = f->priv;
    if (cmd == F_GETPIPE_SZ)
        return (long)p->limit;
    size_t size = NV_PAGE_SIZE;
    if (arg < 0 || (unsigned long)arg > (1UL << 31))
        return -EINVAL;
    while (size < (size_t)arg)
        size *= 2;
    if (size > PIPE_MAX_SIZE && size > p->limit && !cred_capable(t->cred, 24 /* SYS_RESOURCE */))
        return -EPERM;
    if (size > 16 * PIPE_MAX_SIZE)
        return -EPERM;
    if (p->used > size)
        return -EBUSY;
    p->limit = size;
    waitq_wake(&p->wwait, EPOLLOUT);
    return (long)size;
}

/* --- pipe(2) --- */
static long do_pipe(struct task *t, uint64_t addr, int flags)
{
    struct pipe *p;
    int fds[2] = {-1, -1};

    if (flags & ~(O_CLOEXEC | O_DIRECT | O_NONBLOCK))
        return -EINVAL;
    p = pipe_new();
    if (!p)
        return -ENOMEM;
    struct file *r = file_new_anon(&pipe_ops, S_IFIFO | 0600, O_RDONLY | (flags & O_NONBLOCK), p);
    if (!r) {
        free(p);
        return -ENOMEM;
    }
    attach(p, r);
    /* Both ends are opens of one inode. */
    p->inode = r->inode;
    r->inode->pipe = p;
    struct file *w = file_new(&pipe_ops, r->inode, &r->path, O_WRONLY | flags);
    if (!w) {
        file_put(r);
        return -ENOMEM;
    }
    w->priv = p;
    attach(p, w);
    fds[0] = fd_install(t, r, flags & O_CLOEXEC, 0);
    fds[1] = fds[0] < 0 ? fds[0] : fd_install(t, w, flags & O_CLOEXEC, 0);
    file_put(r);
    file_put(w);
    int err = fds[1] < 0 ? fds[1] : put_user(t, &fds, addr);
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
static int wait_other(struct task *t, struct pipe *p, const unsigned int *opens, unsigned int had,
                      const int *count)
{
    while (*opens == had && !*count) {
        int err = task_wait(t, &p->open_wait, NO_DEADLINE);
        if (err)
            return err;
    }
    return 0;
}

int fifo_open(struct task *t, struct inode *i, int flags, struct file **out)
{
    if (!i->pipe) {
        i->pipe = pipe_new();
        if (!i->pipe)
            return -ENOMEM;
        i->pipe->inode = i;
    }
    struct pipe *p = i->pipe;
    int acc = flags & O_ACCMODE, err = 0;
    if (acc == O_WRONLY && (flags & O_NONBLOCK) && !p->readers) {
        if (!p->refs) {
            p->refs = 1;
            pipe_put(p);
        }
        return -ENXIO;
    }
    struct file *f = file_new(&pipe_ops, i, NULL, flags);
    if (!f)
        return -ENOMEM;
    f->priv = p;
    unsigned int r_had = p->r_opens, w_had = p->w_opens;
    attach(p, f);
    waitq_wake_all(&p->open_wait);
    /* Another open of pipe(2)'s own object, through /proc/PID/fd, waits for nobody. */
    if (i->sb->magic == ANON_INODE_FS_MAGIC)
        err = 0;
    else if (acc == O_RDONLY && !(flags & O_NONBLOCK))
        err = wait_other(t, p, &p->w_opens, w_had, &p->writers);
    else if (acc == O_RDONLY && !p->writers)
        p->w_opens = 0; /* no hangup before the first writer has come */
    else if (acc == O_WRONLY)
        err = wait_other(t, p, &p->r_opens, r_had, &p->readers);
    if (err) {
        file_put(f);
        return err;
    }
    *out = f;
    return 0;
}
