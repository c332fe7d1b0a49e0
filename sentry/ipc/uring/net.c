/* Sockets: what is sent and received, accepted and connected. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "sentry/ipc/uring/uring_internal.h"
#include "sentry/socket/socket.h"

#ifndef MSG_CMSG_COMPAT
#define MSG_CMSG_COMPAT 0x80000000U
#endif

/* Of recvmsg and sendmsg: the header as it was when they were submitted. */
struct uring_msg {
    struct msg m;
    struct msghdr h;
};

void uring_msg_free(struct uring_msg *m)
{
    if (m)
        uio_done(&m->m.uio);
    free(m);
}

/* Only streams, whose messages have no borders, are gone on with until all is there. */
static bool wants_all(const struct uring_req *r)
{
    const struct socket *s = socket_of(r->file);

    return (r->sqe.msg_flags & MSG_WAITALL) &&
           (s->type == SOCK_STREAM || s->type == SOCK_SEQPACKET);
}

static int check_socket(const struct uring_req *r)
{
    return socket_of(r->file) ? 0 : -ENOTSOCK;
}

/* If flag is set, it does not even try before its file is ready. */
static bool polls_first(struct uring_req *r, uint32_t flag)
{
    bool first = (r->sqe.ioprio & flag) && !r->polled;

    r->polled = true;
    return first;
}

/* An address alone. It is the guest's again when the call that submits is over. */
static int prep_address(struct uring_req *r, uint64_t addr, uint64_t len)
{
    if (len > sizeof(struct sockaddr_storage))
        return -EINVAL;
    struct uring_msg *m = malloc(sizeof(*m));
    if (!m)
        return -ENOMEM;
    memset(&m->m.addr, 0, sizeof(m->m.addr));
    uio_init_kernel(&m->m.uio, UIO_SOURCE, NULL, 0);
    m->m.addrlen = (socklen_t)len;
    r->msg = m;
    return copy_in(r->task, &m->m.addr, addr, len);
}

/* What became of the buffer that kbuf_select() gave; returns n. */
static long selected(struct uring_req *r, long n)
{
    if (n > 0)
        kbuf_commit(r, (size_t)n);
    else
        kbuf_recycle(r);
    return n;
}

/* --- receiving --- */
/* What each part of a packed message may take: io_recvmsg_mshot_prep(). */
static int packed_room(struct uring_req *r, struct msghdr *h)
{
    struct msghdr raw;

    if (get_user(r->task, &raw, r->sqe.addr))
        return -EFAULT;
    if ((int)raw.msg_namelen < 0)
        return -EINVAL;
    h->msg_namelen = raw.msg_namelen; /* also where there is nowhere to put it otherwise */
    h->msg_controllen = raw.msg_controllen;
    return raw.msg_controllen > INT_MAX - 64UL || raw.msg_namelen > INT_MAX - 64U ? -EOVERFLOW : 0;
}

static int prep_msg(struct uring_req *r, bool send)
{
    const struct io_uring_sqe *s = &r->sqe;
    int flags = (int)(s->msg_flags | MSG_DONTWAIT | (send ? MSG_NOSIGNAL : 0));

    struct uring_msg *m = malloc(sizeof(*m));
    if (!m)
        return -ENOMEM;
    int err = send ? msg_begin_send(r->task, &m->m, &m->h, s->addr, flags)
                   : msg_begin_recv(r->task, &m->m, &m->h, s->addr, flags);
    if (err) {
        free(m);
        return err;
    }
    if ((s->flags & IOSQE_BUFFER_SELECT) && m->h.msg_iovlen > 1)
        err = -EINVAL;
    if (!err && r->multishot)
        err = packed_room(r, &m->h);
    if (err) {
        uring_msg_free(m);
        return err;
    }
    r->msg = m;
    return uring_req_charge(r, &m->m.uio);
}

int uring_prep_recv(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    const uint32_t known = IORING_RECVSEND_POLL_FIRST | IORING_RECV_MULTISHOT;

    if (s->addr2 || s->splice_fd_in || (s->ioprio & ~known))
        return -EINVAL;
    if (s->ioprio & IORING_RECV_MULTISHOT) {
        if (!(s->flags & IOSQE_BUFFER_SELECT) || (s->msg_flags & MSG_WAITALL))
            return -EINVAL;
        r->multishot = true;
    }
    return s->opcode == IORING_OP_RECVMSG ? prep_msg(r, false) : 0;
}

