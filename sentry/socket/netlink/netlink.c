/*
 * AF_NETLINK sockets: netlink(7). Requests are answered while they are sent; the answers wait in
 * the socket for the receiver. Only NETLINK_ROUTE has somebody to talk to.
 */
#include "sentry/socket/filter.h"
#include "sentry/socket/netlink/netlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "ckpt/record.h"
#include "sentry/kernel/uaccess.h"

#define REQUEST_MAX 65536

struct datagram {
    struct list node;
    size_t len;
    char data[];
};

struct netlink_sock {
    struct socket s;
    struct list node; /* of all bound sockets */
    uint32_t port, groups;
    struct list queue;
    size_t queued; /* bytes */
    struct waitq wq;
};

static struct list bound = LIST_INIT(bound);

static struct netlink_sock *nl_of(struct socket *s)
{
    return container_of(s, struct netlink_sock, s);
}

/* --- answers --- */
static void *nl_grow(struct nl_reply *r, size_t len)
{
    size_t want = r->len + NLMSG_ALIGN(len);

    if (!r->failed && want > r->cap) {
        size_t cap = MAX(want, MAX(r->cap * 2, 4096UL));
        char *data = realloc(r->data, cap);
        r->failed = !data;
        if (data) {
            r->data = data;
            r->cap = cap;
        }
    }
    if (r->failed)
        return NULL;
    void *at = memset(r->data + r->len, 0, NLMSG_ALIGN(len));
    r->len = want;
    return at;
}

size_t nl_begin(struct nl_reply *r, uint16_t type, uint16_t flags, const void *body, size_t len)
{
    const struct nlmsghdr h = {
        .nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = r->seq, .nlmsg_pid = r->port};
    size_t at = r->len;
    char *p = nl_grow(r, sizeof(h) + len);

    if (p) {
        memcpy(p, &h, sizeof(h));
        memcpy(p + sizeof(h), body, len);
    }
    return at;
}

void nl_attr(struct nl_reply *r, uint16_t type, const void *data, size_t len)
{
    const struct nlattr a = {(uint16_t)(sizeof(a) + len), type};
    char *p = nl_grow(r, sizeof(a) + len);

    if (p) {
        memcpy(p, &a, sizeof(a));
        memcpy(p + sizeof(a), data, len);
    }
}

void nl_end(struct nl_reply *r, size_t message)
{
    uint32_t len = (uint32_t)(r->len - message);

    if (!r->failed)
        memcpy(r->data + message, &len, sizeof(len)); /* nlmsg_len comes first */
}

/* --- the queue --- */
static int enqueue(struct netlink_sock *n, const char *data, size_t len)
{
    if (n->s.filter)
        len = socket_filter_run(&n->s, data, len);
    if (len == SOCKET_FILTER_DROPS)
        return 0;
    if (n->queued + len > (size_t)n->s.rcvbuf) {
        n->s.error = ENOBUFS;
        return -ENOBUFS;
    }
    struct datagram *d = malloc(sizeof(*d) + len);
    if (!d)
        return -ENOMEM;
    d->len = len;
    memcpy(d->data, data, len);
    list_add_tail(&n->queue, &d->node);
    n->queued += len;
    waitq_wake(&n->wq, EPOLLIN | EPOLLRDNORM);
    return 0;
}

int netlink_deliver(struct file *f, const void *data, size_t len)
{
    struct socket *s = socket_of(f);

    if (!s)
        return -ENOTSOCK;
    if (s->family != AF_NETLINK)
        return -EINVAL;
    return data ? enqueue(nl_of(s), data, len) : 0;
}

static void drop_first(struct netlink_sock *n)
{
    struct datagram *d = list_first(&n->queue, struct datagram, node);

    n->queued -= d->len;
    list_del(&d->node);
    free(d);
}

/* --- names --- */
static struct netlink_sock *by_port(int protocol, uint32_t port)
{
    struct netlink_sock *n;

