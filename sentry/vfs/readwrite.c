/* read(2), write(2) and their relatives, lseek(2), fsync(2), fallocate(2), copy_file_range(2). */
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ipc/inotify.h"
#include "sentry/ipc/pipe.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/vfs_internal.h"

#define MAX_RW_COUNT (INT_MAX & NV_PAGE_MASK)
#define COPY_CHUNK 65536

static long rw(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    ssize_t n;

    if (u->dir == UIO_DEST) {
        n = file_read(t, f, u, pos, rwf);
        t->io.syscr++;
        t->io.rchar += n > 0 ? (uint64_t)n : 0;
        if (n > 0 && f->path.dentry)
            fsnotify(f->path.dentry->inode, f->path.dentry, IN_ACCESS, 0);
    } else {
        n = file_write(t, f, u, pos, rwf);
        t->io.syscw++;
        t->io.wchar += n > 0 ? (uint64_t)n : 0;
        if (n > 0 && f->path.dentry)
            fsnotify(f->path.dentry->inode, f->path.dentry, IN_MODIFY, 0);
    }
    return n;
}

/* In the order of ksys_pread64(): the position, the descriptor, seeking, the mode. */
static int check_rw(struct file *f, enum uio_dir dir, const loff_t *pos)
{
    if (pos && *pos < 0)
        return -EINVAL;
    if (!f)
        return -EBADF;
    if (pos && (f->ops->no_seek || (dir == UIO_SOURCE && (f->ops->io & FILE_NO_PWRITE))))
        return -ESPIPE;
    return (dir == UIO_DEST ? file_readable(f) : file_writable(f)) ? 0 : -EBADF;
}

static long rw_buf(struct task *t, const struct sysargs *a, enum uio_dir dir, loff_t *pos)
{
    cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));
    uint64_t len = arg_u64(a, 2);
    struct uio u;

    int err = check_rw(f, dir, pos);
    if (err)
        return err;
    if (arg_u64(a, 1) > NV_TASK_SIZE || len > NV_TASK_SIZE - arg_u64(a, 1))
        return -EFAULT;
    if ((int64_t)len < 0 || (pos && *pos > INT64_MAX - (int64_t)len))
        return -EINVAL;
    uio_init_user(&u, t, dir, arg_u64(a, 1), MIN(len, MAX_RW_COUNT));
    return rw(t, f, &u, pos, 0);
}

long sys_read(struct task *t, const struct sysargs *a)
{
    return rw_buf(t, a, UIO_DEST, NULL);
}

long sys_write(struct task *t, const struct sysargs *a)
{
    return rw_buf(t, a, UIO_SOURCE, NULL);
}

long sys_pread64(struct task *t, const struct sysargs *a)
{
    loff_t pos = arg_i64(a, 3);

    return rw_buf(t, a, UIO_DEST, &pos);
}

long sys_pwrite64(struct task *t, const struct sysargs *a)
{
    loff_t pos = arg_i64(a, 3);

    return rw_buf(t, a, UIO_SOURCE, &pos);
}

static long rw_iovec(struct task *t, const struct sysargs *a, enum uio_dir dir, loff_t *pos,
                     int rwf)
{
    cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));
    struct uio u;

    int err = check_rw(f, dir, pos);
    if (!err && rwf && !(dir == UIO_DEST ? f->ops->read : f->ops->write) &&
        !S_ISDIR(f->inode->mode))
        err = -EINVAL;
    if (!err)
        err = uio_init_iovec(&u, t, dir, arg_u64(a, 1), arg_u32(a, 2));
    if (err)
        return err;
    if (pos && *pos > INT64_MAX - (int64_t)u.resid) {
        uio_done(&u);
        return -EINVAL;
    }
    long n = u.resid ? file_check_rwf(f, dir == UIO_SOURCE, rwf) : 0;
    if (!n)
        n = rw(t, f, &u, pos, rwf);
    uio_done(&u);
    return n;
}

long sys_readv(struct task *t, const struct sysargs *a)
{
    return rw_iovec(t, a, UIO_DEST, NULL, 0);
}

long sys_writev(struct task *t, const struct sysargs *a)
{
    return rw_iovec(t, a, UIO_SOURCE, NULL, 0);
}

