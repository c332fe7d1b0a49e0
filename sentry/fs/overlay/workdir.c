/*
 * The work directory of an overlay's upper layer: made, cleaned, marked. Linux puts things together
 * there; here nothing is half done when a fiber stops, so it stays empty.
 */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/fs/overlay/overlay.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/fs_setup.h"

struct listed {
    struct dir_context ctx;
    struct ovl_names *names;
    bool failed;
};

static bool list_one(struct dir_context *c, const char *name, size_t len, loff_t off, uint64_t ino,
                     unsigned char type)
{
    struct listed *l = container_of(c, struct listed, ctx);
    const struct ovl_name proto = {.len = (unsigned char)len};

    c->pos = off;
    if (name[0] != '.' || (len > 1 && (name[1] != '.' || len > 2)))
        l->failed = !ovl_names_add(l->names, &proto, name);
    return !l->failed;
}

static struct ovl_names *names_of(struct task *t, struct dentry *dir)
{
    struct listed l = {.ctx = {.emit = list_one}, .names = ovl_names_new()};
    struct path p = {NULL, dir};
    struct file *f = NULL;

    if (!l.names || dir->inode->ops->open(t, dir->inode, &p, O_RDONLY | O_DIRECTORY, &f))
        l.failed = true;
    else
        f->ops->readdir(t, f, &l.ctx);
    if (f)
        file_put(f);
    if (!l.failed)
        return l.names;
    ovl_names_put(l.names);
    return NULL;
}

static int remove_child(struct task *t, struct dentry *dir, struct dentry *d)
{
    const struct inode_ops *ops = dir->inode->ops;
    bool is_dir = S_ISDIR(d->inode->mode);

    int err = d->mounted ? -EBUSY : (is_dir ? ops->rmdir : ops->unlink)(t, dir->inode, d);
    if (!err)
        dentry_drop(d);
    return err;
}

static int clean(struct task *t, struct dentry *dir, bool incompat,
                 int (*remove)(struct task *t, struct dentry *dir, struct dentry *d))
{
    struct ovl_names *names = names_of(t, dir);
    int err = names ? 0 : -ENOMEM;

    for (int i = 0; !err && i < names->n; i++) {
        struct dentry *d;
        err = incompat ? -EINVAL
                       : ovl_upper_child(t, dir, ovl_name_text(names, &names->v[i]),
                                         names->v[i].len, &d);
        if (err)
            break;
        err = d->inode ? remove(t, dir, d) : 0;
        dentry_put(d);
    }
    ovl_names_put(names);
    return err;
}

/* What is in work/incompat says that the upper layer needs more than this: -EINVAL. */
static int remove_and_below(struct task *t, struct dentry *dir, struct dentry *d)
{
    int err = remove_child(t, dir, d);

    if (err != -ENOTEMPTY)
        return err;
    err = clean(t, d, !strcmp(d->name, "incompat"), remove_child);
    return err ? err : remove_child(t, dir, d);
}

/* What an overlay that ended badly has left in its work directory: two levels of it, as Linux. */
static int clean_work(struct task *t, struct dentry *base, struct dentry *work)
{
    int err = remove_child(t, base, work);

    if (err != -ENOTEMPTY)
        return err;
    err = clean(t, work, false, remove_and_below);
    return err ? err : remove_child(t, base, work);
}

/* base/work, empty. *out NULL: it cannot be had, and the overlay will be read-only. */
int ovl_make_work(struct fs_setup *s, struct dentry *base, struct dentry **out)
{
    struct dentry *work;

    *out = NULL;
    int err = ovl_upper_child(s->t, base, "work", 4, &work);
    if (!err && work->inode) {
        err = clean_work(s->t, base, work);
        dentry_put(work);
        if (err)
            return err == -EINVAL ? fs_setup_fail(s, err, "overlay: incompat feature in workdir")
                                  : 0;
        err = ovl_upper_child(s->t, base, "work", 4, &work);
    }
    if (err)
        return err;
    err = base->inode->ops->mkdir(s->t, base->inode, work, S_IFDIR);
    if (err)
        dentry_put(work);
    else
        *out = work;
    return 0;
}

/* As long as its files have not been written back, only a new upper layer is certain to be whole.
 */
int ovl_mark_volatile(struct task *t, struct dentry *work)
{
    static const char *const names[] = {"incompat", "volatile", "dirty"};
    struct dentry *at = dentry_get(work), *d;
    int err = 0;

    for (size_t k = 0; !err && k < ARRAY_SIZE(names); k++) {
        struct inode *i = at->inode;
        err = ovl_upper_child(t, at, names[k], strlen(names[k]), &d);
        if (err)
            break;
        if (!d->inode)
            err = k < 2 ? i->ops->mkdir(t, i, d, S_IFDIR) : i->ops->create(t, i, d, S_IFREG);
        dentry_put(at);
        at = d;
    }
    dentry_put(at);
    return err;
}
