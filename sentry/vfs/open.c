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
#include "sentry/ns/ns.h"
#include "sentry/vfs/acl.h"
#include "sentry/vfs/vfs_internal.h"

#define CAP_FOWNER 3
#define OPEN_KNOWN                                                                                 \
    (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC |         \
     O_ASYNC | O_DIRECT | 0100000 | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_SYNC |    \
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

/* Writers and execution exclude each other: ETXTBSY. The file gives it up in file_put(). */
static int claim_text(struct inode *i, int flags, int *claim)
{
    *claim = 0;
    if (!S_ISREG(i->mode))
        return 0;
    if (flags & FILE_EXEC)
        *claim = -1;
    else if (access_mask(flags) & MAY_WRITE)
        *claim = 1;
    if ((*claim > 0 && i->write_count < 0) || (*claim < 0 && i->write_count > 0))
        return -ETXTBSY;
    i->write_count += *claim;
    return 0;
}

static int open_device(struct task *t, const struct path *p, int flags, struct file **out)
{
    struct inode *i = p->dentry->inode;

    if (p->mnt && ((p->mnt->flags & 4 /* MS_NODEV */) || p->dentry->sb->user_ns))
        return -EACCES;
    chrdev_open_fn chr = S_ISCHR(i->mode) ? chrdev_lookup(i->rdev) : NULL;
    if (chr)
        return chr(t, i, p, flags, out);
    return S_ISCHR(i->mode) && i->ops->open ? i->ops->open(t, i, p, flags, out) : -ENXIO;
}

int open_inode(struct task *t, const struct path *p, int flags, struct file **out)
{
    struct inode *i = p->dentry->inode;
    int claim;

    if (flags & O_PATH) {
        *out = file_new(&opath_ops, i, p, flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW));
        return *out ? 0 : file_new_error();
    }
    int err = claim_text(i, flags, &claim);
    if (err)
        return err;
    switch (i->mode & S_IFMT) {
    case S_IFIFO:
        err = fifo_open(t, i, flags, out);
        if (!err && !(*out)->path.dentry)
            (*out)->path = path_get(p);
        break;
    case S_IFSOCK:
        err = -ENXIO;
        break;
    case S_IFBLK:
    case S_IFCHR:
        err = open_device(t, p, flags, out);
        break;
    default:
        err = i->ops->open ? i->ops->open(t, i, p, flags, out) : -ENXIO;
    }
    if (err) {
        i->write_count -= claim;
        return err;
    }
    if ((flags & O_DIRECT) && !file_can_direct(*out)) { /* do_dentry_open() of fs/open.c */
        i->write_count -= claim;
        file_put(*out);
        return -EINVAL;
    }
    if (!(*out)->cred)
        (*out)->cred = cred_get(t->cred);
    mount_add_writer(*out);
    if (claim && (*out)->text) /* the layer beneath has set its own: it goes with the file */
        i->write_count -= claim;
    else if (claim) {
        (*out)->text = inode_get(i);
        (*out)->text_claim = (int8_t)claim;
    }
    return 0;
}

/* What is checked on an existing object before it is opened: may_open() of fs/namei.c. */
static int may_open(struct task *t, const struct path *p, int flags, bool created)
{
    struct inode *i = p->dentry->inode;
    int mask = flags & FILE_EXEC ? MAY_EXEC : access_mask(flags);

    if (flags & O_TRUNC)
        mask |= MAY_WRITE;
    if (S_ISDIR(i->mode) && (flags & O_CREAT) && !(flags & O_PATH))
        return -EISDIR;
    if ((flags & O_DIRECTORY) && !S_ISDIR(i->mode))
        return -ENOTDIR;
    if (flags & O_PATH)
        return 0;
    if (S_ISLNK(i->mode))
        return -ELOOP;
    if (S_ISDIR(i->mode) && (mask & MAY_WRITE))
        return -EISDIR;
    if ((S_ISCHR(i->mode) || S_ISBLK(i->mode)) && p->mnt &&
        ((p->mnt->flags & 4 /* MS_NODEV */) || p->dentry->sb->user_ns))
        return -EACCES;
    if (created)
        return 0;
    int err = path_permission(t, p, mask);
    if (err)
        return err;
    if ((flags & O_NOATIME) && t->cred->fsuid != i->uid && !inode_capable(t->cred, i, CAP_FOWNER))
        return -EPERM;
    return 0;
}

