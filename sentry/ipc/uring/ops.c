/*
 * Operations. Most are the system call of the same name, made for the request's task. What could
 * sleep looks first whether its file is ready, and waits in the ring if not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "sentry/ipc/uring/uring_internal.h"
#include "sentry/time/clock.h"

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

static long call(struct uring_req *r, syscall_fn *fn, long nr, const uint64_t args[6])
{
    struct sysargs a = {.nr = nr};

    memcpy(a.arg, args, sizeof(a.arg));
    return fn(r->task, &a);
}
#define CALL(r, name, ...) call(r, sys_##name, SYS_##name, (const uint64_t[6]){__VA_ARGS__})

/* The file by number, or of those registered. */
static int get_file(struct uring_req *r)
{
    uint32_t i = (uint32_t)r->sqe.fd;

    if (r->file)
        return 0;
    if (!(r->sqe.flags & IOSQE_FIXED_FILE))
        r->file = fd_get(r->task, r->sqe.fd);
    else if (i < r->ring->nfiles && r->ring->files[i])
        r->file = file_get(r->ring->files[i]);
    if (!r->file)
        return -EBADF;
    return is_uring(r->file) ? -EINVAL : 0; /* it would hold itself */
}

static bool is_ready(const struct uring_req *r, uint32_t events)
{
    return !r->file->ops->poll || S_ISREG(r->file->inode->mode) ||
           (file_poll(r->file, NULL) & (events | EPOLLERR | EPOLLHUP));
}

/* Who may wait does so. Otherwise EAGAIN is the result. */
static long must_wait(struct uring_req *r, uint32_t events, bool look)
{
    if ((r->file->flags & O_NONBLOCK) || !r->file->ops->poll || r->ring->nreqs > URING_PENDING_MAX)
        return -EAGAIN;
    uring_req_wait(r, events, look);
    return URING_WAITS;
}

/* --- reading and writing --- */
static int fixed_buffer(const struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    uint64_t end;

    if (s->buf_index >= r->ring->nbufs)
        return -EFAULT;
    const struct iovec *b = &r->ring->bufs[s->buf_index];
    uint64_t start = (uint64_t)b->iov_base;
    if (__builtin_add_overflow(s->addr, s->len, &end) || s->addr < start ||
        end > start + b->iov_len)
        return -EFAULT;
    return 0;
}

static long do_rw(struct uring_req *r, enum uio_dir dir, bool vec)
{
    const struct io_uring_sqe *s = &r->sqe;
    uint32_t events = dir == UIO_DEST ? EPOLLIN : EPOLLOUT;
    struct file *f = r->file;
    loff_t pos = (loff_t)s->off;
    struct uio u;

    int err = file_check_rwf(f, dir == UIO_SOURCE, (int)s->rw_flags);
    if (err)
        return err;
    if (!(dir == UIO_DEST ? file_readable(f) : file_writable(f)))
        return -EBADF;
    if (!(dir == UIO_DEST ? f->ops->read : f->ops->write))
        return -EINVAL;
    loff_t *at = f->ops->no_seek || pos == -1 ? NULL : &pos;
    if (at && pos < 0)
        return -EINVAL;
    if (!is_ready(r, events))
        return s->rw_flags & RWF_NOWAIT ? -EAGAIN : must_wait(r, events, true);
    if (vec) {
        err = uio_init_iovec(&u, r->task, dir, s->addr, s->len);
        if (err)
            return err;
    } else if (!user_range_ok(s->addr, s->len)) {
        return -EFAULT;
    } else {
        uio_init_user(&u, r->task, dir, s->addr, MIN(s->len, 0x7ffff000U));
    }
    r->want = (long)u.resid;
    int rwf = (int)s->rw_flags | (f->ops->no_seek ? RWF_NOWAIT : 0);
    long n =
        dir == UIO_DEST ? file_read(r->task, f, &u, at, rwf) : file_write(r->task, f, &u, at, rwf);
    uio_done(&u);
    if (n == -EAGAIN && !(s->rw_flags & RWF_NOWAIT) && f->ops->no_seek)
        return must_wait(r, events, false);
    return n;
}

