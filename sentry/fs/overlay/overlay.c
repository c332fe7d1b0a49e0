/*
 * overlay: a writable tmpfs over a read-only file system; semantics of Linux's overlayfs.
 *
 * An overlay inode points at the dentries of the real objects: upper (may be NULL) and lower (may
 * be NULL). What is changed is copied up first. Whiteouts are character devices 0/0 in the upper
 * layer; a directory that hides what is below has the attribute OVL_OPAQUE. Open files are the
 * real ones: reading and writing cost nothing extra. A directory that exists below cannot be
 * renamed (EXDEV), as on Linux without redirect_dir.
 *
 * The upper layer is a tmpfs: its operations do not park. So what a change does there after its
 * last look at the lower layer is atomic for all other fibers.
 */
#include "sentry/fs/overlay/overlay.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/macros.h"
#include "sentry/fs/fs.h"
#include "sentry/ipc/pipe.h"
#include "sentry/kernel/task.h"

/* Keeps the numbers of the two layers apart, and exact in a double. */
#define UPPER_INO (1ULL << 50)

uint64_t ovl_upper_ino(const struct inode *upper)
{
    return upper->ino | UPPER_INO;
}

void ovl_sync_attr(struct inode *i)
{
    const struct inode *r = ovl_real(i);

    i->mode = r->mode;
    i->uid = r->uid;
    i->gid = r->gid;
    i->rdev = r->rdev;
    i->size = r->size;
    i->nlink = r->nlink;
}

/* --- inodes --- */
static uint32_t upper_hash(const struct inode *upper)
{
    return (uint32_t)((uintptr_t)upper >> 5);
}

/* Several names of one upper file are one inode: locks, FIFOs and link counts belong to it. */
static void remember(struct inode *i)
{
    OVL_I(i)->inode = i;
    hash_add(&OVL_S(i->sb)->by_upper, &OVL_I(i)->in_hash, upper_hash(OVL_I(i)->upper->inode));
}

static void forget(struct inode *i)
{
    hash_del(&OVL_S(i->sb)->by_upper, &OVL_I(i)->in_hash);
}

static struct inode *find_by_upper(struct superblock *sb, const struct inode *upper)
{
    struct ovl_inode *oi;

    hash_for_each(oi, &OVL_S(sb)->by_upper, upper_hash(upper), in_hash)
    {
        if (oi->upper->inode == upper)
            return oi->inode;
    }
    return NULL;
}

int ovl_restored_upper(struct inode *i)
{
    if (find_by_upper(i->sb, OVL_I(i)->upper->inode))
        return -EEXIST;
    remember(i);
    return 0;
}

void ovl_set_upper(struct inode *i, struct dentry *upper)
{
    OVL_I(i)->upper = dentry_get(upper);
    remember(i);
    ovl_sync_attr(i);
}

/* What was copied up keeps the number it had. */
static uint64_t choose_ino(const struct dentry *upper, const struct dentry *lower)
{
    uint64_t ino;

    if (lower)
        return lower->inode->ino;
    const struct inode_ops *ops = upper->inode->ops;
    if (ops->getxattr &&
        ops->getxattr(NULL, upper->inode, OVL_ORIGIN, &ino, sizeof(ino)) == sizeof(ino))
        return ino;
    return ovl_upper_ino(upper->inode);
}

struct inode *ovl_inode_get(struct superblock *sb, struct dentry *upper, struct dentry *lower)
{
    struct inode *i = upper ? find_by_upper(sb, upper->inode) : NULL;

    if (i)
        return inode_get(i);
    struct ovl_inode *oi = calloc(1, sizeof(*oi));
    i = oi ? inode_new(sb, &ovl_ops, 0) : NULL;
    if (!i) {
        free(oi);
        return NULL;
    }
    i->priv = oi;
    oi->lower = lower ? dentry_get(lower) : NULL;
    i->ino = choose_ino(upper, lower);
    if (upper)
        ovl_set_upper(i, upper);
    else
        ovl_sync_attr(i);
    return i;
}

static void ovl_evict(struct inode *i)
{
    if (OVL_I(i)->upper)
        forget(i);
    if (i->pipe)
        pipe_inode_evicted(i);
    dentry_put(OVL_I(i)->upper);
    dentry_put(OVL_I(i)->lower);
    free(i->priv);
}

