/*
 * The table of operations, and those that are a system call of the same name, made for the
 * request's task. What could sleep is in rw.c, net.c and poll.c: it looks first whether its file is
 * ready, and waits in the ring if not.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ipc/pipe.h"
#include "sentry/ipc/uring/uring_internal.h"

long uring_call(struct uring_req *r, syscall_fn *fn, const struct sysargs *a, uint32_t slot)
{
    struct fd_detour d = {.lent = r->file, .catches = slot != 0, .quiet = r->op->flags & UOP_QUIET};

    r->task->fd_detour = &d;
    long n = fn(r->task, a);
    r->task->fd_detour = NULL;
    if (!d.caught)
        return n;
    if (n >= 0)
        return rsrc_install(r->ring, d.caught, slot);
    file_put(d.caught);
    return n;
}

uint64_t uring_fd(const struct uring_req *r)
{
    return (uint64_t)(int64_t)(r->file ? FD_LENT : r->sqe.fd);
}

bool uring_file_ready(const struct uring_req *r, uint32_t events)
{
    return !r->file->ops->poll || S_ISREG(r->file->inode->mode) ||
           (file_poll(r->file, NULL) & (events | EPOLLERR | EPOLLHUP));
}

long uring_must_wait(struct uring_req *r, struct file *f, uint32_t events, bool look)
{
    if (!f->ops->poll || r->ring->nreqs > URING_PENDING_MAX)
        return -EAGAIN;
    uring_req_wait(r, f, events, look);
    return URING_WAITS;
}

/* --- calls on names: no descriptor of theirs may be a registered file --- */
static int no_fixed(const struct uring_req *r)
{
    return r->sqe.flags & IOSQE_FIXED_FILE ? -EBADF : 0;
}

/* What most of them have no use for. */
static bool has_more(const struct uring_req *r)
{
    return r->sqe.buf_index || r->sqe.splice_fd_in;
}

static int prep_nop(struct uring_req *r)
{
    return r->sqe.rw_flags ? -EINVAL : 0; /* IORING_NOP_* */
}

static long do_nop(struct uring_req *r)
{
    return 0;
}

static int prep_open(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    bool cloexec = s->opcode == IORING_OP_OPENAT && (s->open_flags & O_CLOEXEC);

    if (s->buf_index)
        return -EINVAL;
    if (no_fixed(r))
        return -EBADF;
    return s->file_index && cloexec ? -EINVAL : 0; /* it is no descriptor that exec would close */
}

static long do_open(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;

    if (s->opcode == IORING_OP_OPENAT)
        return URING_CALL(r, s->file_index, openat, uring_fd(r), s->addr, s->open_flags, s->len);
    return URING_CALL(r, s->file_index, openat2, uring_fd(r), s->addr, s->addr2, s->len);
}

static int prep_close(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;

    if (s->off || s->addr || s->len || s->rw_flags || s->buf_index)
        return -EINVAL;
    if (no_fixed(r))
        return -EBADF;
    return s->file_index && s->fd ? -EINVAL : 0;
}

/* A ring cannot be closed by itself. */
static long do_close(struct uring_req *r)
{
    if (r->sqe.file_index)
        return rsrc_remove_file(r->ring, r->sqe.file_index - 1);
    cleanup_file struct file *f = fd_get_path_ok(r->task, r->sqe.fd);
    if (!f || is_uring(f))
        return -EBADF;
    return URING_CALL(r, 0, close, uring_fd(r));
}

static int prep_name(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;

    if (no_fixed(r))
        return -EBADF;
    switch (s->opcode) {
    case IORING_OP_STATX:
    case IORING_OP_LINKAT:
    case IORING_OP_RENAMEAT:
    case IORING_OP_EPOLL_CTL:
        return has_more(r) ? -EINVAL : 0;
    case IORING_OP_UNLINKAT:
        return s->off || s->len || has_more(r) ? -EINVAL : 0;
    case IORING_OP_MKDIRAT:
        return s->off || s->rw_flags || has_more(r) ? -EINVAL : 0;
    case IORING_OP_SYMLINKAT:
        return s->len || s->rw_flags || has_more(r) ? -EINVAL : 0;
    case IORING_OP_SOCKET:
        if (s->addr || s->rw_flags || s->buf_index)
            return -EINVAL;
        return s->file_index && (s->off & SOCK_CLOEXEC) ? -EINVAL : 0;
    default: /* IORING_OP_MADVISE */
        return has_more(r) ? -EINVAL : 0;
    }
}

