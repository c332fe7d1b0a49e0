/*
 * SOCK_STREAM: a ring of bytes at the receiving end. Marks beside it say where the sender changed
 * or descriptors were attached; plain traffic of one sender needs none and allocates nothing.
 */
#include <errno.h>
#include <stdlib.h>

#include "sentry/socket/unix/unix.h"

static void mark_free(struct unix_mark *k)
{
    list_del(&k->node);
    unix_files_drop(k->files);
    free(k);
}

void unix_stream_purge(struct unix_sock *u)
{
    while (!list_empty(&u->marks))
        mark_free(list_first(&u->marks, struct unix_mark, node));
    ring_free(&u->ring);
}

/* --- sending --- */
static ssize_t broken(struct task *t, int msg_flags)
{
    siginfo_t info;

    if (!(msg_flags & MSG_NOSIGNAL)) {
        siginfo_user(&info, SIGPIPE, SI_USER, t);
        signal_send_task(t, &info);
    }
    return -EPIPE;
}

static void mark_here(struct unix_sock *to, struct unix_mark *k, const struct ucred *cred,
                      struct msg *m, size_t len)
{
    k->end = to->head + to->ring.used;
    k->start = k->end - len;
    k->cred = *cred;
    k->files = m->scm.files;
    m->scm.files = NULL;
    if (k->files)
        unix_inflight_add(k->files);
    list_add_tail(&to->marks, &k->node);
    to->tail_cred = *cred;
}

static ssize_t append(struct unix_sock *to, const struct ucred *cred, struct msg *m, size_t len)
{
    struct unix_mark *k = NULL;

    if (ring_reserve(&to->ring, len))
        return -ENOBUFS;
    if (m->scm.files || !ucred_equal(cred, &to->tail_cred)) {
        k = malloc(sizeof(*k));
        if (!k)
            return -ENOMEM;
    }
    ssize_t n = ring_put(&to->ring, &m->uio, len);
    if (n > 0 && (size_t)n < len) { /* a buffer that ends too early: nothing of it is sent */
        ring_drop(&to->ring, (size_t)n);
        n = -EFAULT;
    }
    if (n <= 0)
        free(k);
    else if (k)
        mark_here(to, k, cred, m, (size_t)n);
    return n;
}

/* Waits for room in the peer's ring: its size, 0 when nobody will read any more, or an errno. */
static ssize_t wait_room(struct task *t, struct unix_sock *u, int flags, uint64_t deadline)
{
    for (;;) {
        struct unix_sock *to = u->peer;
        if ((u->shut & SHUT_SEND) || to->dead || (to->shut & SHUT_RCV))
            return 0;
        if (to->ring.used < (size_t)u->s.sndbuf)
            return (ssize_t)((size_t)u->s.sndbuf - to->ring.used);
        if (flags & O_NONBLOCK)
            return -EAGAIN;
        int err = socket_wait_error(task_wait(t, &u->wq, deadline), u->s.sndtimeo_ns);
        if (err)
            return err;
    }
}

ssize_t unix_stream_send(struct task *t, struct unix_sock *u, struct msg *m, int flags)
{
    uint64_t deadline = socket_deadline(u->s.sndtimeo_ns);
    struct ucred cred;
    size_t done = 0;

    if (m->addrlen)
        return u->state == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
    if (!u->peer)
        return -ENOTCONN;
    if (u->shut & SHUT_SEND)
        return broken(t, m->flags);
    unix_cred(t, m, &cred);
    while (m->uio.resid) {
        ssize_t n = wait_room(t, u, flags, deadline);
        if (!n)
            return done ? (ssize_t)done : broken(t, m->flags);
        if (n > 0)
            n = append(u->peer, &cred, m, MIN((size_t)n, m->uio.resid));
        if (n <= 0)
            return done ? (ssize_t)done : n;
        done += (size_t)n;
        unix_wake(u->peer, UNIX_READABLE);
    }
    return (ssize_t)done;
}

/* --- receiving --- */
struct cursor { /* where a receive has got to; a peek leaves the ring alone */
    size_t off;
    struct unix_mark *next; /* the first at or after the position, NULL: none */
    struct ucred cred;
};

static struct unix_mark *mark_after(struct unix_sock *u, struct unix_mark *k)
{
    return k->node.next == &u->marks ? NULL : list_entry(k->node.next, struct unix_mark, node);
}