long sys_preadv(struct task *t, const struct sysargs *a)
{
    loff_t pos = arg_i64(a, 3);

    return rw_iovec(t, a, UIO_DEST, &pos, 0);
}

long sys_pwritev(struct task *t, const struct sysargs *a)
{
    loff_t pos = arg_i64(a, 3);

    return rw_iovec(t, a, UIO_SOURCE, &pos, 0);
}

long sys_preadv2(struct task *t, const struct sysargs *a)
{
    loff_t pos = arg_i64(a, 3);

    return rw_iovec(t, a, UIO_DEST, pos == -1 ? NULL : &pos, arg_i32(a, 5));
}

long sys_pwritev2(struct task *t, const struct sysargs *a)
{
    loff_t pos = arg_i64(a, 3);

    return rw_iovec(t, a, UIO_SOURCE, pos == -1 ? NULL : &pos, arg_i32(a, 5));
}

long sys_lseek(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));
    int whence = arg_i32(a, 2);

    if (!f)
        return -EBADF;
    if (whence < 0 || whence > SEEK_HOLE)
        return -EINVAL;
    if (!f->ops->llseek || (f->ops->no_seek && f->ops->llseek != noop_llseek))
        return -ESPIPE;
    if (file_pos_lock(t, f))
        return -EINTR;
    loff_t pos = f->ops->llseek(t, f, arg_i64(a, 1), whence);
    file_pos_unlock(f);
    return pos;
}

loff_t noop_llseek(struct task *t, struct file *f, loff_t off, int whence)
{
    return 0;
}

/* SEEK_SET, SEEK_CUR and SEEK_END for files of a known size; DATA and HOLE as if without holes. */
loff_t generic_llseek(struct task *t, struct file *f, loff_t off, int whence)
{
    loff_t size = f->inode->size, pos;

    switch (whence) {
    case SEEK_SET:
        pos = off;
        break;
    case SEEK_CUR:
        if (__builtin_add_overflow(f->pos, off, &pos))
            return -EINVAL;
        break;
    case SEEK_END:
        if (__builtin_add_overflow(size, off, &pos))
            return -EINVAL;
        break;
    case SEEK_DATA:
    case SEEK_HOLE:
        if (off < 0 || off >= size)
            return -ENXIO;
        pos = whence == SEEK_DATA ? off : size;
        break;
    default:
        return -EINVAL;
    }
    if (pos < 0)
        return -EINVAL;
    f->pos = pos;
    return pos;
}

static long do_fsync(struct task *t, int fd, bool data)
{
    cleanup_file struct file *f = fd_get(t, fd);

    if (!f)
        return -EBADF;
    if (f->ops->fsync)
        return f->ops->fsync(t, f, data);
    /* Of files that are made up when read only kernfs has it. */
    if (S_ISREG(f->inode->mode))
        return f->inode->sb->magic == SYSFS_MAGIC || f->inode->sb->magic == CGROUP2_SUPER_MAGIC
                   ? 0
                   : -EINVAL;
    return S_ISDIR(f->inode->mode) ? 0 : -EINVAL;
}

long sys_fsync(struct task *t, const struct sysargs *a)
{
    return do_fsync(t, arg_i32(a, 0), false);
}

long sys_fdatasync(struct task *t, const struct sysargs *a)
{
    return do_fsync(t, arg_i32(a, 0), true);
}

/* What is written lives in memory or was handed to the host: nothing waits to be written back. */
long sys_sync(struct task *t, const struct sysargs *a)
{
    return 0;
}

long sys_syncfs(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));

    return f ? 0 : -EBADF;
}

long sys_sync_file_range(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));

    if (!f)
        return -EBADF;
    int64_t end = (int64_t)(arg_u64(a, 1) + arg_u64(a, 2));
    if (arg_u32(a, 3) & ~7u || arg_i64(a, 1) < 0 || end < arg_i64(a, 1))
        return -EINVAL;
    if (!S_ISREG(f->inode->mode) && !S_ISDIR(f->inode->mode))
        return -ESPIPE;
    return f->ops->fsync ? f->ops->fsync(t, f, true) : 0;
}

#ifndef FALLOC_FL_WRITE_ZEROES /* Linux 6.17 */
#define FALLOC_FL_WRITE_ZEROES 0x80
#endif

