/*
 * Host descriptors as guest files: the standard streams that the CLI passes on. Regular files keep
 * the host's shared offset; pipes, sockets and character devices are waited for in the loop, so
 * that the sentry never blocks in them.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macros.h"
#include "sentry/fs/fs.h"
#include "sentry/kernel/loop.h"
#include "sentry/kernel/task.h"
#include "sentry/sandbox.h"
#include "sentry/ckpt/types.h"
#include "sentry/vfs/vfs_internal.h"

struct hostfd {
    int fd;
    int stream; /* restored: of the sandbox's standard streams; it may have none now, or a tty */
    bool regular, nonblocking;
    struct waitq wq;
    struct loop_fd watch; /* armed while somebody waits */
    bool watching;
};

static uint32_t host_ready(const struct hostfd *h)
{
    struct pollfd p = {.fd = h->fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};

    if (h->regular)
        return EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;
    if (poll(&p, 1, 0) < 0)
        return EPOLLERR;
    uint32_t e =
        (uint32_t)p.revents & (EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLERR | EPOLLHUP | EPOLLRDHUP);
    return e | (e & EPOLLIN ? EPOLLRDNORM : 0) | (e & EPOLLOUT ? EPOLLWRNORM : 0);
}

static void host_event(struct loop_fd *w, uint32_t revents)
{
    struct hostfd *h = container_of(w, struct hostfd, watch);

    loop_fd_del(w);
    h->watching = false;
    waitq_wake(&h->wq, revents | EPOLLIN | EPOLLOUT);
}

static void arm(struct hostfd *h, uint32_t events)
{
    if (h->regular)
        return;
    if (h->watching) {
        if ((h->watch.events | events) != h->watch.events)
            loop_fd_mod(&h->watch, h->watch.events | events);
        return;
    }
    h->watch = (struct loop_fd){.fd = h->fd, .events = events, .cb = host_event};
    h->watching = loop_fd_add(&h->watch) == 0;
}

/* Sleeps until the host descriptor may be ready. */
static int wait_ready(struct task *t, struct hostfd *h, uint32_t events)
{
    while (!(host_ready(h) & (events | EPOLLERR | EPOLLHUP))) {
        arm(h, events);
        int err = task_wait(t, &h->wq, NO_DEADLINE);
        if (err)
            return err;
    }
    return 0;
}

static ssize_t host_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct hostfd *h = f->priv;

    if (!u->resid)
        return 0;
    if (h->regular)
        return uio_from_fd(
            u, &(struct uio_fd){.fd = h->fd, .offset = pos && pos != &f->pos ? *pos : -1},
            u->resid);
    for (;;) {
        if (!(host_ready(h) & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
            if (f->flags & O_NONBLOCK)
                return -EAGAIN;
            int err = wait_ready(t, h, EPOLLIN);
            if (err)
                return err;
        }
        ssize_t n =
            uio_from_fd(u, &(struct uio_fd){.fd = h->fd, .offset = -1}, MIN(u->resid, 65536UL));
        if (n != -EAGAIN)
            return n;
    }
}