static long op_rw(struct uring_req *r)
{
    int err = get_file(r);

    switch (err ? -1 : r->sqe.opcode) {
    case IORING_OP_READ_FIXED:
    case IORING_OP_WRITE_FIXED:
        err = fixed_buffer(r);
        if (err)
            return err;
        return do_rw(r, r->sqe.opcode == IORING_OP_READ_FIXED ? UIO_DEST : UIO_SOURCE, false);
    case IORING_OP_READ:
        return do_rw(r, UIO_DEST, false);
    case IORING_OP_WRITE:
        return do_rw(r, UIO_SOURCE, false);
    case IORING_OP_READV:
        return do_rw(r, UIO_DEST, true);
    case IORING_OP_WRITEV:
        return do_rw(r, UIO_SOURCE, true);
    default:
        return err;
    }
}

static long op_fsync(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    int err = get_file(r);

    if (err)
        return err;
    if (s->addr || s->fsync_flags & ~(uint32_t)IORING_FSYNC_DATASYNC)
        return -EINVAL;
    if (r->file->ops->fsync)
        return r->file->ops->fsync(r->task, r->file, s->fsync_flags & IORING_FSYNC_DATASYNC);
    return S_ISREG(r->file->inode->mode) || S_ISDIR(r->file->inode->mode) ? 0 : -EINVAL;
}

/* --- sockets --- */
static long op_socket(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    bool in = s->opcode == IORING_OP_RECV || s->opcode == IORING_OP_RECVMSG ||
              s->opcode == IORING_OP_ACCEPT;
    uint32_t events = in ? EPOLLIN : EPOLLOUT;
    bool accept = s->opcode == IORING_OP_ACCEPT;
    bool wait = accept || !(s->msg_flags & MSG_DONTWAIT);
    uint64_t fd = (uint64_t)(int64_t)s->fd, flags = s->msg_flags | MSG_DONTWAIT;
    long n;

    if (s->flags & IOSQE_FIXED_FILE) /* calls take numbers */
        return -EOPNOTSUPP;
    int err = get_file(r);
    if (err)
        return err;
    if (!r->file->ops->is_socket)
        return -ENOTSOCK;
    if (s->ioprio || (s->file_index && s->opcode == IORING_OP_ACCEPT))
        return -EINVAL;
    if (wait && !is_ready(r, events))
        return must_wait(r, events, true);
    switch (s->opcode) {
    case IORING_OP_RECV:
        n = CALL(r, recvfrom, fd, s->addr, s->len, flags, 0, 0);
        break;
    case IORING_OP_SEND:
        n = CALL(r, sendto, fd, s->addr, s->len, flags, 0, 0);
        break;
    case IORING_OP_RECVMSG:
        n = CALL(r, recvmsg, fd, s->addr, flags);
        break;
    case IORING_OP_SENDMSG:
        n = CALL(r, sendmsg, fd, s->addr, flags);
        break;
    default:
        n = CALL(r, accept4, fd, s->addr, s->addr2, s->accept_flags);
    }
    return n == -EAGAIN && wait ? must_wait(r, events, false) : n;
}

/* --- waiting --- */
static long op_poll_add(struct uring_req *r)
{
    int err = get_file(r);

    if (r->sqe.len || r->sqe.off || r->sqe.addr || r->sqe.buf_index)
        return -EINVAL; /* no multishot, no updates */
    if (err)
        return err;
    if (!r->file->ops->poll)
        return (long)(r->sqe.poll32_events & (EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM));
    if (r->ring->nreqs > URING_PENDING_MAX)
        return -ENOMEM;
    uring_req_wait(r, (r->sqe.poll32_events & 0xffff) | EPOLLERR | EPOLLHUP, true);
    return URING_WAITS;
}

int uring_deadline(struct uring_req *r, bool absolute, uint64_t *deadline)
{
    struct timespec ts;

    if (get_user(r->task, &ts, r->sqe.addr))
        return -EFAULT;
    if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= NSEC_PER_SEC || ts.tv_sec > INT32_MAX)
        return -EINVAL;
    if (absolute) {
        const uint64_t want = (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
        uint64_t left = want - MIN(want, time_guest_ns());
        ts = (struct timespec){.tv_sec = (time_t)(left / NSEC_PER_SEC),
                               .tv_nsec = (long)(left % NSEC_PER_SEC)};
    }
    *deadline = deadline_after(&ts);
    return 0;
}

