/* chmod(2), chown(2), utimensat(2), truncate(2), umask(2). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utime.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ipc/inotify.h"
#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/acl.h"
#include "sentry/vfs/vfs_internal.h"

#define CAP_CHOWN 0
#define CAP_FOWNER 3
#define CAP_FSETID 4

/* fsnotify_change() */
static uint32_t change_event(const struct setattr *a)
{
    uint32_t times = a->mask & (SETATTR_ATIME | SETATTR_MTIME);
    uint32_t event = a->mask & (SETATTR_UID | SETATTR_GID | SETATTR_MODE) ? IN_ATTRIB : 0;

    if (a->mask & SETATTR_SIZE)
        event |= IN_MODIFY;
    else if (times)
        event |= times == SETATTR_ATIME   ? IN_ACCESS
                 : times == SETATTR_MTIME ? IN_MODIFY
                                          : IN_ATTRIB;
    return event;
}

int do_setattr_quietly(struct task *t, const struct path *p, struct setattr *a)
{
    struct inode *i = p->dentry->inode;

    if (path_is_anon(p)) {
        if (a->mask & SETATTR_SIZE)
            return -EINVAL;
    } else if (path_readonly(p)) {
        return -EROFS;
    }
    a->mask |= SETATTR_CTIME;
    a->ctime = ktime_now();
    if (a->mask & SETATTR_SIZE) {
        a->mask |= SETATTR_MTIME;
        a->mtime = a->ctime;
    }
    if (i->ops->setattr)
        return i->ops->setattr(t, p->dentry, a);
    if (!path_is_anon(p))
        return a->mask == SETATTR_CTIME ? 0 : -EPERM;
    inode_apply_mode(i, a);
    return 0;
}

/* Applies checked changes; file systems without setattr keep attributes in the inode alone. */
int do_setattr(struct task *t, const struct path *p, struct setattr *a)
{
    int err = do_setattr_quietly(t, p, a);
    uint32_t event = change_event(a);

    if (!err && event)
        fsnotify(p->dentry->inode, p->dentry, event, 0);
    return err;
}

static bool is_owner(struct task *t, const struct inode *i)
{
    return t->cred->fsuid == i->uid || inode_capable(t->cred, i, CAP_FOWNER);
}

static bool may_setgid(struct task *t, const struct inode *i, gid_t gid)
{
    return cred_in_group(t->cred, gid) || inode_capable(t->cred, i, CAP_FSETID);
}

/*
 * S_ISGID if a change by others takes it: always with execution for the group, else unless the
 * caller could set it. setattr_should_drop_sgid() of fs/attr.c.
 */
static mode_t setgid_lost(struct task *t, const struct inode *i)
{
    if (!(i->mode & S_ISGID) || (!(i->mode & 0010) && may_setgid(t, i, i->gid)))
        return 0;
    return S_ISGID;
}

static long do_chmod(struct task *t, const struct path *p, mode_t mode)
{
    struct inode *i = p->dentry->inode;
    struct setattr a = {.mask = SETATTR_MODE, .mode = mode & 07777};

    if (path_readonly(p) && !path_is_anon(p))
        return -EROFS;
    if (!is_owner(t, i))
        return -EPERM;
    if (!may_setgid(t, i, i->gid))
        a.mode &= ~(mode_t)S_ISGID;
    int err = do_setattr(t, p, &a);
    if (!err)
        acl_chmod(i, i->mode);
    return err;
}

static long do_chown(struct task *t, const struct path *p, uid_t uid, gid_t gid)
{
    struct inode *i = p->dentry->inode;
    struct setattr a = {.uid = make_kuid(t->cred->user_ns, uid),
                        .gid = make_kgid(t->cred->user_ns, gid)};

    if ((uid != (uid_t)-1 && a.uid == NO_KID) || (gid != (gid_t)-1 && a.gid == NO_KID))
        return -EINVAL;
    bool cap = inode_capable(t->cred, i, CAP_CHOWN);
    mode_t kill = S_ISDIR(i->mode) ? 0 : (i->mode & S_ISUID) | setgid_lost(t, i);

    if (path_readonly(p) && !path_is_anon(p))
        return -EROFS;
    if (uid != (uid_t)-1) {
        a.mask |= SETATTR_UID;
        if (!cap && (t->cred->fsuid != i->uid || a.uid != i->uid))
            return -EPERM;
    }
    if (gid != (gid_t)-1) {
        a.mask |= SETATTR_GID;
        if (!cap &&
            (t->cred->fsuid != i->uid || (!cred_in_group(t->cred, a.gid) && a.gid != i->gid)))
            return -EPERM;
    }
    /* Losing set-id bits is a change of the mode, with its rules: notify_change() of fs/attr.c. */
    if (kill) {
        if (!is_owner(t, i))
            return -EPERM;
        a.mask |= SETATTR_MODE;
        a.mode = i->mode & 07777 & ~kill;
        if (!may_setgid(t, i, a.mask & SETATTR_GID ? a.gid : i->gid))
            a.mode &= ~(mode_t)S_ISGID;
    }
    int err = S_ISDIR(i->mode) ? 0 : drop_file_caps(t, p);
    return err ? err : do_setattr(t, p, &a);
}

