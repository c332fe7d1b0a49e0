/*
 * Extended attributes, xattr(7): getxattr(2), setxattr(2), listxattr(2), removexattr(2), their l-
 * and f-forms, and the at-forms that can do what all of them do. fs/xattr.c of Linux.
 */
#include <endian.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ipc/inotify.h"
#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/acl.h"
#include "sentry/vfs/vfs_internal.h"

#define XATTR_NAME_LEN 256
#define XATTR_VALUE_MAX 65536
#define CAPABILITY "security.capability"

/* Where a call acts. */
struct where {
    int dirfd;
    uint64_t name;
    int at_flags;
    bool by_fd; /* the f-forms: no name at all */
};

static int find(struct task *t, const struct where *w, struct path *out)
{
    cleanup_free char *name = NULL;
    unsigned int walk = (w->at_flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0) |
                        (w->at_flags & AT_EMPTY_PATH ? WALK_EMPTY_PATH : 0);
    bool none = w->by_fd || (!w->name && (w->at_flags & AT_EMPTY_PATH));
    int err = none ? 0 : vfs_get_name(t, w->name, walk, &name);

    if (err)
        return err;
    if (w->by_fd || ((none || !*name) && (w->at_flags & AT_EMPTY_PATH) && w->dirfd >= 0)) {
        cleanup_file struct file *f = fd_get(t, w->dirfd);
        if (!f)
            return -EBADF;
        *out = path_get(&f->path);
        return 0;
    }
    return vfs_walk(t, w->dirfd, none ? "" : name, walk, out);
}

static int get_attr_name(struct task *t, uint64_t addr, char name[XATTR_NAME_LEN])
{
    ssize_t n = copy_in_str(t, name, addr, XATTR_NAME_LEN);

    if (n == 0 || n == -ENAMETOOLONG)
        return -ERANGE;
    return n < 0 ? (int)n : 0;
}

static bool has_prefix(const char *name, const char *prefix)
{
    return !strncmp(name, prefix, strlen(prefix));
}

static bool owner_or_capable(struct task *t, const struct inode *i)
{
    return t->cred->fsuid == i->uid || inode_capable(t->cred, i, CAP_FOWNER);
}

/* xattr_permission() */
static int may_access(struct task *t, struct inode *i, const char *name, int mask)
{
    if (has_prefix(name, "security.") || has_prefix(name, "system.")) {
        /* No restriction: their own rules follow. */
    } else if (has_prefix(name, "trusted.")) {
        if (!cred_capable(t->cred, CAP_SYS_ADMIN))
            return mask == MAY_WRITE ? -EPERM : -ENODATA;
    } else {
        if (has_prefix(name, "user.")) {
            if (!S_ISREG(i->mode) && !S_ISDIR(i->mode))
                return mask == MAY_WRITE ? -EPERM : -ENODATA;
            if (S_ISDIR(i->mode) && (i->mode & S_ISVTX) && mask == MAY_WRITE &&
                !owner_or_capable(t, i))
                return -EPERM;
        }
        return inode_permission(t, i, mask);
    }
    return 0;
}

/* xattr_resolve_name(): is there anybody who keeps it? */
static int resolve_name(const struct inode *i, const char *name)
{
    static const char *const served[] = {"user.", "trusted.", "security."};

    if (!i->ops->getxattr)
        return -EOPNOTSUPP;
    for (size_t k = 0; k < ARRAY_SIZE(served); k++)
        if (has_prefix(name, served[k]))
            return name[strlen(served[k])] ? 0 : -EINVAL;
    return -EOPNOTSUPP;
}

/* The layout of security.capability, which reading checks, too: capabilities(7). */
static bool is_capability(const void *v, size_t size)
{
    uint32_t magic = 0;

    if (size >= sizeof(magic))
        memcpy(&magic, v, sizeof(magic));
    magic &= VFS_CAP_REVISION_MASK;
    return (size == XATTR_CAPS_SZ_2 && magic == VFS_CAP_REVISION_2) ||
           (size == XATTR_CAPS_SZ_3 && magic == VFS_CAP_REVISION_3);
}

