/* Calls that change names: mkdir(2), rmdir(2), unlink(2), rename(2), link(2), symlink(2), mknod(2).
 */
#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sentry/ipc/inotify.h"
#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/acl.h"
#include "sentry/vfs/vfs_internal.h"

#define CAP_FOWNER 3
#define CAP_MKNOD 27

/* A name in its directory: what every call here begins with. */
struct entry {
    struct path dir;
    struct dentry *d; /* maybe negative */
    char *last;
    bool trailing;
    bool locked; /* the directory's names */
};

static void entry_put(struct entry *e)
{
    if (e->locked)
        dir_unlock(e->dir.dentry->inode);
    dentry_put(e->d);
    path_put(&e->dir);
    free(e->last);
}
#define cleanup_entry __attribute__((cleanup(entry_put)))

/* "/" ends like ".", with an errno of its own in rmdir(2). */
static bool is_dot(const char *s)
{
    return !strcmp(s, ".") || !strcmp(s, "/");
}

static bool is_dotdot(const char *s)
{
    return !strcmp(s, "..");
}

static int entry_walk(struct task *t, int dirfd, uint64_t addr, struct entry *e)
{
    cleanup_free char *name = NULL;
    int err = vfs_get_name(t, addr, 0, &name);

    return err ? err : vfs_walk_parent(t, dirfd, name, 0, &e->dir, &e->last, &e->trailing);
}

/* The directory stays locked until entry_put(). */
static int entry_lookup(struct task *t, struct entry *e)
{
    if (!S_ISDIR(e->dir.dentry->inode->mode))
        return -ENOTDIR;
    int err = dir_lock(t, e->dir.dentry->inode);
    if (err)
        return err;
    e->locked = true;
    return lookup_locked(t, &e->dir, e->last, strlen(e->last), &e->d);
}

/* The entry that is to be made must be missing: filename_create() of fs/namei.c. */
static int entry_missing(struct task *t, bool dir_ok, struct entry *e)
{
    if (is_dot(e->last) || is_dotdot(e->last))
        return -EEXIST;
    int err = entry_lookup(t, e);
    if (err)
        return err;
    if (e->d->inode)
        return -EEXIST;
    if (e->trailing && !dir_ok)
        return -ENOENT;
    return path_readonly(&e->dir) ? -EROFS : 0;
}

/* may_create() of fs/namei.c. */
static int may_create(struct task *t, const struct entry *e)
{
    if (!e->dir.dentry->hashed && e->dir.dentry->parent != e->dir.dentry)
        return -ENOENT;
    return user_ns_maps(e->dir.dentry->sb->user_ns, t->cred)
               ? path_permission(t, &e->dir, MAY_WRITE | MAY_EXEC)
               : -EOVERFLOW;
}

/* For making something new: the entry must be missing and the directory writable. */
static int entry_for_new(struct task *t, int dirfd, uint64_t addr, bool dir_ok, struct entry *e)
{
    int err = entry_walk(t, dirfd, addr, e);

    if (!err)
        err = entry_missing(t, dir_ok, e);
    return err ? err : may_create(t, e);
}

/* Sticky directories: only owners remove: unlink(2). */
static int may_delete(struct task *t, const struct path *dir, const struct dentry *d)
{
    const struct inode *di = dir->dentry->inode;
    int err = path_permission(t, dir, MAY_WRITE | MAY_EXEC);

    if (err)
        return err;
    if ((di->mode & S_ISVTX) && t->cred->fsuid != d->inode->uid && t->cred->fsuid != di->uid &&
        !inode_capable(t->cred, d->inode, CAP_FOWNER))
        return -EPERM;
    return 0;
}

static long do_mkdir(struct task *t, int dirfd, uint64_t addr, mode_t mode)
{
    cleanup_entry struct entry e = {0};
    int err = entry_for_new(t, dirfd, addr, true, &e);

    if (err)
        return err;
    struct inode *dir = e.dir.dentry->inode;
    if (!dir->ops->mkdir)
        return -EPERM;
    cleanup_acl struct acl_new acl = {0};
    mode = S_IFDIR | (mode & 01777);
    err = acl_inherit(t, dir, &mode, &acl);
    if (!err)
        err = dir->ops->mkdir(t, dir, e.d, mode);
    if (err)
        return err;
    fsnotify(dir, e.d, IN_CREATE | IN_ISDIR, 0);
    return acl_inherited(t, e.d, &acl);
}

