/*
 * Extended attributes of the host's files: user.* as they are there, security.* for reading, as
 * where a user namespace has mounted what is not its own. The gofer has no privileges for
 * trusted.*, which is answered without asking: overlays look for theirs at every name. Of
 * read-only exports it is remembered that a file has none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "sentry/fs/gofer/goferfs.h"
#include "sentry/kernel/task.h"

static bool is_user(const char *name)
{
    return !strncmp(name, "user.", 5);
}

static bool is_trusted(const char *name)
{
    return !strncmp(name, "trusted.", 8);
}

static int call(const struct inode *i, struct gofer_call *c)
{
    struct dentry *d = inode_dentry(i);
    bool named = d && goferfs_has_name(d);
    int err = named ? goferfs_call_inode(i, c) : goferfs_call_nameless(i, c);

    return err == -EXDEV || err == -ESTALE ? -EOPNOTSUPP : err;
}

/* The names, each with its NUL, malloc'ed in *names: how many bytes. */
static ssize_t ask_names(struct inode *i, char **names)
{
    struct gofer_call c = {.type = GOFER_LISTXATTR};
    int err = GOFER_I(i)->no_xattrs ? 0 : call(i, &c);

    *names = NULL;
    if (err || (c.len && c.data[c.len - 1])) {
        free(c.data);
        return err ? err : -EIO;
    }
    if (!c.len && GOFER_S(i->sb)->readonly)
        GOFER_I(i)->no_xattrs = true;
    *names = c.data;
    return (ssize_t)c.len;
}

ssize_t goferfs_getxattr(struct task *t, struct inode *i, const char *name, void *buf, size_t size)
{
    struct gofer_call c = {.type = GOFER_GETXATTR, .path2 = name};
    char *names = NULL;
    ssize_t n = is_trusted(name) ? 0 : GOFER_S(i->sb)->readonly ? ask_names(i, &names) : 1;

    free(names);
    if (n <= 0)
        return n ? n : -ENODATA;
    int err = call(i, &c);
    cleanup_free char *value = c.data;
    if (err)
        return err;
    if (buf && size < c.len)
        return -ERANGE;
    if (buf && c.len)
        memcpy(buf, value, c.len);
    return (ssize_t)c.len;
}

ssize_t goferfs_listxattr(struct task *t, struct inode *i, char *buf, size_t size)
{
    cleanup_free char *names = NULL;
    ssize_t n = ask_names(i, &names);

    if (n == -EOPNOTSUPP)
        return 0; /* nobody keeps any there */
    if (n > 0 && buf && (size_t)n > size)
        return -ERANGE;
    if (n > 0 && buf && names)
        memcpy(buf, names, (size_t)n);
    return n;
}

static int change(struct dentry *d, struct gofer_call *c)
{
    if (!is_user(c->path2))
        return -EPERM;
    int err = call(d->inode, c);
    free(c->data);
    GOFER_I(d->inode)->dirty |= !err;
    return err;
}

int goferfs_setxattr(struct task *t, struct dentry *d, const char *name, const void *v, size_t n,
                     int flags)
{
    struct gofer_call c = {.type = GOFER_SETXATTR,
                           .path2 = name,
                           .arg = {(uint64_t)(unsigned int)flags},
                           .value = v,
                           .value_len = (uint32_t)n};

    return n > GOFER_VALUE_MAX ? -E2BIG : change(d, &c);
}

int goferfs_removexattr(struct task *t, struct dentry *d, const char *name)
{
    struct gofer_call c = {.type = GOFER_REMOVEXATTR, .path2 = name};

    return change(d, &c);
}
