/* SOCK_DGRAM and SOCK_SEQPACKET: a queue of whole messages at the receiving end. */
#include <errno.h>
#include <stdlib.h>

#include "sentry/kernel/buffers.h"
#include "sentry/socket/filter.h"
#include "sentry/socket/unix/unix.h"

#define SMALL 512 /* bytes of data in a recycled packet */
#define RECYCLED_MAX 64
#define OVERHEAD 320 /* Linux charges its own bookkeeping to the sender, too */
#define HEADROOM 32

static struct list recycled = LIST_INIT(recycled);
static int nrecycled;

/* What a message of len bytes weighs in SO_SNDBUF: struct sk_buff and a rounded data area. */
static size_t charge(size_t len)
{
    size_t size = 512;

    while (size < len + OVERHEAD && size < 65536)
        size *= 2;
    return 256 + MAX(size, len + OVERHEAD);
}

struct unix_packet *unix_packet_new(size_t len)
{
    struct unix_packet *p;

    if (!buffers_book(charge(len)))
        return NULL;
    if (len <= SMALL && !list_empty(&recycled)) {
        p = list_first(&recycled, struct unix_packet, node);
        list_del(&p->node);
        nrecycled--;
    } else {
        p = malloc(sizeof(*p) + MAX(len, (size_t)SMALL));
    }
    if (!p) {
        buffers_unbook(charge(len));
        return NULL;
    }
    list_init(&p->node);
    p->from = NULL;
    p->len = len;
    p->charge = charge(len);
    p->scm = (struct scm){0};
    p->peeked = false;
    return p;
}

static void packet_free(struct unix_packet *p)
{
    if (p->from)
        unix_put(p->from);
    scm_release(&p->scm);
    buffers_unbook(p->charge);
    if (p->len <= SMALL && nrecycled < RECYCLED_MAX) {
        list_add(&recycled, &p->node);
        nrecycled++;
    } else {
        free(p);
    }
}

bool unix_queue_full(const struct unix_sock *u)
{
    return u->npackets > u->backlog;
}

static void unlink_packet(struct unix_sock *u, struct unix_packet *p)
{
    struct unix_sock *from = p->from, *c;
    bool was_full = unix_queue_full(u);

    list_del(&p->node);
    u->npackets--;
    from->wmem -= p->charge;
    if (unix_writable(from))
        unix_wake(from, UNIX_WRITABLE);
    if (!was_full || unix_queue_full(u))
        return;
    waitq_wake_all(&u->space_wq);
    list_for_each(c, &u->clients, client_node)
        unix_wake(c, UNIX_WRITABLE);
}

void unix_packet_purge(struct unix_sock *u)
{
    while (!list_empty(&u->packets)) {
        struct unix_packet *p = list_first(&u->packets, struct unix_packet, node);
        unlink_packet(u, p);
        if (p->scm.files)
            unix_inflight_del(p->scm.files);
        packet_free(p);
    }
}

/* --- sending --- */
/* Waits until less than SO_SNDBUF is under way. */
static int wait_wmem(struct task *t, struct unix_sock *u, int flags, uint64_t deadline)
{
    for (;;) {
        int err = socket_error(&u->s);
        if (err)
            return err;
        if (u->shut & SHUT_SEND)
            return -EPIPE;
        if (u->wmem < (size_t)u->s.sndbuf)
            return 0;
        if (flags & O_NONBLOCK)
            return -EAGAIN;
        err = socket_wait_error(task_wait(t, &u->wq, deadline), u->s.sndtimeo_ns);
        if (err)
            return err;
    }
}

