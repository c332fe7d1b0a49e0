/* AF_UNIX sockets: unix(7), net/unix/af_unix.c for the fine points. Life, state, options. */
#include "sentry/ns/ns.h"
#include "sentry/socket/filter.h"
#include "sentry/socket/unix/unix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "base/strbuf.h"
#include "ckpt/record.h"

#define DGRAM_BACKLOG 10 /* net.unix.max_dgram_qlen */

struct list unix_all = LIST_INIT(unix_all);

struct unix_sock *unix_get(struct unix_sock *u)
{
    u->refs++;
    return u;
}

static void set_peer(struct unix_sock *u, struct ucred who, struct cred *groups,
                     struct thread_group *tg)
{
    struct cred *old = u->peer_groups;
    struct thread_group *old_tg = u->peer_tg;

    u->peer_cred = who;
    u->peer_groups = groups ? cred_get(groups) : NULL;
    u->peer_tg = tg ? tg_get(tg) : NULL;
    cred_put(old);
    tg_put(old_tg);
}

void unix_set_peer(struct unix_sock *u, struct task *who)
{
    set_peer(u, (struct ucred){who->tg->tgid, who->cred->euid, who->cred->egid}, who->cred,
             who->tg);
}

void unix_copy_peer(struct unix_sock *u, const struct unix_sock *from)
{
    set_peer(u, from->peer_cred, from->peer_groups, from->peer_tg);
}

void unix_put(struct unix_sock *u)
{
    if (--u->refs)
        return;
    cred_put(u->peer_groups);
    tg_put(u->peer_tg);
    socket_filter_drop(&u->s);
    list_del(&u->all_node);
    waitq_release(&u->wq);
    waitq_release(&u->space_wq);
    free(u);
}

void unix_sock_init(struct unix_sock *u, int type)
{
    struct ucred nobody = {0, (uid_t)-1, (gid_t)-1};

    socket_init(&u->s, &unix_ops, AF_UNIX, type, 0);
    u->refs = 1;
    u->addr.sun_family = AF_UNIX;
    u->addrlen = UNIX_NAMELESS;
    u->backlog = DGRAM_BACKLOG;
    u->head_cred = u->tail_cred = u->peer_cred = nobody;
    waitq_init(&u->wq);
    waitq_init(&u->space_wq);
    struct list *lists[] = {&u->name_node,   &u->marks,         &u->packets,
                            &u->clients,     &u->client_node,   &u->accept_queue,
                            &u->accept_node, &u->inflight_node, &u->gc_node};
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        list_init(lists[i]);
    list_add_tail(&unix_all, &u->all_node);
}

struct unix_sock *unix_new(int type)
{
    struct unix_sock *u = calloc(1, sizeof(*u));

    if (u)
        unix_sock_init(u, type);
    return u;
}

static int unix_create(struct task *t, int type, int protocol, struct socket **out)
{
    if (protocol && protocol != PF_UNIX)
        return -EPROTONOSUPPORT;
    if (type == SOCK_RAW)
        type = SOCK_DGRAM; /* as Linux, for the sake of BSD programs */
    if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
        return -ESOCKTNOSUPPORT;
    struct unix_sock *u = unix_new(type);
    if (!u)
        return -ENOMEM;
    u->net = t->net ? t->net->base.id : 0;
    *out = &u->s;
    return 0;
}

int unix_pair(struct task *t, int type, int protocol, struct socket **a, struct socket **b)
{
    int err = unix_create(t, type, protocol, a);

    if (err)
        return err;
    err = unix_create(t, type, protocol, b);
    if (err) {
        unix_release(*a);
        return err;
    }
    struct unix_sock *x = unix_of(*a), *y = unix_of(*b);
    x->peer = unix_get(y);
    y->peer = unix_get(x);
    x->state = y->state = UNIX_CONNECTED;
    unix_set_peer(x, t);
    unix_set_peer(y, t);
    return 0;
}

static bool has_unread(const struct unix_sock *u)
{
    return unix_stream_unread(u) || u->npackets;
}