long sys_mkdir(struct task *t, const struct sysargs *a)
{
    return do_mkdir(t, AT_FDCWD, arg_u64(a, 0), arg_u32(a, 1));
}

long sys_mkdirat(struct task *t, const struct sysargs *a)
{
    return do_mkdir(t, arg_i32(a, 0), arg_u64(a, 1), arg_u32(a, 2));
}

static int make_node(struct task *t, struct entry *e, mode_t mode, dev_t rdev)
{
    struct inode *dir = e->dir.dentry->inode;
    cleanup_acl struct acl_new acl = {0};

    mode = (mode & S_IFMT ? mode & S_IFMT : S_IFREG) | (mode & 07777);
    if (((S_ISCHR(mode) && rdev /* not a whiteout */) || S_ISBLK(mode)) &&
        !cred_capable(t->cred, CAP_MKNOD))
        return -EPERM;
    int err = acl_inherit(t, dir, &mode, &acl);
    if (err)
        return err;
    if (S_ISREG(mode))
        err = dir->ops->create ? dir->ops->create(t, dir, e->d, mode) : -EPERM;
    else
        err = dir->ops->mknod ? dir->ops->mknod(t, dir, e->d, mode, rdev) : -EPERM;
    if (err)
        return err;
    fsnotify(dir, e->d, IN_CREATE, 0);
    return acl_inherited(t, e->d, &acl);
}

static long do_mknod(struct task *t, int dirfd, uint64_t addr, mode_t mode, uint64_t dev)
{
    cleanup_entry struct entry e = {0};
    mode_t fmt = mode & S_IFMT;

    if (fmt == S_IFDIR)
        return -EPERM;
    if (fmt && fmt != S_IFREG && fmt != S_IFCHR && fmt != S_IFBLK && fmt != S_IFIFO &&
        fmt != S_IFSOCK)
        return -EINVAL;
    int err = entry_for_new(t, dirfd, addr, false, &e);
    return err ? err : make_node(t, &e, mode, dev);
}

long sys_mknod(struct task *t, const struct sysargs *a)
{
    return do_mknod(t, AT_FDCWD, arg_u64(a, 0), arg_u32(a, 1), arg_u32(a, 2));
}

long sys_mknodat(struct task *t, const struct sysargs *a)
{
    return do_mknod(t, arg_i32(a, 0), arg_u64(a, 1), arg_u32(a, 2), arg_u32(a, 3));
}

int vfs_mknod(struct task *t, int dirfd, const char *name, mode_t mode, dev_t rdev,
              struct path *out)
{
    cleanup_entry struct entry e = {0};
    int err = vfs_walk_parent(t, dirfd, name, 0, &e.dir, &e.last, &e.trailing);

    if (!err)
        err = entry_missing(t, false, &e);
    if (!err)
        err = may_create(t, &e);
    if (!err)
        err = make_node(t, &e, mode, rdev);
    if (!err && out) {
        struct path p = {e.dir.mnt, e.d};
        *out = path_get(&p);
    }
    return err;
}

int vfs_mkdir(struct task *t, const char *name, mode_t mode)
{
    cleanup_entry struct entry e = {0};
    int err = vfs_walk_parent(t, AT_FDCWD, name, 0, &e.dir, &e.last, &e.trailing);

    if (!err)
        err = is_dot(e.last) || is_dotdot(e.last) ? -EEXIST : entry_lookup(t, &e);
    if (err)
        return err;
    struct inode *dir = e.dir.dentry->inode;
    if (e.d->inode)
        return -EEXIST;
    return dir->ops->mkdir ? dir->ops->mkdir(t, dir, e.d, S_IFDIR | mode) : -EPERM;
}

static long do_rmdir(struct task *t, int dirfd, uint64_t addr)
{
    cleanup_entry struct entry e = {0};
    int err = entry_walk(t, dirfd, addr, &e);

    if (err)
        return err;
    if (is_dot(e.last))
        return *e.last == '/' ? -EBUSY : -EINVAL;
    if (is_dotdot(e.last))
        return -ENOTEMPTY;
    err = entry_lookup(t, &e);
    if (err)
        return err;
    if (!e.d->inode)
        return -ENOENT;
    err = may_delete(t, &e.dir, e.d);
    if (err)
        return err;
    if (!S_ISDIR(e.d->inode->mode))
        return -ENOTDIR;
    if (dentry_is_busy(t, e.d))
        return -EBUSY;
    struct inode *dir = e.dir.dentry->inode;
    if (!dir->ops->rmdir)
        return -EPERM;
    err = dir->ops->rmdir(t, dir, e.d);
    if (!err) {
        dentry_unmount_all(e.d);
        dentry_drop(e.d);
        inotify_unused(e.d, 1);
        fsnotify(dir, e.d, IN_DELETE | IN_ISDIR, 0);
    } else if (err == -ENOENT || err == -ESTALE) {
        dentry_drop(e.d); /* gone behind our back */
    }
    return err;
}

