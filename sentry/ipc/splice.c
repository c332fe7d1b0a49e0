/*
 * splice(2), tee(2), vmsplice(2): data moves through the sentry. What a pipe gave and the other
 * side did not take goes back to the front of the pipe.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ipc/pipe_internal.h"
#include "sentry/kernel/task.h"

#define SPLICE_FLAGS (SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)
#define CHUNK 65536UL
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

static bool is_nonblock(const struct file *pipe_end, unsigned int flags)
{
    return (pipe_end->flags & O_NONBLOCK) || (flags & SPLICE_F_NONBLOCK);
}

/* Only streams may be asked not to wait: a file's cold page is no reason for EAGAIN. */
static int stream_rwf(const struct file *f, unsigned int flags)
{
    return f->ops->no_seek && (flags & SPLICE_F_NONBLOCK) ? RWF_NOWAIT : 0;
}

ssize_t splice_to_pipe(struct task *t, struct file *in, loff_t *pos, struct file *out, size_t len,
                       unsigned int flags)
{
    struct pipe *p = pipe_of(out);
    struct uio u;
    int r = pipe_wait_room(t, p, is_nonblock(out, flags));

    if (r < 0)
        return r;
    if (!file_splices_from(in) || pipe_of(in))
        return -EINVAL;
    len = MIN(MIN(len, pipe_room(p)), CHUNK);
    cleanup_free char *buf = malloc(MAX(len, (size_t)1));
    if (!buf)
        return -ENOMEM;
    uio_init_kernel(&u, UIO_DEST, buf, len);
    ssize_t n = file_read(t, in, &u, pos, stream_rwf(in, flags));
    if (n <= 0)
        return n;
    /* Others may have filled the pipe meanwhile; what was read must not be lost. */
    uio_init_kernel(&u, UIO_SOURCE, buf, (size_t)n);
    return pipe_append(p, &u, (size_t)n);
}

static ssize_t from_pipe(struct task *t, struct file *in, struct file *out, loff_t *pos, size_t len,
                         unsigned int flags)
{
    struct pipe *p = pipe_of(in);
    size_t done = 0;
    struct uio u;
    int r = pipe_wait_data(t, p, is_nonblock(in, flags));

    if (r <= 0)
        return r;
    cleanup_free char *buf = malloc(CHUNK);
    if (!buf)
        return -ENOMEM;
    while (done < len && p->ring.used) {
        uio_init_kernel(&u, UIO_DEST, buf, MIN(len - done, CHUNK));
        ssize_t n = pipe_take(p, &u, u.resid);
        if (n <= 0)
            break;
        uio_init_kernel(&u, UIO_SOURCE, buf, (size_t)n);
        ssize_t w = file_write(t, out, &u, pos, stream_rwf(out, flags));
        if (w < n)
            pipe_untake(p, buf + MAX(w, (ssize_t)0), (size_t)(n - MAX(w, (ssize_t)0)));
        if (w <= 0)
            return done ? (ssize_t)done : w;
        done += (size_t)w;
        if (w < n)
            break;
    }
    return (ssize_t)done;
}

/*
 * Both ends are ready at the same moment, or an errno (or 0: end of file) says why not. At the end
 * of file the other end must be ready all the same: splice_pipe_to_pipe().
 */
static int wait_both(struct task *t, struct file *in, struct file *out, unsigned int flags)
{
    struct pipe *pi = pipe_of(in), *po = pipe_of(out);
    bool nonblock = is_nonblock(in, flags) || is_nonblock(out, flags);

    for (;;) {
        int r = pipe_wait_data(t, pi, nonblock);
        if (r < 0)
            return r;
        int room = pipe_wait_room(t, po, nonblock);
        if (room < 0)
            return room;
        if (!r || pi->ring.used)
            return r;
    }
}

static ssize_t pipe_to_pipe(struct task *t, struct file *in, struct file *out, size_t len,
                            unsigned int flags, bool consume)
{
    struct pipe *pi = pipe_of(in), *po = pipe_of(out);
    struct uio u;

    if (pi == po)
        return -EINVAL;
    int r = wait_both(t, in, out, flags);
    if (r <= 0)
        return r;
    len = MIN(MIN(len, pipe_room(po)), CHUNK);
    cleanup_free char *buf = malloc(MAX(len, (size_t)1));
    if (!buf)
        return -ENOMEM;
    uio_init_kernel(&u, UIO_DEST, buf, len);
    ssize_t n = consume ? pipe_take(pi, &u, len) : ring_peek(&pi->ring, 0, &u, len);
    if (n <= 0)
        return n;
    uio_init_kernel(&u, UIO_SOURCE, buf, (size_t)n);
    return pipe_append(po, &u, (size_t)n);
}