static long do_name(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    uint64_t fd = uring_fd(r), len = (uint64_t)(int64_t)(int)s->len;

    switch (s->opcode) {
    case IORING_OP_STATX:
        return URING_CALL(r, 0, statx, fd, s->addr, s->statx_flags, s->len, s->addr2);
    case IORING_OP_LINKAT:
        return URING_CALL(r, 0, linkat, fd, s->addr, len, s->addr2, s->hardlink_flags);
    case IORING_OP_RENAMEAT:
        return URING_CALL(r, 0, renameat2, fd, s->addr, len, s->addr2, s->rename_flags);
    case IORING_OP_UNLINKAT:
        return URING_CALL(r, 0, unlinkat, fd, s->addr, s->unlink_flags);
    case IORING_OP_MKDIRAT:
        return URING_CALL(r, 0, mkdirat, fd, s->addr, s->len);
    case IORING_OP_SYMLINKAT:
        return URING_CALL(r, 0, symlinkat, s->addr, fd, s->addr2);
    case IORING_OP_EPOLL_CTL:
        return URING_CALL(r, 0, epoll_ctl, fd, s->len, s->off, s->addr);
    case IORING_OP_SOCKET:
        return URING_CALL(r, s->file_index, socket, fd, s->off, len);
    default: /* IORING_OP_MADVISE */
        return URING_CALL(r, 0, madvise, s->addr, s->off ? s->off : s->len, s->fadvise_advice);
    }
}

/* --- calls on files --- */
static int prep_file(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;

    switch (s->opcode) {
    case IORING_OP_SYNC_FILE_RANGE:
        return s->addr || has_more(r) ? -EINVAL : 0;
    case IORING_OP_FALLOCATE:
        return has_more(r) || s->rw_flags ? -EINVAL : 0;
    case IORING_OP_SHUTDOWN:
        return s->off || s->addr || s->rw_flags || has_more(r) ? -EINVAL : 0;
    case URING_OP_FTRUNCATE:
        return s->addr || s->len || s->rw_flags || has_more(r) || s->addr3 ? -EINVAL : 0;
    case URING_OP_BIND:
        return s->len || s->rw_flags || has_more(r) ? -EINVAL : 0;
    case URING_OP_LISTEN:
        return s->addr || s->addr2 || s->rw_flags || has_more(r) ? -EINVAL : 0;
    default: /* IORING_OP_FADVISE, IORING_OP_FSYNC */
        if (has_more(r))
            return -EINVAL;
        return s->opcode == IORING_OP_FSYNC &&
                       (s->addr || s->fsync_flags & ~(uint32_t)IORING_FSYNC_DATASYNC)
                   ? -EINVAL
                   : 0;
    }
}

static long do_fsync(struct uring_req *r)
{
    const struct file_ops *ops = r->file->ops;

    if (ops->fsync)
        return ops->fsync(r->task, r->file, r->sqe.fsync_flags & IORING_FSYNC_DATASYNC);
    return S_ISREG(r->file->inode->mode) || S_ISDIR(r->file->inode->mode) ? 0 : -EINVAL;
}

static long do_file(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    uint64_t fd = uring_fd(r), len = (uint64_t)(int64_t)(int)s->len;

    switch (s->opcode) {
    case IORING_OP_SYNC_FILE_RANGE:
        return URING_CALL(r, 0, sync_file_range, fd, s->off, s->len, s->sync_range_flags);
    case IORING_OP_FALLOCATE:
        return URING_CALL(r, 0, fallocate, fd, s->len, s->off, s->addr);
    case IORING_OP_FADVISE:
        return URING_CALL(r, 0, fadvise64, fd, s->off, s->addr ? s->addr : s->len,
                          s->fadvise_advice);
    case IORING_OP_SHUTDOWN:
        return URING_CALL(r, 0, shutdown, fd, len);
    case URING_OP_FTRUNCATE:
        return URING_CALL(r, 0, ftruncate, fd, s->off);
    case URING_OP_BIND:
        return URING_CALL(r, 0, bind, fd, s->addr, s->addr2);
    case URING_OP_LISTEN:
        return URING_CALL(r, 0, listen, fd, len);
    default: /* IORING_OP_FSYNC */
        return do_fsync(r);
    }
}

/* --- splice, tee: where from is in splice_fd_in --- */
#define SPLICE_FD_IN_FIXED (1U << 31)
#ifndef SPLICE_F_NONBLOCK
#define SPLICE_F_NONBLOCK 2
#endif

static int prep_splice(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;

    if (s->opcode == IORING_OP_TEE && (s->splice_off_in || s->off))
        return -EINVAL;
    return s->splice_flags & ~(0xfU | SPLICE_FD_IN_FIXED) ? -EINVAL : 0;
}

static struct file *spliced_from(struct uring_req *r)
{
    if (!(r->sqe.splice_flags & SPLICE_FD_IN_FIXED))
        return fd_get(r->task, r->sqe.splice_fd_in);
    struct uring_rsrc *n = rsrc_get(&r->ring->files, (uint32_t)r->sqe.splice_fd_in);
    struct file *f = n ? file_get(n->file) : NULL;
    if (n)
        rsrc_put(r->ring, n);
    return f;
}