static long do_unlink(struct task *t, int dirfd, uint64_t addr)
{
    cleanup_entry struct entry e = {0};
    int err = entry_walk(t, dirfd, addr, &e);

    if (err)
        return err;
    if (is_dot(e.last) || is_dotdot(e.last))
        return -EISDIR;
    err = entry_lookup(t, &e);
    if (err)
        return err;
    if (!e.d->inode)
        return -ENOENT;
    if (e.trailing)
        return S_ISDIR(e.d->inode->mode) ? -EISDIR : -ENOTDIR;
    err = may_delete(t, &e.dir, e.d);
    if (err)
        return err;
    if (S_ISDIR(e.d->inode->mode))
        return -EISDIR;
    if (dentry_is_busy(t, e.d))
        return -EBUSY;
    struct inode *dir = e.dir.dentry->inode;
    if (!dir->ops->unlink)
        return -EPERM;
    err = dir->ops->unlink(t, dir, e.d);
    if (!err) {
        fsnotify(e.d->inode, NULL, IN_ATTRIB, 0); /* its count of links */
        dentry_unmount_all(e.d);
        dentry_drop(e.d);
        if (e.d->inode->nlink == 0)
            inotify_unused(e.d, 1);
        fsnotify(dir, e.d, IN_DELETE, 0);
    } else if (err == -ENOENT || err == -ESTALE) {
        dentry_drop(e.d); /* gone behind our back */
    }
    return err;
}

long sys_rmdir(struct task *t, const struct sysargs *a)
{
    return do_rmdir(t, AT_FDCWD, arg_u64(a, 0));
}

long sys_unlink(struct task *t, const struct sysargs *a)
{
    return do_unlink(t, AT_FDCWD, arg_u64(a, 0));
}

long sys_unlinkat(struct task *t, const struct sysargs *a)
{
    int flags = arg_i32(a, 2);

    if (flags & ~AT_REMOVEDIR)
        return -EINVAL;
    return flags ? do_rmdir(t, arg_i32(a, 0), arg_u64(a, 1))
                 : do_unlink(t, arg_i32(a, 0), arg_u64(a, 1));
}

static long do_symlink(struct task *t, uint64_t target_addr, int dirfd, uint64_t addr)
{
    cleanup_free char *target = NULL;
    cleanup_entry struct entry e = {0};
    int err = vfs_get_name(t, target_addr, 0, &target);

    if (!err)
        err = entry_for_new(t, dirfd, addr, false, &e);
    if (err)
        return err;
    struct inode *dir = e.dir.dentry->inode;
    if (!dir->ops->symlink)
        return -EPERM;
    err = dir->ops->symlink(t, dir, e.d, target);
    if (!err)
        fsnotify(dir, e.d, IN_CREATE, 0);
    return err;
}

long sys_symlink(struct task *t, const struct sysargs *a)
{
    return do_symlink(t, arg_u64(a, 0), AT_FDCWD, arg_u64(a, 1));
}

long sys_symlinkat(struct task *t, const struct sysargs *a)
{
    return do_symlink(t, arg_u64(a, 0), arg_i32(a, 1), arg_u64(a, 2));
}

/* fs.protected_hardlinks: others' files only if they are safe and could be written anyway. */
static int may_link(struct task *t, struct inode *i)
{
    if (t->cred->fsuid == i->uid || inode_capable(t->cred, i, CAP_FOWNER))
        return 0;
    if (!S_ISREG(i->mode) || (i->mode & S_ISUID) || (i->mode & 02010) == 02010 ||
        inode_permission(t, i, MAY_READ | MAY_WRITE))
        return -EPERM;
    return 0;
}

