/*
 * Renaming in the overlay. A directory that exists below has its names and contents there: it
 * cannot be moved (EXDEV), or (redirect_dir=on) says in an attribute where they are.
 */
#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/fs/overlay/overlay.h"
#include "sentry/kernel/task.h"

static bool is_lower_dir(const struct inode *i)
{
    return i && S_ISDIR(i->mode) && OVL_I(i)->lower;
}

struct rename {
    struct inode *odir, *ndir;
    struct dentry *od, *nd;
    struct dentry *uo, *un; /* the same names in the upper layer */
    bool hide_old;          /* lower layers have the old one, too */
    unsigned int flags;
};

static int rename_prepare(struct task *t, struct rename *r, struct ovl_names *below)
{
    bool exchange = r->flags & RENAME_EXCHANGE;
    bool redirects = OVL_S(r->odir->sb)->config.redirect == OVL_REDIRECT_ON;

    if (!redirects && (is_lower_dir(r->od->inode) || (exchange && is_lower_dir(r->nd->inode))))
        return -EXDEV;
    int err = ovl_copy_up(t, r->od->inode, OVL_KEEP_ALL);
    if (!err)
        err = exchange ? ovl_copy_up(t, r->nd->inode, OVL_KEEP_ALL) : ovl_copy_up(t, r->ndir, 0);
    if (!err)
        err = ovl_lower_has(t, r->odir, r->od, &r->hide_old);
    if (!err && !exchange && r->nd->inode && S_ISDIR(r->nd->inode->mode))
        err = ovl_list_below(t, r->nd->inode, below);
    return err;
}

/* --- where a moved directory's lower part is --- */
/* The path that leads to d below: its ancestors may have been moved, too. */
static int redirect_path(struct dentry *d, char buf[OVL_REDIRECT_MAX + 1], char **out)
{
    char *at = buf + OVL_REDIRECT_MAX;

    *at = 0;
    for (; d->parent != d; d = d->parent) {
        const struct ovl_more *m = OVL_I(d->inode)->more;
        const char *name = m && m->redirect ? m->redirect : d->name;
        size_t len = strlen(name), slash = name[0] != '/';
        if ((size_t)(at - buf) < len + slash)
            return -ENAMETOOLONG;
        at -= len;
        memcpy(at, name, len);
        if (!slash)
            break;
        *--at = '/';
    }
    *out = at;
    return 0;
}

static int set_redirect(struct task *t, struct dentry *d, struct dentry *upper, bool same_dir)
{
    const struct ovl_super *s = OVL_S(d->sb);
    struct ovl_more *m = ovl_more(d->inode);
    char buf[OVL_REDIRECT_MAX + 1], *path = d->name;

    if (!m)
        return -ENOMEM;
    if (m->redirect && (same_dir || m->redirect[0] == '/'))
        return 0; /* says it already */
    if (!same_dir && redirect_path(d, buf, &path))
        return -EXDEV;
    char *copy = strdup(path);
    int err = copy ? ovl_set_attr(t, s, upper, OVL_REDIRECT, copy, strlen(copy)) : -ENOMEM;
    if (err) {
        free(copy);
        return err == -ENOMEM ? err : -EXDEV;
    }
    free(m->redirect);
    m->redirect = copy;
    return 0;
}

/* A directory that comes to stand over others of the lower layers must hide them, or lead to its
 * own. */
static int mark_moved(struct task *t, struct dentry *d, struct dentry *upper,
                      const struct inode *to, bool same_dir)
{
    if (!S_ISDIR(d->inode->mode))
        return 0;
    if (is_lower_dir(d->inode))
        return set_redirect(t, d, upper, same_dir);
    if (!ovl_nlowers(to))
        return 0;
    int err = ovl_set_opaque(t, OVL_S(d->sb), upper);
    return err == -EOPNOTSUPP ? -EXDEV : err;
}