/*
 * cap_inode_getsecurity(): whose root it is for is told in ids of the reader, and not at all when
 * it is the reader's own. Changes v and gives its new size.
 */
static ssize_t show_capability(const struct task *t, const struct inode *i, uint32_t v[6],
                               size_t size)
{
    if (!is_capability(v, size))
        return -EINVAL;
    uint32_t root = make_kuid(i->sb->user_ns, size == XATTR_CAPS_SZ_3 ? le32toh(v[5]) : 0);
    uint32_t seen = root == NO_KID ? NO_KID : from_kuid(t->cred->user_ns, root);
    uint32_t flags = v[0] & htole32(VFS_CAP_FLAGS_EFFECTIVE);
    if (seen != NO_KID && seen != 0) {
        v[0] = flags | htole32(VFS_CAP_REVISION_3);
        v[5] = htole32(seen);
        return XATTR_CAPS_SZ_3;
    }
    if (root == NO_KID || !user_ns_is_of_root(t->cred->user_ns, root))
        return -EOVERFLOW;
    v[0] = flags | htole32(VFS_CAP_REVISION_2);
    return XATTR_CAPS_SZ_2;
}

static ssize_t get_value(struct task *t, struct inode *i, const char *name, char *buf, size_t size)
{
    uint32_t cap[XATTR_CAPS_SZ_3 / 4];

    if (strcmp(name, CAPABILITY) != 0)
        return i->ops->getxattr(t, i, name, size ? buf : NULL, size);
    ssize_t n = i->ops->getxattr(t, i, name, cap, sizeof(cap));
    if (n >= 0)
        n = show_capability(t, i, cap, (size_t)n);
    else if (n == -ERANGE)
        n = -EINVAL;
    if (n > 0 && size && (size_t)n > size)
        return -ERANGE;
    if (n > 0 && size)
        memcpy(buf, cap, (size_t)n);
    return n;
}

/* cap_convert_nscap(): who is root of a user namespace only makes a file that gives nothing above
 * it. Changes v and *size. */
static int convert_capability(const struct task *t, const struct inode *i, uint32_t v[6],
                              size_t *size)
{
    const struct user_ns *fs_ns = i->sb->user_ns;

    if (*size == XATTR_CAPS_SZ_2 && ns_capable(t->cred, fs_ns, CAP_SETFCAP))
        return 0;
    uint32_t root = make_kuid(t->cred->user_ns, *size == XATTR_CAPS_SZ_3 ? le32toh(v[5]) : 0);
    root = root == NO_KID ? NO_KID : from_kuid(fs_ns, root);
    if (root == NO_KID)
        return -EINVAL;
    v[0] = (v[0] & htole32(VFS_CAP_FLAGS_EFFECTIVE)) | htole32(VFS_CAP_REVISION_3);
    v[5] = htole32(root);
    *size = XATTR_CAPS_SZ_3;
    return 0;
}

int drop_file_caps(struct task *t, const struct path *p)
{
    struct inode *i = p->dentry->inode;

    if (i->no_caps)
        return 0;
    if (i->ops->getxattr && i->ops->getxattr(t, i, CAPABILITY, NULL, 0) >= 0) {
        int err = i->ops->removexattr ? i->ops->removexattr(t, p->dentry, CAPABILITY) : -EPERM;
        if (err && err != -ENODATA)
            return err;
    }
    i->no_caps = true;
    return 0;
}

/* The rules of security/commoncap.c. v NULL: it is to be removed. */
static int may_set_security(struct task *t, struct inode *i, const char *name, const void *v,
                            size_t size)
{
    if (!has_prefix(name, "security."))
        return 0;
    if (strcmp(name, CAPABILITY) != 0)
        return cred_capable(t->cred, CAP_SYS_ADMIN) ? 0 : -EPERM;
    if (v && !size)
        return 0; /* as Linux: one of nothing is not looked at */
    if (v && !is_capability(v, size))
        return -EINVAL;
    return inode_capable(t->cred, i, CAP_SETFCAP) ? 0 : -EPERM;
}

