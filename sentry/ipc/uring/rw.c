/* Reads and writes. */
#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"
#include "sentry/ipc/uring/uring_internal.h"

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

static enum uio_dir direction(const struct uring_req *r)
{
    switch (r->sqe.opcode) {
    case IORING_OP_WRITE:
    case IORING_OP_WRITEV:
    case IORING_OP_WRITE_FIXED:
        return UIO_SOURCE;
    default:
        return UIO_DEST;
    }
}

/* ioprio_check_cap(): classes and levels that there are. */
static int check_ioprio(uint16_t prio)
{
    return prio >> 13 > 3 ? -EINVAL : 0;
}

int uring_prep_rw(struct uring_req *r)
{
    return check_ioprio(r->sqe.ioprio);
}

int uring_prep_read_mshot(struct uring_req *r)
{
    if (!(r->sqe.flags & IOSQE_BUFFER_SELECT) || r->sqe.addr || r->sqe.len || r->sqe.rw_flags)
        return -EINVAL; /* both come from the buffers */
    r->multishot = true;
    return 0;
}

/* The vector is the guest's again when the call that submits is over. */
int uring_prep_rwv(struct uring_req *r)
{
    int err = check_ioprio(r->sqe.ioprio);

    if (err)
        return err;
    if ((r->sqe.flags & IOSQE_BUFFER_SELECT) && r->sqe.len != 1)
        return -EINVAL;
    r->uio = malloc(sizeof(*r->uio));
    if (!r->uio)
        return -ENOMEM;
    err = uio_init_iovec(r->uio, r->task, direction(r), r->sqe.addr, r->sqe.len);
    if (err) {
        free(r->uio);
        r->uio = NULL;
        return err;
    }
    return uring_req_charge(r, r->uio);
}

/* io_import_fixed() */
static int fixed_range(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    uint64_t end;

    if (!r->buf)
        r->buf = rsrc_get(&r->ring->bufs, s->buf_index);
    if (!r->buf)
        return -EFAULT;
    uint64_t start = (uint64_t)r->buf->buf.iov_base;
    if (__builtin_add_overflow(s->addr, s->len, &end) || s->addr < start ||
        end > start + r->buf->buf.iov_len)
        return -EFAULT;
    return 0;
}

static int check(const struct uring_req *r, enum uio_dir dir)
{
    const struct file *f = r->file;
    loff_t pos = (loff_t)r->sqe.off;

    int err = file_check_rwf(f, dir == UIO_SOURCE, (int)r->sqe.rw_flags);
    if (err)
        return err;
    if (!(dir == UIO_DEST ? file_readable(f) : file_writable(f)))
        return -EBADF;
    if (!(dir == UIO_DEST ? f->ops->read : f->ops->write))
        return -EINVAL;
    return pos < -1 && !f->ops->no_seek ? -EINVAL : 0;
}

/* Where the bytes come from or go to. */
static int make_uio(struct uring_req *r, enum uio_dir dir, struct uio *u)
{
    const struct io_uring_sqe *s = &r->sqe;
    uint64_t addr = s->addr;
    size_t len = s->len;

    if (s->flags & IOSQE_BUFFER_SELECT) {
        if (r->uio)
            len = r->uio->resid;
        int err = kbuf_select(r, &addr, &len);
        if (err)
            return err;
    } else if (s->opcode == IORING_OP_READ_FIXED || s->opcode == IORING_OP_WRITE_FIXED) {
        int err = fixed_range(r);
        if (err)
            return err;
    }
    if (!user_range_ok(addr, len))
        return -EFAULT;
    uio_init_user(u, r->task, dir, addr, MIN(len, URING_LEN_MAX));
    return 0;
}

static long transfer(struct uring_req *r, enum uio_dir dir, struct uio *u)
{
    const struct io_uring_sqe *s = &r->sqe;
    struct file *f = r->file;
    loff_t pos = (loff_t)s->off, *at = f->ops->no_seek || pos == -1 ? NULL : &pos;
    int rwf = (int)s->rw_flags | (f->ops->no_seek ? RWF_NOWAIT : 0);

    r->want = (long)u->resid;
    return dir == UIO_DEST ? file_read(r->task, f, u, at, rwf) : file_write(r->task, f, u, at, rwf);
}

/* One read or write, into a buffer of a group if it says so. */
static long once(struct uring_req *r, enum uio_dir dir)
{
    uint32_t events = dir == UIO_DEST ? EPOLLIN : EPOLLOUT;
    bool nowait = r->sqe.rw_flags & RWF_NOWAIT, select = r->sqe.flags & IOSQE_BUFFER_SELECT;
    struct uio own, *u = r->uio;

    if (!u || select) {
        int err = make_uio(r, dir, &own);
        if (err)
            return err;
        u = &own;
    }
    long n = -EAGAIN;
    bool ready = uring_file_ready(r, events);
    if (ready)
        n = transfer(r, dir, u);
    if (u == &own)
        uio_done(&own);
    if (n < 0)
        kbuf_recycle(r);
    else if (select)
        kbuf_commit(r, (size_t)n);
    if (n == -EAGAIN && !nowait && (!ready || r->file->ops->no_seek))
        return uring_must_wait(r, r->file, events, !ready);
    return n;
}

long uring_do_rw(struct uring_req *r)
{
    enum uio_dir dir = direction(r);
    long n = check(r, dir);

    if (n)
        return n;
    if (r->multishot && (!r->file->ops->poll || S_ISREG(r->file->inode->mode)))
        return -EBADFD;
    for (int i = 0; i < URING_MSHOT_MAX; i++) {
        n = once(r, dir);
        if (n == URING_WAITS || !r->multishot || n <= 0 || !uring_req_more(r, n))
            return n;
    }
    uring_req_again(r);
    return URING_WAITS;
}