/* vfs_fallocate() of fs/open.c: modes exclude each other, and some the flag. */
static bool fallocate_mode_ok(int mode)
{
    switch (mode & ~FALLOC_FL_KEEP_SIZE) {
    case 0:
    case FALLOC_FL_UNSHARE_RANGE:
    case FALLOC_FL_ZERO_RANGE:
        return true;
    case FALLOC_FL_PUNCH_HOLE:
        return mode & FALLOC_FL_KEEP_SIZE;
    case FALLOC_FL_COLLAPSE_RANGE:
    case FALLOC_FL_INSERT_RANGE:
    case FALLOC_FL_WRITE_ZEROES:
        return !(mode & FALLOC_FL_KEEP_SIZE);
    default:
        return false;
    }
}

long sys_fallocate(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));
    loff_t off = arg_i64(a, 2), len = arg_i64(a, 3), end;
    int mode = arg_i32(a, 1);

    if (!f)
        return -EBADF;
    if (off < 0 || len <= 0)
        return -EINVAL;
    if (!fallocate_mode_ok(mode))
        return -EOPNOTSUPP;
    if (!file_writable(f))
        return -EBADF;
    if (S_ISFIFO(f->inode->mode))
        return -ESPIPE;
    if (S_ISDIR(f->inode->mode))
        return -EISDIR;
    if (!S_ISREG(f->inode->mode))
        return -ENODEV;
    if (__builtin_add_overflow(off, len, &end))
        return -EFBIG;
    if (!f->ops->fallocate)
        return -EOPNOTSUPP;
    int err =
        mode & (FALLOC_FL_KEEP_SIZE | FALLOC_FL_COLLAPSE_RANGE) ? 0 : check_fsize(t, f->inode, end);
    if (!err)
        err = strip_setid(t, &f->path);
    if (!err)
        err = f->ops->fallocate(t, f, mode, off, len);
    if (!err)
        fsnotify(f->path.dentry->inode, f->path.dentry, IN_MODIFY, 0);
    return err;
}

long sys_fadvise64(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));

    if (!f)
        return -EBADF;
    if (S_ISFIFO(f->inode->mode))
        return -ESPIPE;
    return arg_i32(a, 3) < 0 || arg_i32(a, 3) > 5 || arg_i64(a, 2) < 0 ? -EINVAL : 0;
}

long sys_readahead(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));

    if (!f || !file_readable(f))
        return -EBADF;
    return S_ISREG(f->inode->mode) && arg_i64(a, 2) >= 0 ? 0 : -EINVAL;
}

/* --- copies between files --- */
ssize_t file_copy(struct task *t, struct file *in, loff_t *ipos, struct file *out, loff_t *opos,
                  size_t len)
{
    cleanup_free char *buf = malloc(MIN(len, (size_t)COPY_CHUNK));
    size_t done = 0;

    if (!buf)
        return -ENOMEM;
    while (done < len) {
        if (done && done % (16 * COPY_CHUNK) == 0) { /* others want to run, too */
            if (task_signal_pending(t))
                break;
            fiber_yield();
        }
        struct uio u;
        uio_init_kernel(&u, UIO_DEST, buf, MIN(len - done, (size_t)COPY_CHUNK));
        loff_t start = ipos ? *ipos : in->pos;
        ssize_t n = file_read(t, in, &u, ipos, 0);
        if (n <= 0)
            return done ? (ssize_t)done : n;
        struct uio w;
        uio_init_kernel(&w, UIO_SOURCE, buf, (size_t)n);
        ssize_t m = file_write(t, out, &w, opos, 0);
        if (m < n && !in->ops->no_seek) { /* give back what was read but not written */
            loff_t back = start + MAX(m, (ssize_t)0);
            if (ipos)
                *ipos = back;
            else
                in->pos = back;
        }
        if (m <= 0)
            return done ? (ssize_t)done : m;
        done += (size_t)m;
        if (m < n)
            break;
    }
    return (ssize_t)done;
}