static long do_link(struct task *t, int odirfd, uint64_t oaddr, int ndirfd, uint64_t naddr,
                    int flags)
{
    cleanup_free char *name = NULL;
    cleanup_path struct path old = {0};
    cleanup_entry struct entry e = {0};
    unsigned int walk = flags & AT_SYMLINK_FOLLOW ? 0 : WALK_NOFOLLOW;

    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (flags & AT_EMPTY_PATH) {
        if (!cred_capable(t->cred, 2 /* CAP_DAC_READ_SEARCH */))
            return -ENOENT;
        walk |= WALK_EMPTY_PATH;
    }
    int err = vfs_get_name(t, oaddr, walk, &name);
    if (!err)
        err = vfs_walk(t, odirfd, name, walk, &old);
    if (!err)
        err = entry_walk(t, ndirfd, naddr, &e);
    if (!err)
        err = entry_missing(t, false, &e);
    if (err)
        return err;
    struct inode *i = old.dentry->inode, *dir = e.dir.dentry->inode;
    /* An O_TMPFILE of a stacked file system may be the layer's own: its inode tells. */
    if (old.mnt != e.dir.mnt)
        return -EXDEV;
    err = may_link(t, i);
    if (!err)
        err = may_create(t, &e);
    if (err)
        return err;
    if (i->sb != dir->sb)
        return -EXDEV;
    if (!dir->ops->link || S_ISDIR(i->mode))
        return -EPERM;
    if (!i->nlink && !i->may_link)
        return -ENOENT;
    err = dir->ops->link(t, old.dentry, dir, e.d);
    if (!err)
        i->may_link = false; /* once it has had a name, it gets no other when that is gone */
    if (!err) {
        fsnotify(i, NULL, IN_ATTRIB, 0); /* its count of links */
        fsnotify(dir, e.d, IN_CREATE, 0);
    }
    return err;
}

long sys_link(struct task *t, const struct sysargs *a)
{
    return do_link(t, AT_FDCWD, arg_u64(a, 0), AT_FDCWD, arg_u64(a, 1), 0);
}

long sys_linkat(struct task *t, const struct sysargs *a)
{
    return do_link(t, arg_i32(a, 0), arg_u64(a, 1), arg_i32(a, 2), arg_u64(a, 3), arg_i32(a, 4));
}

/* --- rename --- */
static bool is_ancestor(const struct dentry *a, const struct dentry *d)
{
    for (; d->parent != d; d = d->parent)
        if (d == a)
            return true;
    return d == a;
}

/* 1: nothing to do. */
static int rename_target(struct task *t, struct entry *o, struct entry *n, unsigned int flags)
{
    const struct inode *oi = o->d->inode, *ni = n->d->inode;
    bool dir = S_ISDIR(oi->mode);

    if (is_ancestor(o->d, n->dir.dentry))
        return -EINVAL;
    if ((flags & RENAME_EXCHANGE) && ni && is_ancestor(n->d, o->dir.dentry))
        return -EINVAL;
    if (!(flags & RENAME_EXCHANGE) && is_ancestor(n->d, o->dir.dentry))
        return -ENOTEMPTY;
    if (!dir && (o->trailing || (n->trailing && !(flags & RENAME_EXCHANGE))))
        return -ENOTDIR;
    if ((flags & RENAME_EXCHANGE) && n->trailing && !S_ISDIR(ni->mode))
        return -ENOTDIR;
    if (oi == ni)
        return 1; /* the same file already */
    if (!n->dir.dentry->hashed && n->dir.dentry->parent != n->dir.dentry)
        return -ENOENT; /* a removed directory */
    int err = may_delete(t, &o->dir, o->d);
    if (err)
        return err;
    err = ni ? may_delete(t, &n->dir, n->d) : path_permission(t, &n->dir, MAY_WRITE | MAY_EXEC);
    if (err)
        return err;
    if (ni && !(flags & RENAME_EXCHANGE)) {
        if (dir && !S_ISDIR(ni->mode))
            return -ENOTDIR;
        if (!dir && S_ISDIR(ni->mode))
            return -EISDIR;
    }
    if (dir && o->dir.dentry != n->dir.dentry) {
        err = inode_permission(t, o->d->inode, MAY_WRITE); /* ".." changes */
        if (err)
            return err;
    }
    if ((flags & RENAME_EXCHANGE) && S_ISDIR(ni->mode) && o->dir.dentry != n->dir.dentry) {
        err = inode_permission(t, n->d->inode, MAY_WRITE);
        if (err)
            return err;
    }
    return dentry_is_busy(t, o->d) || dentry_is_busy(t, n->d) ? -EBUSY : 0;
}

/* fsnotify_move(): what moved hears of it last. */
static void tell_moved(struct inode *moved, struct inode *gone, struct inode *to, struct dentry *d,
                       uint32_t cookie)
{
    fsnotify(to, d, IN_MOVED_TO | (S_ISDIR(moved->mode) ? IN_ISDIR : 0), cookie);
    if (gone)
        fsnotify(gone, NULL, IN_ATTRIB, 0);
    fsnotify(moved, NULL, IN_MOVE_SELF, 0);
}

