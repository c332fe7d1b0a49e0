/*
 * See rpc.h. One socket; replies carry the id of their request and are handed out by the loop. The
 * gofer is trusted more than a guest, yet every length in a reply is checked.
 */
#include "sentry/fs/gofer/rpc.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "platform/platform.h"
#include "sentry/fs/fs.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/loop.h"
#include "sentry/kernel/stat.h"

#define SPIN_NS 50000
#define SPIN_PAUSES 4

static struct list waiting = LIST_INIT(waiting); /* of calls */
static uint32_t next_id;
static bool gone;

static union {
    struct gofer_reply rep;
    char bytes[GOFER_PACKET_MAX];
} in;
_Static_assert(offsetof(struct gofer_reply, data) % 8 == 0, "sections are aligned");

static int in_fds[GOFER_MANY_MAX];
static uint32_t n_in_fds;

static void take_fds(struct msghdr *m)
{
    struct cmsghdr *h = CMSG_FIRSTHDR(m);

    n_in_fds = 0;
    if (!h || h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS ||
        h->cmsg_len < CMSG_LEN(sizeof(int)) || h->cmsg_len > CMSG_LEN(sizeof(in_fds)))
        return;
    n_in_fds = (uint32_t)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(in_fds, CMSG_DATA(h), n_in_fds * sizeof(int));
}

static void give_fds(struct gofer_call *c)
{
    if (c->fds) {
        memcpy(c->fds, in_fds, n_in_fds * sizeof(int));
        c->nfds = n_in_fds;
        n_in_fds = 0;
    } else if (n_in_fds == 1) {
        c->fd = in_fds[0];
        n_in_fds = 0;
    }
}

static void finish(struct gofer_call *c, int result)
{
    struct gofer_pending *p = &c->pending;

    list_del(&p->node);
    p->result = result;
    p->done = true;
    if (p->fiber && p->fiber != fiber_current())
        fiber_wake(p->fiber);
}

static int copy_data(struct gofer_call *c, const struct gofer_reply *r)
{
    c->data = malloc(r->len + 1UL);
    if (!c->data)
        return -ENOMEM;
    memcpy(c->data, r->data, r->len);
    c->data[r->len] = 0;
    c->len = r->len;
    return 0;
}

static int take_reply(struct gofer_call *c, const struct gofer_reply *r, size_t len)
{
    if (len != sizeof(*r) + (size_t)r->len || r->result > 0 || r->stop > 0 ||
        r->steps > r->len / sizeof(struct gofer_attr))
        return -EPROTO;
    c->attr = r->attr;
    c->steps = r->steps;
    c->stop = r->stop;
    if (r->result || !r->len)
        return r->result;
    return c->take ? c->take(c, r->data, r->len) : copy_data(c, r);
}

static void deliver(size_t len)
{
    struct gofer_call *c;

    list_for_each(c, &waiting, pending.node) {
        if (len < sizeof(in.rep) || c->pending.id != in.rep.id)
            continue;
        int result = take_reply(c, &in.rep, len);
        if (!result)
            give_fds(c);
        finish(c, result);
        break;
    }
    while (n_in_fds)
        close(in_fds[--n_in_fds]);
}

static void all_failed(struct loop_fd *w)
{
    struct gofer_call *c, *tmp;

    log_warn("the gofer has ended");
    gone = true;
    loop_fd_del(w);
    list_for_each_safe(c, tmp, &waiting, pending.node)
        finish(c, -EIO);
}

static void readable(struct loop_fd *w, uint32_t revents)
{
    for (;;) {
        struct iovec iov = {in.bytes, sizeof(in.bytes)};
        union {
            struct cmsghdr align;
            char buf[CMSG_SPACE(sizeof(in_fds))];
        } ctl;
        struct msghdr m = {.msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = ctl.buf,
                           .msg_controllen = sizeof(ctl.buf)};
        ssize_t n = recvmsg(w->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            all_failed(w);
            return;
        }
        take_fds(&m);
        deliver((m.msg_flags & MSG_TRUNC) ? 0 : (size_t)n);
    }
}

static struct loop_fd sock_watch = {.fd = -1, .events = EPOLLIN, .cb = readable};

int goferfs_connect(int sock)
{
    sock_watch.fd = sock;
    return loop_fd_add(&sock_watch);
}

static int send_request(struct gofer_call *c, uint32_t id)
{
    size_t l1 = c->raw_len ? c->raw_len : strlen(c->path), l2 = c->path2 ? strlen(c->path2) : 0;
    struct gofer_request r = {.id = id,
                              .version = GOFER_VERSION,
                              .type = (uint16_t)c->type,
                              .export_index = (uint16_t)c->export_index,
                              .len1 = (uint16_t)l1,
                              .len2 = (uint16_t)l2,
                              .len3 = c->value_len,
                              .cpu = (uint16_t)sched_getcpu()};
    struct iovec iov[4] = {{&r, sizeof(r)},
                           {(void *)(uintptr_t)c->path, l1},
                           {(void *)(uintptr_t)c->path2, l2},
                           {(void *)(uintptr_t)c->value, c->value_len}};
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(int))];
    } ctl;
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 4};

    if ((l1 >= GOFER_PATH_MAX && !c->raw_len) || l2 >= GOFER_PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(r.arg, c->arg, sizeof(r.arg));
    if (c->file) {
        m.msg_control = ctl.buf;
        m.msg_controllen = sizeof(ctl.buf);
        ctl.align = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&ctl.align), c->file, sizeof(int));
    }
    while (sendmsg(sock_watch.fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        if (errno != EAGAIN)
            return -EIO;
        int err = loop_fd_wait(sock_watch.fd, EPOLLOUT);
        if (err)
            return err;
    }
    return 0;
}

/*
 * Most replies come within microseconds, and where the gofer has another CPU waking up would take
 * longer than they do: so look for a while, but not when another fiber could use the time.
 */
static void await_soon(const struct gofer_pending *wanted)
{
    uint64_t until = loop_ncpus() > 1 ? now_ns() + SPIN_NS : 0;

    while (!wanted->done && !fiber_any_ready() && until && now_ns() < until) {
        readable(&sock_watch, 0);
        if (wanted->done || gone || platform->poll())
            return;
        for (int i = 0; i < SPIN_PAUSES; i++)
            __builtin_ia32_pause();
    }
}

void gofer_rpc_begin(struct gofer_call *c)
{
    struct gofer_pending *p = &c->pending;

    c->data = NULL;
    c->steps = 0;
    c->stop = 0;
    c->len = 0;
    c->fd = -1;
    c->nfds = 0;
    *p = (struct gofer_pending){.id = ++next_id, .start_ns = stat_enabled ? now_ns() : 0};
    list_init(&p->node);
    int err = gone ? -EIO : 0;
    if (!err) {
        list_add_tail(&waiting, &p->node);
        err = send_request(c, p->id);
    }
    if (err && !p->done)
        finish(c, err);
}

int gofer_rpc_end(struct gofer_call *c)
{
    static const char *const names[] = {
#define MSG(name, mutates, what) #name,
#include "gofer/messages.def"
#undef MSG
    };
    struct gofer_pending *p = &c->pending;

    p->fiber = fiber_current();
    await_soon(p);
    while (!p->done)
        fiber_park();
    if (unlikely(stat_enabled))
        stat_gofer((unsigned int)c->type, names[c->type], now_ns() - p->start_ns);
    return p->result;
}

int gofer_rpc(struct gofer_call *c)
{
    gofer_rpc_begin(c);
    return gofer_rpc_end(c);
}
