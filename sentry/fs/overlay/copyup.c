/*
 * Copy-up: the upper layer gets its own copy of an object of the lower one, parents first. A file
 * is copied into an inode without a name, which is linked when it is complete: nobody sees half of
 * it. One fiber copies an inode, others that need it wait.
 *
 * A file that was removed meanwhile (or before) gets an upper object without a name.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/fs/overlay/overlay.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/task.h"

#define CHUNK 131072UL
#define YIELD_EVERY (8 * CHUNK)

static struct waitq copied = {LIST_INIT(copied.waiters)};

/* --- contents --- */
/* The next bytes to copy at or after pos; holes are left out. */
static void next_extent(struct task *t, struct file *in, loff_t pos, loff_t size, loff_t *from,
                        loff_t *to)
{
    loff_t data = in->ops->llseek ? in->ops->llseek(t, in, pos, SEEK_DATA) : pos;

    *from = data == -ENXIO ? size : data < 0 ? pos : data;
    loff_t hole = data >= 0 && in->ops->llseek ? in->ops->llseek(t, in, *from, SEEK_HOLE) : size;
    *to = hole <= *from ? size : MIN(hole, size);
}

static int copy_extent(struct task *t, struct file *in, struct file *out, loff_t pos, loff_t end,
                       char *buf)
{
    size_t since = 0;

    while (pos < end) {
        struct uio r, w;
        loff_t ipos = pos, opos = pos;
        uio_init_kernel(&r, UIO_DEST, buf, MIN((size_t)(end - pos), CHUNK));
        ssize_t n = file_read(t, in, &r, &ipos, 0);
        if (n <= 0)
            return (int)n; /* shorter than it was */
        uio_init_kernel(&w, UIO_SOURCE, buf, (size_t)n);
        ssize_t m = file_write(NULL, out, &w, &opos, 0); /* not limited by RLIMIT_FSIZE */
        if (m != n)
            return m < 0 ? (int)m : -ENOSPC;
        pos += n;
        since += (size_t)n;
        if (t && task_fatal_pending(t))
            return -EINTR;
        if (since >= YIELD_EVERY) {
            fiber_yield();
            since = 0;
        }
    }
    return 0;
}

static int copy_extents(struct task *t, struct file *in, struct file *out, loff_t size)
{
    cleanup_free char *buf = malloc(CHUNK);
    int err = buf ? 0 : -ENOMEM;

    for (loff_t pos = 0; !err && pos < size;) {
        loff_t from, to;
        next_extent(t, in, pos, size, &from, &to);
        if (from < size)
            err = copy_extent(t, in, out, from, to, buf);
        pos = MAX(to, from);
    }
    return err;
}

static int copy_data(struct task *t, struct dentry *from, struct dentry *to, loff_t keep)
{
    struct path lp = {NULL, from}, up = {NULL, to};
    struct file *in = NULL, *out = NULL;
    loff_t size = MIN(from->inode->size, keep);

    if (!size)
        return 0;
    int err = from->inode->ops->open(t, from->inode, &lp, O_RDONLY, &in);
    if (!err)
        err = to->inode->ops->open(t, to->inode, &up, O_RDWR, &out);
    if (!err)
        err = copy_extents(t, in, out, size);
    struct setattr a = {.mask = SETATTR_SIZE, .size = size};
    if (!err && to->inode->size != size) /* a hole at the end */
        err = to->inode->ops->setattr(t, to, &a);
    if (in)
        file_put(in);
    if (out)
        file_put(out);
    return err;
}

/* --- attributes --- */
static int copy_attr(struct task *t, const struct inode *from, struct dentry *to)
{
    struct setattr a = {.mask = SETATTR_UID | SETATTR_GID | SETATTR_ATIME | SETATTR_MTIME |
                                (S_ISLNK(from->mode) ? 0 : SETATTR_MODE),
                        .mode = from->mode & 07777,
                        .uid = from->uid,
                        .gid = from->gid,
                        .atime = from->atime,
                        .mtime = from->mtime};

    return to->inode->ops->setattr(t, to, &a);
}

static int copy_xattrs(struct task *t, struct inode *from, struct dentry *to)
{
    ssize_t len = from->ops->listxattr ? from->ops->listxattr(t, from, NULL, 0) : 0;

    if (len <= 0)
        return 0;
    cleanup_free char *names = malloc((size_t)len), *value = malloc(65536);
    if (!names || !value)
        return -ENOMEM;
    len = from->ops->listxattr(t, from, names, (size_t)len);
    for (char *n = names; n < names + MAX(len, (ssize_t)0); n += strlen(n) + 1) {
        ssize_t size = from->ops->getxattr(t, from, n, value, 65536);
        int err = size < 0 ? 0 : to->inode->ops->setxattr(t, to, n, value, (size_t)size, 0);
        if (err)
            return err;
    }
    return 0;
}