static long op_timeout(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    uint64_t at;

    if (s->buf_index || s->len != 1 || s->timeout_flags & ~(uint32_t)IORING_TIMEOUT_ABS)
        return -EINVAL;
    int err = uring_deadline(r, s->timeout_flags & IORING_TIMEOUT_ABS, &at);
    if (err)
        return err;
    if (r->ring->nreqs > URING_PENDING_MAX)
        return -ENOMEM;
    r->target = s->off ? r->ring->posted + s->off : UINT64_MAX;
    uring_req_wait(r, 0, false);
    ktimer_arm(&r->timer, at);
    return URING_WAITS;
}

static long op_cancel(struct uring_req *r, int op)
{
    const struct io_uring_sqe *s = &r->sqe;

    if (s->cancel_flags || s->buf_index || (op < 0 ? s->off || s->len : 0))
        return -EINVAL;
    struct uring_req *found = uring_find(r->ring, s->addr, op);
    if (!found)
        return -ENOENT;
    uring_req_complete(found, -ECANCELED);
    return 0;
}

/* A ring cannot be closed by itself. */
static long op_close(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;

    if (s->off || s->addr || s->len || s->rw_flags || s->buf_index || s->file_index)
        return -EINVAL;
    cleanup_file struct file *f = fd_get(r->task, s->fd);
    if (!f || is_uring(f))
        return -EBADF;
    return CALL(r, close, (uint64_t)(int64_t)s->fd);
}

static long op_by_name(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    uint64_t fd = (uint64_t)(int64_t)s->fd;

    if ((s->flags & IOSQE_FIXED_FILE) || s->ioprio)
        return s->flags & IOSQE_FIXED_FILE ? -EBADF : -EINVAL;
    switch (s->opcode) {
    case IORING_OP_OPENAT:
        return s->file_index ? -EINVAL : CALL(r, openat, fd, s->addr, s->open_flags, s->len);
    case IORING_OP_OPENAT2:
        return s->file_index ? -EINVAL : CALL(r, openat2, fd, s->addr, s->addr2, s->len);
    case IORING_OP_STATX:
        return CALL(r, statx, fd, s->addr, s->statx_flags, s->len, s->addr2);
    case IORING_OP_CONNECT:
        return s->len || s->buf_index ? -EINVAL : CALL(r, connect, fd, s->addr, s->addr2);
    default:
        return op_close(r);
    }
}

/* Calls on names and ranges, whose unused members must be 0. */
static long op_call(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    uint64_t fd = (uint64_t)(int64_t)s->fd, len = (uint64_t)(int64_t)(int)s->len;
    bool more = s->buf_index || s->splice_fd_in;

    if ((s->flags & IOSQE_FIXED_FILE) || s->ioprio)
        return s->flags & IOSQE_FIXED_FILE ? -EBADF : -EINVAL;
    switch (s->opcode) {
    case IORING_OP_SYNC_FILE_RANGE:
        return s->addr || more ? -EINVAL
                               : CALL(r, sync_file_range, fd, s->off, s->len, s->sync_range_flags);
    case IORING_OP_FALLOCATE:
        return more || s->rw_flags ? -EINVAL : CALL(r, fallocate, fd, s->len, s->off, s->addr);
    case IORING_OP_FADVISE:
        return more ? -EINVAL
                    : CALL(r, fadvise64, fd, s->off, s->addr ? s->addr : s->len, s->fadvise_advice);
    case IORING_OP_MADVISE:
        return more ? -EINVAL
                    : CALL(r, madvise, s->addr, s->off ? s->off : s->len, s->fadvise_advice);
    case IORING_OP_SHUTDOWN:
        return s->off || s->addr || s->rw_flags || more ? -EINVAL : CALL(r, shutdown, fd, s->len);
    case IORING_OP_RENAMEAT:
        return more ? -EINVAL : CALL(r, renameat2, fd, s->addr, len, s->addr2, s->rename_flags);
    case IORING_OP_UNLINKAT:
        return s->off || s->len || more ? -EINVAL : CALL(r, unlinkat, fd, s->addr, s->unlink_flags);
    case IORING_OP_MKDIRAT:
        return s->off || s->rw_flags || more ? -EINVAL : CALL(r, mkdirat, fd, s->addr, s->len);
    case IORING_OP_SYMLINKAT:
        return s->len || s->rw_flags || more ? -EINVAL : CALL(r, symlinkat, s->addr, fd, s->addr2);
    case IORING_OP_LINKAT:
        return more ? -EINVAL : CALL(r, linkat, fd, s->addr, len, s->addr2, s->hardlink_flags);
    case IORING_OP_EPOLL_CTL:
        return more ? -EINVAL : CALL(r, epoll_ctl, fd, s->len, s->off, s->addr);
    case IORING_OP_SOCKET:
        return s->addr || s->rw_flags || more ? -EINVAL : CALL(r, socket, fd, s->off, len);
    case IORING_OP_FILES_UPDATE:
        return s->rw_flags || s->splice_fd_in || !s->len
                   ? -EINVAL
                   : uring_update_files(r->task, r->ring, s->addr, (uint32_t)s->off, s->len);
    default: /* IORING_OP_LINK_TIMEOUT that follows nothing */
        return -EINVAL;
    }
}