static long get(struct task *t, const struct where *w, uint64_t name_addr, uint64_t value,
                uint64_t size)
{
    cleanup_path struct path p = {0};
    char name[XATTR_NAME_LEN];
    int err = get_attr_name(t, name_addr, name);

    size = MIN(size, (uint64_t)XATTR_VALUE_MAX);
    if (!err)
        err = find(t, w, &p);
    if (err)
        return err;
    struct inode *i = p.dentry->inode;
    cleanup_free char *buf = malloc(size + 1);
    if (!buf)
        return -ENOMEM;
    ssize_t n;
    if (acl_is_name(name)) {
        n = acl_get(t, i, name, buf, size);
    } else {
        err = may_access(t, i, name, MAY_READ);
        if (!err)
            err = resolve_name(i, name);
        n = err ? err : get_value(t, i, name, buf, size);
    }
    if (n > 0 && size && copy_out(t, value, buf, (size_t)n))
        return -EFAULT;
    return n == -ERANGE && size >= XATTR_VALUE_MAX ? -E2BIG : n;
}

static int set_value(struct task *t, const struct path *p, const char *name, char *v, size_t size,
                     int flags)
{
    struct inode *i = p->dentry->inode;
    uint32_t cap[XATTR_CAPS_SZ_3 / 4];

    if (path_readonly(p))
        return -EROFS;
    if (acl_is_name(name))
        return acl_set(t, p, name, v, size);
    int err = may_access(t, i, name, MAY_WRITE);
    if (!err)
        err = may_set_security(t, i, name, v, size);
    if (!err && size && !strcmp(name, CAPABILITY)) {
        memcpy(cap, v, size);
        v = (char *)cap;
        err = convert_capability(t, i, cap, &size);
    }
    if (!err)
        err = i->ops->setxattr ? resolve_name(i, name) : -EOPNOTSUPP;
    if (!err)
        err = i->ops->setxattr(t, p->dentry, name, v, size, flags);
    if (!err && !strcmp(name, CAPABILITY))
        i->no_caps = false;
    if (!err)
        fsnotify(i, p->dentry, IN_ATTRIB, 0);
    return err;
}

static long set(struct task *t, const struct where *w, uint64_t name_addr, uint64_t value,
                uint64_t size, int flags)
{
    cleanup_path struct path p = {0};
    char name[XATTR_NAME_LEN];

    if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
        return -EINVAL;
    int err = get_attr_name(t, name_addr, name);
    if (err)
        return err;
    if (size > XATTR_VALUE_MAX)
        return -E2BIG;
    cleanup_free char *buf = malloc(size + 1);
    if (!buf)
        return -ENOMEM;
    if (copy_in(t, buf, value, size))
        return -EFAULT;
    err = find(t, w, &p);
    return err ? err : set_value(t, &p, name, buf, size, flags);
}

static long list(struct task *t, const struct where *w, uint64_t addr, uint64_t size)
{
    cleanup_path struct path p = {0};
    int err = find(t, w, &p);

    size = MIN(size, (uint64_t)XATTR_VALUE_MAX);
    if (err)
        return err;
    struct inode *i = p.dentry->inode;
    if (!i->ops->listxattr)
        return 0;
    cleanup_free char *buf = malloc(size + 1);
    if (!buf)
        return -ENOMEM;
    ssize_t n = i->ops->listxattr(t, i, size ? buf : NULL, size);
    if (n > 0 && size && copy_out(t, addr, buf, (size_t)n))
        return -EFAULT;
    return n == -ERANGE && size >= XATTR_VALUE_MAX ? -E2BIG : n;
}

static long del(struct task *t, const struct where *w, uint64_t name_addr)
{
    cleanup_path struct path p = {0};
    char name[XATTR_NAME_LEN];
    int err = get_attr_name(t, name_addr, name);

    if (!err)
        err = find(t, w, &p);
    if (err)
        return err;
    struct inode *i = p.dentry->inode;
    if (path_readonly(&p))
        return -EROFS;
    if (acl_is_name(name))
        return acl_set(t, &p, name, NULL, 0);
    err = may_access(t, i, name, MAY_WRITE);
    if (!err)
        err = may_set_security(t, i, name, NULL, 0);
    if (!err)
        err = i->ops->removexattr ? resolve_name(i, name) : -EOPNOTSUPP;
    if (!err)
        err = i->ops->removexattr(t, p.dentry, name);
    if (!err)
        fsnotify(i, p.dentry, IN_ATTRIB, 0);
    return err;
}