/* On Linux they sleep in a thread of their own. Here neither side does, but the request. */
static long do_splice(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    unsigned int flags = s->splice_flags & 0xf;
    loff_t in = (loff_t)s->splice_off_in, out = (loff_t)s->off;

    if (!r->from)
        r->from = spliced_from(r);
    if (!r->from)
        return -EBADF;
    bool tee = s->opcode == IORING_OP_TEE;
    loff_t *ipos = tee || in == -1 ? NULL : &in, *opos = tee || out == -1 ? NULL : &out;
    int err = file_splice_check(r->from, ipos, r->file, opos);
    if (!s->len || err)
        return s->len ? err : 0;
    r->want = s->len;
    if (!(flags & SPLICE_F_NONBLOCK) && r->from->ops->poll && !S_ISREG(r->from->inode->mode) &&
        !(file_poll(r->from, NULL) & (EPOLLIN | EPOLLERR | EPOLLHUP)))
        return uring_must_wait(r, r->from, EPOLLIN, true);
    if (!(flags & SPLICE_F_NONBLOCK) && !uring_file_ready(r, EPOLLOUT))
        return uring_must_wait(r, r->file, EPOLLOUT, true);
    flags |= SPLICE_F_NONBLOCK;
    return tee ? file_tee(r->task, r->from, r->file, s->len, flags)
               : file_splice(r->task, r->from, ipos, r->file, opos, s->len, flags);
}

/* --- xattrs --- */
static int prep_xattr(struct uring_req *r)
{
    bool get = r->sqe.opcode == IORING_OP_GETXATTR || r->sqe.opcode == IORING_OP_FGETXATTR;
    bool by_name = r->sqe.opcode == IORING_OP_GETXATTR || r->sqe.opcode == IORING_OP_SETXATTR;

    if (by_name && no_fixed(r))
        return -EBADF;
    return get && r->sqe.xattr_flags ? -EINVAL : 0;
}

static long do_xattr(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;

    switch (s->opcode) {
    case IORING_OP_FSETXATTR:
        return URING_CALL(r, 0, fsetxattr, uring_fd(r), s->addr, s->addr2, s->len, s->xattr_flags);
    case IORING_OP_SETXATTR:
        return URING_CALL(r, 0, setxattr, s->addr3, s->addr, s->addr2, s->len, s->xattr_flags);
    case IORING_OP_FGETXATTR:
        return URING_CALL(r, 0, fgetxattr, uring_fd(r), s->addr, s->addr2, s->len);
    default:
        return URING_CALL(r, 0, getxattr, s->addr3, s->addr, s->addr2, s->len);
    }
}

/* --- registered files --- */
static int prep_files_update(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;

    if (s->flags & (IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT))
        return -EINVAL;
    return s->rw_flags || s->splice_fd_in || !s->len ? -EINVAL : 0;
}

static int prep_install(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;

    if (s->off || s->addr || s->len || s->buf_index || s->splice_fd_in || s->addr3)
        return -EINVAL;
    if (!(s->flags & IOSQE_FIXED_FILE))
        return -EBADF;
    if (s->rw_flags & ~(__kernel_rwf_t)URING_FIXED_FD_NO_CLOEXEC)
        return -EINVAL;
    return s->personality ? -EPERM : 0; /* it would be with another's rights */
}

static long do_install(struct uring_req *r)
{
    return fd_install(r->task, r->file, !(r->sqe.rw_flags & URING_FIXED_FD_NO_CLOEXEC), 0);
}

