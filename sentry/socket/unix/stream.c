/*
 * SOCK_STREAM: a ring of bytes at the receiving end. Marks beside it say where the sender changed
 * or descriptors were attached; plain traffic of one sender needs none and allocates nothing.
 */
#include <errno.h>
#include <stdlib.h>

#include "sentry/socket/unix/unix.h"

static struct unix_mark *mark_after(const struct unix_sock *u, const struct unix_mark *k)
{
    return k->node.next == &u->marks ? NULL : list_entry(k->node.next, struct unix_mark, node);
}

static void mark_free(struct unix_sock *u, struct unix_mark *k)
{
    if (u->oob == k)
        u->oob = NULL;
    list_del(&k->node);
    unix_files_drop(k->files);
    free(k);
}

void unix_stream_purge(struct unix_sock *u)
{
    while (!list_empty(&u->marks))
        mark_free(u, list_first(&u->marks, struct unix_mark, node));
    u->gone = 0;
    ring_free(&u->ring);
}

static struct unix_mark *first_mark(const struct unix_sock *u)
{
    struct unix_mark *k = list_first_or_null(&u->marks, struct unix_mark, node);

    return k && k->start == u->head ? k : NULL;
}

/* What is left when the socket is closed is lost: unix_release_sock(). */
bool unix_stream_unread(const struct unix_sock *u)
{
    const struct unix_mark *k = first_mark(u);

    return u->ring.used > (k && k->gone ? k->end - k->start : 0);
}

