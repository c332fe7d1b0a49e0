/* open(2), openat(2), openat2(2), creat(2). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ipc/inotify.h"
#include "sentry/ipc/pipe.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/vfs_internal.h"

#define CAP_FOWNER 3
#define OPEN_KNOWN                                                                                 \
    (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC |          \
     O_ASYNC | O_DIRECT | 0100000 | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_SYNC |     \
     O_PATH | O_TMPFILE)
#define O_LARGEFILE_K 0100000
#define O_TMPFILE_BIT 020000000

static int access_mask(int flags)
{
    switch (flags & O_ACCMODE) {
    case O_RDONLY:
        return MAY_READ;
    case O_WRONLY:
        return MAY_WRITE;
    default:
        return MAY_READ | MAY_WRITE;
    }
}

int open_inode(struct task *t, const struct path *p, int flags, struct file **out)
{
    struct inode *i = p->dentry->inode;
    chrdev_open_fn chr;
    int err = 0;

    if (flags & O_PATH) {
        *out = file_new(&opath_ops, i, p, flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW));
        return *out ? 0 : -ENOMEM;
    }
    switch (i->mode & S_IFMT) {
    case S_IFIFO:
        err = fifo_open(t, i, flags, out);
        if (!err && !(*out)->path.dentry)
            (*out)->path = path_get(p);
        break;
    case S_IFSOCK:
        return -ENXIO;
    case S_IFBLK:
        return -ENXIO;
    case S_IFCHR:
        if (p->mnt && (p->mnt->flags & 4 /* MS_NODEV */))
            return -EACCES;
        chr = chrdev_lookup(i->rdev);
        if (!chr && i->ops->open)
            err = i->ops->open(t, i, p, flags, out);
        else
            err = chr ? chr(t, i, p, flags, out) : -ENXIO;
        break;
    default:
        if (!i->ops->open)
            return -ENXIO;
        err = i->ops->open(t, i, p, flags, out);
    }
    if (!err && !(*out)->cred)
        (*out)->cred = cred_get(t->cred);
    return err;
}

/* What is checked on an existing object before it is opened: may_open() of fs/namei.c. */
static int may_open(struct task *t, const struct path *p, int flags, bool created)
{
    struct inode *i = p->dentry->inode;
    int mask = access_mask(flags) | (flags & O_TRUNC ? MAY_WRITE : 0);

    if (S_ISLNK(i->mode))
        return flags & O_PATH ? 0 : -ELOOP;
    if ((flags & O_DIRECTORY) && !S_ISDIR(i->mode))
        return -ENOTDIR;
    if (flags & O_PATH)
        return 0;
    if (S_ISDIR(i->mode) && ((mask & MAY_WRITE) || (flags & O_CREAT)))
        return -EISDIR;
    if (created)
        return 0;
    int err = path_permission(t, p, mask);
    if (err)
        return err;
    if ((flags & O_NOATIME) && t->cred->fsuid != i->uid && !cred_capable(t->cred, CAP_FOWNER))
        return -EPERM;
    return 0;
}

static int finish_open(struct task *t, const struct path *p, int flags, bool created,
                       struct file **out)
{
    int err = may_open(t, p, flags, created);

    if (!err && (flags & O_TRUNC) && !created && S_ISREG(p->dentry->inode->mode) &&
        !(flags & O_PATH)) {
        struct setattr a = {.mask = SETATTR_SIZE, .size = 0};
        err = do_setattr(t, p, &a);
    }
    if (!err)
        err = open_inode(t, p, flags, out);
    if (!err && !(flags & O_PATH))
        fsnotify(p->dentry->inode, p->dentry, IN_OPEN, 0);
    return err;
}

int vfs_open_path(struct task *t, const struct path *p, int flags, struct file **out)
{
    return finish_open(t, p, flags, false, out);
}

