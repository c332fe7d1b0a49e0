/* stat(2), statx(2), access(2), readlink(2), statfs(2). */
#include <errno.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/kernel/pidfd.h"
#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/vfs_internal.h"

#define STATX_MNT_ID_UNIQUE_K 0x4000u

int vfs_getattr(struct task *t, const struct path *p, struct kstat *st)
{
    struct inode *i = p->dentry->inode;

    *st = (struct kstat){.dev = i->sb->dev,
                         .ino = i->ino,
                         .rdev = i->rdev,
                         .blocks = i->blocks,
                         .mode = i->mode,
                         .nlink = i->nlink,
                         .uid = i->uid,
                         .gid = i->gid,
                         .size = i->size,
                         .blksize = NV_PAGE_SIZE,
                         .atime = i->atime,
                         .mtime = i->mtime,
                         .ctime = i->ctime,
                         .btime = i->btime};
    int err = i->ops->getattr ? i->ops->getattr(t, i, st) : 0;
    st->mnt_id = p->mnt ? p->mnt->id : 0;
    st->mnt_unique = p->mnt ? p->mnt->unique_id : 0;
    st->is_mount = path_is_mount(p);
    return err;
}

/* The kernel's struct stat for x86-64 is libc's. */
static int put_stat(struct task *t, const struct kstat *k, uint64_t addr)
{
    struct stat st;

    memset(&st, 0, sizeof(st));
    st.st_dev = k->dev;
    st.st_ino = k->ino;
    st.st_nlink = k->nlink;
    st.st_mode = k->mode;
    st.st_uid = kuid_seen(t, k->uid);
    st.st_gid = kgid_seen(t, k->gid);
    st.st_rdev = k->rdev;
    st.st_size = k->size;
    st.st_blksize = k->blksize;
    st.st_blocks = (blkcnt_t)k->blocks;
    st.st_atim = (struct timespec){k->atime.sec, k->atime.nsec};
    st.st_mtim = (struct timespec){k->mtime.sec, k->mtime.nsec};
    st.st_ctim = (struct timespec){k->ctime.sec, k->ctime.nsec};
    return put_user(t, &st, addr);
}

static int walk_attr(struct task *t, int dirfd, uint64_t name_addr, int at_flags, struct kstat *st)
{
    char name[PATH_MAX_LEN];
    cleanup_path struct path p = {0};
    unsigned int walk = (at_flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0) |
                        (at_flags & AT_EMPTY_PATH ? WALK_EMPTY_PATH : 0);

    ssize_t n = name_addr || !(at_flags & AT_EMPTY_PATH)
                    ? copy_in_str(t, name, name_addr, sizeof(name))
                    : 0;
    if (n < 0)
        return (int)n;
    if (n == 0 && (at_flags & AT_EMPTY_PATH) && dirfd >= 0) {
        cleanup_file struct file *f = fd_get_path_ok(t, dirfd);
        return f ? vfs_getattr(t, &f->path, st) : -EBADF;
    }
    if (n == 0)
        name[0] = 0;
    int err = vfs_walk(t, dirfd, name, walk, &p);
    return err ? err : vfs_getattr(t, &p, st);
}

static long do_stat(struct task *t, int dirfd, uint64_t name, int at_flags, uint64_t addr)
{
    struct kstat st;
    int err = walk_attr(t, dirfd, name, at_flags, &st);

    return err ? err : put_stat(t, &st, addr);
}

long sys_stat(struct task *t, const struct sysargs *a)
{
    return do_stat(t, AT_FDCWD, arg_u64(a, 0), 0, arg_u64(a, 1));
}

long sys_lstat(struct task *t, const struct sysargs *a)
{
    return do_stat(t, AT_FDCWD, arg_u64(a, 0), AT_SYMLINK_NOFOLLOW, arg_u64(a, 1));
}

long sys_fstat(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = fd_get_path_ok(t, arg_i32(a, 0));
    struct kstat st;

    if (!f)
        return -EBADF;
    int err = vfs_getattr(t, &f->path, &st);
    return err ? err : put_stat(t, &st, arg_u64(a, 1));
}

