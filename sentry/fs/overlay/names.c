/*
 * Names in the overlay: making and removing. Each call first does what may park (copying
 * directories up, looking at lower layers), then changes the upper layer in one go.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/fs/overlay/overlay.h"
#include "sentry/kernel/task.h"

/* --- whiteouts --- */
/* The first is the mounter's, whoever removes. */
static int make_whiteout(struct task *t, struct ovl_super *s, struct inode *ui, struct dentry *ud)
{
    struct setattr a = {.mask = SETATTR_UID | SETATTR_GID,
                        .uid = s->mounter ? s->mounter->fsuid : 0,
                        .gid = s->mounter ? s->mounter->fsgid : 0};

    int err = ui->ops->mknod(t, ui, ud, S_IFCHR, makedev(0, 0));
    if (err)
        return err;
    ud->inode->ops->setattr(t, ud, &a);
    /* Without memory the next one makes its own inode. */
    s->whiteout = dentry_new_detached(s->layers[0].sb, "#whiteout", ud->inode);
    return 0;
}

/* All are one inode: hiding a name never fails for want of inodes. */
int ovl_put_whiteout(struct task *t, struct inode *dir, const struct dentry *d)
{
    struct ovl_super *s = OVL_S(dir->sb);
    struct dentry *updir = OVL_I(dir)->upper, *ud;
    struct inode *ui = updir->inode;

    int err = ovl_upper_child(t, updir, d->name, d->name_len, &ud);
    if (err)
        return err;
    if (ud->inode)
        err = ovl_is_whiteout(ud->inode) ? 0 : -EEXIST;
    else
        err = s->whiteout ? ui->ops->link(t, s->whiteout, ui, ud) : make_whiteout(t, s, ui, ud);
    dentry_put(ud);
    return err;
}

int ovl_clear_whiteout(struct task *t, struct inode *updir, struct dentry *ud, bool *was)
{
    *was = ud->inode && ovl_is_whiteout(ud->inode);
    if (!*was)
        return 0;
    int err = updir->ops->unlink(t, updir, ud);
    if (!err)
        dentry_set_inode(ud, NULL);
    return err;
}

int ovl_set_opaque(struct task *t, const struct ovl_super *s, struct dentry *upper)
{
    return ovl_set_attr(t, s, upper, OVL_OPAQUE, "y", 1);
}

/* --- making --- */
struct make {
    int (*fn)(struct task *t, struct inode *ui, struct dentry *ud, const struct make *m);
    mode_t mode;
    dev_t rdev;
    const char *target;
    struct dentry *old; /* link(2): of the upper layer */
};

/*
 * A new directory over a removed one must not show the old contents. Over nothing the mark only
 * spares looking below.
 */
static int hide_below(struct task *t, struct inode *dir, struct dentry *ud, bool needed)
{
    struct inode *ui = OVL_I(dir)->upper->inode;
    int err = ovl_set_opaque(t, OVL_S(dir->sb), ud);

    if (!err || !needed)
        return 0;
    ui->ops->rmdir(t, ui, ud);
    dentry_set_inode(ud, NULL);
    return err == -EOPNOTSUPP ? -EIO : err;
}

/*
 * Without new features lower layers may be changed while nobody has them mounted, and what is new
 * there shows: ovl_allow_offline_changes().
 */
static bool marks_new(const struct inode *dir)
{
    const struct ovl_config *c = &OVL_S(dir->sb)->config;

    return ovl_nlowers(dir) && !c->is_root &&
           (c->redirect == OVL_REDIRECT_ON || c->xino == OVL_XINO_ON);
}

