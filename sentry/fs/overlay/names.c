/*
 * Names in the overlay: making, removing, renaming. Each call first does what may park (copying
 * directories up, looking at the lower layer), then changes the upper layer in one go.
 */
#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/fs/overlay/overlay.h"
#include "sentry/kernel/task.h"

/* --- whiteouts --- */
/* All are one inode: hiding a name never fails for want of inodes. */
static int put_whiteout(struct task *t, struct inode *dir, const struct dentry *d)
{
    struct ovl_super *s = OVL_S(dir->sb);
    struct path updir = {NULL, OVL_I(dir)->upper};
    struct inode *ui = updir.dentry->inode;
    struct dentry *ud;

    int err = vfs_lookup(t, &updir, d->name, d->name_len, &ud);
    if (err)
        return err;
    if (ud->inode)
        err = ovl_is_whiteout(ud->inode) ? 0 : -EEXIST;
    else if (s->whiteout)
        err = ui->ops->link(t, s->whiteout, ui, ud);
    else
        err = ui->ops->mknod(t, ui, ud, S_IFCHR, makedev(0, 0));
    if (!err && !s->whiteout) /* without memory the next one makes its own inode */
        s->whiteout = dentry_new_detached(s->upper, "#whiteout", ud->inode);
    dentry_put(ud);
    return err;
}

/* Removes a whiteout in the way, so that ud is free; *was tells. */
static int clear_whiteout(struct task *t, struct inode *updir, struct dentry *ud, bool *was)
{
    *was = ud->inode && ovl_is_whiteout(ud->inode);
    if (!*was)
        return 0;
    int err = updir->ops->unlink(t, updir, ud);
    if (!err)
        dentry_set_inode(ud, NULL);
    return err;
}

static int set_opaque(struct task *t, struct dentry *ud)
{
    return ud->inode->ops->setxattr(t, ud, OVL_OPAQUE, "y", 1, 0);
}

/* Does the lower layer have this name, so that removing it above leaves something to hide? */
static int lower_has(struct task *t, struct inode *dir, const struct dentry *d, bool *has)
{
    struct dentry *ld = NULL;
    int err = ovl_child(t, OVL_I(dir)->lower, d, &ld);

    *has = ld;
    dentry_put(ld);
    return err;
}

/* --- making --- */
struct make {
    int (*fn)(struct task *t, struct inode *ui, struct dentry *ud, const struct make *m);
    mode_t mode;
    dev_t rdev;
    const char *target;
    struct dentry *old; /* link(2): of the upper layer */
};

static int ovl_make(struct task *t, struct inode *dir, struct dentry *d, const struct make *m)
{
    int err = ovl_copy_up(t, dir, 0);
    bool whiteout;
    struct dentry *ud;

    if (err)
        return err;
    struct path updir = {NULL, OVL_I(dir)->upper};
    struct inode *ui = updir.dentry->inode;
    err = vfs_lookup(t, &updir, d->name, d->name_len, &ud);
    if (err)
        return err;
    err = clear_whiteout(t, ui, ud, &whiteout);
    if (!err)
        err = ud->inode ? -EEXIST : m->fn(t, ui, ud, m);
    /* A new directory over a removed one must not show the old contents. */
    if (!err && whiteout && S_ISDIR(ud->inode->mode))
        err = set_opaque(t, ud);
    struct inode *i = err ? NULL : ovl_inode_get(d->sb, ud, NULL);
    if (i)
        dentry_set_inode(d, i);
    else if (!err)
        err = -ENOMEM;
    if (err && whiteout && !ud->inode)
        put_whiteout(t, dir, d);
    dentry_put(ud);
    ovl_sync_attr(dir);
    return err;
}

static int make_file(struct task *t, struct inode *ui, struct dentry *ud, const struct make *m)
{
    return ui->ops->create(t, ui, ud, m->mode);
}

static int make_dir(struct task *t, struct inode *ui, struct dentry *ud, const struct make *m)
{
    return ui->ops->mkdir(t, ui, ud, m->mode);
}

static int make_node(struct task *t, struct inode *ui, struct dentry *ud, const struct make *m)
{
    return ui->ops->mknod(t, ui, ud, m->mode, m->rdev);
}

static int make_symlink(struct task *t, struct inode *ui, struct dentry *ud, const struct make *m)
{
    return ui->ops->symlink(t, ui, ud, m->target);
}

static int make_name(struct task *t, struct inode *ui, struct dentry *ud, const struct make *m)
{
    return ui->ops->link(t, m->old, ui, ud);
}

int ovl_create(struct task *t, struct inode *dir, struct dentry *d, mode_t mode)
{
    return ovl_make(t, dir, d, &(struct make){.fn = make_file, .mode = mode});
}

