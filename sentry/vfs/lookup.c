/* A name in a directory: from the cache, or from its file system with the directory locked. */
#include <errno.h>

#include "sentry/vfs/vfs_internal.h"

static bool may_be_stale(const struct dentry *d)
{
    return !d->mounted && d->sb->ops && d->sb->ops->revalidate && !d->sb->constant;
}

static struct dentry *revalidated(struct task *t, struct dentry *d)
{
    if (!d || !may_be_stale(d) || d->sb->ops->revalidate(t, d))
        return d;
    dentry_drop(d);
    dentry_put(d);
    return NULL;
}

static int lookup_uncached(struct task *t, const struct path *dir, const char *name, size_t len,
                           struct dentry **out)
{
    struct inode *i = dir->dentry->inode;
    struct dentry *d = dentry_alloc(dir->dentry, name, len);
    if (!d)
        return -ENOMEM;
    int err = i->ops->lookup(t, i, d);
    if (err) {
        dentry_put(d);
        return err;
    }
    /* A file system may have added it on its own, with what it learnt of the whole directory. */
    struct dentry *other = dentry_cached(dir->dentry, name, len);
    if (other) {
        dentry_put(d);
        d = other;
    } else {
        dentry_hash(d);
    }
    *out = d;
    return 0;
}

int lookup_locked(struct task *t, const struct path *dir, const char *name, size_t len,
                  struct dentry **out)
{
    if (len > NAME_MAX_LEN)
        return -ENAMETOOLONG;
    if (!dir->dentry->inode->ops->lookup)
        return -ENOTDIR;
    *out = revalidated(t, dentry_cached(dir->dentry, name, len));
    return *out ? 0 : lookup_uncached(t, dir, name, len, out);
}

int vfs_lookup(struct task *t, const struct path *dir, const char *name, size_t len,
               struct dentry **out)
{
    struct inode *i = dir->dentry->inode;

    if (len > NAME_MAX_LEN)
        return -ENAMETOOLONG;
    *out = revalidated(t, dentry_cached(dir->dentry, name, len));
    if (*out)
        return 0;
    int err = dir_lock(t, i);
    if (err)
        return err;
    err = lookup_locked(t, dir, name, len, out);
    dir_unlock(i);
    return err;
}

int lookup_cached(const struct path *dir, const char *name, size_t len, struct dentry **out)
{
    if (len > NAME_MAX_LEN)
        return -ENAMETOOLONG;
    *out = dentry_cached(dir->dentry, name, len);
    if (*out && may_be_stale(*out)) {
        dentry_put(*out);
        *out = NULL;
    }
    return *out ? 0 : -EAGAIN;
}
