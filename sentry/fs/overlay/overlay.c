/*
 * overlay: directories of several file systems as one, changes going to the topmost; semantics of
 * Linux's overlayfs. The sandbox's root is one, and guests mount others.
 *
 * An overlay inode points at the dentries of the real objects: upper (may be NULL), lower ones (may
 * be none). What is changed is copied up first. Whiteouts are character devices 0/0; a directory
 * that hides what is below has the attribute OVL_OPAQUE. Open files are the real ones: reading and
 * writing cost nothing extra.
 *
 * The upper layer is a tmpfs: its operations do not park. So what a change does there after its
 * last look at lower layers is atomic for all other fibers. But it may be mounted elsewhere, too:
 * names and contents change without the overlay's doing.
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

int ovl_want_write(const struct superblock *sb)
{
    const struct ovl_layer *up = &OVL_S(sb)->layers[0];

    return sb->readonly || !up->root || up->sb->readonly ? -EROFS : 0;
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

uint64_t ovl_shown_ino(const struct ovl_super *s, unsigned int fs, uint64_t ino)
{
    return ino | s->fs[fs].ino_bits;
}

/* What was copied up keeps the number it had. */
uint64_t ovl_upper_ino(const struct ovl_super *s, struct dentry *upper, uint16_t *fs)
{
    uint64_t ino;

    if (!ovl_get_origin(s, upper, &ino, fs)) {
        ino = upper->inode->ino;
        *fs = 0;
    }
    return ovl_shown_ino(s, *fs, ino);
}

static void choose_ino(struct inode *i)
{
    const struct ovl_super *s = OVL_S(i->sb);
    struct ovl_inode *oi = OVL_I(i);
    uint64_t ino;

    if (oi->lower) {
        oi->ino_fs = s->layers[oi->layer].fs;
        ino = ovl_shown_ino(s, oi->ino_fs, oi->lower->inode->ino);
    } else {
        ino = ovl_upper_ino(s, oi->upper, &oi->ino_fs);
    }
    if (!S_ISDIR(i->mode) || !s->own_dir_inos)
        i->ino = ino;
}

struct ovl_more *ovl_more(struct inode *i)
{
    struct ovl_inode *oi = OVL_I(i);

    if (!oi->more)
        oi->more = calloc(1, sizeof(*oi->more));
    return oi->more;
}

static int take_lowers(struct ovl_inode *oi, const struct ovl_lower *v, unsigned int n)
{
    if (n > 1) {
        oi->more = calloc(1, sizeof(*oi->more) + (n - 1UL) * sizeof(v[0]));
        if (!oi->more)
            return -ENOMEM;
        oi->more->n = (uint16_t)(n - 1);
        memcpy(oi->more->v, v + 1, (n - 1UL) * sizeof(v[0]));
    }
    for (unsigned int k = 0; k < n; k++)
        dentry_get(v[k].d);
    oi->lower = n ? v[0].d : NULL;
    oi->layer = n ? v[0].layer : 0;
    return 0;
}

struct inode *ovl_inode_get(struct superblock *sb, struct dentry *upper,
                            const struct ovl_lower *lowers, unsigned int n)
{
    struct inode *i = upper ? find_by_upper(sb, upper->inode) : NULL;

    if (i)
        return inode_get(i);
    struct ovl_inode *oi = calloc(1, sizeof(*oi));
    i = oi && !take_lowers(oi, lowers, n) ? inode_new(sb, &ovl_ops, 0) : NULL;
    if (!i) {
        if (oi)
            dentry_put(oi->lower);
        for (unsigned int k = 1; oi && oi->lower && k < n; k++)
            dentry_put(lowers[k].d);
        if (oi)
            free(oi->more);
        free(oi);
        return NULL;
    }
    i->priv = oi;
    if (upper)
        ovl_set_upper(i, upper);
    else
        ovl_sync_attr(i);
    choose_ino(i);
    if (S_ISDIR(i->mode) && !ovl_is_merged(i))
        oi->whiteouts = ovl_get_attr(OVL_S(sb), ovl_real_dentry(i), OVL_ORIGIN, NULL, 0) >= 0;
    return i;
}