static int finish_open(struct task *t, const struct path *p, int flags, bool created,
                       struct file **out)
{
    int err = may_open(t, p, flags, created);
    bool cut = !err && (flags & O_TRUNC) && !created && S_ISREG(p->dentry->inode->mode) &&
               !(flags & O_PATH);

    if (cut) {
        struct setattr a = {.mask = SETATTR_SIZE, .size = 0};
        err = p->dentry->inode->write_count < 0 ? -ETXTBSY : strip_setid(t, p);
        if (!err)
            err = do_setattr_quietly(t, p, &a);
        cut = !err;
    }
    if (!err)
        err = open_inode(t, p, flags, out);
    if (!err && !(flags & O_PATH))
        fsnotify(p->dentry->inode, p->dentry, IN_OPEN, 0);
    if (cut)
        fsnotify(p->dentry->inode, p->dentry, IN_MODIFY, 0);
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
    cleanup_acl struct acl_new acl = {0};
    struct inode *i;

    int err = vfs_walk(t, dirfd, name, walk | WALK_DIRECTORY, &dir);
    if (!err)
        err = path_permission(t, &dir, MAY_WRITE | MAY_EXEC);
    if (err)
        return err;
    const struct inode_ops *ops = dir.dentry->inode->ops;
    if (!ops->tmpfile)
        return -EOPNOTSUPP;
    if (!user_ns_maps(dir.dentry->sb->user_ns, t->cred))
        return -EOVERFLOW;
    mode = S_IFREG | (mode & 07777);
    err = acl_inherit(t, dir.dentry->inode, &mode, &acl);
    if (!err)
        err = ops->tmpfile(t, dir.dentry->inode, mode, &i);
    if (err)
        return err;
    char unique[32];
    snprintf(unique, sizeof(unique), "#%lu", (unsigned long)i->ino);
    struct dentry *d = dentry_alloc(dir.dentry, unique, strlen(unique));
    if (!d) {
        inode_put(i);
        return -ENOMEM;
    }
    dentry_set_inode(d, i);
    i->may_link = !(flags & O_EXCL);
    struct path p = {dir.mnt, d};
    err = acl_inherited(t, d, &acl);
    if (!err)
        err = open_inode(t, &p, flags & ~(O_TMPFILE | O_EXCL), out);
    if (!err) {
        (*out)->created = true;
        (*out)->flags |= O_TMPFILE; /* F_GETFL tells */
        fsnotify(d->inode, d, IN_OPEN, 0);
    }
    dentry_put(d);
    return err;
}

/* With the directory locked: *d may be replaced by what another fiber made of the name meanwhile.
 */
static int create_locked(struct task *t, const struct path *parent, struct dentry **d, int flags,
                         mode_t mode, bool *created)
{
    struct inode *dir = parent->dentry->inode;
    cleanup_acl struct acl_new acl = {0};
    struct dentry *now;

    int err = lookup_locked(t, parent, (*d)->name, (*d)->name_len, &now);
    if (err)
        return err;
    dentry_put(*d);
    *d = now;
    if (now->inode)
        return flags & O_EXCL ? -EEXIST : 0;
    if (!parent->dentry->hashed && parent->dentry->parent != parent->dentry)
        return -ENOENT; /* a removed directory */
    err = user_ns_maps(dir->sb->user_ns, t->cred) ? path_permission(t, parent, MAY_WRITE | MAY_EXEC)
                                                  : -EOVERFLOW;
    if (err)
        return err;
    if (!dir->ops->create)
        return -EACCES;
    mode = S_IFREG | (mode & 07777);
    err = acl_inherit(t, dir, &mode, &acl);
    if (!err)
        err = dir->ops->create(t, dir, now, mode);
    if (err == -EEXIST)
        dentry_drop(now); /* made behind our back: ask again next time */
    if (err)
        return err;
    *created = true;
    fsnotify(dir, now, IN_CREATE, 0);
    return now->inode ? acl_inherited(t, now, &acl) : -ENOENT;
}

