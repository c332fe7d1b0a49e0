/* fcntl(2) and the part of ioctl(2) that is the same for all files. */
#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "base/macros.h"
#include "sentry/ipc/pipe.h"
#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/locks.h"
#include "sentry/vfs/vfs_internal.h"

#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME)

#ifndef F_DUPFD_QUERY /* Linux 6.10, 6.12 */
#define F_DUPFD_QUERY 1027
#define F_CREATED_QUERY 1028
#endif
#define F_GETOWNER_UIDS 17

long memfd_fcntl(struct task *t, struct file *f, int cmd, long arg);

static long set_flags(struct task *t, struct file *f, int fd, int flags)
{
    if ((flags & O_NOATIME) && !(f->flags & O_NOATIME) && t->cred->fsuid != f->inode->uid &&
        !cred_capable_own(t->cred, 3 /* CAP_FOWNER */))
        return -EPERM;
    if ((flags & O_DIRECT) && !S_ISFIFO(f->inode->mode) && !file_can_direct(f))
        return -EINVAL;
    if (f->ops->setfl) {
        int err = f->ops->setfl(f, flags & SETFL_MASK);
        if (err)
            return err;
    }
    if (flags & O_ASYNC) {
        int err = file_async_arm(f, fd);
        if (err == -ENOMEM)
            return err;
        flags &= err ? ~O_ASYNC : ~0;
    } else {
        file_async_disarm(f);
    }
    f->flags = (f->flags & ~SETFL_MASK) | (flags & SETFL_MASK);
    return 0;
}

/* How long the data will live, as the writer thinks: kept with the inode, of no other use. */
static long rw_hint(struct task *t, struct file *f, int cmd, uint64_t arg)
{
    struct inode *i = f->path.dentry ? f->path.dentry->inode : f->inode;
    uint64_t hint = i->write_hint;

    if (cmd == F_GET_RW_HINT)
        return put_user(t, &hint, arg);
    if (t->cred->fsuid != i->uid && !inode_capable(t->cred, i, 3 /* CAP_FOWNER */))
        return -EPERM;
    if (get_user(t, &hint, arg))
        return -EFAULT;
    if (hint > 5 /* RWH_WRITE_LIFE_EXTREME */)
        return -EINVAL;
    i->write_hint = (uint8_t)hint;
    return 0;
}

struct owner_ex {
    int type, pid;
};

static long set_owner(struct task *t, struct file *f, int type, int nr)
{
    int pid = pid_id(t->pid_ns, nr);

    if (nr && !pid)
        return -ESRCH;
    if (pid && (type == F_OWNER_TID   ? !task_find(pid)
                : type == F_OWNER_PID ? !tg_find(pid)
                                      : !pgrp_find(pid)))
        return -ESRCH;
    f->owner_type = type;
    f->owner_pid = pid;
    f->owner_uid = t->cred->uid;
    f->owner_euid = t->cred->euid;
    return 0;
}

static long owner_ctl(struct task *t, struct file *f, int cmd, uint64_t arg)
{
    struct owner_ex o = {f->owner_type, pid_nr(t->pid_ns, f->owner_pid)};

    switch (cmd) {
    case F_GETOWN:
        return o.type == 2 /* F_OWNER_PGRP */ ? -o.pid : o.pid;
    case F_SETOWN:
        if ((int)arg == INT32_MIN)
            return -EINVAL;
        return (int)arg < 0 ? set_owner(t, f, F_OWNER_PGRP, -(int)arg)
                            : set_owner(t, f, F_OWNER_PID, (int)arg);
    case F_GETOWN_EX:
        return put_user(t, &o, arg);
    case F_SETOWN_EX:
        if (get_user(t, &o, arg))
            return -EFAULT;
        if (o.type < 0 || o.type > 2)
            return -EINVAL;
        return set_owner(t, f, o.type, o.pid);
    case F_GETSIG:
        return f->owner_sig;
    default:
        if (arg > NV_NSIG)
            return -EINVAL;
        f->owner_sig = (int)arg;
        return 0;
    }
}