static int open_tmpfile(struct task *t, int dirfd, const char *name, int flags, mode_t mode,
                        unsigned int walk, struct file **out)
{
    cleanup_path struct path dir = {0};
    struct inode *i;

    if (!(access_mask(flags) & MAY_WRITE))
        return -EINVAL;
    int err = vfs_walk(t, dirfd, name, walk | WALK_DIRECTORY, &dir);
    if (!err)
        err = path_permission(t, &dir, MAY_WRITE | MAY_EXEC);
    if (err)
        return err;
    const struct inode_ops *ops = dir.dentry->inode->ops;
    if (!ops->tmpfile)
        return -EOPNOTSUPP;
    err = ops->tmpfile(t, dir.dentry->inode, S_IFREG | (mode & 07777 & ~t->fs->umask), &i);
    if (err)
        return err;
    char unique[32];
    snprintf(unique, sizeof(unique), "#%lu", (unsigned long)i->ino);
    struct dentry *d = dentry_alloc(dir.dentry, unique, strlen(unique));
    if (!d) {
        inode_put(i);
        return -ENOMEM;
    }
    d->inode = i;
    struct path p = {dir.mnt, d};
    err = open_inode(t, &p, flags & ~O_TMPFILE, out);
    dentry_put(d);
    return err;
}

/* Creates the last component if it is missing; *created tells. d becomes the object's dentry. */
static int create_last(struct task *t, const struct path *parent, struct dentry *d, mode_t mode,
                       bool *created)
{
    struct inode *dir = parent->dentry->inode;

    if (!parent->dentry->hashed && parent->dentry->parent != parent->dentry)
        return -ENOENT; /* a removed directory */
    int err = path_permission(t, parent, MAY_WRITE | MAY_EXEC);
    if (err)
        return err;
    if (!dir->ops->create)
        return -EACCES;
    err = dir->ops->create(t, dir, d, S_IFREG | (mode & 07777 & ~t->fs->umask));
    if (!err) {
        *created = true;
        fsnotify(dir, d, IN_CREATE, 0);
    }
    return err;
}

/* O_CREAT: follows symlinks at the end by walking again from where they point. */
static int open_create(struct task *t, int dirfd, const char *name, int flags, mode_t mode,
                       unsigned int walk, struct file **out)
{
    cleanup_free char *path = strdup(name);
    cleanup_path struct path base = {0};
    bool have_base = false;

    for (int links = 0; path && links < 40; links++) {
        cleanup_path struct path parent = {0}, p = {0};
        cleanup_free char *last = NULL;
        bool trailing, created = false;
        struct dentry *d;
        int err = have_base
                      ? vfs_walk_parent_from(t, &base, path, walk, &parent, &last, &trailing)
                      : vfs_walk_parent(t, dirfd, path, walk, &parent, &last, &trailing);
        if (err)
            return err;
        if (trailing || !strcmp(last, ".") || !strcmp(last, ".."))
            return -EISDIR;
        if (!S_ISDIR(parent.dentry->inode->mode))
            return -ENOTDIR;
        err = vfs_lookup(t, &parent, last, strlen(last), &d);
        if (err)
            return err;
        if (!d->inode) {
            err = create_last(t, &parent, d, mode, &created);
            if (err == -EEXIST && !(flags & O_EXCL) && d->inode)
                err = 0;
        } else if (flags & O_EXCL) {
            err = -EEXIST;
        } else if (S_ISLNK(d->inode->mode) && !(flags & O_NOFOLLOW) &&
                   !d->inode->ops->follow) {
            char *target = NULL;
            err = walk & WALK_NO_SYMLINKS || !d->inode->ops->readlink
                      ? -ELOOP
                      : d->inode->ops->readlink(t, d->inode, &target);
            dentry_put(d);
            if (err)
                return err;
            free(path);
            path = target;
            path_put(&base);
            base = path_get(&parent);
            have_base = true;
            continue;
        } else if (S_ISLNK(d->inode->mode) && d->inode->ops->follow && !(flags & O_NOFOLLOW)) {
            err = d->inode->ops->follow(t, d->inode, &p);
            dentry_put(d);
            return err ? err : finish_open(t, &p, flags & ~O_CREAT, false, out);
        }
        if (!err) {
            struct mount *m = d->mounted ? mount_at(parent.mnt, d) : NULL;
            struct path at = {m ? m : parent.mnt, m ? m->root : d};
            p = path_get(&at);
            err = finish_open(t, &p, flags, created, out);
        }
        dentry_put(d);
        return err;
    }
    return path ? -ELOOP : -ENOMEM;
}