    list_for_each(n, &bound, node) {
        if (n->port == port && n->s.protocol == protocol)
            return n;
    }
    return NULL;
}

static int bind_port(struct netlink_sock *n, uint32_t port)
{
    if (by_port(n->s.protocol, port))
        return -EADDRINUSE;
    n->port = port;
    list_add_tail(&bound, &n->node);
    return 0;
}

static int autobind(struct task *t, struct netlink_sock *n)
{
    uint32_t port = (uint32_t)t->tg->tgid, other = UINT32_MAX;

    if (n->port)
        return 0;
    while (
        by_port(n->s.protocol, port)) /* the first of a process has its id, others are negative */
        port = other--;
    return bind_port(n, port);
}

static int nl_bind(struct task *t, struct socket *s, const struct sockaddr *sa, socklen_t len)
{
    struct netlink_sock *n = nl_of(s);
    struct sockaddr_nl a;

    if (len < sizeof(a))
        return -EINVAL;
    memcpy(&a, sa, sizeof(a));
    if (a.nl_family != AF_NETLINK || (n->port && a.nl_pid != n->port))
        return -EINVAL;
    int err = n->port ? 0 : a.nl_pid ? bind_port(n, a.nl_pid) : autobind(t, n);
    if (!err)
        n->groups = a.nl_groups; /* nothing here ever changes: nobody is told anything */
    return err;
}

static int nl_connect(struct task *t, struct socket *s, const struct sockaddr *sa, socklen_t len,
                      int flags)
{
    struct sockaddr_nl a;

    if (len < sizeof(a))
        return -EINVAL;
    memcpy(&a, sa, sizeof(a));
    if (a.nl_family == AF_UNSPEC)
        return 0;
    if (a.nl_family != AF_NETLINK)
        return -EINVAL;
    return a.nl_pid || a.nl_groups ? -EPERM : autobind(t, nl_of(s));
}

static int nl_getname(struct socket *s, struct sockaddr_storage *out, socklen_t *len, bool peer)
{
    const struct sockaddr_nl a = {.nl_family = AF_NETLINK,
                                  .nl_pid = peer ? 0 : nl_of(s)->port,
                                  .nl_groups = peer ? 0 : nl_of(s)->groups};

    memcpy(out, &a, sizeof(a));
    *len = sizeof(a);
    return 0;
}

/* --- messages --- */
static void acknowledge(struct nl_reply *r, const struct nlmsghdr *h, int err)
{
    struct nlmsgerr e = {.error = err, .msg = *h};

    nl_end(r, nl_begin(r, NLMSG_ERROR, NLM_F_CAPPED, &e, sizeof(e)));
}

/* One datagram may hold several requests; each has its answer. */
static int answer(struct task *t, struct netlink_sock *n, const char *buf, size_t len)
{
    while (len >= sizeof(struct nlmsghdr)) {
        struct nlmsghdr h;
        memcpy(&h, buf, sizeof(h));
        if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > len)
            return 0;
        struct nl_reply r = {.seq = h.nlmsg_seq, .port = n->port};
        int err = 0;
        if ((h.nlmsg_flags & NLM_F_REQUEST) && h.nlmsg_type >= NLMSG_MIN_TYPE)
            err = route_request(t, (const struct nlmsghdr *)buf, h.nlmsg_len, &r);
        if (err || (h.nlmsg_flags & NLM_F_ACK))
            acknowledge(&r, &h, err);
        int full = r.failed ? -ENOMEM : r.len ? enqueue(n, r.data, r.len) : 0;
        free(r.data);
        if (full)
            return full;
        size_t step = MIN((size_t)NLMSG_ALIGN(h.nlmsg_len), len);
        buf += step;
        len -= step;
    }
    return 0;
}