/* May u send to it? 0, -EAGAIN: its queue is full, or the errno of unix_dgram_sendmsg(). */
static int may_send(struct unix_sock *u, struct unix_sock *to, bool has_files)
{
    if (to->peer && to->peer != u)
        return -EPERM;
    if (to->dead) {
        if (u->s.type == SOCK_SEQPACKET)
            return -EPIPE;
        if (u->peer == to)
            unix_dgram_disconnect(u);
        return -ECONNREFUSED;
    }
    if (to->shut & SHUT_RCV)
        return -EPIPE;
    if (has_files && !socket_flag(&to->s, SO_PASSRIGHTS))
        return -EPERM;
    return to != u && to->peer != u && unix_queue_full(to) ? -EAGAIN : 0;
}

/* The filter of the receiving socket cuts p off, or drops it: false. */
static bool passes_filter(const struct unix_sock *to, struct unix_packet *p)
{
    size_t passed = to->s.filter ? socket_filter_run(&to->s, p->data, p->len) : p->len;

    if (passed == SOCKET_FILTER_DROPS)
        return false;
    p->len = passed;
    return true;
}

/* The destination, referenced, with room in its queue. 1: it does not want p. */
static int find_room(struct task *t, struct unix_sock *u, struct msg *m, struct unix_packet *p,
                     int flags, uint64_t deadline, struct unix_sock **out)
{
    for (;;) {
        struct unix_sock *to = NULL;
        int err = 0;
        if (m->addrlen)
            err = unix_find(t, &m->addr, m->addrlen, u->s.type, &to);
        else if (u->peer)
            to = unix_get(u->peer);
        else
            err = -ECONNRESET;
        if (err)
            return err;
        err = passes_filter(to, p) ? may_send(u, to, m->scm.files) : 1;
        if (!err) {
            *out = to;
            return 0;
        }
        if (err == -EAGAIN && !(flags & O_NONBLOCK))
            err = socket_wait_error(task_wait(t, &to->space_wq, deadline), u->s.sndtimeo_ns);
        unix_put(to);
        if (err)
            return err;
    }
}

static void deliver(struct unix_sock *u, struct unix_sock *to, struct unix_packet *p, struct msg *m)
{
    p->scm.files = m->scm.files;
    m->scm.files = NULL;
    if (p->scm.files)
        unix_inflight_add(p->scm.files);
    p->from = unix_get(u);
    u->wmem += p->charge;
    list_add_tail(&to->packets, &p->node);
    to->npackets++;
    unix_wake(to, UNIX_READABLE);
}

static int check_send(struct unix_sock *u, struct msg *m)
{
    if (u->s.type == SOCK_SEQPACKET) {
        int err = socket_error(&u->s);
        if (err)
            return err;
        if (u->state != UNIX_CONNECTED)
            return -ENOTCONN;
        m->addrlen = 0;
    }
    int err = m->addrlen ? unix_check_addr(&m->addr, m->addrlen) : u->peer ? 0 : -ENOTCONN;
    if (!err && unix_wants_cred(u))
        err = unix_autobind(u);
    if (!err && m->uio.resid > (size_t)(u->s.sndbuf - HEADROOM))
        err = -EMSGSIZE;
    return err;
}

ssize_t unix_packet_send(struct task *t, struct unix_sock *u, struct msg *m, int flags)
{
    uint64_t deadline = socket_deadline(u->s.sndtimeo_ns);
    struct unix_sock *to;
    size_t len = m->uio.resid;
    int err = check_send(u, m);

    if (!err)
        err = wait_wmem(t, u, flags, deadline);
    if (err)
        return err;
    struct unix_packet *p = unix_packet_new(len);
    if (!p)
        return -ENOBUFS;
    if (len && uio_read(&m->uio, p->data, len) != (ssize_t)len)
        err = -EFAULT;
    if (!err)
        err = find_room(t, u, m, p, flags, deadline, &to);
    if (err) {
        packet_free(p);
        return err > 0 ? (ssize_t)len : err; /* nobody tells the sender */
    }
    unix_cred(t, u, to, m, &p->scm.cred);
    p->scm.has_cred = true;
    struct thread_group *sender =
        socket_flag(&to->s, SO_PASSPIDFD) ? tg_find(p->scm.cred.pid) : NULL;
    p->scm.sender = sender ? tg_get(sender) : NULL;
    if (socket_wants_times(&to->s))
        p->scm.stamp_ns = wall_now_ns();
    deliver(u, to, p, m);
    unix_put(to);
    return (ssize_t)len;
}