static int walk_at(struct task *t, int dirfd, uint64_t addr, int at_flags, struct path *out)
{
    cleanup_free char *name = NULL;
    unsigned int walk = (at_flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0) |
                        (at_flags & AT_EMPTY_PATH ? WALK_EMPTY_PATH : 0);
    int err = vfs_get_name(t, addr, walk, &name);

    return err ? err : vfs_walk(t, dirfd, name, walk, out);
}

static long chmod_at(struct task *t, int dirfd, uint64_t addr, mode_t mode, int flags)
{
    cleanup_path struct path p = {0};

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    int err = walk_at(t, dirfd, addr, flags, &p);
    if (!err && S_ISLNK(p.dentry->inode->mode))
        err = -EOPNOTSUPP;
    return err ? err : do_chmod(t, &p, mode);
}

long sys_chmod(struct task *t, const struct sysargs *a)
{
    return chmod_at(t, AT_FDCWD, arg_u64(a, 0), arg_u32(a, 1), 0);
}

long sys_fchmodat(struct task *t, const struct sysargs *a)
{
    return chmod_at(t, arg_i32(a, 0), arg_u64(a, 1), arg_u32(a, 2), 0);
}

long sys_fchmodat2(struct task *t, const struct sysargs *a)
{
    return chmod_at(t, arg_i32(a, 0), arg_u64(a, 1), arg_u32(a, 2), arg_i32(a, 3));
}

/* epoll sets, eventfds and the like share one inode on Linux: nobody's to change. */
static bool is_nameless(const struct file *f)
{
    return path_is_anon(&f->path) && !(f->inode->mode & S_IFMT);
}

long sys_fchmod(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));

    if (!f)
        return -EBADF;
    return is_nameless(f) ? -EOPNOTSUPP : do_chmod(t, &f->path, arg_u32(a, 1));
}

static long chown_at(struct task *t, int dirfd, uint64_t addr, uid_t uid, gid_t gid, int flags)
{
    cleanup_path struct path p = {0};

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    int err = walk_at(t, dirfd, addr, flags, &p);
    return err ? err : do_chown(t, &p, uid, gid);
}

long sys_chown(struct task *t, const struct sysargs *a)
{
    return chown_at(t, AT_FDCWD, arg_u64(a, 0), arg_u32(a, 1), arg_u32(a, 2), 0);
}

long sys_lchown(struct task *t, const struct sysargs *a)
{
    return chown_at(t, AT_FDCWD, arg_u64(a, 0), arg_u32(a, 1), arg_u32(a, 2), AT_SYMLINK_NOFOLLOW);
}

long sys_fchownat(struct task *t, const struct sysargs *a)
{
    return chown_at(t, arg_i32(a, 0), arg_u64(a, 1), arg_u32(a, 2), arg_u32(a, 3), arg_i32(a, 4));
}

long sys_fchown(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));

    if (!f)
        return -EBADF;
    if (is_nameless(f))
        return -EOPNOTSUPP;
    return do_chown(t, &f->path, arg_u32(a, 1), arg_u32(a, 2));
}

