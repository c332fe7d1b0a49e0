/* /dev/null, zero, full, random, urandom: mem(4), random(4); the table of character devices. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sysmacros.h>

#include "base/macros.h"
#include "sentry/fs/fs.h"
#include "sentry/ckpt/types.h"
#include "sentry/fs/tmpfs/tmpfs.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/file.h"

#define CHRDEVS_MAX 64

static struct chrdev {
    unsigned int major, minor; /* minor ~0: all */
    chrdev_open_fn open;
} chrdevs[CHRDEVS_MAX];
static int nchrdevs;

int chrdev_register(unsigned int major, unsigned int minor, chrdev_open_fn open)
{
    if (nchrdevs == CHRDEVS_MAX)
        return -ENOSPC;
    chrdevs[nchrdevs++] = (struct chrdev){major, minor, open};
    return 0;
}

chrdev_open_fn chrdev_lookup(dev_t rdev)
{
    for (int i = 0; i < nchrdevs; i++)
        if (chrdevs[i].major == major(rdev) &&
            (chrdevs[i].minor == minor(rdev) || chrdevs[i].minor == ~0U))
            return chrdevs[i].open;
    return NULL;
}

static ssize_t null_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    return 0;
}

static ssize_t discard(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    return (ssize_t)u->resid;
}

static ssize_t zero_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    return uio_zero(u, u->resid);
}

static ssize_t full_write(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    return -ENOSPC;
}

static ssize_t random_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    char buf[4096];
    size_t done = 0;

    while (u->resid && !(done && task_signal_pending(t))) {
        size_t n = MIN(u->resid, sizeof(buf));
        if (getrandom(buf, n, GRND_NONBLOCK) != (ssize_t)n)
            return done ? (ssize_t)done : -EAGAIN;
        ssize_t w = uio_write(u, buf, n);
        if (w <= 0)
            return done ? (ssize_t)done : w;
        done += (size_t)w;
    }
    return (ssize_t)done;
}

static loff_t null_llseek(struct task *t, struct file *f, loff_t off, int whence)
{
    return f->pos = 0;
}

/* Private mappings of /dev/zero are anonymous memory; shared ones a file of their own. */
static int zero_mmap(struct task *t, struct file *f, uint64_t off, uint64_t len, int prot,
                     int flags, int *host_fd, uint64_t *host_off)
{
    struct file *backing = f->priv;

    if (!backing) {
        backing = tmpfs_anon_file("/dev/zero", O_RDWR, off + len);
        if (!backing)
            return -ENOMEM;
        f->priv = backing;
    }
    int fd = tmpfs_host_fd(backing);
    *host_fd = fd;
    *host_off = off;
    return fd < 0 ? fd : 0;
}

static void zero_release(struct file *f)
{
    if (f->priv)
        file_put(f->priv);
}

static int zero_restore(struct file *f)
{
    const struct file *backing = f->priv;

    return !backing || backing->ops == &tmpfs_file_ops ? 0 : -EINVAL;
}

static uint32_t always_ready(struct file *f, struct poll_table *pt)
{
    return EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM;
}

static const struct file_ops null_ops = {.kind = "/dev/null",
                                         .read = null_read,
                                         .write = discard,
                                         .llseek = null_llseek,
                                         .io = FILE_NOWAIT | FILE_NO_SPLICE_READ};
static const struct file_ops zero_ops = {.kind = "/dev/zero",
                                         .read = zero_read,
                                         .write = discard,
                                         .llseek = null_llseek,
                                         .mmap = zero_mmap,
                                         .io = FILE_NOWAIT,
                                         .release = zero_release,
                                         .priv_type = &ckpt_file,
                                         .priv_optional = true,
                                         .restore = zero_restore};
static const struct file_ops full_ops = {.kind = "/dev/full",
                                         .read = zero_read,
                                         .write = full_write,
                                         .llseek = null_llseek,
                                         .io = FILE_PLAIN_WRITE};
/* random(4) has requests of its own, of which none is for guests; others are invalid there. */
static long random_ioctl(struct task *t, struct file *f, unsigned int cmd, unsigned long arg)
{
    return -EINVAL;
}

static const struct file_ops random_ops = {.kind = "/dev/random",
                                           .ioctl = random_ioctl,
                                           .read = random_read,
                                           .write = discard,
                                           .poll = always_ready,
                                           .io = FILE_NOWAIT,
                                           .llseek = null_llseek};

CKPT_SYMBOL("file_ops", "null", null_ops);
CKPT_SYMBOL("file_ops", "zero", zero_ops);
CKPT_SYMBOL("file_ops", "full", full_ops);
CKPT_SYMBOL("file_ops", "random", random_ops);

void memdev_become_null(struct file *f)
{
    f->ops = &null_ops;
    f->inode->rdev = makedev(1, 3);
}

static int mem_open(struct task *t, struct inode *i, const struct path *p, int flags,
                    struct file **out)
{
    static const struct file_ops *const ops[] = {
        [3] = &null_ops, [5] = &zero_ops, [7] = &full_ops, [8] = &random_ops, [9] = &random_ops};
    unsigned int m = minor(i->rdev);

    if (m >= ARRAY_SIZE(ops) || !ops[m])
        return -ENXIO;
    *out = file_new(ops[m], i, p, flags);
    return *out ? 0 : file_new_error();
}

int memdev_init(void)
{
    return chrdev_register(1, ~0U, mem_open);
}
