/* io_uring_register(2): buffers, files, eventfd, probe. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ipc/eventfd.h"
#include "sentry/ipc/uring/uring_internal.h"
#include "sentry/socket/socket.h"

#define BUFS_MAX 16384
#define FILES_MAX 32768
#define BUF_LEN_MAX (1UL << 30)

static long set_buffers(struct task *t, struct uring *u, uint64_t arg, uint32_t n)
{
    if (u->bufs)
        return -EBUSY;
    if (!n || n > BUFS_MAX)
        return -EINVAL;
    cleanup_free struct iovec *v = calloc(n, sizeof(*v));
    if (!v)
        return -ENOMEM;
    if (copy_in(t, v, arg, n * sizeof(*v)))
        return -EFAULT;
    for (uint32_t i = 0; i < n; i++)
        if ((!v[i].iov_base && v[i].iov_len) || (v[i].iov_base && !v[i].iov_len) ||
            v[i].iov_len > BUF_LEN_MAX || !user_range_ok((uint64_t)v[i].iov_base, v[i].iov_len))
            return -EFAULT;
    u->bufs = steal_ptr(&v);
    u->nbufs = n;
    return 0;
}

static void drop_files(struct uring *u)
{
    for (uint32_t i = 0; i < u->nfiles; i++)
        if (u->files[i])
            file_put(u->files[i]);
    free(u->files);
    u->files = NULL;
    u->nfiles = 0;
}

/* Rings in rings would hold each other for ever. */
static int take_file(struct task *t, int fd, struct file **out)
{
    *out = NULL;
    if (fd == -1)
        return 0;
    struct file *f = fd_get(t, fd);
    if (!f)
        return -EBADF;
    const struct socket *s = socket_of(f);
    if (is_uring(f) || (s && s->family == AF_UNIX)) { /* a ring may be in its queue */
        file_put(f);
        return -EBADF;
    }
    *out = f;
    return 0;
}

static long set_files(struct task *t, struct uring *u, uint64_t arg, uint32_t n)
{
    int err = 0;

    if (u->files)
        return -EBUSY;
    if (!n)
        return -EINVAL;
    if (n > FILES_MAX || n > rlimit_cur(t, RLIMIT_NOFILE))
        return -EMFILE;
    cleanup_free int *fds = calloc(n, sizeof(int));
    u->files = calloc(n, sizeof(struct file *));
    if (!fds || !u->files)
        err = -ENOMEM;
    else if (copy_in(t, fds, arg, n * sizeof(int)))
        err = -EFAULT;
    for (u->nfiles = 0; !err && u->nfiles < n; u->nfiles++)
        err = take_file(t, fds[u->nfiles], &u->files[u->nfiles]);
    if (err)
        drop_files(u);
    return err;
}

long uring_update_files(struct task *t, struct uring *u, uint64_t addr, uint32_t off, uint32_t n)
{
    uint32_t i, end;
    int fd, err = 0;

    if (!u->files)
        return -ENXIO;
    if (__builtin_add_overflow(off, n, &end))
        return -EOVERFLOW;
    if (end > u->nfiles)
        return -EINVAL;
    for (i = 0; i < n; i++) {
        struct file *f;
        err = get_user(t, &fd, addr + i * sizeof(fd)) ? -EFAULT : 0;
        if (!err && fd == IORING_REGISTER_FILES_SKIP)
            continue;
        if (!err)
            err = take_file(t, fd, &f);
        if (err)
            break;
        if (u->files[off + i])
            file_put(u->files[off + i]);
        u->files[off + i] = f;
    }
    return i ? (long)i : err;
}

static long update_files(struct task *t, struct uring *u, uint64_t arg, uint32_t n)
{
    struct io_uring_files_update up;

    if (!n)
        return -EINVAL;
    if (get_user(t, &up, arg))
        return -EFAULT;
    return up.resv ? -EINVAL : uring_update_files(t, u, up.fds, up.offset, n);
}

static long set_eventfd(struct task *t, struct uring *u, uint64_t arg, uint32_t n)
{
    int fd;

    if (n != 1)
        return -EINVAL;
    if (u->eventfd)
        return -EBUSY;
    if (get_user(t, &fd, arg))
        return -EFAULT;
    cleanup_file struct file *f = fd_get(t, fd);
    if (!f)
        return -EBADF;
    if (!is_eventfd(f))
        return -EINVAL;
    u->eventfd = file_get(f);
    return 0;
}

static long probe(struct task *t, uint64_t arg, uint32_t n)
{
    union {
        struct io_uring_probe head;
        char room[sizeof(struct io_uring_probe) + 256 * sizeof(struct io_uring_probe_op)];
    } p;
    size_t len;

    if (n > 256)
        return -EINVAL;
    n = MIN(n, (uint32_t)IORING_OP_LAST);
    len = sizeof(p.head) + n * sizeof(p.head.ops[0]);
    if (copy_in(t, &p, arg, len))
        return -EFAULT;
    for (size_t i = 0; i < len; i++)
        if (p.room[i])
            return -EINVAL;
    p.head.last_op = IORING_OP_LAST - 1;
    p.head.ops_len = (uint8_t)n;
    for (uint32_t i = 0; i < n; i++) {
        p.head.ops[i].op = (uint8_t)i;
        p.head.ops[i].flags = uring_op_known(i) ? IO_URING_OP_SUPPORTED : 0;
    }
    return copy_out(t, arg, &p, len);
}

void uring_unregister_all(struct uring *u)
{
    drop_files(u);
    free(u->bufs);
    u->bufs = NULL;
    u->nbufs = 0;
    if (u->eventfd)
        file_put(u->eventfd);
    u->eventfd = NULL;
}

long uring_register(struct task *t, struct uring *u, unsigned int op, uint64_t arg, uint32_t n)
{
    switch (op) {
    case IORING_REGISTER_BUFFERS:
        return set_buffers(t, u, arg, n);
    case IORING_UNREGISTER_BUFFERS:
        if (arg || n)
            return -EINVAL;
        if (!u->bufs)
            return -ENXIO;
        free(u->bufs);
        u->bufs = NULL;
        u->nbufs = 0;
        return 0;
    case IORING_REGISTER_FILES:
        return set_files(t, u, arg, n);
    case IORING_UNREGISTER_FILES:
        if (arg || n)
            return -EINVAL;
        if (!u->files)
            return -ENXIO;
        drop_files(u);
        return 0;
    case IORING_REGISTER_FILES_UPDATE:
        return update_files(t, u, arg, n);
    case IORING_REGISTER_EVENTFD:
        return set_eventfd(t, u, arg, n);
    case IORING_UNREGISTER_EVENTFD:
        if (arg || n)
            return -EINVAL;
        if (!u->eventfd)
            return -ENXIO;
        file_put(u->eventfd);
        u->eventfd = NULL;
        return 0;
    case IORING_REGISTER_PROBE:
        return !arg ? -EINVAL : probe(t, arg, n);
    case IORING_REGISTER_ENABLE_RINGS:
        if (arg || n)
            return -EINVAL;
        if (!u->disabled)
            return -EBADFD;
        u->disabled = false;
        if (u->single_issuer)
            u->issuer = t->tid;
        return 0;
    default:
        return -EINVAL;
    }
}