static ssize_t nl_send(struct task *t, struct socket *s, struct msg *m, int flags)
{
    struct netlink_sock *n = nl_of(s);
    size_t len = m->uio.resid;
    struct sockaddr_nl a;

    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (m->addrlen) {
        if (m->addrlen < sizeof(a))
            return -EINVAL;
        memcpy(&a, &m->addr, sizeof(a));
        if (a.nl_family != AF_NETLINK)
            return -EINVAL;
        if (a.nl_pid || a.nl_groups)
            return a.nl_groups ? -EPERM : -ECONNREFUSED;
    }
    int err = autobind(t, n);
    if (err)
        return err;
    if (len > REQUEST_MAX)
        return -EMSGSIZE;
    cleanup_free char *buf = malloc(len ? len : 1);
    if (!buf)
        return -ENOMEM;
    if (len && uio_read(&m->uio, buf, len) != (ssize_t)len)
        return -EFAULT;
    err = answer(t, n, buf, len);
    return err && err != -ENOBUFS ? err : (ssize_t)len;
}

static ssize_t nl_recv(struct task *t, struct socket *s, struct msg *m, int flags)
{
    uint64_t deadline = socket_deadline(s->rcvtimeo_ns);
    struct netlink_sock *n = nl_of(s);
    socklen_t addrlen;

    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    while (list_empty(&n->queue)) {
        int err = socket_error(s);
        if (err)
            return err;
        if (flags & O_NONBLOCK)
            return -EAGAIN;
        err = socket_wait_error(task_wait(t, &n->wq, deadline), s->rcvtimeo_ns);
        if (err)
            return err;
    }
    struct datagram *d = list_first(&n->queue, struct datagram, node);
    size_t size = MIN(d->len, m->uio.resid), len = d->len;
    if (size && uio_write(&m->uio, d->data, size) != (ssize_t)size)
        return -EFAULT;
    if (size < len)
        m->out_flags |= MSG_TRUNC;
    if (!(m->flags & MSG_PEEK))
        drop_first(n);
    nl_getname(s, &m->addr, &addrlen, true);
    m->addrlen = addrlen;
    return (ssize_t)(m->flags & MSG_TRUNC ? len : size);
}

static uint32_t nl_poll(struct socket *s, struct poll_table *pt)
{
    struct netlink_sock *n = nl_of(s);

    poll_wait(pt, &n->wq);
    return EPOLLOUT | EPOLLWRNORM | (list_empty(&n->queue) ? 0 : EPOLLIN | EPOLLRDNORM) |
           (s->error ? EPOLLERR : 0);
}

static int nl_shutdown(struct socket *s, int how)
{
    return -EOPNOTSUPP;
}

static int nl_getsockopt(struct task *t, struct socket *s, int level, int opt, void *val,
                         socklen_t *len)
{
    return -ENOPROTOOPT;
}

/* Options that only say how much is told: taken, since little is. */
static int nl_setsockopt(struct task *t, struct socket *s, int level, int opt, const void *val,
                         socklen_t len)
{
    if (level != SOL_NETLINK)
        return -ENOPROTOOPT;
    switch (opt) {
    case NETLINK_EXT_ACK:
    case NETLINK_CAP_ACK:
    case NETLINK_GET_STRICT_CHK:
    case NETLINK_NO_ENOBUFS:
    case NETLINK_PKTINFO:
    case NETLINK_ADD_MEMBERSHIP:
    case NETLINK_DROP_MEMBERSHIP:
        return len < sizeof(int) ? -EINVAL : 0;
    default:
        explain_missing("setsockopt", "SOL_NETLINK %d", opt);
        return -ENOPROTOOPT;
    }
}

static long nl_ioctl(struct task *t, struct socket *s, unsigned int cmd, unsigned long arg)
{
    return -ENOTTY;
}

static void nl_release(struct socket *s)
{
    struct netlink_sock *n = nl_of(s);

    list_del(&n->node);
    while (!list_empty(&n->queue))
        drop_first(n);
    waitq_release(&n->wq);
    socket_filter_drop(&n->s);
    free(n);
}

/* --- checkpoints --- */
#define QUEUE_MAX 65536
#define DATAGRAM_MAX (1U << 30)

