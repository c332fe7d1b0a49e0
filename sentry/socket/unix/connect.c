/* Connections: listen, connect, accept; the peers of datagram sockets. */
#include <errno.h>

#include "sentry/socket/unix/unix.h"

#define BACKLOG_MAX 4096 /* net.core.somaxconn */

int unix_listen(struct task *t, struct socket *s, int backlog)
{
    struct unix_sock *u = unix_of(s);

    if (!unix_connects(u))
        return -EOPNOTSUPP;
    if (u->addrlen <= UNIX_NAMELESS || u->state == UNIX_CONNECTED)
        return -EINVAL;
    u->state = UNIX_LISTEN;
    u->backlog = backlog < 0 || backlog > BACKLOG_MAX ? BACKLOG_MAX : backlog;
    unix_set_peer(u, t);
    waitq_wake_all(&u->space_wq);
    return 0;
}

/* --- datagrams --- */
/* Other senders' packets are lost, and a peer that was connected to us learns of it. */
static void disconnected(struct unix_sock *u, struct unix_sock *old)
{
    if (u->npackets) {
        unix_packet_purge(u);
        waitq_wake_all(&u->space_wq);
        if (!old->dead && old->peer == u) {
            old->s.error = ECONNRESET;
            unix_wake(old, EPOLLERR | UNIX_HANGUP);
        }
    }
    if (old->state == UNIX_CONNECTED)
        old->state = UNIX_CLOSED;
}

static void set_peer(struct unix_sock *u, struct unix_sock *to)
{
    struct unix_sock *old = u->peer;

    u->peer = to;
    u->state = to ? UNIX_CONNECTED : UNIX_CLOSED;
    list_del(&u->client_node);
    if (to)
        list_add_tail(&to->clients, &u->client_node);
    if (!old)
        return;
    unix_wake(u, UNIX_WRITABLE);
    if (to != old)
        disconnected(u, old);
    unix_put(old);
}

void unix_dgram_disconnect(struct unix_sock *u)
{
    set_peer(u, NULL);
}

static int connect_dgram(struct task *t, struct unix_sock *u, const struct sockaddr *sa,
                         socklen_t len)
{
    struct unix_sock *to = NULL;

    if (sa->sa_family == AF_UNSPEC) {
        set_peer(u, NULL);
        return 0;
    }
    int err = unix_check_addr(sa, len);
    if (!err && unix_wants_cred(u))
        err = unix_autobind(u);
    if (!err)
        err = unix_find(t, sa, len, SOCK_DGRAM, &to);
    if (err)
        return err;
    if (to->peer && to->peer != u) {
        unix_put(to);
        return -EPERM;
    }
    set_peer(u, to);
    return 0;
}

/* --- streams and sequenced packets --- */
static int may_connect(const struct unix_sock *u, const struct unix_sock *l)
{
    if (l->state != UNIX_LISTEN || (l->shut & SHUT_RCV))
        return -ECONNREFUSED;
    if (l->npending > l->backlog)
        return -EAGAIN;
    return u->state == UNIX_CLOSED ? 0 : u->state == UNIX_CONNECTED ? -EISCONN : -EINVAL;
}

static void join(struct task *t, struct unix_sock *u, struct unix_sock *c, struct unix_sock *l)
{
    c->addr = l->addr;
    c->addrlen = l->addrlen;
    c->s.flags = l->s.flags & (1ULL << SO_PASSCRED | 1ULL << SO_PASSSEC);
    c->s.more_flags =
        l->s.more_flags & (1ULL << (SO_PASSPIDFD - 64) | 1ULL << (SO_PASSRIGHTS - 64));
    c->peer = unix_get(u);
    u->peer = unix_get(c);
    c->state = u->state = UNIX_CONNECTED;
    unix_set_peer(c, t);
    unix_copy_peer(u, l);
    list_add_tail(&l->accept_queue, &c->accept_node);
    l->npending++;
    unix_wake(l, UNIX_READABLE);
    unix_wake(u, UNIX_WRITABLE);
}

int unix_connect(struct task *t, struct socket *s, const struct sockaddr *sa, socklen_t len,
                 int flags)
{
    struct unix_sock *u = unix_of(s), *l;
    uint64_t deadline = socket_deadline(s->sndtimeo_ns);

    if (len < sizeof(sa_family_t))
        return -EINVAL;
    if (s->type == SOCK_DGRAM)
        return connect_dgram(t, u, sa, len);
    int err = unix_check_addr(sa, len);
    if (!err && unix_wants_cred(u))
        err = unix_autobind(u);
    while (!err) {
        err = unix_find(t, sa, len, s->type, &l);
        if (err)
            return err;
        err = may_connect(u, l);
        if (err == -EAGAIN && !(flags & O_NONBLOCK))
            err = socket_wait_error(task_wait(t, &l->space_wq, deadline), s->sndtimeo_ns);
        else if (!err)
            break;
        unix_put(l);
    }
    if (err)
        return err;
    struct unix_sock *c = unix_new(s->type);
    if (c)
        join(t, u, c, l);
    unix_put(l);
    return c ? 0 : -ENOMEM;
}

int unix_accept(struct task *t, struct socket *s, struct socket **out, int flags)
{
    struct unix_sock *u = unix_of(s);
    uint64_t deadline = socket_deadline(s->rcvtimeo_ns);

    if (!unix_connects(u))
        return -EOPNOTSUPP;
    if (u->state != UNIX_LISTEN)
        return -EINVAL;
    while (list_empty(&u->accept_queue)) {
        if (u->shut & SHUT_RCV)
            return -EINVAL;
        if (flags & O_NONBLOCK)
            return -EAGAIN;
        int err = socket_wait_error(task_wait(t, &u->wq, deadline), s->rcvtimeo_ns);
        if (err)
            return err;
    }
    struct unix_sock *c = list_first(&u->accept_queue, struct unix_sock, accept_node);
    list_del(&c->accept_node);
    u->npending--;
    waitq_wake_all(&u->space_wq);
    *out = &c->s;
    return 0;
}