/* generic_copy_file_checks() of mm/filemap.c: what is left of the length, in its order. */
static int copy_limits(struct task *t, struct file *in, loff_t from, struct file *out, loff_t to,
                       uint64_t *len)
{
    uint64_t limit = rlimit_cur(t, RLIMIT_FSIZE), end;

    if (__builtin_add_overflow((uint64_t)from, *len, &end) ||
        __builtin_add_overflow((uint64_t)to, *len, &end))
        return -EOVERFLOW;
    *len = from >= in->inode->size ? 0 : MIN(*len, (uint64_t)in->inode->size - (uint64_t)from);
    if (limit != RLIM_INFINITY && to >= 0 && *len) {
        if ((uint64_t)to >= limit)
            return fsize_exceeded(t);
        *len = MIN(*len, limit - (uint64_t)to);
    }
    if (to == INT64_MAX && *len)
        return -EFBIG;
    if (in->inode == out->inode && to + (loff_t)*len > from && to < from + (loff_t)*len)
        return -EINVAL; /* the ranges overlap */
    if (from < 0 || to < 0)
        return -EINVAL;
    *len = MIN(*len, (uint64_t)MAX_RW_COUNT);
    return 0;
}

long sys_copy_file_range(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *in = fd_get(t, arg_i32(a, 0)), *out = fd_get(t, arg_i32(a, 2));
    loff_t ipos = 0, opos = 0;
    uint64_t ia = arg_u64(a, 1), oa = arg_u64(a, 3);

    if (!in || !out)
        return -EBADF;
    if (ia && get_user(t, &ipos, ia))
        return -EFAULT;
    if (oa && get_user(t, &opos, oa))
        return -EFAULT;
    if (arg_u32(a, 5))
        return -EINVAL;
    if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
        return -EISDIR;
    if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
        return -EINVAL;
    if (!file_readable(in) || !file_writable(out) || (out->flags & O_APPEND))
        return -EBADF;
    if (in->path.dentry->inode->sb != out->path.dentry->inode->sb)
        return -EXDEV;
    loff_t from = ia ? ipos : in->pos, to = oa ? opos : out->pos;
    uint64_t len = arg_u64(a, 4);
    int err = copy_limits(t, in, from, out, to, &len);
    if (err)
        return err;
    ssize_t n = file_copy(t, in, ia ? &ipos : NULL, out, oa ? &opos : NULL, len);
    if (n > 0 && ia && put_user(t, &ipos, ia))
        return -EFAULT;
    if (n > 0 && oa && put_user(t, &opos, oa))
        return -EFAULT;
    return n;
}

/* Into a pipe it is a splice; otherwise what gives the data must be able to seek: do_sendfile(). */
static ssize_t send_data(struct task *t, struct file *in, loff_t *pos, struct file *out, size_t len)
{
    if (file_is_pipe(out))
        return splice_to_pipe(t, in, pos, out, len, in->flags & O_NONBLOCK ? SPLICE_F_NONBLOCK : 0);
    if (in->ops->no_seek || (out->flags & O_APPEND) || !file_splices_from(in))
        return -EINVAL;
    if (!file_splices_to(out))
        return in->inode->size && (pos ? *pos : in->pos) >= in->inode->size ? 0 : -EINVAL;
    return file_copy(t, in, pos, out, NULL, len);
}

long sys_sendfile(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *out = fd_get(t, arg_i32(a, 0)), *in = fd_get(t, arg_i32(a, 1));
    uint64_t at = arg_u64(a, 2);
    loff_t pos = 0, end;

    if (at && get_user(t, &pos, at))
        return -EFAULT;
    if (!in || !file_readable(in))
        return -EBADF;
    if (at && in->ops->no_seek)
        return -ESPIPE;
    if (pos < 0 || arg_i64(a, 3) < 0)
        return -EINVAL;
    if (!out || !file_writable(out))
        return -EBADF;
    size_t len = MIN(arg_u64(a, 3), (uint64_t)MAX_RW_COUNT);
    if (__builtin_add_overflow(at ? pos : in->pos, (loff_t)len, &end)) {
        if ((at ? pos : in->pos) == INT64_MAX)
            return -EOVERFLOW;
        len = (size_t)(INT64_MAX - (at ? pos : in->pos));
    }
    ssize_t n = len ? send_data(t, in, at ? &pos : NULL, out, len) : 0;
    if (n > 0 && at && put_user(t, &pos, at))
        return -EFAULT;
    return n;
}
