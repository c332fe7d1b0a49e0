/* Extended attributes of tmpfs inodes: xattr(7). */
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/macros.h"
#include "sentry/fs/tmpfs/tmpfs.h"
#include "sentry/kernel/buffers.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/acl.h"

#define XATTRS_MAX_BYTES (256 * 1024)

static struct tmpfs_xattr *find(const struct inode *i, const char *name)
{
    struct tmpfs_xattr *x;

    list_for_each(x, &TMPFS_I(i)->xattrs, node) {
        if (!strcmp(x->name, name))
            return x;
    }
    return NULL;
}

static size_t weight(const char *name, size_t size)
{
    return sizeof(struct tmpfs_xattr) + strlen(name) + size;
}

struct tmpfs_xattr *tmpfs_xattr_new(char *name, size_t size)
{
    struct tmpfs_xattr *x = buffers_book(weight(name, size)) ? malloc(sizeof(*x) + size) : NULL;

    if (!x) {
        free(name);
        return NULL;
    }
    x->name = name;
    x->size = size;
    return x;
}

static void drop(struct tmpfs_xattr *x)
{
    buffers_unbook(weight(x->name, x->size));
    list_del(&x->node);
    free(x->name);
    free(x);
}

void tmpfs_xattrs_free(struct inode *i)
{
    struct tmpfs_xattr *x, *tmp;

    list_for_each_safe(x, tmp, &TMPFS_I(i)->xattrs, node)
        drop(x);
}

void *tmpfs_acl(const struct inode *i, bool dflt, size_t *size)
{
    struct tmpfs_xattr *x = find(i, dflt ? ACL_DEFAULT : ACL_ACCESS);

    if (!x || !acl_is_sane(x->size)) /* checked when it was set; an image may say anything */
        return NULL;
    *size = x->size;
    return x->value;
}

ssize_t tmpfs_getxattr(struct task *t, struct inode *i, const char *name, void *buf, size_t size)
{
    struct tmpfs_xattr *x = find(i, name);

    if (!x)
        return -ENODATA;
    if (!buf)
        return (ssize_t)x->size;
    if (size < x->size)
        return -ERANGE;
    memcpy(buf, x->value, x->size);
    return (ssize_t)x->size;
}

int tmpfs_setxattr(struct task *t, struct dentry *d, const char *name, const void *v, size_t n,
                   int flags)
{
    struct tmpfs_xattr *old = find(d->inode, name), *x;
    size_t total = n;

    if (old && (flags & XATTR_CREATE))
        return -EEXIST;
    if (!old && (flags & XATTR_REPLACE))
        return -ENODATA;
    list_for_each(x, &TMPFS_I(d->inode)->xattrs, node)
        total += x->size + strlen(x->name);
    if (total > XATTRS_MAX_BYTES)
        return -ENOSPC;
    char *own = strdup(name);
    if (!own)
        return -ENOMEM;
    x = tmpfs_xattr_new(own, n);
    if (!x)
        return -ENOSPC;
    memcpy(x->value, v, n);
    if (old)
        drop(old);
    list_add_tail(&TMPFS_I(d->inode)->xattrs, &x->node);
    d->inode->ctime = ktime_now();
    return 0;
}

ssize_t tmpfs_listxattr(struct task *t, struct inode *i, char *buf, size_t size)
{
    struct tmpfs_xattr *x;
    size_t used = 0;

    list_for_each(x, &TMPFS_I(i)->xattrs, node) {
        size_t len = strlen(x->name) + 1;
        if (!strncmp(x->name, "trusted.", 8) && t && !cred_capable(t->cred, CAP_SYS_ADMIN))
            continue;
        if (buf && used + len > size)
            return -ERANGE;
        if (buf)
            memcpy(buf + used, x->name, len);
        used += len;
    }
    return (ssize_t)used;
}

int tmpfs_removexattr(struct task *t, struct dentry *d, const char *name)
{
    struct tmpfs_xattr *x = find(d->inode, name);

    if (!x)
        return -ENODATA;
    drop(x);
    d->inode->ctime = ktime_now();
    return 0;
}
