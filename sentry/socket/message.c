/* send(2), recv(2) and their relatives. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/ipc/poller.h"
#include "sentry/kernel/task.h"
#include "sentry/socket/socket_internal.h"

#ifndef MSG_CMSG_COMPAT
#define MSG_CMSG_COMPAT 0x80000000U /* of 32-bit programs only */
#endif

#define LEN_MAX (INT_MAX & NV_PAGE_MASK)
#define MMSG_SIZE 64 /* struct mmsghdr */
#define MMSG_LEN 56  /* its msg_len */

/* The big members (addresses, iovecs) are filled when they are used. */
void msg_init(struct msg *m, int flags)
{
    m->flags = flags;
    m->addrlen = 0;
    m->scm = (struct scm){0};
    m->out_flags = m->inq = 0;
}

static int io_flags(const struct file *f, int msg_flags)
{
    return f->flags | (msg_flags & MSG_DONTWAIT ? O_NONBLOCK : 0);
}

/* What sendto and recvfrom have in common: a socket, one buffer, flags. */
static int one_buffer(struct task *t, const struct sysargs *a, enum uio_dir dir, struct file **f,
                      struct socket **s, struct msg *m)
{
    uint64_t len = MIN(arg_u64(a, 2), (uint64_t)LEN_MAX);

    if (!user_range_ok(arg_u64(a, 1), len))
        return -EFAULT;
    int err = socket_get(t, arg_i32(a, 0), f, s);
    if (err)
        return err;
    msg_init(m, arg_i32(a, 3));
    uio_init_user(&m->uio, t, dir, arg_u64(a, 1), len);
    return 0;
}

long sys_sendto(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    struct socket *s;
    struct msg m;
    int err = one_buffer(t, a, UIO_SOURCE, &f, &s, &m);

    if (!err && arg_u64(a, 4)) {
        err = sockaddr_in(t, arg_u64(a, 4), arg_i32(a, 5), &m.addr);
        m.addrlen = arg_u32(a, 5);
    }
    return err ? err : s->ops->send(t, s, &m, io_flags(f, m.flags));
}

long sys_recvfrom(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    struct socket *s;
    struct msg m;
    int err = one_buffer(t, a, UIO_DEST, &f, &s, &m);

    if (err)
        return err;
    ssize_t n = s->ops->recv(t, s, &m, io_flags(f, m.flags));
    scm_release(&m.scm);
    if (n >= 0 && arg_u64(a, 4) &&
        (err = sockaddr_out(t, &m.addr, m.addrlen, arg_u64(a, 4), arg_u64(a, 5))))
        return err;
    return n;
}

/* Fetches a msghdr: copy_msghdr_from_user(). */
static int header_in(struct task *t, uint64_t addr, struct msghdr *h)
{
    if (get_user(t, h, addr))
        return -EFAULT;
    if (!h->msg_name)
        h->msg_namelen = 0;
    if ((int)h->msg_namelen < 0)
        return -EINVAL;
    h->msg_namelen = MIN(h->msg_namelen, (socklen_t)sizeof(struct sockaddr_storage));
    return h->msg_iovlen > IOV_MAX ? -EMSGSIZE : 0;
}

int msg_begin_send(struct task *t, struct msg *m, struct msghdr *h, uint64_t addr, int flags)
{
    int err = header_in(t, addr, h);

    if (err)
        return err;
    msg_init(m, flags);
    if (h->msg_namelen) {
        err = sockaddr_in(t, (uint64_t)h->msg_name, (int)h->msg_namelen, &m->addr);
        if (err)
            return err;
        m->addrlen = h->msg_namelen;
    }
    return uio_init_iovec(&m->uio, t, UIO_SOURCE, (uint64_t)h->msg_iov, h->msg_iovlen);
}

long msg_send(struct task *t, struct file *f, struct msg *m, const struct msghdr *h)
{
    struct socket *s = socket_of(f);
    int err = control_in(t, s, &m->scm, (uint64_t)h->msg_control, h->msg_controllen);
    long n = err ? err : s->ops->send(t, s, m, io_flags(f, m->flags));

    scm_release(&m->scm);
    m->scm = (struct scm){0};
    return n;
}

static long send_one(struct task *t, struct file *f, uint64_t addr, int flags)
{
    struct msghdr h;
    struct msg m;
    int err = msg_begin_send(t, &m, &h, addr, flags);

    if (err)
        return err;
    long n = msg_send(t, f, &m, &h);
    uio_done(&m.uio);
    return n;
}

long sys_sendmsg(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    struct socket *s;
    int err = socket_get(t, arg_i32(a, 0), &f, &s);

    if (arg_u32(a, 2) & MSG_CMSG_COMPAT)
        return -EINVAL;
    return err ? err : send_one(t, f, arg_u64(a, 1), arg_i32(a, 2));
}

/* msg_name, msg_iov and msg_control of the header are the caller's and stay. */
static int header_out(struct task *t, uint64_t addr, struct msghdr *h, const struct msg *m)
{
    if (h->msg_name &&
        (copy_out(t, (uint64_t)h->msg_name, &m->addr,
                  MIN((size_t)h->msg_namelen, (size_t)m->addrlen)) ||
         copy_out(t, addr + offsetof(struct msghdr, msg_namelen), &m->addrlen, sizeof(m->addrlen))))
        return -EFAULT;
    h->msg_flags = m->out_flags | (m->flags & MSG_CMSG_CLOEXEC);
    if (put_user(t, &h->msg_flags, addr + offsetof(struct msghdr, msg_flags)) ||
        put_user(t, &h->msg_controllen, addr + offsetof(struct msghdr, msg_controllen)))
        return -EFAULT;
    return 0;
}