/* --- looking up --- */
int ovl_child(struct task *t, struct dentry *dir, const struct dentry *d, struct dentry **out)
{
    struct path p = {NULL, dir};

    *out = NULL;
    if (!dir || !S_ISDIR(dir->inode->mode))
        return 0;
    int err = vfs_lookup(t, &p, d->name, d->name_len, out);
    if (!err && !(*out)->inode) {
        dentry_put(*out);
        *out = NULL;
    }
    return err == -ENOTDIR ? 0 : err;
}

static bool is_opaque(struct task *t, struct dentry *upper)
{
    const struct inode_ops *ops = upper->inode->ops;

    return ops->getxattr && ops->getxattr(t, upper->inode, OVL_OPAQUE, NULL, 0) >= 0;
}

static int ovl_lookup(struct task *t, struct inode *dir, struct dentry *d)
{
    struct ovl_inode *oi = OVL_I(dir);
    struct dentry *upper = NULL, *lower = NULL;
    int err = ovl_child(t, oi->upper, d, &upper);

    if (err)
        return err;
    bool hide = upper && (ovl_is_whiteout(upper->inode) || !S_ISDIR(upper->inode->mode) ||
                          is_opaque(t, upper));
    if (!hide && oi->lower)
        err = ovl_child(t, oi->lower, d, &lower);
    /* A file below is hidden by a directory above and the other way round. */
    if (!err && upper && lower && !S_ISDIR(lower->inode->mode)) {
        dentry_put(lower);
        lower = NULL;
    }
    if (!err && upper && ovl_is_whiteout(upper->inode)) {
        dentry_put(upper);
        upper = NULL;
    }
    if (!err && (upper || lower)) {
        struct inode *i = ovl_inode_get(d->sb, upper, lower);
        if (i)
            dentry_set_inode(d, i);
        else
            err = -ENOMEM;
    }
    dentry_put(upper);
    dentry_put(lower);
    return err;
}

/* --- attributes and opening --- */
static int ovl_readlink(struct task *t, struct inode *i, char **out)
{
    struct inode *r = ovl_real(i);

    return r->ops->readlink ? r->ops->readlink(t, r, out) : -EINVAL;
}

static int ovl_getattr(struct task *t, struct inode *i, struct kstat *st)
{
    struct path p = {NULL, ovl_real_dentry(i)};
    uint64_t dev = st->dev;

    int err = vfs_getattr(t, &p, st);
    if (st->dev == p.dentry->sb->dev) /* a mount below the lower root stays another device */
        st->dev = dev;
    st->ino = i->ino;
    if (S_ISDIR(i->mode) && OVL_I(i)->upper && OVL_I(i)->lower && i->nlink)
        st->nlink = 1; /* find(1) must not conclude that there are no directories in it */
    else if (!i->nlink)
        st->nlink = 0; /* removed, but still there below */
    return err;
}

static int ovl_setattr(struct task *t, struct dentry *d, const struct setattr *a)
{
    struct inode *i = d->inode;

    int err = ovl_copy_up(t, i, a->mask & SETATTR_SIZE ? a->size : OVL_KEEP_ALL);
    if (err)
        return err;
    uint32_t nlink = i->nlink;
    err = ovl_real(i)->ops->setattr(t, OVL_I(i)->upper, a);
    ovl_sync_attr(i);
    if (!nlink)
        i->nlink = 0;
    return err;
}

static int ovl_open(struct task *t, struct inode *i, const struct path *p, int flags,
                    struct file **out)
{
    if (S_ISDIR(i->mode))
        return ovl_open_dir(t, i, p, flags, out);
    if ((flags & O_ACCMODE) == O_WRONLY || (flags & O_ACCMODE) == O_RDWR) {
        int err = ovl_copy_up(t, i, OVL_KEEP_ALL);
        if (err)
            return err;
    }
    struct inode *r = ovl_real(i);
    return r->ops->open ? r->ops->open(t, r, p, flags, out) : -ENXIO;
}

static bool is_private(const char *name)
{
    return !strncmp(name, OVL_PRIVATE, strlen(OVL_PRIVATE));
}

static ssize_t ovl_getxattr(struct task *t, struct inode *i, const char *name, void *buf,
                            size_t size)
{
    struct inode *r = ovl_real(i);

    if (is_private(name))
        return -ENODATA;
    return r->ops->getxattr ? r->ops->getxattr(t, r, name, buf, size) : -ENODATA;
}

static int ovl_setxattr(struct task *t, struct dentry *d, const char *name, const void *v, size_t n,
                        int flags)
{
    if (is_private(name))
        return -EPERM;
    int err = ovl_copy_up(t, d->inode, OVL_KEEP_ALL);
    struct dentry *u = OVL_I(d->inode)->upper;
    return err ? err : u->inode->ops->setxattr(t, u, name, v, n, flags);
}