/* --- times --- */
static int fill_time(const struct timespec *ts, uint32_t bit, struct setattr *a, struct ktime *out)
{
    if (ts->tv_nsec == UTIME_OMIT)
        return 0;
    a->mask |= bit;
    if (ts->tv_nsec == UTIME_NOW) {
        *out = ktime_now();
        return 0;
    }
    if (ts->tv_nsec < 0 || ts->tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    *out = (struct ktime){ts->tv_sec, (uint32_t)ts->tv_nsec};
    return 0;
}

/* NULL times mean now, which writers may do too; other times are the owner's: utimensat(2). */
static long do_utimes(struct task *t, const struct path *p, const struct timespec ts[2])
{
    const struct timespec now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    struct setattr a = {0};
    const struct timespec *v = ts ? ts : now;
    bool both_now = v[0].tv_nsec == UTIME_NOW && v[1].tv_nsec == UTIME_NOW;
    bool both_omit = v[0].tv_nsec == UTIME_OMIT && v[1].tv_nsec == UTIME_OMIT;

    int err = fill_time(&v[0], SETATTR_ATIME, &a, &a.atime);
    if (!err)
        err = fill_time(&v[1], SETATTR_MTIME, &a, &a.mtime);
    if (err || both_omit)
        return err;
    if (path_readonly(p) && !path_is_anon(p))
        return -EROFS;
    if (!is_owner(t, p->dentry->inode)) {
        if (!both_now)
            return -EPERM;
        if (inode_permission(t, p->dentry->inode, MAY_WRITE))
            return -EACCES;
    }
    return do_setattr(t, p, &a);
}

static long utimes_at(struct task *t, int dirfd, uint64_t addr, const struct timespec *ts,
                      int flags)
{
    cleanup_path struct path p = {0};

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (!addr && dirfd != AT_FDCWD) {
        if (flags)
            return -EINVAL;
        cleanup_file struct file *f = fd_get(t, dirfd);
        return f ? do_utimes(t, &f->path, ts) : -EBADF;
    }
    int err = walk_at(t, dirfd, addr, flags, &p);
    return err ? err : do_utimes(t, &p, ts);
}

long sys_utimensat(struct task *t, const struct sysargs *a)
{
    struct timespec ts[2];

    if (arg_u64(a, 2)) {
        if (copy_in(t, ts, arg_u64(a, 2), sizeof(ts)))
            return -EFAULT;
        if (ts[0].tv_nsec == UTIME_OMIT && ts[1].tv_nsec == UTIME_OMIT)
            return 0;
    }
    return utimes_at(t, arg_i32(a, 0), arg_u64(a, 1), arg_u64(a, 2) ? ts : NULL, arg_i32(a, 3));
}

static long utimes_tv(struct task *t, int dirfd, uint64_t addr, uint64_t times)
{
    struct timeval tv[2];
    struct timespec ts[2];

    if (times && copy_in(t, tv, times, sizeof(tv)))
        return -EFAULT;
    for (int i = 0; times && i < 2; i++) {
        if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
            return -EINVAL;
        ts[i] = (struct timespec){tv[i].tv_sec, tv[i].tv_usec * NSEC_PER_USEC};
    }
    return utimes_at(t, dirfd, addr, times ? ts : NULL, 0);
}

long sys_utimes(struct task *t, const struct sysargs *a)
{
    return utimes_tv(t, AT_FDCWD, arg_u64(a, 0), arg_u64(a, 1));
}

long sys_futimesat(struct task *t, const struct sysargs *a)
{
    return utimes_tv(t, arg_i32(a, 0), arg_u64(a, 1), arg_u64(a, 2));
}

long sys_utime(struct task *t, const struct sysargs *a)
{
    struct utimbuf u;
    struct timespec ts[2];

    if (arg_u64(a, 1)) {
        if (get_user(t, &u, arg_u64(a, 1)))
            return -EFAULT;
        ts[0] = (struct timespec){u.actime, 0};
        ts[1] = (struct timespec){u.modtime, 0};
    }
    return utimes_at(t, AT_FDCWD, arg_u64(a, 0), arg_u64(a, 1) ? ts : NULL, 0);
}

/* --- size --- */
int fsize_exceeded(struct task *t)
{
    siginfo_t info;

    if (t->fd_detour && t->fd_detour->quiet)
        return -EFBIG;
    siginfo_kernel(&info, SIGXFSZ);
    signal_send_task(t, &info);
    return -EFBIG;
}

int strip_setid(struct task *t, const struct path *p)
{
    mode_t mode = p->dentry->inode->mode;
    mode_t kill = (mode & S_ISUID) | setgid_lost(t, p->dentry->inode);

    if (S_ISREG(mode) && !p->dentry->inode->no_caps) {
        int err = drop_file_caps(t, p);
        if (err)
            return err;
    }
    if (!S_ISREG(mode) || !kill || inode_capable(t->cred, p->dentry->inode, CAP_FSETID))
        return 0;
    struct setattr a = {.mask = SETATTR_MODE, .mode = (mode & 07777) & ~kill};
    return do_setattr(t, p, &a);
}

int check_fsize(struct task *t, const struct inode *i, loff_t size)
{
    uint64_t limit = rlimit_cur(t, RLIMIT_FSIZE);

    if (size <= i->size || limit == RLIM_INFINITY || (uint64_t)size <= limit)
        return 0;
    return fsize_exceeded(t);
}

long sys_truncate(struct task *t, const struct sysargs *a)
{
    cleanup_path struct path p = {0};
    struct setattr s = {.mask = SETATTR_SIZE, .size = arg_i64(a, 1)};

    if (s.size < 0)
        return -EINVAL;
    int err = walk_at(t, AT_FDCWD, arg_u64(a, 0), 0, &p);
    if (err)
        return err;
    mode_t mode = p.dentry->inode->mode;
    if (!S_ISREG(mode))
        return S_ISDIR(mode) ? -EISDIR : -EINVAL;
    err = path_permission(t, &p, MAY_WRITE);
    if (!err && p.dentry->inode->write_count < 0)
        err = -ETXTBSY;
    if (!err)
        err = check_fsize(t, p.dentry->inode, s.size);
    if (!err)
        err = strip_setid(t, &p);
    return err ? err : do_setattr(t, &p, &s);
}

long sys_ftruncate(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));
    struct setattr s = {.mask = SETATTR_SIZE, .size = arg_i64(a, 1), .file = f};

    if (s.size < 0)
        return -EINVAL;
    if (!f)
        return -EBADF;
    if (!S_ISREG(f->inode->mode) || !file_writable(f))
        return -EINVAL;
    int err = check_fsize(t, f->inode, s.size);
    if (!err)
        err = strip_setid(t, &f->path);
    return err ? err : do_setattr(t, &f->path, &s);
}

long sys_umask(struct task *t, const struct sysargs *a)
{
    mode_t old = t->fs->umask;

    t->fs->umask = arg_u32(a, 0) & 0777;
    return (long)old;
}
