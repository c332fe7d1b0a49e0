/*
 * AF_UNIX: unix(7). A socket has a queue of received messages; a stream is a queue whose borders do
 * not matter. Each end holds a reference on its peer; names are kept in a table (abstract) or in
 * the inode (path names).
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/socket/socket.h"

#define QUEUE_BYTES 212992
#define DGRAM_QUEUE 10
#define STREAM_CHUNK 32768
#define DGRAM_MAX (QUEUE_BYTES - 32)
#define PATH_OFF offsetof(struct sockaddr_un, sun_path)
#define BACKLOG_MAX 4096

struct packet {
    struct list node;
    size_t len, off;
    struct scm scm;
    struct sockaddr_un from;
    socklen_t fromlen;
    char data[];
};

enum unix_state { UNIX_FREE, UNIX_LISTEN, UNIX_CONNECTED };

struct unix_sock {
    struct socket s;
    unsigned int refs;
    enum unix_state state;
    struct unix_sock *peer; /* reference */
    bool closed, rd_shut, wr_shut, peer_gone, reset;
    struct list queue;
    size_t queued;
    int npackets;
    struct waitq wq;      /* readable, or writable again at the other end */
    struct sockaddr_un addr;
    socklen_t addrlen;
    struct inode *inode;  /* bound to a path */
    struct list node;     /* abstract names */
    struct list accept_queue, accept_node;
    int backlog, pending;
    struct ucred cred, peer_cred;
};

static struct list abstract = LIST_INIT(abstract);
static const struct socket_ops unix_ops;

static struct unix_sock *U(struct socket *s)
{
    return container_of(s, struct unix_sock, s);
}

static struct unix_sock *unix_get(struct unix_sock *u)
{
    u->refs++;
    return u;
}

static void packet_free(struct packet *p)
{
    list_del(&p->node);
    scm_release(&p->scm);
    free(p);
}

static void unix_put(struct unix_sock *u)
{
    if (!u || --u->refs)
        return;
    free(u);
}

static struct unix_sock *unix_new(struct task *t, int type)
{
    struct unix_sock *u = calloc(1, sizeof(*u));

    if (!u)
        return NULL;
    socket_init(&u->s, &unix_ops, AF_UNIX, type, 0);
    u->refs = 1;
    u->addrlen = sizeof(sa_family_t);
    u->addr.sun_family = AF_UNIX;
    list_init(&u->queue);
    list_init(&u->node);
    list_init(&u->accept_queue);
    list_init(&u->accept_node);
    waitq_init(&u->wq);
    u->cred = (struct ucred){t->tg->tgid, t->cred->euid, t->cred->egid};
    return u;
}

static void wake(struct unix_sock *u)
{
    waitq_wake(&u->wq, EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM | EPOLLHUP | EPOLLRDHUP);
}

static int check_type(int type)
{
    return type == SOCK_STREAM || type == SOCK_DGRAM || type == SOCK_SEQPACKET ? 0
                                                                              : -ESOCKTNOSUPPORT;
}

static int unix_create(struct task *t, int type, int protocol, struct socket **out)
{
    if (protocol && protocol != PF_UNIX)
        return -EPROTONOSUPPORT;
    if (type == SOCK_RAW)
        type = SOCK_DGRAM;
    int err = check_type(type);
    struct unix_sock *u = err ? NULL : unix_new(t, type);
    *out = u ? &u->s : NULL;
    return err ? err : u ? 0 : -ENOMEM;
}

static void connect_pair(struct unix_sock *a, struct unix_sock *b)
{
    a->peer = unix_get(b);
    b->peer = unix_get(a);
    a->state = b->state = UNIX_CONNECTED;
    a->peer_cred = b->cred;
    b->peer_cred = a->cred;
}

static int unix_pair(struct task *t, int type, int protocol, struct socket **a, struct socket **b)
{
    int err = unix_create(t, type, protocol, a);

    if (!err)
        err = unix_create(t, type, protocol, b);
    if (!err)
        connect_pair(U(*a), U(*b));
    return err;
}

/* --- names --- */
static bool is_path(const struct sockaddr_un *a, socklen_t len)
{
    return len > PATH_OFF && a->sun_path[0];
}

static struct unix_sock *find_abstract(const struct sockaddr_un *a, socklen_t len)
{
    struct unix_sock *u;