long sys_fcntl(struct task *t, const struct sysargs *a)
{
    int fd = arg_i32(a, 0), cmd = arg_i32(a, 1);
    uint64_t arg = arg_u64(a, 2);
    cleanup_file struct file *f = fd_get_path_ok(t, fd);

    if (!f)
        return -EBADF;
    if ((f->flags & O_PATH) && cmd != F_DUPFD && cmd != F_DUPFD_CLOEXEC && cmd != F_GETFD &&
        cmd != F_SETFD && cmd != F_GETFL && cmd != F_DUPFD_QUERY && cmd != F_CREATED_QUERY)
        return -EBADF;
    switch (cmd) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        arg = (unsigned int)arg;
        if (arg >= MIN(rlimit_cur(t, RLIMIT_NOFILE), 1048576UL))
            return -EINVAL;
        return fd_install(t, f, cmd == F_DUPFD_CLOEXEC, (int)arg);
    case F_GETFD:
        return fd_cloexec(t, fd) ? FD_CLOEXEC : 0;
    case F_SETFD:
        return fd_set_cloexec(t, fd, arg & FD_CLOEXEC);
    case F_GETFL:
        return f->flags;
    case F_SETFL:
        return set_flags(t, f, fd, (int)arg);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return fcntl_lock(t, f, cmd, arg);
    case F_GETOWN:
    case F_SETOWN:
    case F_GETOWN_EX:
    case F_SETOWN_EX:
    case F_GETSIG:
    case F_SETSIG:
        return owner_ctl(t, f, cmd, arg);
    case F_GETPIPE_SZ:
    case F_SETPIPE_SZ:
        return pipe_fcntl(t, f, cmd, (long)arg);
    case F_ADD_SEALS:
    case F_GET_SEALS:
        return memfd_fcntl(t, f, cmd, (long)arg);
    case F_DUPFD_QUERY: {
        cleanup_file struct file *other = fd_get_path_ok(t, (int)arg);
        return other ? other == f : -EBADF;
    }
    case F_CREATED_QUERY:
        return f->created;
    case F_GETOWNER_UIDS: {
        uint32_t ids[2] = {kuid_seen(t, f->owner_uid), kuid_seen(t, f->owner_euid)};
        return put_user(t, &ids, arg);
    }
    case F_GET_RW_HINT:
    case F_SET_RW_HINT:
        return rw_hint(t, f, cmd, arg);
    case F_GETLEASE:
        return F_UNLCK;
    case F_SETLEASE:
        /* Of file systems without leases: vfs_setlease() and simple_nosetlease(). */
        explain_missing("fcntl", "F_SETLEASE");
        return f->inode->uid != t->cred->fsuid && !cred_capable(t->cred, 28 /* CAP_LEASE */)
                   ? -EACCES
                   : -EINVAL;
    default:
        explain_missing("fcntl", "%d", cmd);
        return -EINVAL;
    }
}

/* No file system here shares blocks: vfs_clone_file_range() of fs/remap_range.c up to there. */
static long refuse_clone(struct task *t, const struct file *out, unsigned int cmd, uint64_t arg)
{
    struct file_clone_range r = {.src_fd = (int)arg};

    if (cmd == FICLONERANGE && get_user(t, &r, arg))
        return -EFAULT;
    cleanup_file struct file *in = fd_get(t, (int)r.src_fd);
    if (!in)
        return -EBADF;
    if (in->path.dentry && out->path.dentry && in->path.dentry->sb != out->path.dentry->sb)
        return -EXDEV;
    if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
        return -EISDIR;
    if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
        return -EINVAL;
    if (!file_readable(in) || !file_writable(out) || (out->flags & O_APPEND))
        return -EBADF;
    return -EOPNOTSUPP;
}

/* vfs_dedupe_file_range() */
static long refuse_dedupe(struct task *t, const struct file *f, uint64_t arg)
{
    struct file_dedupe_range r;

    if (get_user(t, &r, arg))
        return -EFAULT;
    if (sizeof(r) + r.dest_count * sizeof(struct file_dedupe_range_info) > NV_PAGE_SIZE)
        return -ENOMEM;
    if (!file_readable(f) || r.reserved1 || r.reserved2)
        return -EINVAL;
    if (!S_ISREG(f->inode->mode))
        return S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
    return -EOPNOTSUPP;
}

long sys_ioctl(struct task *t, const struct sysargs *a)
{
    int fd = arg_i32(a, 0);
    unsigned int cmd = arg_u32(a, 1);
    uint64_t arg = arg_u64(a, 2);
    cleanup_file struct file *f = fd_get(t, fd);
    loff_t used;
    int val;

    if (!f)
        return -EBADF;
    switch (cmd) {
    case FIOCLEX:
        return fd_set_cloexec(t, fd, true);
    case FIONCLEX:
        return fd_set_cloexec(t, fd, false);
    case FIONBIO:
    case FIOASYNC:
        if (get_user(t, &val, arg))
            return -EFAULT;
        int bit = cmd == FIONBIO ? O_NONBLOCK : O_ASYNC;
        return set_flags(t, f, fd, val ? f->flags | bit : f->flags & ~bit);
    case FIOQSIZE:
        if ((!S_ISREG(f->inode->mode) && !S_ISDIR(f->inode->mode)) || path_is_anon(&f->path))
            return -ENOTTY;
        used = (loff_t)f->inode->blocks * 512;
        return put_user(t, &used, arg);
    case FICLONE:
    case FICLONERANGE:
        return refuse_clone(t, f, cmd, arg);
    case FIDEDUPERANGE:
        return refuse_dedupe(t, f, arg);
    case FS_IOC_FIEMAP:
        return -EOPNOTSUPP;
    case FIBMAP:
        if (!S_ISREG(f->inode->mode))
            break;
        if (!cred_capable(t->cred, 17 /* CAP_SYS_RAWIO */))
            return -EPERM;
        return get_user(t, &val, arg) ? -EFAULT : -EINVAL;
    case FIFREEZE:
    case FITHAW:
        return cred_capable(t->cred, 21 /* CAP_SYS_ADMIN */) ? -EOPNOTSUPP : -EPERM;
    case FIGETBSZ:
        val = NV_PAGE_SIZE;
        return put_user(t, &val, arg);
    case FIONREAD:
        if (!S_ISREG(f->inode->mode))
            break;
        val = (int)MIN(f->inode->size - f->pos, (loff_t)INT32_MAX);
        return put_user(t, &val, arg);
    default:
        break;
    }
    long r = f->ops->ioctl ? f->ops->ioctl(t, f, cmd, arg) : -ENOTTY;
    if (r == -ENOTTY && cmd != TCGETS && cmd != TIOCGWINSZ)
        explain_missing("ioctl", "0x%x on %s", cmd, f->ops->kind ? f->ops->kind : "file");
    return r;
}