static ssize_t ovl_listxattr(struct task *t, struct inode *i, char *buf, size_t size)
{
    struct inode *r = ovl_real(i);
    ssize_t all = r->ops->listxattr ? r->ops->listxattr(t, r, NULL, 0) : 0;

    if (all <= 0)
        return all;
    char *names = malloc((size_t)all);
    if (!names)
        return -ENOMEM;
    all = r->ops->listxattr(t, r, names, (size_t)all);
    size_t used = 0;
    for (char *at = names; all > 0 && at < names + all; at += strlen(at) + 1) {
        size_t len = strlen(at) + 1;
        if (is_private(at))
            continue;
        if (buf && used + len > size) {
            all = -ERANGE;
            break;
        }
        if (buf)
            memcpy(buf + used, at, len);
        used += len;
    }
    free(names);
    return all < 0 ? all : (ssize_t)used;
}

static int ovl_removexattr(struct task *t, struct dentry *d, const char *name)
{
    ssize_t there = ovl_getxattr(t, d->inode, name, NULL, 0);

    if (there < 0)
        return (int)there;
    int err = ovl_copy_up(t, d->inode, OVL_KEEP_ALL);
    struct dentry *u = OVL_I(d->inode)->upper;
    return err ? err : u->inode->ops->removexattr(t, u, name);
}

static void *ovl_acl(const struct inode *i, bool dflt, size_t *size)
{
    const struct inode *r = ovl_real(i);

    return r->ops->acl ? r->ops->acl(r, dflt, size) : NULL;
}

static const struct inode_ops *ops_of(mode_t mode)
{
    return &ovl_ops;
}

const struct inode_ops ovl_ops = {
    .lookup = ovl_lookup,
    .create = ovl_create,
    .mkdir = ovl_mkdir,
    .mknod = ovl_mknod,
    .symlink = ovl_symlink,
    .link = ovl_link,
    .unlink = ovl_unlink,
    .rmdir = ovl_rmdir,
    .rename = ovl_rename,
    .readlink = ovl_readlink,
    .getattr = ovl_getattr,
    .setattr = ovl_setattr,
    .open = ovl_open,
    .tmpfile = ovl_tmpfile,
    .getxattr = ovl_getxattr,
    .setxattr = ovl_setxattr,
    .listxattr = ovl_listxattr,
    .removexattr = ovl_removexattr,
    .acl = ovl_acl,
};

/* --- the file system --- */
static int ovl_statfs(struct task *t, struct superblock *sb, struct statfs *st)
{
    struct superblock *up = OVL_S(sb)->upper;
    int err = up->ops->statfs ? up->ops->statfs(t, up, st) : 0;

    st->f_type = OVERLAYFS_SUPER_MAGIC;
    return err;
}

static void ovl_put_super(struct superblock *sb)
{
    struct ovl_super *s = OVL_S(sb);

    dentry_put(s->whiteout);
    super_put(s->lower);
    super_put(s->upper);
    hash_free(&s->by_upper);
    free(s);
}

const struct super_ops ovl_super_ops = {
    .evict = ovl_evict,
    .statfs = ovl_statfs,
    .put_super = ovl_put_super,
    .priv_type = &ckpt_overlay,
    .inode_ops = ops_of,
    .save_inode = ovl_save_inode,
    .load_inode = ovl_load_inode,
    .restore_inode = ovl_restore_inode,
    .has_layer = ovl_has_layer,
};

/* The root shows the attributes of what it covers. */
static void copy_root_attr(struct inode *to, const struct inode *from)
{
    to->mode = from->mode;
    to->uid = from->uid;
    to->gid = from->gid;
    to->atime = from->atime;
    to->mtime = from->mtime;
}

int overlayfs_new(struct superblock *lower, struct superblock *upper, struct superblock **out)
{
    struct ovl_super *s = calloc(1, sizeof(*s));
    struct superblock *sb =
        s ? super_new(&ovl_super_ops, "overlay", OVERLAYFS_SUPER_MAGIC, s) : NULL;

    if (!sb) {
        free(s);
        return -ENOMEM;
    }
    s->lower = lower;
    s->upper = upper;
    copy_root_attr(upper->root->inode, lower->root->inode);
    struct inode *root = ovl_inode_get(sb, upper->root, lower->root);
    if (!root || !dentry_new_root(sb, root)) {
        super_put(sb);
        return -ENOMEM;
    }
    *out = sb;
    return 0;
}