    list_for_each(u, &abstract, node)
    {
        if (u->addrlen == len && !memcmp(&u->addr, a, len))
            return u;
    }
    return NULL;
}

static int autobind(struct unix_sock *u)
{
    static unsigned int next;
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    for (int tries = 0; tries < 1 << 20; tries++) {
        snprintf(a.sun_path + 1, 6, "%05x", next++ & 0xfffff);
        if (find_abstract(&a, PATH_OFF + 6))
            continue;
        u->addr = a;
        u->addrlen = PATH_OFF + 6;
        list_add_tail(&abstract, &u->node);
        return 0;
    }
    return -ENOSPC;
}

static int bind_path(struct task *t, struct unix_sock *u, const char *path)
{
    cleanup_path struct path p = {0};
    int err = vfs_mknod(t, AT_FDCWD, path, S_IFSOCK | 0777, 0, &p);

    if (err)
        return err == -EEXIST ? -EADDRINUSE : err;
    p.dentry->inode->sock = (struct sock *)u;
    u->inode = inode_get(p.dentry->inode);
    return 0;
}

static int unix_bind(struct task *t, struct socket *s, const struct sockaddr *sa, socklen_t len)
{
    struct unix_sock *u = U(s);
    struct sockaddr_un a = {0};

    if (len < sizeof(sa_family_t) || len > sizeof(a) || sa->sa_family != AF_UNIX)
        return -EINVAL;
    memcpy(&a, sa, len);
    if (u->addrlen > sizeof(sa_family_t))
        return -EINVAL;
    if (len == sizeof(sa_family_t))
        return autobind(u);
    if (is_path(&a, len)) {
        char path[sizeof(a.sun_path) + 1] = {0};
        memcpy(path, a.sun_path, len - PATH_OFF);
        int err = bind_path(t, u, path);
        if (err)
            return err;
        len = (socklen_t)(PATH_OFF + strlen(path) + 1);
    } else if (find_abstract(&a, len)) {
        return -EADDRINUSE;
    } else {
        list_add_tail(&abstract, &u->node);
    }
    u->addr = a;
    u->addrlen = len;
    return 0;
}

/* The socket bound to an address, borrowed. */
static int find_socket(struct task *t, const struct sockaddr *sa, socklen_t len, int type,
                       struct unix_sock **out)
{
    struct sockaddr_un a = {0};

    if (len < PATH_OFF || len > sizeof(a) || sa->sa_family != AF_UNIX)
        return -EINVAL;
    memcpy(&a, sa, len);
    if (is_path(&a, len)) {
        cleanup_path struct path p = {0};
        char path[sizeof(a.sun_path) + 1] = {0};
        memcpy(path, a.sun_path, len - PATH_OFF);
        int err = vfs_walk(t, AT_FDCWD, path, 0, &p);
        if (!err)
            err = inode_permission(t, p.dentry->inode, MAY_WRITE);
        if (err)
            return err;
        if (!S_ISSOCK(p.dentry->inode->mode))
            return -ECONNREFUSED;
        *out = (struct unix_sock *)p.dentry->inode->sock;
    } else {
        *out = find_abstract(&a, len);
    }
    if (!*out)
        return -ECONNREFUSED;
    return (*out)->s.type == type ? 0 : -EPROTOTYPE;
}

/* --- connections --- */
static int unix_listen(struct task *t, struct socket *s, int backlog)
{
    struct unix_sock *u = U(s);

    if (s->type == SOCK_DGRAM)
        return -EOPNOTSUPP;
    if (u->addrlen <= sizeof(sa_family_t) || u->state == UNIX_CONNECTED)
        return -EINVAL;
    u->state = UNIX_LISTEN;
    u->backlog = MAX(0, MIN(backlog, BACKLOG_MAX));
    u->cred = (struct ucred){t->tg->tgid, t->cred->euid, t->cred->egid};
    return 0;
}

static uint64_t deadline_of(uint64_t timeout_ns)
{
    return timeout_ns ? now_ns() + timeout_ns : NO_DEADLINE;
}

/* What an expired SO_RCVTIMEO or SO_SNDTIMEO looks like: socket(7). */
static int wait_err(int err)
{
    return err == -ETIMEDOUT ? -EAGAIN : err;
}

