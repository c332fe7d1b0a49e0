/* getxattr(2), setxattr(2), listxattr(2), removexattr(2) and their l- and f-forms. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/vfs_internal.h"

#define XATTR_NAME_LEN 256
#define XATTR_VALUE_MAX 65536
#define CAP_SYS_ADMIN 21

/* Where a call acts: by path, by path without following, by descriptor. */
enum target { BY_PATH, BY_LINK, BY_FD };

static int find(struct task *t, const struct sysargs *a, enum target how, struct path *out)
{
    cleanup_free char *name = NULL;

    if (how == BY_FD) {
        cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));
        if (!f)
            return -EBADF;
        *out = path_get(&f->path);
        return 0;
    }
    int err = vfs_get_name(t, arg_u64(a, 0), 0, &name);
    return err ? err : vfs_walk(t, AT_FDCWD, name, how == BY_LINK ? WALK_NOFOLLOW : 0, out);
}

static int get_attr_name(struct task *t, uint64_t addr, char name[XATTR_NAME_LEN])
{
    ssize_t n = copy_in_str(t, name, addr, XATTR_NAME_LEN);

    if (n == 0 || n == -ENAMETOOLONG)
        return -ERANGE;
    return n < 0 ? (int)n : 0;
}

/* The rules of xattr(7) by name space. */
static int may_access(struct task *t, struct inode *i, const char *name, int mask)
{
    if (!strncmp(name, "trusted.", 8))
        return cred_capable(t->cred, CAP_SYS_ADMIN) ? 0 : mask == MAY_WRITE ? -EPERM : -ENODATA;
    if (!strncmp(name, "user.", 5)) {
        if (!S_ISREG(i->mode) && !S_ISDIR(i->mode))
            return mask == MAY_WRITE ? -EPERM : -ENODATA;
        return inode_permission(t, i, mask);
    }
    if (strncmp(name, "security.", 9) && strncmp(name, "system.", 7))
        return -EOPNOTSUPP;
    return mask == MAY_WRITE && t->cred->fsuid != i->uid && !cred_capable(t->cred, CAP_SYS_ADMIN)
               ? -EPERM
               : 0;
}

static long get(struct task *t, const struct sysargs *a, enum target how)
{
    cleanup_path struct path p = {0};
    char name[XATTR_NAME_LEN];
    uint64_t size = MIN(arg_u64(a, 3), (uint64_t)XATTR_VALUE_MAX);
    int err = get_attr_name(t, arg_u64(a, 1), name);

    if (!err)
        err = find(t, a, how, &p);
    if (err)
        return err;
    struct inode *i = p.dentry->inode;
    err = may_access(t, i, name, MAY_READ);
    if (!err && !i->ops->getxattr)
        err = -EOPNOTSUPP;
    if (err)
        return err;
    cleanup_free char *buf = malloc(size + 1);
    if (!buf)
        return -ENOMEM;
    ssize_t n = i->ops->getxattr(t, i, name, size ? buf : NULL, size);
    if (n > 0 && size && copy_out(t, arg_u64(a, 2), buf, (size_t)n))
        return -EFAULT;
    return n;
}

static long set(struct task *t, const struct sysargs *a, enum target how)
{
    cleanup_path struct path p = {0};
    char name[XATTR_NAME_LEN];
    uint64_t size = arg_u64(a, 3);
    int flags = arg_i32(a, 4);

    if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
        return -EINVAL;
    int err = get_attr_name(t, arg_u64(a, 1), name);
    if (err)
        return err;
    if (size > XATTR_VALUE_MAX)
        return -E2BIG;
    cleanup_free char *buf = malloc(size + 1);
    if (!buf)
        return -ENOMEM;
    if (copy_in(t, buf, arg_u64(a, 2), size))
        return -EFAULT;
    err = find(t, a, how, &p);
    if (err)
        return err;
    struct inode *i = p.dentry->inode;
    if (path_readonly(&p))
        return -EROFS;
    err = may_access(t, i, name, MAY_WRITE);
    if (!err && !i->ops->setxattr)
        err = -EOPNOTSUPP;
    return err ? err : i->ops->setxattr(t, p.dentry, name, buf, size, flags);
}

static long list(struct task *t, const struct sysargs *a, enum target how)
{
    cleanup_path struct path p = {0};
    uint64_t size = MIN(arg_u64(a, 2), (uint64_t)XATTR_VALUE_MAX);
    int err = find(t, a, how, &p);

    if (err)
        return err;
    struct inode *i = p.dentry->inode;
    if (!i->ops->listxattr)
        return 0;
    cleanup_free char *buf = malloc(size + 1);
    if (!buf)
        return -ENOMEM;
    ssize_t n = i->ops->listxattr(t, i, size ? buf : NULL, size);
    if (n > 0 && size && copy_out(t, arg_u64(a, 1), buf, (size_t)n))
        return -EFAULT;
    return n;
}

static long del(struct task *t, const struct sysargs *a, enum target how)
{
    cleanup_path struct path p = {0};
    char name[XATTR_NAME_LEN];
    int err = get_attr_name(t, arg_u64(a, 1), name);

    if (!err)
        err = find(t, a, how, &p);
    if (err)
        return err;
    struct inode *i = p.dentry->inode;
    if (path_readonly(&p))
        return -EROFS;
    err = may_access(t, i, name, MAY_WRITE);
    if (!err && !i->ops->removexattr)
        err = -EOPNOTSUPP;
    return err ? err : i->ops->removexattr(t, p.dentry, name);
}

#define XATTR_CALLS(fn, plain, l, f)                                                               \
    long sys_##plain(struct task *t, const struct sysargs *a)                                      \
    {                                                                                              \
        return fn(t, a, BY_PATH);                                                                  \
    }                                                                                              \
    long sys_##l(struct task *t, const struct sysargs *a)                                          \
    {                                                                                              \
        return fn(t, a, BY_LINK);                                                                  \
    }                                                                                              \
    long sys_##f(struct task *t, const struct sysargs *a)                                          \
    {                                                                                              \
        return fn(t, a, BY_FD);                                                                    \
    }

XATTR_CALLS(get, getxattr, lgetxattr, fgetxattr)
XATTR_CALLS(set, setxattr, lsetxattr, fsetxattr)
XATTR_CALLS(list, listxattr, llistxattr, flistxattr)
XATTR_CALLS(del, removexattr, lremovexattr, fremovexattr)