/* Takes or, when peeking, copies the descriptors of a mark. */
static int take_files(struct unix_mark *k, struct msg *m)
{
    if (m->flags & MSG_PEEK) {
        m->scm.files = scm_files_dup(k->files);
        return m->scm.files ? 0 : -ENOMEM;
    }
    unix_inflight_del(k->files);
    m->scm.files = k->files;
    k->files = NULL;
    return 0;
}

/* One stretch of bytes with the same sender. Bytes; 0: a border to stop at; negative errno. */
static ssize_t recv_stretch(struct unix_sock *u, struct msg *m, struct cursor *c, bool first)
{
    uint64_t pos = u->head + c->off;
    struct unix_mark *k = c->next && c->next->start == pos ? c->next : NULL;
    struct unix_mark *next = k ? mark_after(u, k) : c->next;
    const struct ucred *cred = k ? &k->cred : &c->cred;
    size_t len = u->ring.used - c->off;

    /* Messages of different senders are not glued together: unix_stream_read_generic(). */
    if (!first && socket_flag(&u->s, SO_PASSCRED) && !ucred_equal(cred, &m->scm.cred))
        return 0;
    if (next)
        len = MIN(len, next->start - pos);
    if (k && k->files)
        len = MIN(len, k->end - pos);
    ssize_t n = ring_peek(&u->ring, c->off, &m->uio, len);
    if (n < 0)
        return n;
    if (first) {
        m->scm.cred = *cred;
        m->scm.has_cred = true;
    }
    c->cred = *cred;
    c->next = next;
    int err = k && k->files ? take_files(k, m) : 0;
    if (m->flags & MSG_PEEK) {
        c->off += (size_t)n;
        return err ? err : n;
    }
    u->head_cred = *cred;
    u->head += (uint64_t)n;
    ring_skip(&u->ring, (size_t)n);
    if (k)
        mark_free(k);
    return n;
}

/* 1: bytes beyond the cursor; 0: end of stream; negative errno. */
static int wait_bytes(struct task *t, struct unix_sock *u, const struct cursor *c, int flags,
                      uint64_t deadline)
{
    while (u->ring.used <= c->off) {
        int err = socket_error(&u->s);
        if (err || (u->shut & SHUT_RCV))
            return err;
        if (flags & O_NONBLOCK)
            return -EAGAIN;
        err = socket_wait_error(task_wait(t, &u->wq, deadline), u->s.rcvtimeo_ns);
        if (err)
            return err;
    }
    return 1;
}

static void cursor_init(struct cursor *c, struct unix_sock *u, bool peek)
{
    c->off = peek && u->s.peek_off > 0 ? (size_t)u->s.peek_off : 0;
    c->cred = u->head_cred;
    c->next = list_first_or_null(&u->marks, struct unix_mark, node);
    while (c->next && c->next->start < u->head + c->off) {
        c->cred = c->next->cred;
        c->next = mark_after(u, c->next);
    }
}

ssize_t unix_stream_recv(struct task *t, struct unix_sock *u, struct msg *m, int flags)
{
    uint64_t deadline = socket_deadline(u->s.rcvtimeo_ns);
    size_t want = m->uio.resid, done = 0;
    bool peek = m->flags & MSG_PEEK;
    size_t target = m->flags & MSG_WAITALL ? want : MIN(want, (size_t)u->s.rcvlowat);
    ssize_t n = 0;
    struct cursor c;

    if (u->state != UNIX_CONNECTED)
        return -EINVAL;
    unix_sender(u->peer, m);
    cursor_init(&c, u, peek);
    do {
        if (u->ring.used <= c.off) {
            if (done && (done >= target || peek))
                break;
            n = wait_bytes(t, u, &c, flags, deadline);
            if (n <= 0)
                break;
            /* Others may have read while we slept. */
            cursor_init(&c, u, peek);
        }
        n = recv_stretch(u, m, &c, !done);
        if (n <= 0)
            break;
        done += (size_t)n;
    } while (m->uio.resid && !m->scm.files);
    if (peek)
        socket_peek_forward(&u->s, done);
    else
        socket_peek_backward(&u->s, done);
    if (done && !peek && unix_writable(u->peer))
        unix_wake(u->peer, UNIX_WRITABLE);
    return done ? (ssize_t)done : n;
}
