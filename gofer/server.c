/*
 * The request loop. The sentry is not trusted: each request is copied by recvmsg into our buffer,
 * checked as a whole, then used. No state is kept between requests.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gofer/gofer.h"
#include "gofer/serve.h"

#define LOOKS 100 /* some 50 us */

static union {
    struct gofer_request req;
    char bytes[sizeof(struct gofer_request) + GOFER_REQUEST_MAX];
} in;
static union {
    struct gofer_reply rep;
    char bytes[GOFER_PACKET_MAX];
} out;

static int (*const handlers[GOFER_NR_MSGS])(struct call *c) = {
    [GOFER_LOOKUP] = gofer_lookup,
    [GOFER_OPEN] = gofer_open,
    [GOFER_READDIR] = gofer_readdir,
    [GOFER_STATFS] = gofer_statfs,
    [GOFER_CREATE] = gofer_create,
    [GOFER_MKDIR] = gofer_mkdir,
    [GOFER_SYMLINK] = gofer_symlink,
    [GOFER_MKNOD] = gofer_mknod,
    [GOFER_TMPFILE] = gofer_tmpfile,
    [GOFER_LINK] = gofer_link,
    [GOFER_LINK_FILE] = gofer_link_file,
    [GOFER_UNLINK] = gofer_unlink,
    [GOFER_RMDIR] = gofer_rmdir,
    [GOFER_RENAME] = gofer_rename,
    [GOFER_SETATTR] = gofer_setattr,
    [GOFER_GETXATTR] = gofer_getxattr,
    [GOFER_LISTXATTR] = gofer_listxattr,
    [GOFER_SETXATTR] = gofer_setxattr,
    [GOFER_REMOVEXATTR] = gofer_removexattr,
};

static const bool mutates[GOFER_NR_MSGS] = {
#define MSG(name, mutates, what) [GOFER_##name] = (mutates),
#include "gofer/messages.def"
#undef MSG
};

int gofer_take_path(char *to, const char *from, size_t len, bool may_be_absolute)
{
    if (len >= GOFER_PATH_MAX || memchr(from, 0, len) ||
        (len && from[0] == '/' && !may_be_absolute))
        return -EPROTO;
    memcpy(to, from, len);
    to[len] = 0;
    return 0;
}

static bool takes_file(unsigned int type)
{
    return type == GOFER_LINK_FILE || type == GOFER_SETATTR || type == GOFER_GETXATTR ||
           type == GOFER_LISTXATTR || type == GOFER_SETXATTR || type == GOFER_REMOVEXATTR;
}

static int dispatch(struct call *c, size_t len)
{
    struct gofer_request *r = c->req;

    if (len < sizeof(*r) || r->version != GOFER_VERSION ||
        len != sizeof(*r) + r->len1 + (size_t)r->len2 + r->len3)
        return -EPROTO;
    if (r->type >= GOFER_NR_MSGS)
        return -ENOSYS;
    if (r->export_index >= c->cfg->nexports)
        return -EPROTO;
    c->exp = &c->cfg->exports[r->export_index];
    if (c->exp->fd < 0)
        return -EPROTO;
    if ((r->len3 && r->type != GOFER_SETXATTR) || (c->sent >= 0 && !takes_file(r->type)))
        return -EPROTO;
    if (r->type == GOFER_OPEN_MANY)
        return gofer_open_many(c);
    if (gofer_take_path(c->path, r->data, r->len1, false) ||
        gofer_take_path(c->path2, r->data + r->len1, r->len2, r->type == GOFER_SYMLINK))
        return -EPROTO;
    c->value = r->data + r->len1 + r->len2;
    if (mutates[r->type] && c->exp->readonly)
        return -EROFS;
    return handlers[r->type](c);
}

static int send_reply(int sock, const struct call *c)
{
    struct iovec iov = {c->rep, sizeof(*c->rep) + c->rep->len};
    static union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(c->fds))];
    } ctl;
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

    if (c->nfds) {
        m.msg_control = ctl.buf;
        m.msg_controllen = CMSG_SPACE(c->nfds * sizeof(int));
        struct cmsghdr *h = CMSG_FIRSTHDR(&m);
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(c->nfds * sizeof(int));
        memcpy(CMSG_DATA(h), c->fds, c->nfds * sizeof(int));
    }
    return sendmsg(sock, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void drop_fds(struct call *c)
{
    while (c->nfds)
        close(c->fds[--c->nfds]);
}

/*
 * The next request often comes soon, and waking up another processor takes longer than all the
 * rest. Of the last request, in still has the header.
 */
static ssize_t receive(const struct gofer_config *cfg, struct msghdr *m)
{
    bool look = cfg->spin && in.req.cpu != (uint16_t)sched_getcpu();

    for (int i = 0; look && i < LOOKS; i++) {
        ssize_t n = recvmsg(cfg->sock, m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n >= 0 || errno != EAGAIN)
            return n;
        sched_yield();
    }
    return recvmsg(cfg->sock, m, MSG_CMSG_CLOEXEC);
}

/* The descriptor that came along; what does not fit the kernel has dropped (MSG_CTRUNC). */
static int sent_fd(struct msghdr *m)
{
    struct cmsghdr *h = CMSG_FIRSTHDR(m);
    int fd;

    if (!h || h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS ||
        h->cmsg_len != CMSG_LEN(sizeof(fd)))
        return -1;
    memcpy(&fd, CMSG_DATA(h), sizeof(fd));
    return fd;
}

static int answer(struct call *c, struct msghdr *m, size_t n)
{
    c->fd = -1;
    c->sent = sent_fd(m);
    memset(&out.rep, 0, sizeof(out.rep));
    int err = m->msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EPROTO : dispatch(c, n);
    if (c->sent >= 0)
        close(c->sent);
    if (c->fd >= 0)
        c->fds[c->nfds++] = c->fd;
    if (err)
        drop_fds(c);
    out.rep.id = n >= 4 ? in.req.id : 0;
    out.rep.result = err;
    out.rep.nfds = c->nfds;
    if (err)
        out.rep.len = 0;
    int sent = send_reply(c->cfg->sock, c);
    bool refused = sent == -ETOOMANYREFS || sent == -ENOMEM || sent == -ENOBUFS;
    drop_fds(c);
    if (!refused || !out.rep.nfds)
        return sent;
    /* Too many descriptors of our user are under way: those of other sandboxes, and programs. */
    out.rep.result = -ENFILE;
    out.rep.nfds = out.rep.len = out.rep.steps = 0;
    return send_reply(c->cfg->sock, c);
}

int gofer_serve(const struct gofer_config *cfg)
{
    static struct call c;
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(int))];
    } ctl;

    c = (struct call){.cfg = cfg, .req = &in.req, .rep = &out.rep};
    for (;;) {
        struct iovec iov = {in.bytes, sizeof(in.bytes)};
        struct msghdr m = {.msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = ctl.buf,
                           .msg_controllen = sizeof(ctl.buf)};
        ssize_t n = receive(cfg, &m);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        int err = answer(&c, &m, (size_t)n);
        if (err)
            return err;
    }
}