int msg_begin_recv(struct task *t, struct msg *m, struct msghdr *h, uint64_t addr, int flags)
{
    int err = header_in(t, addr, h);

    if (err)
        return err;
    msg_init(m, flags);
    return uio_init_iovec(&m->uio, t, UIO_DEST, (uint64_t)h->msg_iov, h->msg_iovlen);
}

/* Receives, and what there is of ancillary data goes to where h says, which tells how much then. */
static long recv_control(struct task *t, struct file *f, struct msg *m, struct msghdr *h)
{
    struct socket *s = socket_of(f);
    long n = s->ops->recv(t, s, m, io_flags(f, m->flags));

    if (n >= 0 && (m->out_flags & MSG_OOB)) /* an urgent byte comes without */
        h->msg_controllen = 0;
    else if (n >= 0)
        control_out(t, s, h, m);
    scm_release(&m->scm);
    m->scm = (struct scm){0};
    return n;
}

long msg_recv(struct task *t, struct file *f, struct msg *m, const struct msghdr *h, uint64_t addr)
{
    struct msghdr out = *h;
    long n = recv_control(t, f, m, &out);
    int err = n >= 0 ? header_out(t, addr, &out, m) : 0;

    return err ? err : n;
}

/* struct io_uring_recvmsg_out, then the address, ancillary data and bytes: io_uring(7). */
long msg_recv_packed(struct task *t, struct file *f, struct msg *m, const struct msghdr *h,
                     uint64_t buf, size_t len)
{
    struct {
        uint32_t namelen, controllen, payloadlen, flags;
    } out;
    size_t before = sizeof(out) + h->msg_namelen + h->msg_controllen;
    struct msghdr to = *h;

    if (len < before)
        return -EFAULT;
    to.msg_control = (void *)(buf + sizeof(out) + h->msg_namelen); // NOLINT: a guest's address
    uio_init_user(&m->uio, t, UIO_DEST, buf + before, len - before);
    long n = recv_control(t, f, m, &to);
    if (n < 0)
        return n;
    out.namelen = m->addrlen;
    out.controllen = h->msg_controllen ? (uint32_t)to.msg_controllen : 0;
    out.payloadlen = (uint32_t)n;
    out.flags = (uint32_t)m->out_flags;
    if (put_user(t, &out, buf) ||
        copy_out(t, buf + sizeof(out), &m->addr, MIN((size_t)h->msg_namelen, (size_t)m->addrlen)))
        return -EFAULT;
    return (long)(before + MIN((size_t)n, len - before));
}

static long recv_one(struct task *t, struct file *f, uint64_t addr, int flags)
{
    struct msghdr h;
    struct msg m;
    int err = msg_begin_recv(t, &m, &h, addr, flags);

    if (err)
        return err;
    long n = msg_recv(t, f, &m, &h, addr);
    uio_done(&m.uio);
    return n;
}

long sys_recvmsg(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    struct socket *s;
    int err = socket_get(t, arg_i32(a, 0), &f, &s);

    if (arg_u32(a, 2) & MSG_CMSG_COMPAT)
        return -EINVAL;
    return err ? err : recv_one(t, f, arg_u64(a, 1), arg_i32(a, 2));
}

long sys_sendmmsg(struct task *t, const struct sysargs *a)
{
    unsigned int n = MIN(arg_u32(a, 2), (unsigned int)IOV_MAX), done = 0;
    cleanup_file struct file *f = NULL;
    struct socket *s;
    int err = socket_get(t, arg_i32(a, 0), &f, &s);

    if (arg_u32(a, 3) & MSG_CMSG_COMPAT)
        return -EINVAL;
    for (; !err && done < n; done++) {
        uint64_t at = arg_u64(a, 1) + (uint64_t)done * MMSG_SIZE;
        long r = send_one(t, f, at, arg_i32(a, 3));
        unsigned int len = (unsigned int)r;
        err = r < 0 ? (int)r : put_user(t, &len, at + MMSG_LEN);
        if (err)
            break;
    }
    return done ? (long)done : err;
}

/* The timeout is looked at after each message only, as on Linux: recvmmsg(2), BUGS. */
static long recv_many(struct task *t, const struct sysargs *a, uint64_t deadline)
{
    unsigned int n = MIN(arg_u32(a, 2), (unsigned int)IOV_MAX), done = 0;
    cleanup_file struct file *f = NULL;
    struct socket *s;
    int flags = arg_i32(a, 3), err = socket_get(t, arg_i32(a, 0), &f, &s);

    if (!err)
        err = socket_error(s);
    while (!err && done < n) {
        uint64_t at = arg_u64(a, 1) + (uint64_t)done * MMSG_SIZE;
        long r = recv_one(t, f, at, flags & ~MSG_WAITFORONE);
        unsigned int len = (unsigned int)r;
        err = r < 0 ? (int)r : put_user(t, &len, at + MMSG_LEN);
        if (err)
            break;
        done++;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
        if (deadline != NO_DEADLINE && now_ns() >= deadline)
            break;
    }
    /* The messages are there; the error is for the next call. */
    if (done && err < 0 && err != -EAGAIN && err > -ERESTARTSYS)
        s->error = -err;
    return done ? (long)done : err;
}

long sys_recvmmsg(struct task *t, const struct sysargs *a)
{
    uint64_t deadline;
    int err = arg_u32(a, 3) & MSG_CMSG_COMPAT ? -EINVAL
                                              : poll_deadline_timespec(t, arg_u64(a, 4), &deadline);

    if (err)
        return err;
    long n = recv_many(t, a, deadline);
    if (n > 0)
        poll_put_remaining(t, arg_u64(a, 4), deadline, false);
    return n;
}