static long recv_plain(struct uring_req *r, uint64_t addr, size_t len)
{
    struct socket *s = socket_of(r->file);
    struct msg m;

    if (!user_range_ok(addr, len))
        return -EFAULT;
    msg_init(&m, (int)r->sqe.msg_flags | MSG_DONTWAIT);
    uio_init_user(&m.uio, r->task, UIO_DEST, addr, MIN(len, URING_LEN_MAX));
    long n = s->ops->recv(r->task, s, &m, r->file->flags | O_NONBLOCK);
    scm_release(&m.scm);
    if (n > 0 && m.inq > 0)
        r->cflags |= IORING_CQE_F_SOCK_NONEMPTY;
    return n;
}

/* With a buffer of a group: the header's own is not used. */
static long recv_selected(struct uring_req *r, uint64_t addr, size_t len)
{
    struct uring_msg *m = r->msg;

    if (!m)
        return recv_plain(r, addr, len);
    struct msg one;
    msg_init(&one, m->m.flags);
    if (r->multishot)
        return msg_recv_packed(r->task, r->file, &one, &m->h, addr, len);
    uio_init_user(&one.uio, r->task, UIO_DEST, addr, len);
    return msg_recv(r->task, r->file, &one, &m->h, r->sqe.addr);
}

static long recv_once(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    uint64_t addr = s->addr + (uint64_t)r->moved;
    size_t len = s->len - (size_t)r->moved;

    if (s->flags & IOSQE_BUFFER_SELECT) {
        len = r->msg ? r->msg->m.uio.resid : s->len;
        int err = kbuf_select(r, &addr, &len);
        if (err)
            return err;
        return selected(r, recv_selected(r, addr, len));
    }
    return r->msg ? msg_recv(r->task, r->file, &r->msg->m, &r->msg->h, s->addr)
                  : recv_plain(r, addr, len);
}

/* Is there more to come of what MSG_WAITALL asked for? What came is in r->moved then. */
static bool goes_on(struct uring_req *r, long n, size_t want)
{
    if (n <= 0 || (size_t)n >= want || !wants_all(r))
        return false;
    r->moved += n;
    return true;
}

/* The result of a transfer of which parts may have been made before. */
static long total(struct uring_req *r, long n)
{
    if (wants_all(r)) /* less is a failure to those linked to it */
        r->want = n > 0 ? r->moved + n : LONG_MAX;
    if (r->moved)
        return n > 0 ? r->moved + n : r->moved;
    return n;
}

/* A packed message without bytes: the other end is gone. */
static bool is_empty(const struct uring_req *r, long n)
{
    return r->msg && (size_t)n == sizeof(struct io_uring_recvmsg_out) + r->msg->h.msg_namelen +
                                      r->msg->h.msg_controllen;
}

long uring_do_recv(struct uring_req *r)
{
    bool wait = !(r->sqe.msg_flags & MSG_DONTWAIT);
    int err = check_socket(r);

    if (err)
        return err;
    if (polls_first(r, IORING_RECVSEND_POLL_FIRST))
        return uring_must_wait(r, r->file, EPOLLIN, true);
    for (int i = 0; i < URING_MSHOT_MAX; i++) {
        size_t want = r->msg ? r->msg->m.uio.resid : r->sqe.len - (size_t)r->moved;
        long n = recv_once(r);
        if (n == -EAGAIN && wait)
            return uring_must_wait(r, r->file, EPOLLIN, false);
        if (!(r->sqe.flags & IOSQE_BUFFER_SELECT) && wait && goes_on(r, n, want))
            continue;
        if (!r->multishot)
            return total(r, n);
        if (n <= 0 || is_empty(r, n) || !uring_req_more(r, n))
            return n;
    }
    uring_req_again(r);
    return URING_WAITS;
}

/* --- sending --- */
int uring_prep_send(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;

    if (s->ioprio & ~(uint32_t)IORING_RECVSEND_POLL_FIRST)
        return -EINVAL;
    if (s->opcode == IORING_OP_SENDMSG)
        return s->addr2 || s->splice_fd_in ? -EINVAL : prep_msg(r, true);
    return s->addr2 ? prep_address(r, s->addr2, s->addr_len) : 0;
}