void unix_leave(struct unix_sock *u, bool embryo)
{
    struct unix_sock *p = u->peer;

    if (!p)
        return;
    if (unix_connects(u)) {
        p->shut = SHUT_BOTH;
        if (has_unread(u) || embryo)
            p->s.error = ECONNRESET;
        unix_wake(p, UNIX_HANGUP | EPOLLERR);
    }
    u->peer = NULL;
    list_del(&u->client_node);
    unix_put(p);
}

/* NOLINTNEXTLINE(misc-no-recursion): sockets not yet accepted have no queue of their own */
static void release(struct unix_sock *u, bool embryo)
{
    struct unix_sock *c;

    u->dead = true;
    u->state = UNIX_CLOSED;
    u->shut = SHUT_BOTH;
    unix_unbind(u);
    unix_leave(u, embryo);
    while (!list_empty(&u->accept_queue)) {
        c = list_first(&u->accept_queue, struct unix_sock, accept_node);
        list_del(&c->accept_node);
        release(c, true);
    }
    unix_stream_purge(u);
    unix_packet_purge(u);
    waitq_wake_all(&u->space_wq);
    list_for_each(c, &u->clients, client_node)
        unix_wake(c, UNIX_WRITABLE);
    unix_put(u);
}

void unix_release(struct socket *s)
{
    release(unix_of(s), false);
    unix_gc();
}

/* --- poll --- */
bool unix_writable(const struct unix_sock *u)
{
    size_t used = u->s.type != SOCK_STREAM ? u->wmem : u->peer ? u->peer->ring.used : 0;

    return u->state != UNIX_LISTEN && used * 4 <= (size_t)u->s.sndbuf;
}

static bool is_readable(const struct unix_sock *u)
{
    return u->ring.used || u->npackets || !list_empty(&u->accept_queue);
}

static uint32_t unix_poll(struct socket *s, struct poll_table *pt)
{
    struct unix_sock *u = unix_of(s), *p = u->peer;
    uint32_t e = s->error ? EPOLLERR : 0;

    poll_wait(pt, &u->wq);
    if (u->shut == SHUT_BOTH)
        e |= EPOLLHUP;
    if (u->shut & SHUT_RCV)
        e |= EPOLLRDHUP | UNIX_READABLE;
    if (is_readable(u))
        e |= UNIX_READABLE;
    if (u->oob)
        e |= EPOLLPRI;
    if (unix_connects(u) && u->state == UNIX_CLOSED)
        e |= EPOLLHUP;
    bool blocked = s->type != SOCK_STREAM && p && p != u && p->peer != u && unix_queue_full(p);
    if (unix_writable(u) && !blocked)
        e |= UNIX_WRITABLE;
    return e;
}

/* --- names, shutdown, options --- */
static int unix_getname(struct socket *s, struct sockaddr_storage *a, socklen_t *len, bool peer)
{
    struct unix_sock *u = unix_of(s);

    if (peer)
        u = u->peer;
    if (!u)
        return -ENOTCONN;
    memcpy(a, &u->addr, sizeof(u->addr));
    *len = u->addrlen;
    return 0;
}

static int unix_shutdown(struct socket *s, int how)
{
    struct unix_sock *u = unix_of(s), *p = u->peer;
    uint8_t mine = (uint8_t)(how + 1); /* SHUT_RD, SHUT_WR, SHUT_RDWR are SHUT_RCV, ... less one */

    u->shut |= mine;
    unix_wake(u, UNIX_HANGUP);
    if (p && unix_connects(u)) {
        p->shut |= (uint8_t)((mine & SHUT_RCV ? SHUT_SEND : 0) | (mine & SHUT_SEND ? SHUT_RCV : 0));
        unix_wake(p, UNIX_HANGUP);
    }
    if (u->state == UNIX_LISTEN)
        waitq_wake_all(&u->space_wq);
    return 0;
}

static int peer_groups(struct task *t, const struct unix_sock *u, void *val, socklen_t *len)
{
    const struct cred *c = u->peer_groups;

    if (!c)
        return -ENODATA;
    socklen_t need = (socklen_t)c->ngroups * (socklen_t)sizeof(gid_t), room = *len;
    *len = need;
    if (room < need)
        return -ERANGE;
    for (int i = 0; i < c->ngroups; i++) {
        gid_t gid = kgid_seen(t, c->groups[i]);
        memcpy((char *)val + (size_t)i * sizeof(gid), &gid, sizeof(gid));
    }
    return 0;
}