static int ovl_make(struct task *t, struct inode *dir, struct dentry *d, const struct make *m)
{
    int err = ovl_copy_up(t, dir, 0);
    bool whiteout;
    struct dentry *ud;

    if (err)
        return err;
    struct dentry *updir = OVL_I(dir)->upper;
    struct inode *ui = updir->inode;
    err = ovl_upper_child(t, updir, d->name, d->name_len, &ud);
    if (err)
        return err;
    err = ovl_clear_whiteout(t, ui, ud, &whiteout);
    if (!err)
        err = ud->inode ? -EEXIST : m->fn(t, ui, ud, m);
    if (!err && S_ISDIR(ud->inode->mode) && (whiteout || marks_new(dir)))
        err = hide_below(t, dir, ud, whiteout);
    struct inode *i = err ? NULL : ovl_inode_get(d->sb, ud, NULL, 0);
    if (i)
        dentry_set_inode(d, i);
    else if (!err)
        err = -ENOMEM;
    if (err && whiteout && !ud->inode)
        ovl_put_whiteout(t, dir, d);
    dentry_put(ud);
    ovl_dir_changed(dir);
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
    if (err)
        return err;
    ovl_sync_attr(old->inode);
    uint64_t ino;
    uint16_t fs;
    if (ovl_get_origin(OVL_S(dir->sb), OVL_I(old->inode)->upper, &ino, &fs))
        ovl_set_impure(t, OVL_S(dir->sb), OVL_I(dir)->upper); /* costs only the listed number */
    return 0;
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
    *out = ud ? ovl_inode_get(dir->sb, ud, NULL, 0) : NULL;
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
    int err = ovl_upper_child(t, OVL_I(dir)->upper, d->name, d->name_len, &ud);
    if (err)
        return err;
    if (ud->inode && !ovl_is_whiteout(ud->inode)) {
        err = is_dir ? ui->ops->rmdir(t, ui, ud) : ui->ops->unlink(t, ui, ud);
        if (!err) {
            d->inode->nlink = ud->inode == OVL_I(d->inode)->upper->inode ? ud->inode->nlink : 0;
            dentry_drop(ud);
        }
    } else {
        d->inode->nlink = 0;
    }
    dentry_put(ud);
    if (!err && hide)
        err = ovl_put_whiteout(t, dir, d);
    ovl_dir_changed(dir);
    ovl_sync_attr(dir);
    return err;
}

int ovl_unlink(struct task *t, struct inode *dir, struct dentry *d)
{
    bool hide = false;
    int err = ovl_copy_up(t, dir, 0);

    if (!err)
        err = ovl_lower_has(t, dir, d, &hide);
    return err ? err : remove_upper(t, dir, d, hide);
}

int ovl_list_below(struct task *t, struct inode *victim, struct ovl_names *s)
{
    int err = 0;

    for (unsigned int k = 0; !err && k < ovl_nlowers(victim); k++)
        err = ovl_list_layer(t, OVL_S(victim->sb), ovl_lower_at(victim, k), s, false);
    return err;
}

static int unlink_whiteout(struct task *t, struct dentry *dir, const char *name, size_t len)
{
    struct dentry *w;

    int err = ovl_upper_child(t, dir, name, len, &w);
    if (err)
        return err;
    if (w->inode)
        err = ovl_is_whiteout(w->inode) ? dir->inode->ops->unlink(t, dir->inode, w) : -ENOTEMPTY;
    if (!err)
        dentry_drop(w);
    dentry_put(w);
    return err;
}

static int all_hidden(const struct ovl_names *below)
{
    for (int i = 0; i < below->n; i++)
        if (!below->v[i].whiteout)
            return -ENOTEMPTY;
    return 0;
}

static int hide_names(struct ovl_names *below, const struct ovl_names *above)
{
    for (int i = 0; i < above->n; i++) {
        const struct ovl_name *e = &above->v[i];
        if (!e->whiteout)
            return -ENOTEMPTY;
        struct ovl_name *b = ovl_names_find(below, ovl_name_text(above, e), e->len);
        if (b)
            b->whiteout = true;
    }
    return 0;
}

/*
 * With below, the names of victim's lower directories: is it empty? Then the whiteouts in its upper
 * directory go, which is what rmdir(2) and rename(2) onto it need. Does not park.
 */
int ovl_empty_upper(struct task *t, struct inode *victim, struct ovl_names *below)
{
    struct dentry *ud = OVL_I(victim)->upper;

    if (!ud)
        return all_hidden(below);
    struct ovl_names *above = ovl_names_new();
    if (!above)
        return -ENOMEM;
    int err = ovl_list_layer(t, OVL_S(victim->sb), (struct ovl_lower){ud, 0}, above, false);
    if (!err)
        err = hide_names(below, above);
    if (!err)
        err = all_hidden(below);
    /* Linux puts an empty opaque directory in its place: ovl_clear_empty(). */
    if (!err && above->n && OVL_S(victim->sb)->no_attrs)
        err = -EIO;
    for (int i = 0; !err && i < above->n; i++)
        err = unlink_whiteout(t, ud, ovl_name_text(above, &above->v[i]), above->v[i].len);
    ovl_names_put(above);
    return err;
}

int ovl_rmdir(struct task *t, struct inode *dir, struct dentry *d)
{
    struct ovl_names *below = ovl_names_new();
    bool hide = false;
    int err = below ? ovl_copy_up(t, dir, 0) : -ENOMEM;

    if (!err)
        err = ovl_lower_has(t, dir, d, &hide);
    if (!err)
        err = ovl_list_below(t, d->inode, below);
    if (!err)
        err = ovl_empty_upper(t, d->inode, below);
    if (!err)
        err = remove_upper(t, dir, d, hide);
    ovl_names_put(below);
    return err;
}