static int connect_dgram(struct task *t, struct unix_sock *u, const struct sockaddr *sa,
                         socklen_t len)
{
    struct unix_sock *to = NULL;

    if (sa->sa_family != AF_UNSPEC) {
        int err = find_socket(t, sa, len, SOCK_DGRAM, &to);
        if (err)
            return err;
        if (to->peer && to->peer != u)
            return -EPERM;
    }
    struct unix_sock *old = u->peer;
    u->peer = to ? unix_get(to) : NULL;
    u->state = to ? UNIX_CONNECTED : UNIX_FREE;
    unix_put(old);
    return 0;
}

static int unix_connect(struct task *t, struct socket *s, const struct sockaddr *sa, socklen_t len,
                        int flags)
{
    struct unix_sock *u = U(s), *l;

    if (len < sizeof(sa_family_t))
        return -EINVAL;
    if (s->type == SOCK_DGRAM)
        return connect_dgram(t, u, sa, len);
    if (u->state == UNIX_CONNECTED)
        return -EISCONN;
    if (u->state == UNIX_LISTEN)
        return -EINVAL;
    for (;;) {
        int err = find_socket(t, sa, len, s->type, &l);
        if (err)
            return err;
        if (l->state != UNIX_LISTEN || l->closed)
            return -ECONNREFUSED;
        if (l->pending <= l->backlog)
            break;
        if (flags & O_NONBLOCK)
            return -EAGAIN;
        unix_get(l);
        err = wait_err(task_wait(t, &l->wq, deadline_of(s->sndtimeo_ns)));
        unix_put(l);
        if (err)
            return err;
    }
    struct unix_sock *c = unix_new(t, s->type);
    if (!c)
        return -ENOMEM;
    c->addr = l->addr;
    c->addrlen = l->addrlen;
    c->cred = l->cred;
    u->cred = (struct ucred){t->tg->tgid, t->cred->euid, t->cred->egid};
    connect_pair(u, c);
    list_add_tail(&l->accept_queue, &c->accept_node);
    l->pending++;
    wake(l);
    return 0;
}

static int unix_accept(struct task *t, struct socket *s, struct socket **out, int flags)
{
    struct unix_sock *u = U(s);

    if (s->type == SOCK_DGRAM)
        return -EOPNOTSUPP;
    if (u->state != UNIX_LISTEN)
        return -EINVAL;
    while (list_empty(&u->accept_queue)) {
        if (u->rd_shut)
            return -EINVAL;
        if (flags & O_NONBLOCK)
            return -EAGAIN;
        int err = wait_err(task_wait(t, &u->wq, deadline_of(s->rcvtimeo_ns)));
        if (err)
            return err;
    }
    struct unix_sock *c = list_first(&u->accept_queue, struct unix_sock, accept_node);
    list_del(&c->accept_node);
    u->pending--;
    wake(u);
    *out = &c->s;
    return 0;
}

/* --- sending --- */
static ssize_t broken(struct task *t, int flags)
{
    if (!(flags & MSG_NOSIGNAL)) {
        siginfo_t info;
        siginfo_kernel(&info, SIGPIPE);
        info.si_code = SI_USER;
        signal_send_task(t, &info);
    }
    return -EPIPE;
}

static void stamp(struct task *t, struct unix_sock *u, struct packet *p)
{
    p->from = u->addr;
    p->fromlen = u->addrlen;
    if (!p->scm.has_cred) {
        p->scm.cred = (struct ucred){t->tg->tgid, t->cred->uid, t->cred->gid};
        p->scm.has_cred = true;
    }
}

static void deliver(struct unix_sock *to, struct packet *p)
{
    list_add_tail(&to->queue, &p->node);
    to->queued += p->len;
    to->npackets++;
    waitq_wake(&to->wq, EPOLLIN | EPOLLRDNORM);
}

static struct packet *packet_new(size_t len)
{
    struct packet *p = malloc(sizeof(*p) + len);

    if (p) {
        memset(p, 0, sizeof(*p));
        p->len = len;
        list_init(&p->node);
    }
    return p;
}

static void move_scm(struct msg *m, struct packet *p)
{
    p->scm = m->scm;
    m->scm = (struct scm){0};
}