int vfs_open(struct task *t, int dirfd, const char *name, int flags, mode_t mode,
             unsigned int walk, struct file **out)
{
    cleanup_path struct path p = {0};

    if ((flags & O_TMPFILE_BIT) && !(flags & O_PATH))
        return open_tmpfile(t, dirfd, name, flags, mode, walk, out);
    if ((flags & O_CREAT) && !(flags & O_PATH))
        return open_create(t, dirfd, name, flags, mode, walk, out);
    if (flags & O_NOFOLLOW)
        walk |= WALK_NOFOLLOW;
    int err = vfs_walk(t, dirfd, name, walk, &p);
    return err ? err : finish_open(t, &p, flags, false, out);
}

static long open_common(struct task *t, int dirfd, uint64_t name_addr, int flags, mode_t mode,
                        unsigned int walk)
{
    cleanup_free char *name = NULL;
    struct file *f;

    if ((flags & O_TMPFILE_BIT) && ((flags & O_TMPFILE) != O_TMPFILE))
        return -EINVAL;
    if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY) && !(flags & O_TMPFILE_BIT) &&
        !(flags & O_PATH))
        return -EINVAL;
    int err = vfs_get_name(t, name_addr, 0, &name);
    if (!err)
        err = vfs_open(t, dirfd, name, flags & OPEN_KNOWN, mode, walk, &f);
    if (err)
        return err;
    if (!(flags & O_PATH))
        f->flags |= O_LARGEFILE_K;
    return fd_install_steal(t, f, flags & O_CLOEXEC);
}

long sys_open(struct task *t, const struct sysargs *a)
{
    return open_common(t, AT_FDCWD, arg_u64(a, 0), arg_i32(a, 1), arg_u32(a, 2), 0);
}

long sys_openat(struct task *t, const struct sysargs *a)
{
    return open_common(t, arg_i32(a, 0), arg_u64(a, 1), arg_i32(a, 2), arg_u32(a, 3), 0);
}

long sys_creat(struct task *t, const struct sysargs *a)
{
    return open_common(t, AT_FDCWD, arg_u64(a, 0), O_CREAT | O_WRONLY | O_TRUNC, arg_u32(a, 1), 0);
}

struct open_how_k {
    uint64_t flags, mode, resolve;
};

long sys_openat2(struct task *t, const struct sysargs *a)
{
    static const unsigned int walk_bits[] = {WALK_NO_XDEV, WALK_NO_MAGICLINKS, WALK_NO_SYMLINKS,
                                             WALK_BENEATH, WALK_IN_ROOT};
    uint64_t size = arg_u64(a, 3);
    struct open_how_k how = {0};
    unsigned int walk = 0;

    if (size < sizeof(how))
        return -EINVAL;
    if (size > NV_PAGE_SIZE)
        return -E2BIG;
    if (get_user(t, &how, arg_u64(a, 2)))
        return -EFAULT;
    for (uint64_t off = sizeof(how); off < size; off++) {
        char c;
        if (get_user(t, &c, arg_u64(a, 2) + off))
            return -EFAULT;
        if (c)
            return -E2BIG;
    }
    bool makes = how.flags & O_CREAT || (how.flags & O_TMPFILE) == O_TMPFILE;
    if (how.flags & ~(uint64_t)OPEN_KNOWN || how.mode & ~07777UL || (how.mode && !makes) ||
        how.resolve & ~0x3fUL)
        return -EINVAL;
    if ((how.flags & O_PATH) &&
        (how.flags & ~(uint64_t)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)))
        return -EINVAL;
    if ((how.resolve & 0x18) == 0x18) /* BENEATH and IN_ROOT */
        return -EINVAL;
    if (how.resolve & 0x20) /* RESOLVE_CACHED: we never know without asking */
        return -EAGAIN;
    for (unsigned int i = 0; i < ARRAY_SIZE(walk_bits); i++)
        if (how.resolve & 1UL << i)
            walk |= walk_bits[i];
    return open_common(t, arg_i32(a, 0), arg_u64(a, 1), (int)how.flags, (mode_t)how.mode, walk);
}