static long send_plain(struct uring_req *r, uint64_t addr, size_t len)
{
    struct socket *s = socket_of(r->file);
    struct msg m;

    if (!user_range_ok(addr, len))
        return -EFAULT;
    msg_init(&m, (int)r->sqe.msg_flags | MSG_DONTWAIT | MSG_NOSIGNAL);
    uio_init_user(&m.uio, r->task, UIO_SOURCE, addr, MIN(len, URING_LEN_MAX));
    if (r->msg) {
        m.addr = r->msg->m.addr;
        m.addrlen = r->msg->m.addrlen;
    }
    return s->ops->send(r->task, s, &m, r->file->flags | O_NONBLOCK);
}

static long send_once(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;

    if (s->opcode == IORING_OP_SENDMSG)
        return msg_send(r->task, r->file, &r->msg->m, &r->msg->h);
    if (!(s->flags & IOSQE_BUFFER_SELECT))
        return send_plain(r, s->addr + (uint64_t)r->moved, s->len - (size_t)r->moved);
    uint64_t addr;
    size_t len = s->len;
    int err = kbuf_select(r, &addr, &len);
    if (err)
        return err;
    return selected(r, send_plain(r, addr, len));
}

long uring_do_send(struct uring_req *r)
{
    bool wait = !(r->sqe.msg_flags & MSG_DONTWAIT);
    int err = check_socket(r);

    if (err)
        return err;
    if (polls_first(r, IORING_RECVSEND_POLL_FIRST))
        return uring_must_wait(r, r->file, EPOLLOUT, true);
    bool vec = r->sqe.opcode == IORING_OP_SENDMSG;
    for (int i = 0; i < URING_MSHOT_MAX; i++) {
        size_t want = vec ? r->msg->m.uio.resid : r->sqe.len - (size_t)r->moved;
        long n = send_once(r);
        if (n == -EAGAIN && wait)
            return uring_must_wait(r, r->file, EPOLLOUT, false);
        if ((r->sqe.flags & IOSQE_BUFFER_SELECT) || !wait || !goes_on(r, n, want))
            return total(r, n);
        if (vec) /* what goes along went with the first part */
            r->msg->h.msg_controllen = 0;
    }
    uring_req_again(r);
    return URING_WAITS;
}

/* --- connections --- */
int uring_prep_accept(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    const uint32_t known =
        IORING_ACCEPT_MULTISHOT | URING_ACCEPT_DONTWAIT | URING_ACCEPT_POLL_FIRST;

    if (s->len || s->buf_index || (s->ioprio & ~known))
        return -EINVAL;
    if (s->file_index && (s->accept_flags & SOCK_CLOEXEC))
        return -EINVAL;
    if (s->accept_flags & ~(uint32_t)(SOCK_CLOEXEC | SOCK_NONBLOCK))
        return -EINVAL;
    r->multishot = s->ioprio & IORING_ACCEPT_MULTISHOT;
    return r->multishot && s->file_index && s->file_index != IORING_FILE_INDEX_ALLOC ? -EINVAL : 0;
}

long uring_do_accept(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    int err = check_socket(r);

    if (err)
        return err;
    if (polls_first(r, URING_ACCEPT_POLL_FIRST))
        return uring_must_wait(r, r->file, EPOLLIN, true);
    for (int i = 0; i < URING_MSHOT_MAX; i++) {
        if (!uring_file_ready(r, EPOLLIN))
            return s->ioprio & URING_ACCEPT_DONTWAIT ? -EAGAIN
                                                     : uring_must_wait(r, r->file, EPOLLIN, true);
        long n =
            URING_CALL(r, s->file_index, accept4, uring_fd(r), s->addr, s->addr2, s->accept_flags);
        if (n == -EAGAIN && !(s->ioprio & URING_ACCEPT_DONTWAIT))
            return uring_must_wait(r, r->file, EPOLLIN, false);
        if (!r->multishot || n < 0 || !uring_req_more(r, n))
            return n;
    }
    uring_req_again(r);
    return URING_WAITS;
}

int uring_prep_connect(struct uring_req *r)
{
    const struct io_uring_sqe *s = &r->sqe;

    if (s->len || s->buf_index || s->rw_flags || s->splice_fd_in)
        return -EINVAL;
    return prep_address(r, s->addr, s->addr2);
}

/* A full backlog is waited for in the call: no file tells when it has room. */
long uring_do_connect(struct uring_req *r)
{
    struct socket *s = socket_of(r->file);

    if (!s)
        return -ENOTSOCK;
    if (!s->ops->connect)
        return -EOPNOTSUPP;
    return s->ops->connect(r->task, s, (const void *)&r->msg->m.addr, r->msg->m.addrlen,
                           r->file->flags);
}