/* By path, by path without following, by descriptor. */
#define AT_PATH(a) (&(struct where){AT_FDCWD, arg_u64(a, 0), 0, false})
#define AT_LINK(a) (&(struct where){AT_FDCWD, arg_u64(a, 0), AT_SYMLINK_NOFOLLOW, false})
#define AT_FD(a) (&(struct where){arg_i32(a, 0), 0, 0, true})
#define XATTR_CALL(call, fn, at, ...)                                                              \
    long sys_##call(struct task *t, const struct sysargs *a)                                       \
    {                                                                                              \
        return fn(t, at(a), __VA_ARGS__);                                                          \
    }
#define GET_ARGS arg_u64(a, 1), arg_u64(a, 2), arg_u64(a, 3)
#define SET_ARGS arg_u64(a, 1), arg_u64(a, 2), arg_u64(a, 3), arg_i32(a, 4)

XATTR_CALL(getxattr, get, AT_PATH, GET_ARGS)
XATTR_CALL(lgetxattr, get, AT_LINK, GET_ARGS)
XATTR_CALL(fgetxattr, get, AT_FD, GET_ARGS)
XATTR_CALL(setxattr, set, AT_PATH, SET_ARGS)
XATTR_CALL(lsetxattr, set, AT_LINK, SET_ARGS)
XATTR_CALL(fsetxattr, set, AT_FD, SET_ARGS)
XATTR_CALL(listxattr, list, AT_PATH, arg_u64(a, 1), arg_u64(a, 2))
XATTR_CALL(llistxattr, list, AT_LINK, arg_u64(a, 1), arg_u64(a, 2))
XATTR_CALL(flistxattr, list, AT_FD, arg_u64(a, 1), arg_u64(a, 2))
XATTR_CALL(removexattr, del, AT_PATH, arg_u64(a, 1))
XATTR_CALL(lremovexattr, del, AT_LINK, arg_u64(a, 1))
XATTR_CALL(fremovexattr, del, AT_FD, arg_u64(a, 1))

/* --- Linux 6.13 --- */
struct xattr_args_k {
    uint64_t value;
    uint32_t size, flags;
};

static int where_at(const struct sysargs *a, struct where *w)
{
    *w = (struct where){arg_i32(a, 0), arg_u64(a, 1), arg_i32(a, 2), false};
    return w->at_flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) ? -EINVAL : 0;
}

/* The structure may be larger than we know, if the rest is zero. */
static int get_args(struct task *t, uint64_t addr, uint64_t size, struct xattr_args_k *x)
{
    if (size < sizeof(*x))
        return -EINVAL;
    if (size > NV_PAGE_SIZE)
        return -E2BIG;
    return copy_in_struct(t, x, sizeof(*x), addr, size);
}

long sys_setxattrat(struct task *t, const struct sysargs *a)
{
    struct xattr_args_k x;
    struct where w;
    int err = get_args(t, arg_u64(a, 4), arg_u64(a, 5), &x);

    if (!err)
        err = where_at(a, &w);
    return err ? err : set(t, &w, arg_u64(a, 3), x.value, x.size, (int)x.flags);
}

long sys_getxattrat(struct task *t, const struct sysargs *a)
{
    struct xattr_args_k x;
    struct where w;
    int err = get_args(t, arg_u64(a, 4), arg_u64(a, 5), &x);

    if (!err && x.flags)
        err = -EINVAL;
    if (!err)
        err = where_at(a, &w);
    return err ? err : get(t, &w, arg_u64(a, 3), x.value, x.size);
}

long sys_listxattrat(struct task *t, const struct sysargs *a)
{
    struct where w;
    int err = where_at(a, &w);

    return err ? err : list(t, &w, arg_u64(a, 3), arg_u64(a, 4));
}

long sys_removexattrat(struct task *t, const struct sysargs *a)
{
    struct where w;
    int err = where_at(a, &w);

    return err ? err : del(t, &w, arg_u64(a, 3));
}