int ovl_mkdir(struct task *t, struct inode *dir, struct dentry *d, mode_t mode)
{
    return ovl_make(t, dir, d, &(struct make){.fn = make_dir, .mode = mode});
}

int ovl_mknod(struct task *t, struct inode *dir, struct dentry *d, mode_t mode, dev_t rdev)
{
    if (S_ISCHR(mode) && rdev == makedev(0, 0))
        return -EPERM; /* would be a whiteout */
    return ovl_make(t, dir, d, &(struct make){.fn = make_node, .mode = mode, .rdev = rdev});
}

int ovl_symlink(struct task *t, struct inode *dir, struct dentry *d, const char *target)
{
    return ovl_make(t, dir, d, &(struct make){.fn = make_symlink, .target = target});
}

int ovl_link(struct task *t, struct dentry *old, struct inode *dir, struct dentry *d)
{
    int err = ovl_copy_up(t, old->inode, OVL_KEEP_ALL);

    if (!err)
        err = ovl_make(t, dir, d, &(struct make){.fn = make_name, .old = OVL_I(old->inode)->upper});
    if (!err)
        ovl_sync_attr(old->inode);
    return err;
}

int ovl_tmpfile(struct task *t, struct inode *dir, mode_t mode, struct inode **out)
{
    struct inode *ui;
    int err = ovl_copy_up(t, dir, 0);

    if (err)
        return err;
    struct inode *updir = OVL_I(dir)->upper->inode;
    if (!updir->ops->tmpfile)
        return -EOPNOTSUPP;
    err = updir->ops->tmpfile(t, updir, mode, &ui);
    if (err)
        return err;
    struct dentry *ud = dentry_new_detached(ui->sb, "#tmpfile", ui);
    inode_put(ui);
    *out = ud ? ovl_inode_get(dir->sb, ud, NULL) : NULL;
    dentry_put(ud);
    return *out ? 0 : -ENOMEM;
}

/* --- removing --- */
/* The upper part of a removal; hide: the lower layer has the name, too. Does not park. */
static int remove_upper(struct task *t, struct inode *dir, struct dentry *d, bool hide)
{
    struct inode *ui = OVL_I(dir)->upper->inode;
    bool is_dir = S_ISDIR(d->inode->mode);
    struct dentry *ud;

    /* By name: the inode may have several, and remembers only one of its upper dentries. */
    int err = ovl_child(t, OVL_I(dir)->upper, d, &ud);
    if (err)
        return err;
    if (ud && !ovl_is_whiteout(ud->inode)) {
        err = is_dir ? ui->ops->rmdir(t, ui, ud) : ui->ops->unlink(t, ui, ud);
        if (!err) {
            d->inode->nlink = ud->inode->nlink;
            dentry_drop(ud);
        }
    } else {
        d->inode->nlink = 0;
    }
    dentry_put(ud);
    if (!err && hide)
        err = put_whiteout(t, dir, d);
    ovl_sync_attr(dir);
    return err;
}

int ovl_unlink(struct task *t, struct inode *dir, struct dentry *d)
{
    bool hide = false;
    int err = ovl_copy_up(t, dir, 0);

    if (!err)
        err = lower_has(t, dir, d, &hide);
    return err ? err : remove_upper(t, dir, d, hide);
}

/*
 * With below, the names of victim's lower directory: is it empty? Then the whiteouts in its upper
 * directory go, which is what rmdir(2) and rename(2) onto it need. Does not park.
 */
static int empty_upper(struct task *t, struct inode *victim, const struct ovl_names *below)
{
    struct dentry *ud = OVL_I(victim)->upper;
    struct ovl_names above = {0};
    int hidden = 0;

    int err = ud ? ovl_list_upper(t, ud, &above) : 0;
    for (int i = 0; !err && i < above.n; i++)
        err = above.v[i].whiteout ? 0 : -ENOTEMPTY;
    /* Whiteouts only hide what is there: as many of them as names mean that none shows. */
    hidden = above.n;
    if (!err && below->n > hidden)
        err = -ENOTEMPTY;
    for (int i = 0; !err && i < above.n; i++) {
        struct path up = {NULL, ud};
        struct dentry *w;
        err = vfs_lookup(t, &up, above.v[i].name, above.v[i].len, &w);
        if (err)
            break;
        err = ud->inode->ops->unlink(t, ud->inode, w);
        dentry_drop(w);
        dentry_put(w);
    }
    ovl_names_free(&above);
    return err;
}

static int list_below(struct task *t, struct inode *victim, struct ovl_names *s)
{
    return OVL_I(victim)->lower ? ovl_list_lower(t, OVL_I(victim)->lower, s) : 0;
}