/* --- receiving --- */
/* The packet to read; skip: bytes of it that a peek leaves out, SO_PEEK_OFF. NULL: none yet. */
static struct unix_packet *next_packet(struct unix_sock *u, bool peek, size_t *skip)
{
    struct unix_packet *p;

    *skip = peek && u->s.peek_off > 0 ? (size_t)u->s.peek_off : 0;
    /* An empty message that was looked at once is passed: __skb_try_recv_from_queue(). */
    list_for_each(p, &u->packets, node) {
        if (!peek || u->s.peek_off < 0 || *skip < p->len || (!*skip && !p->peeked))
            return p;
        *skip -= p->len;
    }
    return NULL;
}

/* 1: a packet is queued; 0: end of file; negative errno: __skb_wait_for_more_packets(). */
static int wait_packet(struct task *t, struct unix_sock *u, bool peek, int flags, uint64_t deadline)
{
    for (;;) {
        int err = socket_error(&u->s);
        if (err)
            return err;
        size_t skip;
        if (next_packet(u, peek, &skip))
            return 1;
        bool ended = u->shut & SHUT_RCV;
        if (flags & O_NONBLOCK)
            return ended && u->s.type == SOCK_SEQPACKET ? 0 : -EAGAIN;
        if (ended)
            return 0;
        err = socket_wait_error(task_wait(t, &u->wq, deadline), u->s.rcvtimeo_ns);
        if (err)
            return err;
    }
}

static int take_files(struct unix_packet *p, struct msg *m)
{
    if (!p->scm.files)
        return 0;
    if (m->flags & MSG_PEEK) {
        m->scm.files = scm_files_dup(p->scm.files);
        return m->scm.files ? 0 : -ENOMEM;
    }
    unix_inflight_del(p->scm.files);
    m->scm.files = p->scm.files;
    p->scm.files = NULL;
    return 0;
}

ssize_t unix_packet_recv(struct task *t, struct unix_sock *u, struct msg *m, int flags)
{
    uint64_t deadline = socket_deadline(u->s.rcvtimeo_ns);

    if (u->s.type == SOCK_SEQPACKET && u->state != UNIX_CONNECTED)
        return -ENOTCONN;
    bool peek = m->flags & MSG_PEEK;
    int r = wait_packet(t, u, peek, flags, deadline);
    if (r <= 0)
        return r;
    size_t skip;
    struct unix_packet *p = next_packet(u, peek, &skip);
    size_t len = p->len - skip, size = MIN(len, m->uio.resid);
    int err = 0;

    /* A packet whose copy fails is lost, as on Linux, unless it was only looked at. */
    if (!peek)
        unlink_packet(u, p);
    else if (!p->len)
        p->peeked = true;
    if (size && uio_write(&m->uio, p->data + skip, size) != (ssize_t)size)
        err = -EFAULT;
    unix_sender(p->from, m);
    m->scm.cred = p->scm.cred;
    m->scm.sender = p->scm.sender ? tg_get(p->scm.sender) : NULL;
    m->scm.has_cred = true;
    m->scm.stamp_ns = p->scm.stamp_ns;
    if (size < len)
        m->out_flags |= MSG_TRUNC;
    if (!err)
        err = take_files(p, m);
    else if (!peek && p->scm.files)
        unix_inflight_del(p->scm.files);
    if (peek)
        socket_peek_forward(&u->s, size);
    else
        socket_peek_backward(&u->s, len);
    if (!peek)
        packet_free(p);
    if (err)
        return err;
    return (ssize_t)(m->flags & MSG_TRUNC ? len : size);
}