static ssize_t send_stream(struct task *t, struct unix_sock *u, struct msg *m, int flags)
{
    size_t done = 0;

    while (m->uio.resid) {
        struct unix_sock *to = u->peer;
        if (u->wr_shut || !to || to->closed || to->rd_shut)
            return done ? (ssize_t)done : broken(t, m->flags);
        if (to->queued >= QUEUE_BYTES) {
            int err = flags & O_NONBLOCK
                          ? -EAGAIN
                          : wait_err(task_wait(t, &to->wq, deadline_of(u->s.sndtimeo_ns)));
            if (err)
                return done ? (ssize_t)done : err;
            continue;
        }
        struct packet *p = packet_new(MIN(m->uio.resid, (size_t)STREAM_CHUNK));
        if (!p)
            return done ? (ssize_t)done : -ENOMEM;
        ssize_t n = uio_read(&m->uio, p->data, p->len);
        if (n <= 0) {
            free(p);
            return done ? (ssize_t)done : -EFAULT;
        }
        p->len = (size_t)n;
        move_scm(m, p);
        stamp(t, u, p);
        deliver(to, p);
        done += (size_t)n;
    }
    return (ssize_t)done;
}

/* Datagrams and seqpackets: whole messages. */
static ssize_t send_packet(struct task *t, struct unix_sock *u, struct msg *m, int flags)
{
    struct unix_sock *to = u->peer;
    size_t len = m->uio.resid;

    if (m->addrlen && u->s.type == SOCK_DGRAM) {
        int err = find_socket(t, (void *)&m->addr, m->addrlen, SOCK_DGRAM, &to);
        if (err)
            return err;
    } else if (m->addrlen && u->state == UNIX_CONNECTED) {
        return -EISCONN;
    }
    if (!to)
        return u->peer_gone ? broken(t, m->flags) : -ENOTCONN;
    if (len > DGRAM_MAX)
        return -EMSGSIZE;
    struct packet *p = packet_new(len);
    if (!p)
        return -ENOMEM;
    if (len && uio_read(&m->uio, p->data, len) != (ssize_t)len) {
        free(p);
        return -EFAULT;
    }
    unix_get(to);
    ssize_t err = 0;
    while (!err) {
        if (u->wr_shut)
            err = broken(t, m->flags);
        else if (to->closed)
            err = u->s.type == SOCK_DGRAM ? -ECONNREFUSED : broken(t, m->flags);
        else if (to->rd_shut)
            err = broken(t, m->flags);
        else if (to->npackets <= DGRAM_QUEUE && to->queued + len <= QUEUE_BYTES)
            break;
        else
            err = flags & O_NONBLOCK
                      ? -EAGAIN
                      : wait_err(task_wait(t, &to->wq, deadline_of(u->s.sndtimeo_ns)));
    }
    if (err) {
        free(p);
    } else {
        move_scm(m, p);
        stamp(t, u, p);
        deliver(to, p);
    }
    unix_put(to);
    return err ? err : (ssize_t)len;
}

static ssize_t unix_send(struct task *t, struct socket *s, struct msg *m, int flags)
{
    struct unix_sock *u = U(s);

    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (s->type != SOCK_STREAM)
        return send_packet(t, u, m, flags);
    if (m->addrlen)
        return u->state == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
    if (u->state != UNIX_CONNECTED)
        return u->peer_gone ? broken(t, m->flags) : -ENOTCONN;
    return send_stream(t, u, m, flags);
}

/* --- receiving --- */
static void fill_from(const struct packet *p, struct msg *m)
{
    memcpy(&m->addr, &p->from, sizeof(p->from));
    m->addrlen = p->fromlen > sizeof(sa_family_t) ? p->fromlen : 0;
}

static void take_scm(struct packet *p, struct msg *m, bool peek)
{
    m->scm.cred = p->scm.cred;
    m->scm.has_cred = p->scm.has_cred;
    if (!p->scm.nfiles || m->scm.nfiles)
        return;
    if (!peek) {
        m->scm.files = p->scm.files;
        m->scm.nfiles = p->scm.nfiles;
        p->scm.files = NULL;
        p->scm.nfiles = 0;
        return;
    }
    m->scm.files = calloc((size_t)p->scm.nfiles, sizeof(struct file *));
    for (int i = 0; m->scm.files && i < p->scm.nfiles; i++)
        m->scm.files[m->scm.nfiles++] = file_get(p->scm.files[i]);
}

static void consume(struct unix_sock *u, struct packet *p)
{
    u->queued -= p->len - p->off;
    u->npackets--;
    packet_free(p);
    waitq_wake(&u->wq, EPOLLOUT | EPOLLWRNORM);
    if (u->peer)
        waitq_wake(&u->peer->wq, EPOLLOUT | EPOLLWRNORM);
}