int ovl_rmdir(struct task *t, struct inode *dir, struct dentry *d)
{
    struct ovl_names below = {0};
    bool hide = false;
    int err = ovl_copy_up(t, dir, 0);

    if (!err)
        err = lower_has(t, dir, d, &hide);
    if (!err)
        err = list_below(t, d->inode, &below);
    if (!err)
        err = empty_upper(t, d->inode, &below);
    if (!err)
        err = remove_upper(t, dir, d, hide);
    ovl_names_free(&below);
    return err;
}

/* --- rename --- */
static bool is_lower_dir(const struct inode *i)
{
    return i && S_ISDIR(i->mode) && OVL_I(i)->lower;
}

struct rename {
    struct inode *odir, *ndir;
    struct dentry *od, *nd;
    struct dentry *uo, *un;  /* the same names in the upper layer */
    bool hide_old, hide_new; /* the lower layer has them, too */
    unsigned int flags;
};

static int rename_prepare(struct task *t, struct rename *r, struct ovl_names *below)
{
    bool exchange = r->flags & RENAME_EXCHANGE;

    if (is_lower_dir(r->od->inode) || (exchange && is_lower_dir(r->nd->inode)))
        return -EXDEV;
    int err = ovl_copy_up(t, r->od->inode, OVL_KEEP_ALL);
    if (!err)
        err = exchange ? ovl_copy_up(t, r->nd->inode, OVL_KEEP_ALL) : ovl_copy_up(t, r->ndir, 0);
    if (!err)
        err = lower_has(t, r->odir, r->od, &r->hide_old);
    if (!err)
        err = lower_has(t, r->ndir, r->nd, &r->hide_new);
    if (!err && !exchange && r->nd->inode && S_ISDIR(r->nd->inode->mode))
        err = list_below(t, r->nd->inode, below);
    return err;
}

/* A directory that comes to stand over something of the lower layer must hide it. */
static int hide_below(struct task *t, struct dentry *ud, bool hide)
{
    return hide && S_ISDIR(ud->inode->mode) ? set_opaque(t, ud) : 0;
}

static int rename_upper(struct task *t, struct rename *r)
{
    struct inode *uodir = OVL_I(r->odir)->upper->inode, *undir = OVL_I(r->ndir)->upper->inode;
    bool exchange = r->flags & RENAME_EXCHANGE, was = false;

    int err = hide_below(t, r->uo, r->hide_new);
    if (!err && exchange)
        err = hide_below(t, r->un, r->hide_old);
    if (!err && !exchange)
        err = clear_whiteout(t, undir, r->un, &was);
    if (err)
        return err;
    struct inode *gone = r->un->inode ? inode_get(r->un->inode) : NULL;
    err = uodir->ops->rename(t, uodir, r->uo, undir, r->un, exchange ? RENAME_EXCHANGE : 0);
    if (err && was)
        put_whiteout(t, r->ndir, r->nd);
    else if (!err && exchange)
        dentry_exchange(r->uo, r->un);
    else if (!err)
        dentry_rename_done(r->uo, r->un);
    if (!err && !exchange && r->nd->inode)
        r->nd->inode->nlink = gone ? gone->nlink : 0;
    inode_put(gone);
    return err;
}

/* What follows does not park. */
static int rename_now(struct task *t, struct rename *r, const struct ovl_names *below)
{
    struct path uod = {NULL, OVL_I(r->odir)->upper}, und = {NULL, OVL_I(r->ndir)->upper};
    int err = 0;

    if (!(r->flags & RENAME_EXCHANGE) && r->nd->inode && S_ISDIR(r->nd->inode->mode))
        err = empty_upper(t, r->nd->inode, below);
    if (!err)
        err = vfs_lookup(t, &uod, r->od->name, r->od->name_len, &r->uo);
    if (!err)
        err = vfs_lookup(t, &und, r->nd->name, r->nd->name_len, &r->un);
    if (!err && (!r->uo->inode || ((r->flags & RENAME_EXCHANGE) && !r->un->inode)))
        err = -ENOENT;
    if (!err)
        err = rename_upper(t, r);
    if (!err && r->hide_old && !(r->flags & RENAME_EXCHANGE))
        err = put_whiteout(t, r->odir, r->od);
    dentry_put(r->uo);
    dentry_put(r->un);
    ovl_sync_attr(r->odir);
    ovl_sync_attr(r->ndir);
    return err;
}

int ovl_rename(struct task *t, struct inode *odir, struct dentry *od, struct inode *ndir,
               struct dentry *nd, unsigned int flags)
{
    struct rename r = {.odir = odir, .ndir = ndir, .od = od, .nd = nd, .flags = flags};
    struct ovl_names below = {0};

    if (flags & RENAME_WHITEOUT)
        return -EINVAL;
    int err = rename_prepare(t, &r, &below);
    if (!err)
        err = rename_now(t, &r, &below);
    ovl_names_free(&below);
    return err;
}