/*
 * Lets a later lookup give the same inode number. Not for one of several names: the other stays
 * below and is a file of its own from now on.
 */
static int keep_ino(struct task *t, struct inode *i, struct dentry *up)
{
    if (!S_ISDIR(i->mode) && OVL_I(i)->lower->inode->nlink > 1) {
        i->ino = ovl_upper_ino(up->inode);
        return 0;
    }
    return up->inode->ops->setxattr(t, up, OVL_ORIGIN, &i->ino, sizeof(i->ino), 0);
}

static int finish(struct task *t, struct inode *i, struct dentry *up)
{
    uint32_t nlink = i->nlink;
    int err = keep_ino(t, i, up);

    if (err)
        return err;
    ovl_set_upper(i, up);
    if (!nlink) /* removed while it was below */
        i->nlink = 0;
    return 0;
}

/* --- one object --- */
/* The contents of a regular file in an upper inode without a name. */
static int copy_file(struct task *t, struct inode *i, loff_t keep, struct dentry **out)
{
    struct dentry *lower = OVL_I(i)->lower;
    struct inode *root = OVL_S(i->sb)->upper->root->inode, *ui;

    int err = root->ops->tmpfile(t, root, S_IFREG | 0600, &ui);
    if (err)
        return err;
    struct dentry *d = dentry_new_detached(OVL_S(i->sb)->upper, "#copy", ui);
    inode_put(ui);
    if (!d)
        return -ENOMEM;
    err = copy_data(t, lower, d, keep);
    if (!err)
        err = copy_xattrs(t, lower->inode, d);
    if (!err)
        err = copy_attr(t, lower->inode, d);
    if (err)
        dentry_put(d);
    else
        *out = d;
    return err;
}

static int make_other(struct task *t, struct inode *ui, struct dentry *ud, const struct inode *from,
                      const char *target)
{
    switch (from->mode & S_IFMT) {
    case S_IFDIR:
        return ui->ops->mkdir(t, ui, ud, S_IFDIR | 0700);
    case S_IFLNK:
        return ui->ops->symlink(t, ui, ud, target);
    default:
        return ui->ops->mknod(t, ui, ud, from->mode, from->rdev);
    }
}

/* Gives the copy its name. Does not park; file is NULL for everything but regular files. */
static int install(struct task *t, struct dentry *d, struct dentry *file, const char *target)
{
    struct inode *i = d->inode;
    struct path updir = {NULL, OVL_I(d->parent->inode)->upper};
    struct inode *ui = updir.dentry->inode;
    struct ktime mtime = ui->mtime, ctime = ui->ctime;
    struct dentry *ud;

    int err = vfs_lookup(t, &updir, d->name, d->name_len, &ud);
    if (err)
        return err;
    if (ud->inode)
        err = -EIO; /* a name above would have been found by lookup */
    else if (file)
        err = ui->ops->link(t, file, ui, ud);
    else
        err = make_other(t, ui, ud, OVL_I(i)->lower->inode, target);
    if (!err && !file)
        err = copy_attr(t, OVL_I(i)->lower->inode, ud);
    if (!err)
        err = finish(t, i, ud);
    if (err && ud->inode) {
        (S_ISDIR(i->mode) ? ui->ops->rmdir : ui->ops->unlink)(t, ui, ud);
        dentry_drop(ud);
    }
    ui->mtime = mtime; /* nothing new is in the directory */
    ui->ctime = ctime;
    dentry_put(ud);
    return err;
}

static int copy_up_one(struct task *t, struct dentry *d, loff_t keep)
{
    struct inode *i = d->inode;
    cleanup_free char *target = NULL;
    struct dentry *file = NULL;
    int err = 0;

    if (OVL_I(i)->copying)
        return t ? task_wait_killable(t, &copied) : -EBUSY;
    OVL_I(i)->copying = true;
    if (S_ISREG(i->mode))
        err = copy_file(t, i, keep, &file);
    else if (S_ISLNK(i->mode))
        err = OVL_I(i)->lower->inode->ops->readlink(t, OVL_I(i)->lower->inode, &target);
    OVL_I(i)->copying = false;
    waitq_wake_all(&copied);
    if (!err && d->hashed && OVL_I(d->parent->inode)->upper)
        err = install(t, d, file, target);
    else if (!err && !d->hashed)
        err = file ? finish(t, i, file) : -ENOENT;
    dentry_put(file);
    return err;
}

int ovl_copy_up(struct task *t, struct inode *i, loff_t keep)
{
    while (!OVL_I(i)->upper) {
        struct dentry *d = inode_dentry(i);
        if (!d)
            return -ESTALE;
        while (d->hashed && !OVL_I(d->parent->inode)->upper)
            d = d->parent;
        dentry_get(d);
        int err = copy_up_one(t, d, d->inode == i ? keep : OVL_KEEP_ALL);
        dentry_put(d);
        if (err)
            return err;
    }
    return 0;
}