static bool at_end(const struct unix_sock *u)
{
    return u->rd_shut || u->peer_gone || !u->peer || u->peer->closed || u->peer->wr_shut;
}

/* 0: something is queued; 1: end of stream; negative errno. */
static int wait_data(struct task *t, struct unix_sock *u, int flags)
{
    while (list_empty(&u->queue)) {
        if (u->reset) {
            u->reset = false;
            return -ECONNRESET;
        }
        if (u->s.type != SOCK_DGRAM && at_end(u))
            return 1;
        if (u->rd_shut)
            return 1;
        if (flags & O_NONBLOCK)
            return -EAGAIN;
        int err = wait_err(task_wait(t, &u->wq, deadline_of(u->s.rcvtimeo_ns)));
        if (err)
            return err;
    }
    return 0;
}

static ssize_t recv_stream(struct task *t, struct unix_sock *u, struct msg *m, int flags)
{
    bool peek = m->flags & MSG_PEEK, all = m->flags & MSG_WAITALL;
    size_t done = 0;
    struct packet *p;

    while (m->uio.resid) {
        int r = wait_data(t, u, done && !all ? flags | O_NONBLOCK : flags);
        if (r)
            return done || r == 1 ? (ssize_t)done : r;
        struct packet *tmp;
        bool stop = false;
        list_for_each_safe(p, tmp, &u->queue, node)
        {
            /* Descriptors mark a border that one recvmsg does not cross. */
            if (done && (p->scm.nfiles || m->scm.nfiles)) {
                stop = true;
                break;
            }
            ssize_t n = uio_write(&m->uio, p->data + p->off, p->len - p->off);
            if (n <= 0)
                return done ? (ssize_t)done : -EFAULT;
            fill_from(p, m);
            take_scm(p, m, peek);
            done += (size_t)n;
            if (!peek) {
                p->off += (size_t)n;
                u->queued -= (size_t)n;
                if (p->off == p->len)
                    consume(u, p);
            }
            if (!m->uio.resid)
                break;
        }
        if (peek || stop || (!all && done))
            break;
    }
    return (ssize_t)done;
}

static ssize_t recv_packet(struct task *t, struct unix_sock *u, struct msg *m, int flags)
{
    int r = wait_data(t, u, flags);

    if (r)
        return r == 1 ? 0 : r;
    struct packet *p = list_first(&u->queue, struct packet, node);
    bool peek = m->flags & MSG_PEEK;
    size_t len = p->len, room = m->uio.resid;
    ssize_t n = len ? uio_write(&m->uio, p->data, len) : 0;
    if (n < 0 || (room && len && n == 0))
        return -EFAULT;
    fill_from(p, m);
    take_scm(p, m, peek);
    if (len > room)
        m->out_flags |= MSG_TRUNC;
    if (u->s.type == SOCK_SEQPACKET)
        m->out_flags |= MSG_EOR;
    if (!peek)
        consume(u, p);
    return m->flags & MSG_TRUNC ? (ssize_t)len : n;
}

static ssize_t unix_recv(struct task *t, struct socket *s, struct msg *m, int flags)
{
    struct unix_sock *u = U(s);

    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (s->type != SOCK_DGRAM && u->state != UNIX_CONNECTED && !u->peer_gone)
        return s->type == SOCK_STREAM ? -EINVAL : -ENOTCONN;
    return s->type == SOCK_STREAM ? recv_stream(t, u, m, flags) : recv_packet(t, u, m, flags);
}

static int unix_shutdown(struct socket *s, int how)
{
    struct unix_sock *u = U(s);

    if (s->type != SOCK_DGRAM && u->state == UNIX_FREE && !u->peer_gone)
        return -ENOTCONN;
    if (how != SHUT_WR)
        u->rd_shut = true;
    if (how != SHUT_RD)
        u->wr_shut = true;
    wake(u);
    if (u->peer)
        wake(u->peer);
    return 0;
}

static int unix_getname(struct socket *s, struct sockaddr_storage *a, socklen_t *len, bool peer)
{
    struct unix_sock *u = U(s);

    if (peer && !u->peer)
        return -ENOTCONN;
    if (peer)
        u = u->peer;
    memcpy(a, &u->addr, sizeof(u->addr));
    *len = u->addrlen;
    return 0;
}