long sys_newfstatat(struct task *t, const struct sysargs *a)
{
    int flags = arg_i32(a, 3);

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
        return -EINVAL;
    return do_stat(t, arg_i32(a, 0), arg_u64(a, 1), flags & ~AT_STATX_SYNC_TYPE, arg_u64(a, 2));
}

static struct statx_timestamp stamp(struct ktime k)
{
    return (struct statx_timestamp){.tv_sec = k.sec, .tv_nsec = k.nsec};
}

long sys_statx(struct task *t, const struct sysargs *a)
{
    int flags = arg_i32(a, 2);
    unsigned int mask = arg_u32(a, 3);
    struct kstat k;
    struct statx x;

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | 0x6000) ||
        (flags & 0x6000) == 0x6000 || (mask & 0x80000000U))
        return -EINVAL;
    int err = walk_attr(t, arg_i32(a, 0), arg_u64(a, 1), flags, &k);
    if (err)
        return err;
    memset(&x, 0, sizeof(x));
    x.stx_mask = STATX_BASIC_STATS | (k.btime.sec ? STATX_BTIME : 0);
    x.stx_mask |= mask & STATX_MNT_ID_UNIQUE_K ? STATX_MNT_ID_UNIQUE_K : STATX_MNT_ID;
    x.stx_mnt_id = mask & STATX_MNT_ID_UNIQUE_K ? k.mnt_unique : (uint64_t)k.mnt_id;
    x.stx_attributes_mask = STATX_ATTR_MOUNT_ROOT;
    x.stx_attributes = k.is_mount ? STATX_ATTR_MOUNT_ROOT : 0;
    x.stx_blksize = k.blksize;
    x.stx_nlink = k.nlink;
    x.stx_uid = kuid_seen(t, k.uid);
    x.stx_gid = kgid_seen(t, k.gid);
    x.stx_mode = (uint16_t)k.mode;
    x.stx_ino = k.ino;
    x.stx_size = (uint64_t)k.size;
    x.stx_blocks = k.blocks;
    x.stx_atime = stamp(k.atime);
    x.stx_btime = stamp(k.btime);
    x.stx_ctime = stamp(k.ctime);
    x.stx_mtime = stamp(k.mtime);
    x.stx_rdev_major = major(k.rdev);
    x.stx_rdev_minor = minor(k.rdev);
    x.stx_dev_major = major(k.dev);
    x.stx_dev_minor = minor(k.dev);
    return put_user(t, &x, arg_u64(a, 4));
}