/* A pidfd of whoever connected, listened or made the pair. */
static int peer_pidfd(struct task *t, const struct unix_sock *u, void *val, socklen_t *len)
{
    if (!u->peer_cred.pid)
        return -ENODATA;
    struct thread_group *tg = u->peer_tg ? u->peer_tg : tg_find(u->peer_cred.pid);
    if (!tg)
        return -ESRCH;
    int fd = pidfd_install(t, tg, 0);
    if (fd < 0)
        return fd;
    *len = MIN(*len, (socklen_t)sizeof(fd));
    memcpy(val, &fd, *len);
    return 0;
}

static int unix_getsockopt(struct task *t, struct socket *s, int level, int opt, void *val,
                           socklen_t *len)
{
    struct unix_sock *u = unix_of(s);

    if (level != SOL_SOCKET)
        return -EOPNOTSUPP;
    if (opt == SO_PEERGROUPS)
        return peer_groups(t, u, val, len);
    if (opt == SO_PEERPIDFD)
        return peer_pidfd(t, u, val, len);
    if (opt == SO_PEERNAME) {
        struct sockaddr_storage sa;
        socklen_t n;
        int err = unix_getname(s, &sa, &n, true);
        if (err || *len > n)
            return err ? err : -EINVAL;
        memcpy(val, &sa, *len);
        return 0;
    }
    if (opt == SO_PEERCRED) {
        *len = MIN(*len, (socklen_t)sizeof(u->peer_cred));
        struct ucred seen = ucred_seen(t, &u->peer_cred);
        memcpy(val, &seen, *len);
        return 0;
    }
    if (opt == SO_ACCEPTCONN) {
        int v = u->state == UNIX_LISTEN;
        *len = MIN(*len, (socklen_t)sizeof(v));
        memcpy(val, &v, *len);
        return 0;
    }
    return -ENOPROTOOPT;
}

static int unix_setsockopt(struct task *t, struct socket *s, int level, int opt, const void *val,
                           socklen_t len)
{
    return level == SOL_SOCKET ? -ENOPROTOOPT : -EOPNOTSUPP;
}

static size_t inq(const struct unix_sock *u)
{
    struct unix_packet *p;
    size_t n = u->ring.used - u->gone;

    list_for_each(p, &u->packets, node) {
        n += p->len;
        if (u->s.type == SOCK_DGRAM)
            break;
    }
    return n;
}

static long unix_ioctl(struct task *t, struct socket *s, unsigned int cmd, unsigned long arg)
{
    struct unix_sock *u = unix_of(s);
    int n;

    switch (cmd) {
    case FIONREAD:
        if (u->state == UNIX_LISTEN)
            return -EINVAL;
        n = (int)inq(u);
        break;
    case SIOCATMARK:
        if (s->type != SOCK_STREAM)
            return -EOPNOTSUPP;
        n = unix_stream_at_mark(u);
        break;
    case TIOCOUTQ:
        n = (int)(s->type != SOCK_STREAM ? u->wmem : u->peer ? u->peer->ring.used : 0);
        break;
    default:
        return -ENOTTY;
    }
    return put_user(t, &n, arg);
}

/* --- messages --- */
void unix_sender(const struct unix_sock *from, struct msg *m)
{
    m->addrlen = from && from->addrlen > UNIX_NAMELESS ? from->addrlen : 0;
    if (m->addrlen)
        memcpy(&m->addr, &from->addr, sizeof(from->addr));
}

bool unix_wants_cred(const struct unix_sock *u)
{
    return socket_flag(&u->s, SO_PASSCRED) || socket_flag(&u->s, SO_PASSPIDFD);
}

/* Without the sender asking, and a receiver who wants to know, nobody: unix_maybe_add_creds(). */
void unix_cred(struct task *t, const struct unix_sock *u, const struct unix_sock *to,
               const struct msg *m, struct ucred *out)
{
    if (m->scm.has_cred)
        *out = m->scm.cred;
    else if (unix_wants_cred(u) || !to || !to->s.file || unix_wants_cred(to))
        *out = (struct ucred){t->tg->tgid, t->cred->uid, t->cred->gid};
    else
        *out = (struct ucred){0, NO_KID, NO_KID};
}

