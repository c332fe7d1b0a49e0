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
#include "sentry/ns/ns.h"

#define CHUNK 131072UL
#define YIELD_EVERY (8 * CHUNK)
#define XATTR_MAX 65536UL

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

static int copy_data(struct task *t, struct dentry *from, struct dentry *to, loff_t size)
{
    struct path lp = {NULL, from}, up = {NULL, to};
    struct file *in = NULL, *out = NULL;

    if (!size)
        return 0;
    int err = from->inode->ops->open ? from->inode->ops->open(t, from->inode, &lp, O_RDONLY, &in)
                                     : -ENXIO;
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
/* A mounter in a user namespace makes nothing whose owners have no ids there. */
static int may_own(const struct ovl_super *s, const struct kstat *st)
{
    const struct user_ns *ns = s->mounter ? s->mounter->user_ns : NULL;

    return ns && (from_kuid(ns, st->uid) == NO_KID || from_kgid(ns, st->gid) == NO_KID) ? -EOVERFLOW
                                                                                        : 0;
}

static int copy_attr(struct task *t, const struct kstat *from, struct dentry *to)
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

static int copy_xattrs(struct task *t, const struct ovl_super *s, struct inode *from,
                       struct dentry *to)
{
    ssize_t len = from->ops->listxattr ? from->ops->listxattr(t, from, NULL, 0) : 0;

    if (len <= 0)
        return 0;
    cleanup_free char *names = malloc((size_t)len), *value = malloc(XATTR_MAX);
    if (!names || !value)
        return -ENOMEM;
    len = from->ops->listxattr(t, from, names, (size_t)len);
    for (char *n = names; n < names + MAX(len, (ssize_t)0); n += strlen(n) + 1) {
        if (ovl_is_private(s, n))
            continue;
        ssize_t size = from->ops->getxattr(t, from, n, value, XATTR_MAX);
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
static int keep_ino(struct task *t, struct inode *i, struct dentry *up, bool broken_link)
{
    const struct ovl_super *s = OVL_S(i->sb);
    struct dentry *d = inode_dentry(i);
    int err = 0;

    if (d && d->hashed && d->parent != d)
        err = ovl_set_impure(t, s, OVL_I(d->parent->inode)->upper);
    if (err || !broken_link)
        return err ? err : ovl_set_origin(t, s, up, OVL_I(i)->lower);
    uint16_t fs = 0;
    i->ino = ovl_upper_ino(s, up, &fs);
    OVL_I(i)->ino_fs = fs;
    return 0;
}

static int finish(struct task *t, struct inode *i, struct dentry *up, const struct kstat *from)
{
    uint32_t nlink = i->nlink;
    int err = keep_ino(t, i, up, !S_ISDIR(i->mode) && from->nlink > 1);

    if (err)
        return err;
    ovl_set_upper(i, up);
    if (!nlink) /* removed while it was below */
        i->nlink = 0;
    ovl_move_open_files(t, i);
    return 0;
}

/* --- one object --- */
/* The contents of a regular file in an upper inode without a name. */
static int copy_file(struct task *t, struct inode *i, const struct kstat *st, loff_t keep,
                     struct dentry **out)
{
    const struct ovl_layer *layer = &OVL_S(i->sb)->layers[0];
    struct dentry *lower = OVL_I(i)->lower;
    struct inode *root = layer->root->inode, *ui;

    int err = root->ops->tmpfile(t, root, S_IFREG | 0600, &ui);
    if (err)
        return err;
    struct dentry *d = dentry_new_detached(layer->sb, "#copy", ui);
    inode_put(ui);
    if (!d)
        return -ENOMEM;
    err = copy_data(t, lower, d, MIN(st->size, keep));
    if (!err)
        err = copy_xattrs(t, OVL_S(i->sb), lower->inode, d);
    if (!err)
        err = copy_attr(t, st, d);
    if (err)
        dentry_put(d);
    else
        *out = d;
    return err;
}

static int make_other(struct task *t, struct inode *ui, struct dentry *ud, const struct kstat *from,
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

struct copy {
    struct kstat st;     /* of what is below */
    struct dentry *file; /* the copy of a regular file, */
    char *target;        /* of a symlink */
};

/* All but regular files: made and given what they have in one go. */
static int make_copy(struct task *t, struct inode *i, struct inode *ui, struct dentry *ud,
                     const struct copy *c)
{
    int err = make_other(t, ui, ud, &c->st, c->target);

    if (!err)
        err = copy_xattrs(t, OVL_S(i->sb), OVL_I(i)->lower->inode, ud);
    return err ? err : copy_attr(t, &c->st, ud);
}

/* Gives the copy its name. Does not park. */
static int install(struct task *t, struct dentry *d, const struct copy *c)
{
    struct inode *i = d->inode;
    struct dentry *updir = OVL_I(d->parent->inode)->upper, *ud;
    struct inode *ui = updir->inode;
    struct ktime mtime = ui->mtime, ctime = ui->ctime;

    int err = ovl_upper_child(t, updir, d->name, d->name_len, &ud);
    if (err)
        return err;
    if (ud->inode)
        err = -EIO; /* a name above would have been found by lookup */
    else if (c->file)
        err = ui->ops->link(t, c->file, ui, ud);
    else
        err = make_copy(t, i, ui, ud, c);
    bool made = ud->inode && err != -EIO;
    if (!err)
        err = finish(t, i, ud, &c->st);
    if (err && made) {
        (S_ISDIR(i->mode) ? ui->ops->rmdir : ui->ops->unlink)(t, ui, ud);
        dentry_drop(ud);
    }
    ui->mtime = mtime; /* nothing new is in the directory */
    ui->ctime = ctime;
    dentry_put(ud);
    ovl_dir_changed(d->parent->inode);
    return err;
}

/* What may park: afterwards the copy only needs its name. */
static int prepare(struct task *t, struct inode *i, loff_t keep, struct copy *c)
{
    struct path lower = {NULL, OVL_I(i)->lower};
    struct inode *li = lower.dentry->inode;

    int err = vfs_getattr(t, &lower, &c->st);
    if (!err && ((c->st.mode ^ i->mode) & S_IFMT))
        err = -ESTALE; /* it is something else now */
    if (!err)
        err = may_own(OVL_S(i->sb), &c->st);
    if (err)
        return err;
    if (S_ISREG(i->mode))
        return copy_file(t, i, &c->st, keep, &c->file);
    return S_ISLNK(i->mode) ? li->ops->readlink(t, li, &c->target) : 0;
}

static int copy_up_one(struct task *t, struct dentry *d, loff_t keep)
{
    struct inode *i = d->inode;
    struct copy c = {0};

    if (OVL_I(i)->copying)
        return t ? task_wait_killable(t, &copied) : -EBUSY;
    OVL_I(i)->copying = true;
    int err = prepare(t, i, keep, &c);
    OVL_I(i)->copying = false;
    waitq_wake_all(&copied);
    if (!err && d->hashed && OVL_I(d->parent->inode)->upper)
        err = install(t, d, &c);
    else if (!err && !d->hashed)
        err = c.file ? finish(t, i, c.file, &c.st) : -ENOENT;
    dentry_put(c.file);
    free(c.target);
    return err;
}

int ovl_copy_up(struct task *t, struct inode *i, loff_t keep)
{
    int err = ovl_want_write(i->sb);

    while (!err && !OVL_I(i)->upper) {
        struct dentry *d = inode_dentry(i);
        if (!d)
            return -ESTALE;
        while (d->hashed && !OVL_I(d->parent->inode)->upper)
            d = d->parent;
        dentry_get(d);
        err = copy_up_one(t, d, d->inode == i ? keep : OVL_KEEP_ALL);
        dentry_put(d);
    }
    return err;
}