int file_splice_check(struct file *in, const loff_t *ipos, struct file *out, const loff_t *opos)
{
    bool ip = pipe_of(in), op = pipe_of(out);

    if (!file_readable(in) || !file_writable(out))
        return -EBADF;
    if ((ip && ipos) || (op && opos))
        return -ESPIPE;
    if (ip && op)
        return in->inode == out->inode ? -EINVAL : 0;
    if (!ip && !op)
        return -EINVAL;
    const struct file *other = ip ? out : in;
    if ((ip ? opos : ipos) && other->ops->no_seek)
        return -EINVAL;
    return ip && ((out->flags & O_APPEND) || !file_splices_to(out)) ? -EINVAL : 0;
}

static ssize_t do_splice(struct task *t, struct file *in, loff_t *ipos, struct file *out,
                         loff_t *opos, size_t len, unsigned int flags)
{
    int err = file_splice_check(in, ipos, out, opos);

    if (err)
        return err;
    if (!pipe_of(in))
        return splice_to_pipe(t, in, ipos, out, len, flags);
    if (pipe_of(out))
        return pipe_to_pipe(t, in, out, len, flags, true);
    return from_pipe(t, in, out, opos, len,
                     flags | (in->flags & O_NONBLOCK ? SPLICE_F_NONBLOCK : 0));
}

long sys_splice(struct task *t, const struct sysargs *a)
{
    size_t len = MIN(arg_u64(a, 4), (uint64_t)(INT_MAX & NV_PAGE_MASK));
    uint64_t ia = arg_u64(a, 1), oa = arg_u64(a, 3);
    loff_t ipos = 0, opos = 0;

    if (!len)
        return 0;
    if (arg_u32(a, 5) & ~(unsigned int)SPLICE_FLAGS)
        return -EINVAL;
    cleanup_file struct file *in = fd_get(t, arg_i32(a, 0)), *out = fd_get(t, arg_i32(a, 2));
    if (!in || !out)
        return -EBADF;
    if ((pipe_of(in) && ia) || (pipe_of(out) && oa))
        return -ESPIPE;
    if ((oa && get_user(t, &opos, oa)) || (ia && get_user(t, &ipos, ia)))
        return -EFAULT;
    if (ipos < 0 || opos < 0 || arg_i64(a, 4) < 0)
        return -EINVAL;
    ssize_t n = do_splice(t, in, ia ? &ipos : NULL, out, oa ? &opos : NULL, len, arg_u32(a, 5));
    if (n >= 0 && ((oa && put_user(t, &opos, oa)) || (ia && put_user(t, &ipos, ia))))
        return -EFAULT;
    return n;
}

ssize_t file_splice(struct task *t, struct file *in, loff_t *ipos, struct file *out, loff_t *opos,
                    size_t len, unsigned int flags)
{
    if ((ipos && *ipos < 0) || (opos && *opos < 0))
        return -EINVAL;
    return do_splice(t, in, ipos, out, opos, MIN(len, (size_t)(INT_MAX & NV_PAGE_MASK)), flags);
}

ssize_t file_tee(struct task *t, struct file *in, struct file *out, size_t len, unsigned int flags)
{
    if (!file_readable(in) || !file_writable(out))
        return -EBADF;
    if (!pipe_of(in) || !pipe_of(out))
        return -EINVAL;
    return pipe_to_pipe(t, in, out, MIN(len, (size_t)(INT_MAX & NV_PAGE_MASK)), flags, false);
}

long sys_tee(struct task *t, const struct sysargs *a)
{
    size_t len = MIN(arg_u64(a, 2), (uint64_t)(INT_MAX & NV_PAGE_MASK));

    if (arg_u32(a, 3) & ~(unsigned int)SPLICE_FLAGS)
        return -EINVAL;
    if (!len)
        return 0;
    cleanup_file struct file *in = fd_get(t, arg_i32(a, 0)), *out = fd_get(t, arg_i32(a, 1));
    return in && out ? file_tee(t, in, out, len, arg_u32(a, 3)) : -EBADF;
}

long sys_vmsplice(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));
    unsigned int flags = arg_u32(a, 3);
    struct uio u;

    if (flags & ~(unsigned int)SPLICE_FLAGS)
        return -EINVAL;
    if (!f)
        return -EBADF;
    if (!file_readable(f) && !file_writable(f))
        return -EBADF;
    if (!pipe_of(f))
        return -EBADF;
    bool write = file_writable(f);
    int err = uio_init_iovec(&u, t, write ? UIO_SOURCE : UIO_DEST, arg_u64(a, 1), arg_u32(a, 2));
    if (err)
        return err;
    int rwf = flags & SPLICE_F_NONBLOCK ? RWF_NOWAIT : 0;
    ssize_t n = !u.resid ? 0
                : write  ? file_write(t, f, &u, NULL, rwf)
                         : file_read(t, f, &u, NULL, rwf);
    uio_done(&u);
    return n;
}