/* --- access --- */
static long do_access(struct task *t, int dirfd, uint64_t addr, int mode, int flags)
{
    cleanup_free char *name = NULL;
    cleanup_path struct path p = {0};
    struct cred *saved = t->cred, *real = NULL;

    if (mode & ~7 || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    unsigned int walk = (flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0) |
                        (flags & AT_EMPTY_PATH ? WALK_EMPTY_PATH : 0);
    int err = vfs_get_name(t, addr, walk, &name);
    if (err)
        return err;
    uint64_t caps = saved->uid == 0 ? saved->cap_permitted : 0;
    if (!(flags & AT_EACCESS) && (saved->uid != saved->fsuid || saved->gid != saved->fsgid ||
                                  saved->cap_effective != caps)) {
        real = cred_dup(saved);
        if (!real)
            return -ENOMEM;
        real->fsuid = real->uid;
        real->fsgid = real->gid;
        real->cap_effective = caps;
        t->cred = real;
    }
    err = vfs_walk(t, dirfd, name, walk, &p);
    if (!err && mode)
        err = path_permission(t, &p, mode);
    if (real) {
        t->cred = saved;
        cred_put(real);
    }
    return err;
}

long sys_access(struct task *t, const struct sysargs *a)
{
    return do_access(t, AT_FDCWD, arg_u64(a, 0), arg_i32(a, 1), 0);
}

long sys_faccessat(struct task *t, const struct sysargs *a)
{
    return do_access(t, arg_i32(a, 0), arg_u64(a, 1), arg_i32(a, 2), 0);
}

long sys_faccessat2(struct task *t, const struct sysargs *a)
{
    return do_access(t, arg_i32(a, 0), arg_u64(a, 1), arg_i32(a, 2), arg_i32(a, 3));
}

/* --- readlink --- */
static long do_readlink(struct task *t, int dirfd, uint64_t addr, uint64_t buf, int size)
{
    cleanup_free char *name = NULL, *target = NULL;
    cleanup_path struct path p = {0};

    if (size <= 0)
        return -EINVAL;
    int err = vfs_get_name(t, addr, WALK_EMPTY_PATH, &name);
    if (!err && !*name && dirfd == AT_FDCWD)
        return -ENOENT;
    if (!err)
        err = vfs_walk(t, dirfd, name, WALK_NOFOLLOW | WALK_EMPTY_PATH, &p);
    if (err)
        return err;
    struct inode *i = p.dentry->inode;
    if (!S_ISLNK(i->mode) || !i->ops->readlink)
        return *name ? -EINVAL : -ENOENT;
    err = i->ops->readlink(t, i, &target);
    if (err)
        return err;
    size_t len = MIN(strlen(target), (size_t)size);
    return copy_out(t, buf, target, len) ? -EFAULT : (long)len;
}

long sys_readlink(struct task *t, const struct sysargs *a)
{
    return do_readlink(t, AT_FDCWD, arg_u64(a, 0), arg_u64(a, 1), arg_i32(a, 2));
}

long sys_readlinkat(struct task *t, const struct sysargs *a)
{
    return do_readlink(t, arg_i32(a, 0), arg_u64(a, 1), arg_u64(a, 2), arg_i32(a, 3));
}

/* --- statfs --- */
static long put_statfs(struct task *t, const struct path *p, uint64_t addr)
{
    struct superblock *sb = p->dentry->sb;
    mode_t mode = p->dentry->inode->mode;
    struct statfs st = {.f_type = (__fsword_t)sb->magic,
                        .f_bsize = NV_PAGE_SIZE,
                        .f_frsize = NV_PAGE_SIZE,
                        .f_namelen = NAME_MAX_LEN};

    /* u64_to_fsid(huge_encode_dev()), unless the file system knows better */
    st.f_fsid.__val[0] =
        (int)((minor(sb->dev) & 0xff) | major(sb->dev) << 8 | (minor(sb->dev) & ~0xffU) << 12);
    if (sb->ops && sb->ops->statfs) {
        int err = sb->ops->statfs(t, sb, &st);
        if (err)
            return err;
    }
    if (path_is_anon(p) && S_ISFIFO(mode))
        st.f_type = 0x50495045; /* PIPEFS_MAGIC */
    else if (path_is_anon(p) && S_ISSOCK(mode))
        st.f_type = 0x534f434b; /* SOCKFS_MAGIC */
    else if (path_is_anon(p) && mode == PIDFD_INODE_MODE)
        st.f_type = PID_FS_MAGIC_K;
    st.f_flags =
        0x20 /* ST_VALID */ | (p->mnt ? (long)(p->mnt->flags & 15) : 0) | (sb->readonly ? 1 : 0);
    return put_user(t, &st, addr);
}

long sys_statfs(struct task *t, const struct sysargs *a)
{
    cleanup_free char *name = NULL;
    cleanup_path struct path p = {0};
    int err = vfs_get_name(t, arg_u64(a, 0), 0, &name);

    if (!err)
        err = vfs_walk(t, AT_FDCWD, name, 0, &p);
    return err ? err : put_statfs(t, &p, arg_u64(a, 1));
}

long sys_fstatfs(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = fd_get_path_ok(t, arg_i32(a, 0));

    return f ? put_statfs(t, &f->path, arg_u64(a, 1)) : -EBADF;
}