static const struct uring_op ops[] = {
    [IORING_OP_NOP] = {prep_nop, do_nop, 0},
    [IORING_OP_READV] = {uring_prep_rwv, uring_do_rw, UOP_FILE | UOP_SELECT | UOP_IOPRIO},
    [IORING_OP_WRITEV] = {uring_prep_rwv, uring_do_rw, UOP_FILE | UOP_IOPRIO},
    [IORING_OP_FSYNC] = {prep_file, do_file, UOP_FILE | UOP_THREAD},
    [IORING_OP_READ_FIXED] = {uring_prep_rw, uring_do_rw, UOP_FILE | UOP_IOPRIO},
    [IORING_OP_WRITE_FIXED] = {uring_prep_rw, uring_do_rw, UOP_FILE | UOP_IOPRIO},
    [IORING_OP_POLL_ADD] = {uring_prep_poll, uring_do_poll, UOP_FILE},
    [IORING_OP_POLL_REMOVE] = {uring_prep_poll_remove, uring_do_poll_remove, 0},
    [IORING_OP_SYNC_FILE_RANGE] = {prep_file, do_file, UOP_FILE | UOP_THREAD},
    [IORING_OP_SENDMSG] = {uring_prep_send, uring_do_send, UOP_FILE | UOP_IOPRIO},
    [IORING_OP_RECVMSG] = {uring_prep_recv, uring_do_recv, UOP_FILE | UOP_SELECT | UOP_IOPRIO},
    [IORING_OP_TIMEOUT] = {uring_prep_timeout, uring_do_timeout, 0},
    [IORING_OP_TIMEOUT_REMOVE] = {uring_prep_timeout_remove, uring_do_timeout_remove, 0},
    [IORING_OP_ACCEPT] = {uring_prep_accept, uring_do_accept, UOP_FILE | UOP_IOPRIO},
    [IORING_OP_ASYNC_CANCEL] = {uring_prep_cancel, uring_do_cancel, 0},
    [IORING_OP_LINK_TIMEOUT] = {uring_prep_limit, do_nop, 0},
    [IORING_OP_CONNECT] = {uring_prep_connect, uring_do_connect, UOP_FILE},
    [IORING_OP_FALLOCATE] = {prep_file, do_file, UOP_FILE | UOP_QUIET | UOP_THREAD},
    [IORING_OP_OPENAT] = {prep_open, do_open, 0},
    [IORING_OP_CLOSE] = {prep_close, do_close, 0},
    [IORING_OP_FILES_UPDATE] = {prep_files_update, rsrc_files_update_op, 0},
    [IORING_OP_STATX] = {prep_name, do_name, UOP_THREAD},
    [IORING_OP_READ] = {uring_prep_rw, uring_do_rw, UOP_FILE | UOP_SELECT | UOP_IOPRIO},
    [IORING_OP_WRITE] = {uring_prep_rw, uring_do_rw, UOP_FILE | UOP_IOPRIO},
    [IORING_OP_FADVISE] = {prep_file, do_file, UOP_FILE},
    [IORING_OP_MADVISE] = {prep_name, do_name, UOP_THREAD},
    [IORING_OP_SEND] = {uring_prep_send, uring_do_send, UOP_FILE | UOP_SELECT | UOP_IOPRIO},
    [IORING_OP_RECV] = {uring_prep_recv, uring_do_recv, UOP_FILE | UOP_SELECT | UOP_IOPRIO},
    [IORING_OP_OPENAT2] = {prep_open, do_open, 0},
    [IORING_OP_EPOLL_CTL] = {prep_name, do_name, 0},
    [IORING_OP_SPLICE] = {prep_splice, do_splice, UOP_FILE | UOP_THREAD},
    [IORING_OP_PROVIDE_BUFFERS] = {uring_prep_provide, uring_do_provide, 0},
    [IORING_OP_REMOVE_BUFFERS] = {uring_prep_remove, uring_do_remove, 0},
    [IORING_OP_TEE] = {prep_splice, do_splice, UOP_FILE | UOP_THREAD},
    [IORING_OP_SHUTDOWN] = {prep_file, do_file, UOP_FILE | UOP_THREAD},
    [IORING_OP_RENAMEAT] = {prep_name, do_name, UOP_THREAD},
    [IORING_OP_UNLINKAT] = {prep_name, do_name, UOP_THREAD},
    [IORING_OP_MKDIRAT] = {prep_name, do_name, UOP_THREAD},
    [IORING_OP_SYMLINKAT] = {prep_name, do_name, UOP_THREAD},
    [IORING_OP_LINKAT] = {prep_name, do_name, UOP_THREAD},
    [IORING_OP_MSG_RING] = {uring_prep_msg_ring, uring_do_msg_ring, UOP_FILE},
    [IORING_OP_FSETXATTR] = {prep_xattr, do_xattr, UOP_FILE | UOP_THREAD},
    [IORING_OP_SETXATTR] = {prep_xattr, do_xattr, UOP_THREAD},
    [IORING_OP_FGETXATTR] = {prep_xattr, do_xattr, UOP_FILE | UOP_THREAD},
    [IORING_OP_GETXATTR] = {prep_xattr, do_xattr, UOP_THREAD},
    [IORING_OP_SOCKET] = {prep_name, do_name, 0},
    [URING_OP_READ_MULTISHOT] = {uring_prep_read_mshot, uring_do_rw, UOP_FILE | UOP_SELECT},
    [URING_OP_FIXED_FD_INSTALL] = {prep_install, do_install, UOP_FILE},
    [URING_OP_FTRUNCATE] = {prep_file, do_file, UOP_FILE | UOP_QUIET | UOP_THREAD},
    [URING_OP_BIND] = {prep_file, do_file, UOP_FILE},
    [URING_OP_LISTEN] = {prep_file, do_file, UOP_FILE},
};

const struct uring_op *uring_op(unsigned int opcode)
{
    return opcode < ARRAY_SIZE(ops) && ops[opcode].issue ? &ops[opcode] : NULL;
}