static struct netlink_sock *netlink_new(int type, int protocol);

static const struct ckpt_field fields[] = {
    CKPT_UINT(struct netlink_sock, port),
    CKPT_UINT(struct netlink_sock, groups),
};

static struct socket *nl_make(struct ckpt_reader *r)
{
    struct netlink_sock *n = netlink_new(SOCK_RAW, NETLINK_ROUTE);

    return n ? &n->s : NULL;
}

static void nl_save(struct ckpt_writer *w, struct socket *s)
{
    const struct netlink_sock *n = nl_of(s);
    const struct datagram *d;
    uint32_t count = 0;

    ckpt_put_fields(w, fields, ARRAY_SIZE(fields), n);
    list_for_each(d, &n->queue, node)
        count++;
    ckpt_put_u32(w, count);
    list_for_each(d, &n->queue, node) {
        ckpt_put_u32(w, (uint32_t)d->len);
        ckpt_put_bytes(w, d->data, d->len);
    }
}

static void nl_load(struct ckpt_reader *r, struct socket *s, unsigned int version)
{
    struct netlink_sock *n = nl_of(s);

    ckpt_get_fields(r, fields, ARRAY_SIZE(fields), n, version);
    if ((s->type != SOCK_RAW && s->type != SOCK_DGRAM) || s->protocol != NETLINK_ROUTE)
        ckpt_bad(r, "netlink of type %d, protocol %d", s->type, s->protocol);
    uint32_t count = ckpt_get_count(r, QUEUE_MAX, sizeof(uint32_t));
    while (count-- && !ckpt_failed(r)) {
        uint32_t len = ckpt_get_count(r, DATAGRAM_MAX, 1);
        struct datagram *d = malloc(sizeof(*d) + len);
        if (!d) {
            ckpt_bad(r, "out of memory");
            return;
        }
        d->len = len;
        ckpt_get_bytes(r, d->data, len);
        list_add_tail(&n->queue, &d->node);
        n->queued += len;
    }
}

static void nl_link(struct ckpt_reader *r, struct socket *s)
{
    struct netlink_sock *n = nl_of(s);

    if (n->port && bind_port(n, n->port))
        ckpt_bad(r, "port %u is another's", n->port);
}

/* It has one file: socket_restore(). */
static void nl_hold(struct socket *s)
{
}

static const struct socket_ckpt netlink_ckpt = {
    .make = nl_make,
    .save = nl_save,
    .load = nl_load,
    .link = nl_link,
    .hold = nl_hold,
};

static const struct socket_ops netlink_ops = {
    .bind = nl_bind,
    .connect = nl_connect,
    .send = nl_send,
    .recv = nl_recv,
    .shutdown = nl_shutdown,
    .getname = nl_getname,
    .getsockopt = nl_getsockopt,
    .setsockopt = nl_setsockopt,
    .poll = nl_poll,
    .ioctl = nl_ioctl,
    .release = nl_release,
    .ckpt = &netlink_ckpt,
};
CKPT_SYMBOL("socket_ops", "netlink", netlink_ops);

static struct netlink_sock *netlink_new(int type, int protocol)
{
    struct netlink_sock *n = calloc(1, sizeof(*n));

    if (!n)
        return NULL;
    socket_init(&n->s, &netlink_ops, AF_NETLINK, type, protocol);
    list_init(&n->node);
    list_init(&n->queue);
    waitq_init(&n->wq);
    return n;
}

static int netlink_create(struct task *t, int type, int protocol, struct socket **out)
{
    if (type != SOCK_RAW && type != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    if (protocol != NETLINK_ROUTE) {
        explain_missing("socket", "AF_NETLINK protocol %d", protocol);
        return -EPROTONOSUPPORT;
    }
    struct netlink_sock *n = netlink_new(type, protocol);
    if (!n)
        return -ENOMEM;
    *out = &n->s;
    return 0;
}

int netlink_init(void)
{
    return socket_family_register(AF_NETLINK, netlink_create, NULL);
}
