/* eventfd(2). */
#include "sentry/ipc/eventfd.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "sentry/ckpt/types.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/file.h"

struct eventfd {
    struct file *file; /* of a restored one: it has only this */
    uint64_t count;
    bool semaphore;
    struct waitq wq;
};

static ssize_t ev_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct eventfd *e = f->priv;
    uint64_t val;

    if (u->resid < sizeof(val))
        return -EINVAL;
    while (!e->count) {
        if ((f->flags & O_NONBLOCK) || (rwf & 8))
            return -EAGAIN;
        int err = task_wait(t, &e->wq, NO_DEADLINE);
        if (err)
            return err;
    }
    val = e->semaphore ? 1 : e->count;
    e->count -= val;
    waitq_wake(&e->wq, EPOLLOUT);
    return uio_write(u, &val, sizeof(val));
}

static ssize_t ev_write(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct eventfd *e = f->priv;
    uint64_t val;

    if (u->resid != sizeof(val))
        return -EINVAL;
    if (uio_read(u, &val, sizeof(val)) != sizeof(val))
        return -EFAULT;
    if (val == UINT64_MAX)
        return -EINVAL;
    while (UINT64_MAX - e->count <= val) {
        if ((f->flags & O_NONBLOCK) || (rwf & 8))
            return -EAGAIN;
        int err = task_wait(t, &e->wq, NO_DEADLINE);
        if (err)
            return err;
    }
    e->count += val;
    waitq_wake(&e->wq, EPOLLIN);
    return sizeof(val);
}

static uint32_t ev_poll(struct file *f, struct poll_table *pt)
{
    struct eventfd *e = f->priv;

    poll_wait(pt, &e->wq);
    return (e->count ? EPOLLIN : 0) | (e->count == UINT64_MAX ? EPOLLERR : 0) |
           (e->count < UINT64_MAX - 1 ? EPOLLOUT : 0);
}

static void ev_release(struct file *f)
{
    free(f->priv);
}

static void ev_fdinfo(struct file *f, struct strbuf *out)
{
    const struct eventfd *e = f->priv;

    strbuf_printf(out, "eventfd-count: %16lx\neventfd-id: %d\neventfd-semaphore: %d\n",
                  (unsigned long)e->count, (int)f->inode->ino, e->semaphore);
}

static int ev_restore(struct file *f)
{
    struct eventfd *e = f->priv;

    if (e->file)
        return -EINVAL;
    e->file = f;
    return 0;
}

static void *ev_create(struct ckpt_reader *r)
{
    struct eventfd *e = calloc(1, sizeof(*e));

    if (e)
        waitq_init(&e->wq);
    return e;
}

static const struct ckpt_field ev_fields[] = {
    CKPT_UINT(struct eventfd, count),
    CKPT_BOOL(struct eventfd, semaphore),
};

static const struct ckpt_type ckpt_eventfd = {
    .name = "eventfd",
    .id = CT_EVENTFD,
    .version = 1,
    CKPT_TABLE(ev_fields),
    .create = ev_create,
};
CKPT_TYPE_REGISTER(ckpt_eventfd);

static const struct file_ops eventfd_ops = {
    .kind = "[eventfd]",
    .read = ev_read,
    .write = ev_write,
    .poll = ev_poll,
    .release = ev_release,
    .fdinfo = ev_fdinfo,
    .llseek = noop_llseek,
    .no_seek = true,
    .io = FILE_NOWAIT_READ | FILE_NO_SPLICE_READ | FILE_PLAIN_WRITE,
    .priv_type = &ckpt_eventfd,
    .restore = ev_restore,
};
CKPT_SYMBOL("file_ops", "eventfd", eventfd_ops);

bool is_eventfd(const struct file *f)
{
    return f->ops == &eventfd_ops;
}

void eventfd_signal(struct file *f, uint64_t n)
{
    struct eventfd *e = f->priv;

    e->count += MIN(n, UINT64_MAX - e->count);
    waitq_wake(&e->wq, EPOLLIN);
}

static long do_eventfd(struct task *t, unsigned int count, int flags)
{
    if (flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
        return -EINVAL;
    struct eventfd *e = calloc(1, sizeof(*e));
    if (!e)
        return -ENOMEM;
    e->count = count;
    e->semaphore = flags & EFD_SEMAPHORE;
    waitq_init(&e->wq);
    struct file *f = file_new_anon(&eventfd_ops, 0600, O_RDWR | (flags & O_NONBLOCK), e);
    if (!f) {
        free(e);
        return file_new_error();
    }
    return fd_install_steal(t, f, flags & EFD_CLOEXEC);
}

long sys_eventfd(struct task *t, const struct sysargs *a)
{
    return do_eventfd(t, arg_u32(a, 0), 0);
}

long sys_eventfd2(struct task *t, const struct sysargs *a)
{
    return do_eventfd(t, arg_u32(a, 0), arg_i32(a, 1));
}