static int unix_getsockopt(struct task *t, struct socket *s, int level, int opt, void *val,
                           socklen_t *len)
{
    struct unix_sock *u = U(s);
    int v;

    if (level != SOL_SOCKET)
        return -EOPNOTSUPP;
    if (opt == SO_PEERCRED) {
        struct ucred none = {0, (uid_t)-1, (gid_t)-1};
        *len = MIN(*len, (socklen_t)sizeof(none));
        memcpy(val, u->peer_cred.pid ? &u->peer_cred : &none, *len);
        return 0;
    }
    if (opt != SO_ACCEPTCONN)
        return -ENOPROTOOPT;
    v = u->state == UNIX_LISTEN;
    *len = MIN(*len, (socklen_t)sizeof(v));
    memcpy(val, &v, *len);
    return 0;
}

static uint32_t unix_poll(struct socket *s, struct poll_table *pt)
{
    struct unix_sock *u = U(s);
    uint32_t e = 0;

    poll_wait(pt, &u->wq);
    if (u->state == UNIX_LISTEN)
        return list_empty(&u->accept_queue) ? 0 : EPOLLIN | EPOLLRDNORM;
    bool end = s->type != SOCK_DGRAM && (u->state == UNIX_CONNECTED || u->peer_gone) && at_end(u);
    if (!list_empty(&u->queue) || end || u->rd_shut)
        e |= EPOLLIN | EPOLLRDNORM;
    if (end || u->rd_shut)
        e |= EPOLLRDHUP;
    bool gone = s->type != SOCK_DGRAM && (!u->peer || u->peer->closed);
    if (gone || (u->rd_shut && u->wr_shut))
        e |= EPOLLHUP;
    bool room = !u->peer || u->peer->closed ||
                (s->type == SOCK_STREAM ? u->peer->queued < QUEUE_BYTES
                                        : u->peer->npackets <= DGRAM_QUEUE);
    if (room)
        e |= EPOLLOUT | EPOLLWRNORM;
    if (u->reset)
        e |= EPOLLERR;
    return e;
}

static long unix_ioctl(struct task *t, struct socket *s, unsigned int cmd, unsigned long arg)
{
    struct unix_sock *u = U(s);
    int n;

    switch (cmd) {
    case FIONREAD:
        if (u->state == UNIX_LISTEN)
            return -EINVAL;
        n = s->type == SOCK_STREAM || list_empty(&u->queue)
                ? (int)u->queued
                : (int)list_first(&u->queue, struct packet, node)->len;
        return put_user(t, &n, arg);
    case TIOCOUTQ:
        n = u->peer ? (int)u->peer->queued : 0;
        return put_user(t, &n, arg);
    default:
        return -ENOTTY;
    }
}

/* The peer learns of it; unread data makes that a reset: unix(7). */
static void leave_peer(struct unix_sock *u)
{
    struct unix_sock *p = u->peer;

    if (!p)
        return;
    u->peer = NULL;
    if (p->peer == u && u->s.type != SOCK_DGRAM) {
        p->reset |= u->queued > 0;
        p->peer_gone = true;
        p->peer = NULL;
        unix_put(u);
    }
    wake(p);
    unix_put(p);
}

static void unix_release(struct socket *s)
{
    struct unix_sock *u = U(s);

    u->closed = true;
    list_del(&u->node);
    if (u->inode) {
        if (u->inode->sock == (struct sock *)u)
            u->inode->sock = NULL;
        inode_put(u->inode);
        u->inode = NULL;
    }
    while (!list_empty(&u->accept_queue)) {
        struct unix_sock *c = list_first(&u->accept_queue, struct unix_sock, accept_node);
        list_del(&c->accept_node);
        unix_release(&c->s);
    }
    leave_peer(u);
    while (!list_empty(&u->queue))
        packet_free(list_first(&u->queue, struct packet, node));
    wake(u);
    unix_put(u);
}

static const struct socket_ops unix_ops = {
    .bind = unix_bind,
    .connect = unix_connect,
    .listen = unix_listen,
    .accept = unix_accept,
    .send = unix_send,
    .recv = unix_recv,
    .shutdown = unix_shutdown,
    .getname = unix_getname,
    .getsockopt = unix_getsockopt,
    .poll = unix_poll,
    .ioctl = unix_ioctl,
    .release = unix_release,
};

int unix_init(void)
{
    return socket_family_register(AF_UNIX, unix_create, unix_pair);
}