/* SIOCATMARK: the next byte is the urgent one, or was. */
bool unix_stream_at_mark(const struct unix_sock *u)
{
    const struct unix_mark *k = first_mark(u);

    if (!k || !k->urgent)
        return false;
    if (!k->gone)
        return k == u->oob;
    const struct unix_mark *next = mark_after(u, k);
    return !u->oob || (next == u->oob && next->start == k->end);
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
    k->urgent = k->gone = false;
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

static ssize_t append(struct unix_sock *to, const struct ucred *cred, struct msg *m, size_t len,
                      bool urgent)
{
    struct unix_mark *k = NULL;

    if (ring_reserve(&to->ring, len))
        return -ENOBUFS;
    if (urgent || m->scm.files || !ucred_equal(cred, &to->tail_cred)) {
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
    if (n > 0 && urgent) {
        k->urgent = true;
        to->oob = k;
    }
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

/* The last byte, after the others: queue_oob(). */
static ssize_t send_urgent(struct task *t, struct unix_sock *u, const struct ucred *cred,
                           struct msg *m, int flags, uint64_t deadline)
{
    ssize_t n = wait_room(t, u, flags, deadline);

    if (n <= 0)
        return n ? n : -EPIPE;
    n = append(u->peer, cred, m, 1, true);
    if (n < 0)
        return n;
    if (u->peer->s.file)
        file_send_urgent(u->peer->s.file);
    unix_wake(u->peer, UNIX_READABLE | EPOLLPRI);
    return n;
}

ssize_t unix_stream_send(struct task *t, struct unix_sock *u, struct msg *m, int flags)
{
    uint64_t deadline = socket_deadline(u->s.sndtimeo_ns);
    size_t done = 0, urgent = m->flags & MSG_OOB ? 1 : 0;
    struct ucred cred;
    ssize_t n;

    if (urgent > m->uio.resid)
        return -EOPNOTSUPP;
    if (m->addrlen)
        return u->state == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
    if (!u->peer)
        return -ENOTCONN;
    if (u->shut & SHUT_SEND)
        return broken(t, m->flags);
    if (m->scm.files && !socket_flag(&u->peer->s, SO_PASSRIGHTS))
        return -EPERM;
    unix_cred(t, u, u->peer, m, &cred);
    while (m->uio.resid > urgent) {
        n = wait_room(t, u, flags, deadline);
        if (!n)
            return done ? (ssize_t)done : broken(t, m->flags);
        if (n > 0)
            n = append(u->peer, &cred, m, MIN((size_t)n, m->uio.resid - urgent), false);
        if (n <= 0)
            return done ? (ssize_t)done : n;
        done += (size_t)n;
        unix_wake(u->peer, UNIX_READABLE);
    }
    n = urgent ? send_urgent(t, u, &cred, m, flags, deadline) : 0;
    return n < 0 && !done ? n : (ssize_t)done + MAX(n, (ssize_t)0);
}

/* --- receiving --- */
struct cursor { /* where a receive has got to; a peek leaves the ring alone */
    uint64_t pos;
    struct unix_mark *next; /* the first at or after the position, NULL: none */
    struct ucred cred;
};

static bool at_end(const struct unix_sock *u, const struct cursor *c)
{
    return c->pos == u->head + u->ring.used;
}

static struct unix_mark *mark_at(const struct cursor *c)
{
    return c->next && c->next->start == c->pos ? c->next : NULL;
}

static void cursor_init(struct cursor *c, const struct unix_sock *u)
{
    c->pos = u->head;
    c->cred = u->head_cred;
    c->next = list_first_or_null(&u->marks, struct unix_mark, node);
}

/* Bytes that came in one piece from one sender, from the cursor on; 0: an urgent byte that is gone.
 */
static size_t stretch(const struct unix_sock *u, const struct cursor *c)
{
    const struct unix_mark *k = mark_at(c), *next = k ? mark_after(u, k) : c->next;
    uint64_t end = u->head + u->ring.used;

    if (k && k->urgent)
        return k->gone ? 0 : 1;
    if (next)
        end = MIN(end, next->start);
    if (k && k->files)
        end = MIN(end, k->end);
    return end - c->pos;
}

/* Beyond n bytes of the stretch; nothing is consumed. */
static void pass(const struct unix_sock *u, struct cursor *c, size_t n)
{
    const struct unix_mark *k = mark_at(c);

    if (k) {
        c->cred = k->cred;
        c->next = mark_after(u, k);
    }
    c->pos = k && k->gone ? k->end : c->pos + n;
}

/* Same, of the stretch at the head, whose bytes are consumed. */
static void consume(struct unix_sock *u, struct cursor *c, size_t n)
{
    struct unix_mark *k = mark_at(c);

    pass(u, c, n);
    ring_skip(&u->ring, c->pos - u->head);
    u->head = c->pos;
    u->head_cred = c->cred;
    if (!k)
        return;
    if (k->gone)
        u->gone -= k->end - k->start;
    mark_free(u, k);
}

/*
 * What an urgent byte does to a reader who gets there: one that is gone is passed, the last one
 * ends what was read before it, and is lost to who reads on unless SO_OOBINLINE is set. false:
 * there is nothing to read. manage_oob() of net/unix/af_unix.c.
 */
static bool meet_urgent(struct unix_sock *u, struct cursor *c, bool peek, bool copied)
{
    const struct unix_mark *k = mark_at(c);

    if (k && k->gone) {
        if (copied && !u->oob)
            return false;
        peek ? pass(u, c, 0) : consume(u, c, 0);
        k = mark_at(c);
    }
    if (!k || k != u->oob)
        return !at_end(u, c);
    if (copied)
        return false;
    bool is_inline = socket_flag(&u->s, SO_OOBINLINE);
    if (!peek)
        u->oob = NULL;
    if (is_inline)
        return true;
    peek ? pass(u, c, 1) : consume(u, c, 1);
    return !at_end(u, c);
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

/* Messages of different senders are not glued together: unix_stream_read_generic(). */
static bool other_sender(const struct unix_sock *u, const struct msg *m, const struct cursor *c)
{
    const struct unix_mark *k = mark_at(c);

    return unix_wants_cred(u) && m->scm.has_cred &&
           !ucred_equal(k ? &k->cred : &c->cred, &m->scm.cred);
}

/* One stretch of bytes with the same sender, what fits of it. A peek passes the whole of it. */
static ssize_t recv_stretch(struct unix_sock *u, struct msg *m, struct cursor *c, size_t skip)
{
    struct unix_mark *k = mark_at(c);
    size_t len = stretch(u, c), want = MIN(len - skip, m->uio.resid);
    ssize_t n = want ? ring_peek(&u->ring, c->pos - u->head + skip, &m->uio, want) : 0;

    if (n < 0)
        return n;
    if (!m->scm.has_cred) {
        m->scm.cred = k ? k->cred : c->cred;
        m->scm.has_cred = true;
    }
    int err = k && k->files ? take_files(k, m) : 0;
    if (m->flags & MSG_PEEK)
        pass(u, c, len);
    else if (n)
        consume(u, c, (size_t)n);
    return err ? err : n;
}

/* Waits for more than there is. 0: end of stream; -EAGAIN, ...; 1: look again. */
static int wait_bytes(struct task *t, struct unix_sock *u, int flags, uint64_t deadline)
{
    int err = socket_error(&u->s);

    if (err || (u->shut & SHUT_RCV))
        return err;
    if (flags & O_NONBLOCK)
        return -EAGAIN;
    err = socket_wait_error(task_wait(t, &u->wq, deadline), u->s.rcvtimeo_ns);
    return err ? err : 1;
}

/* To the first byte beyond what SO_PEEK_OFF leaves out, *skip bytes into a stretch. */
static bool pass_peeked(const struct unix_sock *u, struct cursor *c, size_t *skip)
{
    for (;;) {
        if (at_end(u, c))
            return false;
        size_t n = stretch(u, c);
        if (*skip < n)
            return true;
        *skip -= n;
        pass(u, c, n);
    }
}

static bool next_bytes(struct unix_sock *u, struct cursor *c, bool peek, bool copied, size_t *skip)
{
    if (at_end(u, c) || !meet_urgent(u, c, peek, copied))
        return false;
    return !peek || pass_peeked(u, c, skip);
}

/* MSG_OOB: the last urgent byte alone, before those that came earlier. unix_stream_recv_urg(). */
static ssize_t recv_urgent(struct unix_sock *u, struct msg *m)
{
    struct unix_mark *k = u->oob;

    if (!k || socket_flag(&u->s, SO_OOBINLINE))
        return -EINVAL;
    ssize_t n = m->uio.resid ? ring_peek(&u->ring, k->start - u->head, &m->uio, 1) : 0;
    if (!(m->flags & MSG_PEEK)) {
        struct unix_mark *before =
            k->node.prev == &u->marks ? NULL : list_entry(k->node.prev, struct unix_mark, node);
        u->oob = NULL;
        k->gone = true;
        u->gone++;
        if (before && before->gone && before->end == k->start) { /* one place for both */
            k->start = before->start;
            mark_free(u, before);
        }
    }
    if (n < 0)
        return -EFAULT;
    m->out_flags |= MSG_OOB;
    return 1;
}

ssize_t unix_stream_recv(struct task *t, struct unix_sock *u, struct msg *m, int flags)
{
    uint64_t deadline = socket_deadline(u->s.rcvtimeo_ns);
    size_t want = m->uio.resid, done = 0;
    bool peek = m->flags & MSG_PEEK;
    size_t target = MAX(m->flags & MSG_WAITALL ? want : MIN(want, (size_t)u->s.rcvlowat), 1UL);
    size_t skip = peek && u->s.peek_off > 0 ? (size_t)u->s.peek_off : 0;
    ssize_t n = 0;
    uint64_t head = u->head;
    struct cursor c;

    if (u->state != UNIX_CONNECTED)
        return -EINVAL;
    if (m->flags & MSG_OOB)
        return recv_urgent(u, m);
    unix_sender(u->peer, m);
    cursor_init(&c, u);
    do {
        if (!next_bytes(u, &c, peek, done, &skip)) {
            if (done && (done >= target || peek || !at_end(u, &c)))
                break;
            n = wait_bytes(t, u, flags, deadline);
            if (n <= 0)
                break;
            /* Others may have read while we slept. */
            cursor_init(&c, u);
            skip = peek && u->s.peek_off > 0 ? (size_t)u->s.peek_off : 0;
            continue;
        }
        if (other_sender(u, m, &c))
            break;
        n = recv_stretch(u, m, &c, skip);
        if (n < 0)
            break;
        done += (size_t)n;
        skip = 0;
        /* A peek goes on when there is no room any more, and finds the next descriptors. */
    } while ((peek ? !at_end(u, &c) : m->uio.resid) && !m->scm.files);
    if (peek)
        socket_peek_forward(&u->s, done);
    else
        socket_peek_backward(&u->s, done);
    m->inq = (int)(u->ring.used - u->gone);
    if (u->head != head && unix_writable(u->peer))
        unix_wake(u->peer, UNIX_WRITABLE);
    return done ? (ssize_t)done : n;
}