static void ovl_evict(struct inode *i)
{
    struct ovl_inode *oi = OVL_I(i);

    if (oi->upper)
        forget(i);
    if (i->pipe)
        pipe_inode_evicted(i);
    ovl_dir_changed(i);
    dentry_put(oi->upper);
    dentry_put(oi->lower);
    for (unsigned int k = 0; oi->more && k < oi->more->n; k++)
        dentry_put(oi->more->v[k].d);
    if (oi->more)
        free(oi->more->redirect);
    free(oi->more);
    free(oi);
}

/*
 * Names in layers that somebody else changes are asked again. Those that were copied up, or are
 * merged, count as what they were found to be.
 */
static int ovl_revalidate(struct task *t, struct dentry *d)
{
    if (!d->inode)
        return 0;
    for (unsigned int k = 0; k < ovl_nlowers(d->inode); k++) {
        struct dentry *l = ovl_lower_at(d->inode, k).d;
        if (l->hashed && l->sb->ops->revalidate && !l->sb->ops->revalidate(t, l))
            return 0;
    }
    return 1;
}

/* --- attributes and opening --- */
int ovl_mounter_may(struct task *t, const struct ovl_super *s, struct inode *real, int mask)
{
    if (!s->mounter || !t)
        return 0;
    struct cred *saved = t->cred;
    t->cred = s->mounter; /* permission checks do not park */
    int err = inode_permission(t, real, mask);
    t->cred = saved;
    return err;
}

/* The caller's rights go by the overlay's inode, the mounter's by the real one. */
static int ovl_permission(struct task *t, struct inode *i, int mask)
{
    int err = generic_permission(t, i, mask);

    if (err || !OVL_S(i->sb)->mounter)
        return err;
    bool special = !S_ISREG(i->mode) && !S_ISDIR(i->mode) && !S_ISLNK(i->mode);
    if (!OVL_I(i)->upper && !special && (mask & MAY_WRITE))
        mask = (mask & ~MAY_WRITE) | MAY_READ; /* to copy it up */
    return ovl_mounter_may(t, OVL_S(i->sb), ovl_real(i), mask);
}

static int ovl_readlink(struct task *t, struct inode *i, char **out)
{
    struct inode *r = ovl_real(i);

    return r->ops->readlink ? r->ops->readlink(t, r, out) : -EINVAL;
}

static int ovl_getattr(struct task *t, struct inode *i, struct kstat *st)
{
    const struct ovl_inode *oi = OVL_I(i);
    struct path p = {NULL, ovl_real_dentry(i)};
    uint64_t dev = st->dev;

    int err = vfs_getattr(t, &p, st);
    /* A mount below the root of an export stays another device. */
    if (st->dev == p.dentry->sb->dev || p.dentry->sb->ops == &ovl_super_ops)
        st->dev = S_ISDIR(i->mode) ? dev : OVL_S(i->sb)->fs[oi->ino_fs].dev;
    st->ino = i->ino;
    if (S_ISDIR(i->mode) && i->nlink && ovl_is_merged(i))
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
    .permission = ovl_permission,
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
    const struct ovl_layer *l = OVL_S(sb)->layers;
    struct superblock *real = l[0].sb ? l[0].sb : l[1].sb;
    int err = real->ops->statfs ? real->ops->statfs(t, real, st) : 0;

    st->f_type = OVERLAYFS_SUPER_MAGIC;
    return err;
}

static void ovl_put_super(struct superblock *sb)
{
    ovl_super_free(OVL_S(sb));
}

const struct super_ops ovl_super_ops = {
    .evict = ovl_evict,
    .statfs = ovl_statfs,
    .revalidate = ovl_revalidate,
    .put_super = ovl_put_super,
    .show_options = ovl_show_options,
    .priv_type = &ckpt_overlay,
    .inode_ops = ops_of,
    .save_inode = ovl_save_inode,
    .load_inode = ovl_load_inode,
    .restore_inode = ovl_restore_inode,
    .has_layer = ovl_has_layer,
};