bool uring_op_known(unsigned int op)
{
    switch (op) {
    case IORING_OP_NOP:
    case IORING_OP_READV:
    case IORING_OP_WRITEV:
    case IORING_OP_FSYNC:
    case IORING_OP_READ_FIXED:
    case IORING_OP_WRITE_FIXED:
    case IORING_OP_POLL_ADD:
    case IORING_OP_POLL_REMOVE:
    case IORING_OP_SENDMSG:
    case IORING_OP_RECVMSG:
    case IORING_OP_TIMEOUT:
    case IORING_OP_TIMEOUT_REMOVE:
    case IORING_OP_ACCEPT:
    case IORING_OP_ASYNC_CANCEL:
    case IORING_OP_CONNECT:
    case IORING_OP_OPENAT:
    case IORING_OP_CLOSE:
    case IORING_OP_STATX:
    case IORING_OP_READ:
    case IORING_OP_WRITE:
    case IORING_OP_SEND:
    case IORING_OP_RECV:
    case IORING_OP_OPENAT2:
    case IORING_OP_SYNC_FILE_RANGE:
    case IORING_OP_LINK_TIMEOUT:
    case IORING_OP_FALLOCATE:
    case IORING_OP_FILES_UPDATE:
    case IORING_OP_FADVISE:
    case IORING_OP_MADVISE:
    case IORING_OP_EPOLL_CTL:
    case IORING_OP_SHUTDOWN:
    case IORING_OP_RENAMEAT:
    case IORING_OP_UNLINKAT:
    case IORING_OP_MKDIRAT:
    case IORING_OP_SYMLINKAT:
    case IORING_OP_LINKAT:
    case IORING_OP_SOCKET:
        return true;
    default:
        return false;
    }
}

long uring_op(struct uring_req *r)
{
    switch (r->sqe.opcode) {
    case IORING_OP_NOP:
        return 0;
    case IORING_OP_FSYNC:
        return op_fsync(r);
    case IORING_OP_POLL_ADD:
        return op_poll_add(r);
    case IORING_OP_POLL_REMOVE:
        return op_cancel(r, IORING_OP_POLL_ADD);
    case IORING_OP_TIMEOUT:
        return op_timeout(r);
    case IORING_OP_TIMEOUT_REMOVE:
        return op_cancel(r, IORING_OP_TIMEOUT);
    case IORING_OP_ASYNC_CANCEL:
        return op_cancel(r, -1);
    case IORING_OP_SENDMSG:
    case IORING_OP_RECVMSG:
    case IORING_OP_ACCEPT:
    case IORING_OP_SEND:
    case IORING_OP_RECV:
        return op_socket(r);
    case IORING_OP_CONNECT:
    case IORING_OP_OPENAT:
    case IORING_OP_OPENAT2:
    case IORING_OP_CLOSE:
    case IORING_OP_STATX:
        return op_by_name(r);
    case IORING_OP_READ:
    case IORING_OP_WRITE:
    case IORING_OP_READV:
    case IORING_OP_WRITEV:
    case IORING_OP_READ_FIXED:
    case IORING_OP_WRITE_FIXED:
        return op_rw(r);
    default:
        return op_call(r);
    }
}