/* The end of an O_CREAT open in parent. 1: it has become a symlink that is to be followed. */
static int open_create_at(struct task *t, const struct path *parent, struct dentry **d, int flags,
                          mode_t mode, struct file **out)
{
    bool created = false;

    if (!(*d)->inode) {
        int err = dir_lock(t, parent->dentry->inode);
        if (err)
            return err;
        err = create_locked(t, parent, d, flags, mode, &created);
        dir_unlock(parent->dentry->inode);
        if (err)
            return err;
        if (!created && S_ISLNK((*d)->inode->mode) && !(flags & O_NOFOLLOW))
            return 1;
    } else if (flags & O_EXCL) {
        return -EEXIST;
    }
    struct path at = {parent->mnt, *d};
    for (struct mount *m; at.dentry->mounted && (m = mount_at(at.mnt, at.dentry));)
        at = (struct path){m, m->root};
    cleanup_path struct path p = path_get(&at);
    int err = finish_open(t, &p, flags, created, out);
    if (!err)
        (*out)->created = created;
    return err;
}

static int open_create(struct task *t, int dirfd, const char *name, int flags, mode_t mode,
                       unsigned int walk, struct file **out)
{
    int err = 1;

    if (flags & O_EXCL)
        flags |= O_NOFOLLOW; /* a symlink is something that exists */
    if (flags & O_NOFOLLOW)
        walk |= WALK_NOFOLLOW;
    for (int tries = 0; err == 1 && tries < 8; tries++) {
        cleanup_path struct path parent = {0}, obj = {0};
        struct dentry *d;
        err = walk_for_create(t, dirfd, name, walk, &parent, &d, &obj);
        if (err)
            return err;
        if (!d)
            return flags & O_EXCL ? -EEXIST : finish_open(t, &obj, flags, false, out);
        err = open_create_at(t, &parent, &d, flags, mode, out);
        dentry_put(d);
    }
    return err == 1 ? -ELOOP : err;
}

int vfs_open(struct task *t, int dirfd, const char *name, int flags, mode_t mode, unsigned int walk,
             struct file **out)
{
    cleanup_path struct path p = {0};

    if ((flags & O_TMPFILE_BIT) && !(flags & O_PATH))
        return open_tmpfile(t, dirfd, name, flags, mode, walk, out);
    if ((flags & O_CREAT) && !(flags & O_PATH))
        return open_create(t, dirfd, name, flags, mode, walk, out);
    if (flags & O_NOFOLLOW)
        walk |= WALK_NOFOLLOW;
    if (!(flags & (O_PATH | O_DIRECTORY | O_ACCMODE)))
        walk |= WALK_READ;
    int err = vfs_walk(t, dirfd, name, walk, &p);
    return err ? err : finish_open(t, &p, flags, false, out);
}

static long open_common(struct task *t, int dirfd, uint64_t name_addr, int flags, mode_t mode,
                        unsigned int walk)
{
    cleanup_free char *name = NULL;
    struct file *f;

    if (flags & O_PATH)
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    if ((flags & O_TMPFILE_BIT) &&
        ((flags & O_TMPFILE) != O_TMPFILE || !(access_mask(flags) & MAY_WRITE)))
        return -EINVAL;
    if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
        return -EINVAL;
    int err = vfs_get_name(t, name_addr, 0, &name);
    if (!err)
        err = fd_available(t); /* before anything is created */
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
    if (how.resolve & 0x20) { /* RESOLVE_CACHED */
        if (makes || (how.flags & O_TRUNC))
            return -EAGAIN;
        walk |= WALK_CACHED;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(walk_bits); i++)
        if (how.resolve & 1UL << i)
            walk |= walk_bits[i];
    return open_common(t, arg_i32(a, 0), arg_u64(a, 1), (int)how.flags, (mode_t)how.mode, walk);
}