static ssize_t unix_send(struct task *t, struct socket *s, struct msg *m, int flags)
{
    struct unix_sock *u = unix_of(s);

    if ((m->flags & MSG_OOB) && s->type != SOCK_STREAM)
        return -EOPNOTSUPP;
    if (m->scm.files) {
        int err = unix_inflight_check(t, m->scm.files);
        if (err)
            return err;
    }
    return s->type == SOCK_STREAM ? unix_stream_send(t, u, m, flags)
                                  : unix_packet_send(t, u, m, flags);
}

static ssize_t unix_recv(struct task *t, struct socket *s, struct msg *m, int flags)
{
    struct unix_sock *u = unix_of(s);

    if ((m->flags & MSG_OOB) && s->type != SOCK_STREAM)
        return -EOPNOTSUPP;
    return s->type == SOCK_STREAM ? unix_stream_recv(t, u, m, flags)
                                  : unix_packet_recv(t, u, m, flags);
}

static int files_queued(const struct unix_sock *u)
{
    const struct unix_packet *p;
    const struct unix_mark *k;
    int n = 0;

    list_for_each(k, &u->marks, node)
        n += k->files ? k->files->n : 0;
    list_for_each(p, &u->packets, node)
        n += p->scm.files ? p->scm.files->n : 0;
    return n;
}

/* unix_show_fdinfo(): descriptors that wait to be received, of a listener by those it has not
 * accepted. */
static void unix_fdinfo(const struct socket *s, struct strbuf *out)
{
    const struct unix_sock *u = container_of(s, struct unix_sock, s), *o;
    int n = files_queued(u);

    if (u->state == UNIX_LISTEN)
        list_for_each(o, &u->accept_queue, accept_node)
            n += files_queued(o);
    strbuf_printf(out, "scm_fds: %d\n", n);
}

const struct socket_ops unix_ops = {
    .bind = unix_bind,
    .connect = unix_connect,
    .listen = unix_listen,
    .accept = unix_accept,
    .send = unix_send,
    .recv = unix_recv,
    .shutdown = unix_shutdown,
    .getname = unix_getname,
    .getsockopt = unix_getsockopt,
    .setsockopt = unix_setsockopt,
    .poll = unix_poll,
    .ioctl = unix_ioctl,
    .fdinfo = unix_fdinfo,
    .release = unix_release,
    .passes_files = true,
    .ckpt = &unix_ckpt,
};
CKPT_SYMBOL("socket_ops", "unix", unix_ops);

/* --- /proc/net/unix --- */
static void proc_name(struct strbuf *out, const struct unix_sock *u)
{
    size_t len = u->addrlen - UNIX_NAMELESS;

    if (!len)
        return;
    strbuf_putc(out, ' ');
    if (u->addr.sun_path[0])
        len--; /* the terminating NUL of a path name */
    for (size_t i = 0; i < len; i++)
        strbuf_putc(out, (char)(u->addr.sun_path[i] ? u->addr.sun_path[i] : '@'));
}

void unix_proc_net(struct strbuf *out)
{
    struct unix_sock *u;

    strbuf_puts(out, "Num       RefCount Protocol Flags    Type St Inode Path\n");
    list_for_each(u, &unix_all, all_node) {
        bool connected = u->state == UNIX_CONNECTED, file = u->s.file;
        /* SS_CONNECTED, SS_UNCONNECTED; without a file SS_CONNECTING, SS_DISCONNECTING */
        int st = file ? (connected ? 3 : 1) : (connected ? 2 : 4);
        strbuf_printf(out, "%016lx: %08X %08X %08X %04X %02X %5lu", 0UL, u->refs, 0U,
                      u->state == UNIX_LISTEN ? 0x10000U : 0U, (unsigned int)u->s.type,
                      (unsigned int)st, file ? (unsigned long)u->s.file->inode->ino : 0UL);
        proc_name(out, u);
        strbuf_putc(out, '\n');
    }
}

int unix_init(void)
{
    return socket_family_register(AF_UNIX, unix_create, unix_pair);
}