static void mark_impure(struct task *t, struct inode *dir, struct dentry *moved)
{
    uint64_t ino;
    uint16_t fs;

    if (ovl_get_origin(OVL_S(dir->sb), moved, &ino, &fs))
        ovl_set_impure(t, OVL_S(dir->sb), OVL_I(dir)->upper); /* costs only the listed number */
}

static int rename_upper(struct task *t, struct rename *r)
{
    struct inode *uodir = OVL_I(r->odir)->upper->inode, *undir = OVL_I(r->ndir)->upper->inode;
    bool exchange = r->flags & RENAME_EXCHANGE, was = false;

    bool same = r->odir == r->ndir;
    int err = mark_moved(t, r->od, r->uo, r->ndir, same);
    if (!err && exchange)
        err = mark_moved(t, r->nd, r->un, r->odir, same);
    if (!err && !exchange)
        err = ovl_clear_whiteout(t, undir, r->un, &was);
    if (err)
        return err;
    struct inode *gone = r->un->inode ? inode_get(r->un->inode) : NULL;
    err = uodir->ops->rename(t, uodir, r->uo, undir, r->un, exchange ? RENAME_EXCHANGE : 0);
    if (err && was)
        ovl_put_whiteout(t, r->ndir, r->nd);
    if (!err) {
        mark_impure(t, r->ndir, r->uo);
        if (exchange)
            mark_impure(t, r->odir, r->un);
    }
    if (!err && exchange)
        dentry_exchange(r->uo, r->un);
    else if (!err)
        dentry_rename_done(r->uo, r->un);
    if (!err && !exchange && r->nd->inode)
        r->nd->inode->nlink = gone ? gone->nlink : 0;
    inode_put(gone);
    return err;
}

/* Somebody may have changed the upper layer by other ways. */
static bool is_upper_of(const struct dentry *ud, const struct inode *i)
{
    return ud->inode && OVL_I(i)->upper && ud->inode == OVL_I(i)->upper->inode;
}

static bool still_there(const struct rename *r)
{
    const struct inode *ni = r->nd->inode;

    if (!is_upper_of(r->uo, r->od->inode))
        return false;
    if (ni && OVL_I(ni)->upper)
        return is_upper_of(r->un, ni);
    return !r->un->inode || ovl_is_whiteout(r->un->inode);
}

/* What follows does not park. */
static int rename_now(struct task *t, struct rename *r, struct ovl_names *below)
{
    struct dentry *uod = OVL_I(r->odir)->upper, *und = OVL_I(r->ndir)->upper;
    int err = 0;

    if (!(r->flags & RENAME_EXCHANGE) && r->nd->inode && S_ISDIR(r->nd->inode->mode))
        err = ovl_empty_upper(t, r->nd->inode, below);
    if (!err)
        err = ovl_upper_child(t, uod, r->od->name, r->od->name_len, &r->uo);
    if (!err)
        err = ovl_upper_child(t, und, r->nd->name, r->nd->name_len, &r->un);
    if (!err && !still_there(r))
        err = -ESTALE;
    if (!err)
        err = rename_upper(t, r);
    if (!err && r->hide_old && !(r->flags & RENAME_EXCHANGE))
        err = ovl_put_whiteout(t, r->odir, r->od);
    dentry_put(r->uo);
    dentry_put(r->un);
    ovl_dir_changed(r->odir);
    ovl_dir_changed(r->ndir);
    ovl_sync_attr(r->odir);
    ovl_sync_attr(r->ndir);
    return err;
}

int ovl_rename(struct task *t, struct inode *odir, struct dentry *od, struct inode *ndir,
               struct dentry *nd, unsigned int flags)
{
    struct rename r = {.odir = odir, .ndir = ndir, .od = od, .nd = nd, .flags = flags};

    if (flags & RENAME_WHITEOUT)
        return -EINVAL;
    struct ovl_names *below = ovl_names_new();
    int err = below ? rename_prepare(t, &r, below) : -ENOMEM;
    if (!err)
        err = rename_now(t, &r, below);
    ovl_names_put(below);
    return err;
}