static ssize_t host_write(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct hostfd *h = f->priv;
    size_t done = 0;

    if (h->regular)
        return uio_to_fd(u,
                         &(struct uio_fd){.fd = h->fd, .offset = pos && pos != &f->pos ? *pos : -1},
                         u->resid);
    while (u->resid) {
        if (!(host_ready(h) & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
            int err = f->flags & O_NONBLOCK ? -EAGAIN : wait_ready(t, h, EPOLLOUT);
            if (err)
                return done ? (ssize_t)done : err;
        }
        /* A blocking pipe that is writable takes a page without blocking, no more. */
        ssize_t n = uio_to_fd(u, &(struct uio_fd){.fd = h->fd, .offset = -1},
                              h->nonblocking ? u->resid : MIN(u->resid, 4096UL));
        if (n == -EAGAIN)
            continue;
        if (n == -EPIPE) {
            siginfo_t info;
            siginfo_kernel(&info, SIGPIPE);
            signal_send_task(t, &info);
        }
        if (n < 0)
            return done ? (ssize_t)done : n;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static loff_t host_llseek(struct task *t, struct file *f, loff_t off, int whence)
{
    struct hostfd *h = f->priv;
    loff_t r = lseek(h->fd, off, whence);

    return r < 0 ? -errno : r;
}

static uint32_t host_poll(struct file *f, struct poll_table *pt)
{
    struct hostfd *h = f->priv;
    uint32_t ready = host_ready(h);

    poll_wait(pt, &h->wq);
    /* Only what is not there yet is watched: a writable pipe would keep the loop spinning. */
    if (pt)
        arm(h, (EPOLLIN | EPOLLOUT) & ~ready);
    return ready;
}

static int host_mmap(struct task *t, struct file *f, uint64_t off, uint64_t len, int prot,
                     int flags, int *host_fd, uint64_t *host_off)
{
    struct hostfd *h = f->priv;

    if (!h->regular)
        return -ENODEV;
    *host_fd = h->fd;
    *host_off = off;
    return 0;
}

static long host_ioctl(struct task *t, struct file *f, unsigned int cmd, unsigned long arg)
{
    struct hostfd *h = f->priv;
    int n;

    if (cmd == FIONREAD && !ioctl(h->fd, FIONREAD, &n))
        return put_user(t, &n, arg);
    return -ENOTTY;
}

static void host_release(struct file *f)
{
    struct hostfd *h = f->priv;

    if (h->watching)
        loop_fd_del(&h->watch);
    waitq_release(&h->wq);
    close(h->fd);
    free(h);
}

static int host_fsync(struct task *t, struct file *f, bool data)
{
    struct hostfd *h = f->priv;

    return h->regular && fsync(h->fd) ? -errno : h->regular ? 0 : -EINVAL;
}

static const struct ckpt_type hostfd_type;
static int host_restore(struct file *f);

#define HOST_OPS                                                                                   \
    .read = host_read, .write = host_write, .poll = host_poll, .ioctl = host_ioctl,                \
    .release = host_release, .fsync = host_fsync, .priv_type = &hostfd_type,                       \
    .restore = host_restore

static const struct file_ops stream_ops = {.kind = "pipe", HOST_OPS, .no_seek = true};
static const struct file_ops regular_ops = {
    .kind = "host", HOST_OPS, .llseek = host_llseek, .mmap = host_mmap};
CKPT_SYMBOL("file_ops", "host stream", stream_ops);
CKPT_SYMBOL("file_ops", "host file", regular_ops);

static int bind(struct hostfd *h, int fd, struct stat *st)
{
    if (fstat(fd, st))
        return -errno;
    h->fd = fd;
    h->regular = S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) || S_ISBLK(st->st_mode);
    int fl = fcntl(fd, F_GETFL);
    h->nonblocking = fl >= 0 && (fl & O_NONBLOCK);
    return 0;
}

static void show(struct inode *i, const struct stat *st)
{
    i->size = st->st_size;
    i->rdev = st->st_rdev;
    i->uid = st->st_uid;
    i->gid = st->st_gid;
}

struct file *hostfd_file(int host_fd, int flags)
{
    struct hostfd *h = calloc(1, sizeof(*h));
    struct stat st;

    if (!h || bind(h, host_fd, &st)) {
        free(h);
        return NULL;
    }
    waitq_init(&h->wq);
    struct file *f = file_new_anon(h->regular ? &regular_ops : &stream_ops, st.st_mode, flags, h);
    if (!f) {
        free(h);
        return NULL;
    }
    show(f->inode, &st);
    return f;
}

/* --- checkpoints: a stream of the sandbox becomes the same stream of the new one --- */
#define NSTREAMS 3

static void hostfd_save(struct ckpt_writer *w, void *obj)
{
    const struct hostfd *h = obj;
    int stream = 0;

    while (stream < NSTREAMS && (!sandbox || sandbox->stdio[stream] != h->fd))
        stream++;
    if (stream == NSTREAMS)
        ckpt_refuse(w, "a descriptor of the host", "it is no standard stream of the sandbox");
    ckpt_put_u8(w, (uint8_t)stream);
}

/* Bound here and not in restore(), so that what polls it finds it whole. */
static void hostfd_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    static bool taken[NSTREAMS];
    struct hostfd *h = obj;
    unsigned int stream = ckpt_get_u8(r);
    struct stat st;

    waitq_init(&h->wq);
    h->fd = -1;
    if (stream >= NSTREAMS || taken[stream]) {
        ckpt_bad(r, "stream %u, or that twice", stream);
        return;
    }
    h->stream = (int)stream;
    taken[stream] = true;
    int fd = sandbox ? sandbox->stdio[stream] : -1;
    if (fd >= 0 && !sandbox->stdio_is_tty[stream] && bind(h, fd, &st))
        ckpt_bad(r, "stream %u: %s", stream, strerror(errno));
}

static const struct ckpt_type hostfd_type = {
    .name = "standard stream",
    .id = CT_HOSTFD,
    .version = 1,
    .size = sizeof(struct hostfd),
    .save = hostfd_save,
    .load = hostfd_load,
};
CKPT_TYPE_REGISTER(hostfd_type);

/* What is there now decides what the file is. */
static int host_restore(struct file *f)
{
    struct hostfd *h = f->priv;
    struct stat st;

    if (!path_is_anon(&f->path))
        return -EINVAL;
    if (h->fd >= 0) {
        if (fstat(h->fd, &st))
            return -errno;
        f->ops = h->regular ? &regular_ops : &stream_ops;
        f->inode->mode = st.st_mode;
        show(f->inode, &st);
        return 0;
    }
    int stream = h->stream;
    f->priv = NULL;
    waitq_release(&h->wq);
    free(h);
    f->inode->mode = S_IFCHR | 0666;
    if (sandbox && sandbox->stdio_is_tty[stream])
        return console_take_file(f, sandbox->stdio[stream]);
    memdev_become_null(f);
    return 0;
}