static uint32_t tell_moving(struct inode *moved, struct inode *from, struct dentry *d)
{
    static uint32_t cookie;

    cookie++;
    fsnotify(from, d, IN_MOVED_FROM | (S_ISDIR(moved->mode) ? IN_ISDIR : 0), cookie);
    return cookie;
}

static void rename_done(struct entry *o, struct entry *n, struct inode *moved, struct inode *gone)
{
    uint32_t cookie = tell_moving(moved, o->dir.dentry->inode, o->d);

    dentry_unmount_all(n->d);
    dentry_rename_done(o->d, n->d);
    tell_moved(moved, gone, n->dir.dentry->inode, o->d, cookie);
}

static void exchange_done(struct entry *o, struct entry *n, struct inode *a, struct inode *b)
{
    struct inode *from = o->dir.dentry->inode, *to = n->dir.dentry->inode;

    tell_moved(a, NULL, to, n->d, tell_moving(a, from, o->d)); /* to that name */
    tell_moved(b, NULL, from, o->d, tell_moving(b, to, n->d));
    dentry_exchange(o->d, n->d);
}

/* Both directories are locked. */
static int rename_locked(struct task *t, struct entry *o, struct entry *n, unsigned int flags)
{
    struct inode *odir = o->dir.dentry->inode, *ndir = n->dir.dentry->inode;

    int err = lookup_locked(t, &o->dir, o->last, strlen(o->last), &o->d);
    if (!err)
        err = o->d->inode ? lookup_locked(t, &n->dir, n->last, strlen(n->last), &n->d) : -ENOENT;
    if (err)
        return err;
    if ((flags & RENAME_NOREPLACE) && n->d->inode)
        return -EEXIST;
    if ((flags & RENAME_EXCHANGE) && !n->d->inode)
        return -ENOENT;
    err = rename_target(t, o, n, flags);
    if (err)
        return err < 0 ? err : 0;
    if (!odir->ops->rename)
        return -EPERM;
    struct inode *moved = inode_get(o->d->inode);
    struct inode *gone = n->d->inode ? inode_get(n->d->inode) : NULL;
    err = odir->ops->rename(t, odir, o->d, ndir, n->d, flags);
    if (!err && gone && (flags & RENAME_EXCHANGE))
        exchange_done(o, n, moved, gone);
    else if (!err)
        rename_done(o, n, moved, gone);
    inode_put(moved);
    inode_put(gone);
    return err;
}

static long do_rename(struct task *t, int ofd, uint64_t oaddr, int nfd, uint64_t naddr,
                      unsigned int flags)
{
    cleanup_entry struct entry o = {0}, n = {0};

    if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT) ||
        ((flags & RENAME_EXCHANGE) && (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT))))
        return -EINVAL;
    int err = entry_walk(t, ofd, oaddr, &o);
    if (!err)
        err = entry_walk(t, nfd, naddr, &n);
    if (err)
        return err;
    if (o.dir.mnt != n.dir.mnt)
        return -EXDEV;
    if (is_dot(o.last) || is_dotdot(o.last))
        return -EBUSY;
    if (is_dot(n.last) || is_dotdot(n.last))
        return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
    struct inode *odir = o.dir.dentry->inode, *ndir = n.dir.dentry->inode;
    if (!S_ISDIR(odir->mode) || !S_ISDIR(ndir->mode))
        return -ENOTDIR;
    if (path_readonly(&o.dir))
        return -EROFS;
    err = dir_lock_rename(t, odir, ndir);
    if (err)
        return err;
    err = rename_locked(t, &o, &n, flags);
    dir_unlock_rename(odir, ndir);
    return err;
}

long sys_rename(struct task *t, const struct sysargs *a)
{
    return do_rename(t, AT_FDCWD, arg_u64(a, 0), AT_FDCWD, arg_u64(a, 1), 0);
}

long sys_renameat(struct task *t, const struct sysargs *a)
{
    return do_rename(t, arg_i32(a, 0), arg_u64(a, 1), arg_i32(a, 2), arg_u64(a, 3), 0);
}

long sys_renameat2(struct task *t, const struct sysargs *a)
{
    return do_rename(t, arg_i32(a, 0), arg_u64(a, 1), arg_i32(a, 2), arg_u64(a, 3), arg_u32(a, 4));
}
