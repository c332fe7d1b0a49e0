/* The socket system calls: socket(7), send(2), recv(2). */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/socket/socket.h"

#define FAMILIES_MAX 8
#define CONTROL_MAX 20480
#define OPT_MAX 4096
#define BUF_DEFAULT 212992

static struct family {
    int family;
    socket_create_fn create;
    int (*pair)(struct task *t, int type, int protocol, struct socket **a, struct socket **b);
} families[FAMILIES_MAX];
static int nfamilies;

int socket_family_register(int family, socket_create_fn create,
                           int (*pair)(struct task *t, int type, int protocol, struct socket **a,
                                       struct socket **b))
{
    if (nfamilies == FAMILIES_MAX)
        return -ENOSPC;
    families[nfamilies++] = (struct family){family, create, pair};
    return 0;
}

static struct family *family_find(int family)
{
    for (int i = 0; i < nfamilies; i++)
        if (families[i].family == family)
            return &families[i];
    explain_missing("socket", "address family %d", family);
    return NULL;
}

void socket_init(struct socket *s, const struct socket_ops *ops, int family, int type,
                 int protocol)
{
    s->ops = ops;
    s->family = family;
    s->type = type;
    s->protocol = protocol;
    s->sndbuf = s->rcvbuf = BUF_DEFAULT;
}

/* --- sockets as files --- */
static ssize_t sock_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct socket *s = f->priv;
    struct msg m = {.uio = *u, .flags = rwf & 8 ? MSG_DONTWAIT : 0};

    if (!u->resid && s->type == SOCK_STREAM)
        return 0;
    ssize_t n = s->ops->recv(t, s, &m, f->flags);
    scm_release(&m.scm);
    return n;
}

static ssize_t sock_write(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct socket *s = f->priv;
    struct msg m = {.uio = *u, .flags = rwf & 8 ? MSG_DONTWAIT : 0};

    return s->ops->send(t, s, &m, f->flags);
}

static uint32_t sock_poll(struct file *f, struct poll_table *pt)
{
    struct socket *s = f->priv;

    return s->ops->poll(s, pt);
}

static long sock_ioctl(struct task *t, struct file *f, unsigned int cmd, unsigned long arg)
{
    struct socket *s = f->priv;

    return s->ops->ioctl ? s->ops->ioctl(t, s, cmd, arg) : -ENOTTY;
}

static void sock_release(struct file *f)
{
    struct socket *s = f->priv;

    s->ops->release(s);
}

static const struct file_ops socket_file_ops = {.kind = "socket",
                                                .read = sock_read,
                                                .write = sock_write,
                                                .poll = sock_poll,
                                                .ioctl = sock_ioctl,
                                                .release = sock_release,
                                                .is_socket = true,
                                                .no_seek = true};

struct file *socket_file(struct socket *s, int flags)
{
    struct file *f = file_new_anon(&socket_file_ops, S_IFSOCK | 0777, O_RDWR | flags, s);

    if (f)
        s->file = f;
    else
        s->ops->release(s);
    return f;
}

struct socket *socket_of(struct file *f)
{
    return f->ops == &socket_file_ops ? f->priv : NULL;
}

/* The file of a descriptor that must be a socket. */
static int get_socket(struct task *t, int fd, struct file **f, struct socket **s)
{
    *f = fd_get(t, fd);
    if (!*f)
        return -EBADF;
    *s = socket_of(*f);
    return *s ? 0 : -ENOTSOCK;
}

/* --- socket, socketpair --- */
static int type_flags(int type, int *flags)
{
    if (type & ~(0xf | SOCK_CLOEXEC | SOCK_NONBLOCK))
        return -EINVAL;
    *flags = type & SOCK_NONBLOCK ? O_NONBLOCK : 0;
    return type & 0xf;
}

long sys_socket(struct task *t, const struct sysargs *a)
{
    struct socket *s;
    int flags, type = type_flags(arg_i32(a, 1), &flags);

    if (type < 0)
        return type;
    if (arg_i32(a, 0) < 0 || arg_i32(a, 0) >= AF_MAX)
        return -EAFNOSUPPORT;
    if (type > SOCK_PACKET)
        return -EINVAL;
    struct family *fam = family_find(arg_i32(a, 0));
    if (!fam)
        return -EAFNOSUPPORT;
    int err = fam->create(t, type, arg_i32(a, 2), &s);
    if (err)
        return err;
    struct file *f = socket_file(s, flags);
    return f ? fd_install_steal(t, f, arg_i32(a, 1) & SOCK_CLOEXEC) : -ENOMEM;
}

long sys_socketpair(struct task *t, const struct sysargs *a)
{
    struct socket *s[2];
    int flags, fds[2], type = type_flags(arg_i32(a, 1), &flags);

    if (type < 0)
        return type;
    struct family *fam = family_find(arg_i32(a, 0));
    if (!fam)
        return -EAFNOSUPPORT;
    if (!fam->pair)
        return -EOPNOTSUPP;
    int err = fam->pair(t, type, arg_i32(a, 2), &s[0], &s[1]);
    if (err)
        return err;
    struct file *f0 = socket_file(s[0], flags), *f1 = socket_file(s[1], flags);
    bool cloexec = arg_i32(a, 1) & SOCK_CLOEXEC;
    fds[0] = f0 && f1 ? fd_install(t, f0, cloexec, 0) : -ENOMEM;
    fds[1] = fds[0] >= 0 ? fd_install(t, f1, cloexec, 0) : fds[0];
    if (f0)
        file_put(f0);
    if (f1)
        file_put(f1);
    err = fds[1] < 0 ? fds[1] : put_user(t, &fds, arg_u64(a, 3));
    if (err && fds[0] >= 0)
        fd_close(t, fds[0]);
    if (err && fds[1] >= 0)
        fd_close(t, fds[1]);
    return err;
}

/* --- addresses --- */
static int get_addr(struct task *t, uint64_t addr, int len, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (len < 0 || (size_t)len > sizeof(*out))
        return -EINVAL;
    return copy_in(t, out, addr, (size_t)len);
}

static int put_addr(struct task *t, const struct sockaddr_storage *a, socklen_t len, uint64_t addr,
                    uint64_t len_addr)
{
    int room;

    if (get_user(t, &room, len_addr))
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    if (copy_out(t, addr, a, MIN((size_t)room, (size_t)len)))
        return -EFAULT;
    return put_user(t, &len, len_addr);
}

long sys_bind(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    struct sockaddr_storage sa;
    struct socket *s;
    int err = get_socket(t, arg_i32(a, 0), &f, &s);

    if (!err)
        err = get_addr(t, arg_u64(a, 1), arg_i32(a, 2), &sa);
    if (err)
        return err;
    return s->ops->bind ? s->ops->bind(t, s, (void *)&sa, arg_u32(a, 2)) : -EOPNOTSUPP;
}

long sys_connect(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    struct sockaddr_storage sa;
    struct socket *s;
    int err = get_socket(t, arg_i32(a, 0), &f, &s);

    if (!err)
        err = get_addr(t, arg_u64(a, 1), arg_i32(a, 2), &sa);
    if (err)
        return err;
    return s->ops->connect ? s->ops->connect(t, s, (void *)&sa, arg_u32(a, 2), f->flags)
                           : -EOPNOTSUPP;
}

long sys_listen(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    struct socket *s;
    int err = get_socket(t, arg_i32(a, 0), &f, &s);

    if (err)
        return err;
    return s->ops->listen ? s->ops->listen(t, s, arg_i32(a, 1)) : -EOPNOTSUPP;
}

static long do_accept(struct task *t, int fd, uint64_t addr, uint64_t len_addr, int flags)
{
    cleanup_file struct file *f = NULL;
    struct socket *s, *c;
    int err = get_socket(t, fd, &f, &s);

    if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
        return -EINVAL;
    if (err)
        return err;
    if (!s->ops->accept)
        return -EOPNOTSUPP;
    err = s->ops->accept(t, s, &c, f->flags);
    if (err)
        return err;
    struct sockaddr_storage sa = {0};
    socklen_t len = 0;
    if (addr)
        c->ops->getname(c, &sa, &len, true);
    struct file *cf = socket_file(c, flags & SOCK_NONBLOCK ? O_NONBLOCK : 0);
    if (!cf)
        return -ENOMEM;
    if (addr && (err = put_addr(t, &sa, len, addr, len_addr))) {
        file_put(cf);
        return err;
    }
    return fd_install_steal(t, cf, flags & SOCK_CLOEXEC);
}

long sys_accept(struct task *t, const struct sysargs *a)
{
    return do_accept(t, arg_i32(a, 0), arg_u64(a, 1), arg_u64(a, 2), 0);
}

long sys_accept4(struct task *t, const struct sysargs *a)
{
    return do_accept(t, arg_i32(a, 0), arg_u64(a, 1), arg_u64(a, 2), arg_i32(a, 3));
}

static long do_getname(struct task *t, const struct sysargs *a, bool peer)
{
    cleanup_file struct file *f = NULL;
    struct sockaddr_storage sa = {0};
    socklen_t len = 0;
    struct socket *s;
    int err = get_socket(t, arg_i32(a, 0), &f, &s);

    if (!err)
        err = s->ops->getname(s, &sa, &len, peer);
    return err ? err : put_addr(t, &sa, len, arg_u64(a, 1), arg_u64(a, 2));
}

long sys_getsockname(struct task *t, const struct sysargs *a)
{
    return do_getname(t, a, false);
}

long sys_getpeername(struct task *t, const struct sysargs *a)
{
    return do_getname(t, a, true);
}

long sys_shutdown(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    struct socket *s;
    int err = get_socket(t, arg_i32(a, 0), &f, &s), how = arg_i32(a, 1);

    if (err)
        return err;
    if (how < SHUT_RD || how > SHUT_RDWR)
        return -EINVAL;
    return s->ops->shutdown ? s->ops->shutdown(s, how) : -EOPNOTSUPP;
}

/* --- options that all families share --- */
static uint64_t tv_ns(const struct timeval *tv)
{
    return (uint64_t)tv->tv_sec * NSEC_PER_SEC + (uint64_t)tv->tv_usec * 1000;
}

static struct timeval ns_tv(uint64_t ns)
{
    return (struct timeval){(time_t)(ns / NSEC_PER_SEC), (suseconds_t)(ns % NSEC_PER_SEC / 1000)};
}

static int set_common(struct socket *s, int opt, const void *val, socklen_t len)
{
    int v = 0;

    if (opt == SO_RCVTIMEO || opt == SO_SNDTIMEO) {
        struct timeval tv;
        if (len < sizeof(tv))
            return -EINVAL;
        memcpy(&tv, val, sizeof(tv));
        if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
            return -EDOM;
        *(opt == SO_RCVTIMEO ? &s->rcvtimeo_ns : &s->sndtimeo_ns) = tv.tv_sec < 0 ? 0 : tv_ns(&tv);
        return 0;
    }
    if (opt == SO_LINGER) {
        if (len < sizeof(s->linger))
            return -EINVAL;
        memcpy(&s->linger, val, sizeof(s->linger));
        return 0;
    }
    if (len < sizeof(v))
        return -EINVAL;
    memcpy(&v, val, sizeof(v));
    switch (opt) {
    case SO_REUSEADDR:
    case SO_REUSEPORT:
        s->reuseaddr = v;
        return 0;
    case SO_KEEPALIVE:
        s->keepalive = v;
        return 0;
    case SO_BROADCAST:
        s->broadcast = v;
        return 0;
    case SO_OOBINLINE:
        s->oobinline = v;
        return 0;
    case SO_PASSCRED:
        s->passcred = v;
        return 0;
    case SO_PRIORITY:
        s->priority = v;
        return 0;
    case SO_SNDBUF:
    case SO_SNDBUFFORCE:
        s->sndbuf = MAX(4608, MIN(v, BUF_DEFAULT) * 2);
        return 0;
    case SO_RCVBUF:
    case SO_RCVBUFFORCE:
        s->rcvbuf = MAX(2304, MIN(v, BUF_DEFAULT) * 2);
        return 0;
    default:
        explain_missing("setsockopt", "SOL_SOCKET %d", opt);
        return -ENOPROTOOPT;
    }
}

static int get_common(struct socket *s, int opt, void *val, socklen_t *len)
{
    int v;

    switch (opt) {
    case SO_TYPE:
        v = s->type;
        break;
    case SO_DOMAIN:
        v = s->family;
        break;
    case SO_PROTOCOL:
        v = s->protocol;
        break;
    case SO_ERROR:
        v = s->error;
        s->error = 0;
        break;
    case SO_REUSEADDR:
    case SO_REUSEPORT:
        v = s->reuseaddr;
        break;
    case SO_KEEPALIVE:
        v = s->keepalive;
        break;
    case SO_BROADCAST:
        v = s->broadcast;
        break;
    case SO_OOBINLINE:
        v = s->oobinline;
        break;
    case SO_PASSCRED:
        v = s->passcred;
        break;
    case SO_PRIORITY:
        v = s->priority;
        break;
    case SO_SNDBUF:
        v = s->sndbuf;
        break;
    case SO_RCVBUF:
        v = s->rcvbuf;
        break;
    case SO_RCVTIMEO:
    case SO_SNDTIMEO: {
        struct timeval tv = ns_tv(opt == SO_RCVTIMEO ? s->rcvtimeo_ns : s->sndtimeo_ns);
        *len = MIN(*len, (socklen_t)sizeof(tv));
        memcpy(val, &tv, *len);
        return 0;
    }
    case SO_LINGER:
        *len = MIN(*len, (socklen_t)sizeof(s->linger));
        memcpy(val, &s->linger, *len);
        return 0;
    default:
        explain_missing("getsockopt", "SOL_SOCKET %d", opt);
        return -ENOPROTOOPT;
    }
    *len = MIN(*len, (socklen_t)sizeof(v));
    memcpy(val, &v, *len);
    return 0;
}

long sys_setsockopt(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    char val[OPT_MAX];
    struct socket *s;
    int err = get_socket(t, arg_i32(a, 0), &f, &s), len = arg_i32(a, 4);

    if (err)
        return err;
    if (len < 0)
        return -EINVAL;
    len = MIN(len, OPT_MAX);
    if (copy_in(t, val, arg_u64(a, 3), (size_t)len))
        return -EFAULT;
    err = s->ops->setsockopt ? s->ops->setsockopt(t, s, arg_i32(a, 1), arg_i32(a, 2), val,
                                                  (socklen_t)len)
                             : -ENOPROTOOPT;
    if (err == -ENOPROTOOPT && arg_i32(a, 1) == SOL_SOCKET)
        err = set_common(s, arg_i32(a, 2), val, (socklen_t)len);
    return err;
}

long sys_getsockopt(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    char val[OPT_MAX];
    struct socket *s;
    int len, err = get_socket(t, arg_i32(a, 0), &f, &s);

    if (err)
        return err;
    if (get_user(t, &len, arg_u64(a, 4)))
        return -EFAULT;
    if (len < 0)
        return -EINVAL;
    socklen_t n = (socklen_t)MIN(len, OPT_MAX);
    err = s->ops->getsockopt ? s->ops->getsockopt(t, s, arg_i32(a, 1), arg_i32(a, 2), val, &n)
                             : -ENOPROTOOPT;
    if (err == -ENOPROTOOPT && arg_i32(a, 1) == SOL_SOCKET)
        err = get_common(s, arg_i32(a, 2), val, &n);
    if (err)
        return err;
    if (copy_out(t, arg_u64(a, 3), val, n))
        return -EFAULT;
    return put_user(t, &n, arg_u64(a, 4));
}

/* --- sending and receiving --- */
static int file_flags(const struct file *f, int msg_flags)
{
    return f->flags | (msg_flags & MSG_DONTWAIT ? O_NONBLOCK : 0);
}

long sys_sendto(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    struct msg m = {.flags = arg_i32(a, 3)};
    struct socket *s;
    int err = get_socket(t, arg_i32(a, 0), &f, &s);

    if (err)
        return err;
    if (arg_u64(a, 4)) {
        err = get_addr(t, arg_u64(a, 4), arg_i32(a, 5), &m.addr);
        if (err)
            return err;
        m.addrlen = arg_u32(a, 5);
    }
    uio_init_user(&m.uio, t, UIO_SOURCE, arg_u64(a, 1), MIN(arg_u64(a, 2), 0x7ffff000UL));
    return s->ops->send(t, s, &m, file_flags(f, m.flags));
}

long sys_recvfrom(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    struct msg m = {.flags = arg_i32(a, 3)};
    struct socket *s;
    int err = get_socket(t, arg_i32(a, 0), &f, &s);

    if (err)
        return err;
    uio_init_user(&m.uio, t, UIO_DEST, arg_u64(a, 1), MIN(arg_u64(a, 2), 0x7ffff000UL));
    ssize_t n = s->ops->recv(t, s, &m, file_flags(f, m.flags));
    scm_release(&m.scm);
    if (n >= 0 && arg_u64(a, 4) &&
        (err = put_addr(t, &m.addr, m.addrlen, arg_u64(a, 4), arg_u64(a, 5))))
        return err;
    return n;
}

void scm_release(struct scm *scm)
{
    for (int i = 0; i < scm->nfiles; i++)
        if (scm->files[i])
            file_put(scm->files[i]);
    free(scm->files);
    scm->files = NULL;
    scm->nfiles = 0;
}

static int add_fds(struct task *t, struct scm *scm, const char *data, size_t len)
{
    int n = (int)(len / sizeof(int));

    if (n + scm->nfiles > SCM_FDS_MAX)
        return -EINVAL;
    struct file **files = realloc(scm->files, (size_t)(scm->nfiles + n + 1) * sizeof(*files));
    if (!files)
        return -ENOMEM;
    scm->files = files;
    for (int i = 0; i < n; i++) {
        int fd;
        memcpy(&fd, data + (size_t)i * sizeof(int), sizeof(fd));
        struct file *f = fd_get_path_ok(t, fd);
        if (!f)
            return -EBADF;
        scm->files[scm->nfiles++] = f;
    }
    return 0;
}

static int add_cred(struct task *t, struct scm *scm, const char *data, size_t len)
{
    struct ucred u;
    const struct cred *c = t->cred;

    if (len != sizeof(u))
        return -EINVAL;
    memcpy(&u, data, sizeof(u));
    if (!cred_capable(c, 21 /* CAP_SYS_ADMIN */) &&
        (u.pid != t->tg->tgid || (u.uid != c->uid && u.uid != c->euid && u.uid != c->suid) ||
         (u.gid != c->gid && u.gid != c->egid && u.gid != c->sgid)))
        return -EPERM;
    if (u.pid != t->tg->tgid && !task_find(u.pid))
        return -ESRCH;
    scm->cred = u;
    scm->has_cred = true;
    return 0;
}

static int parse_control(struct task *t, struct scm *scm, const char *buf, size_t len)
{
    for (size_t off = 0; len - off >= sizeof(struct cmsghdr);) {
        struct cmsghdr h;
        memcpy(&h, buf + off, sizeof(h));
        if (h.cmsg_len < sizeof(h) || h.cmsg_len > len - off)
            return -EINVAL;
        const char *data = buf + off + sizeof(h);
        int err = -EINVAL;
        if (h.cmsg_level != SOL_SOCKET)
            err = 0;
        else if (h.cmsg_type == SCM_RIGHTS)
            err = add_fds(t, scm, data, h.cmsg_len - sizeof(h));
        else if (h.cmsg_type == SCM_CREDENTIALS)
            err = add_cred(t, scm, data, h.cmsg_len - sizeof(h));
        if (err)
            return err;
        off += CMSG_ALIGN(h.cmsg_len);
        if (off >= len)
            break;
    }
    return 0;
}

static long send_one(struct task *t, struct file *f, struct socket *s, uint64_t addr, int flags)
{
    struct msghdr h;
    struct msg m = {.flags = flags};

    if (get_user(t, &h, addr))
        return -EFAULT;
    if (h.msg_controllen > CONTROL_MAX)
        return -ENOBUFS;
    if (h.msg_iovlen > IOV_MAX)
        return -EMSGSIZE;
    if (h.msg_name && h.msg_namelen) {
        int err = get_addr(t, (uint64_t)h.msg_name, (int)h.msg_namelen, &m.addr);
        if (err)
            return err;
        m.addrlen = h.msg_namelen;
    }
    int err = uio_init_iovec(&m.uio, t, UIO_SOURCE, (uint64_t)h.msg_iov, h.msg_iovlen);
    if (err)
        return err;
    if (h.msg_control && h.msg_controllen) {
        char *ctl = malloc(h.msg_controllen);
        err = ctl ? copy_in(t, ctl, (uint64_t)h.msg_control, h.msg_controllen) : -ENOMEM;
        if (!err)
            err = parse_control(t, &m.scm, ctl, h.msg_controllen);
        free(ctl);
    }
    long n = err ? err : s->ops->send(t, s, &m, file_flags(f, flags));
    scm_release(&m.scm);
    uio_done(&m.uio);
    return n;
}

long sys_sendmsg(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    struct socket *s;
    int err = get_socket(t, arg_i32(a, 0), &f, &s);

    return err ? err : send_one(t, f, s, arg_u64(a, 1), arg_i32(a, 2));
}

/* Writes one control message; false and MSG_CTRUNC when there is no room. */
static bool put_cmsg(struct task *t, const struct msghdr *h, size_t *used, int type,
                     const void *data, size_t len)
{
    struct cmsghdr c = {.cmsg_len = CMSG_LEN(len), .cmsg_level = SOL_SOCKET, .cmsg_type = type};
    uint64_t at = (uint64_t)h->msg_control + *used;

    if (!h->msg_control || *used + CMSG_LEN(len) > h->msg_controllen)
        return false;
    if (copy_out(t, at, &c, sizeof(c)) || copy_out(t, at + sizeof(c), data, len))
        return false;
    *used += MIN(CMSG_SPACE(len), h->msg_controllen - *used);
    return true;
}

static void put_control(struct task *t, struct msghdr *h, struct msg *m, bool passcred)
{
    size_t used = 0;

    if (passcred && m->scm.has_cred &&
        !put_cmsg(t, h, &used, SCM_CREDENTIALS, &m->scm.cred, sizeof(m->scm.cred)))
        m->out_flags |= MSG_CTRUNC;
    size_t room = h->msg_control && h->msg_controllen > used + sizeof(struct cmsghdr)
                      ? (h->msg_controllen - used - sizeof(struct cmsghdr)) / sizeof(int)
                      : 0;
    int fds[SCM_FDS_MAX], n = 0;
    for (; n < m->scm.nfiles && (size_t)n < room; n++) {
        fds[n] = fd_install(t, m->scm.files[n], m->flags & MSG_CMSG_CLOEXEC, 0);
        if (fds[n] < 0)
            break;
    }
    if (n < m->scm.nfiles)
        m->out_flags |= MSG_CTRUNC;
    if (n)
        put_cmsg(t, h, &used, SCM_RIGHTS, fds, (size_t)n * sizeof(int));
    h->msg_controllen = used;
}

static long recv_one(struct task *t, struct file *f, struct socket *s, uint64_t addr, int flags)
{
    struct msghdr h;
    struct msg m = {.flags = flags};

    if (get_user(t, &h, addr))
        return -EFAULT;
    if (h.msg_iovlen > IOV_MAX)
        return -EMSGSIZE;
    int err = uio_init_iovec(&m.uio, t, UIO_DEST, (uint64_t)h.msg_iov, h.msg_iovlen);
    if (err)
        return err;
    long n = s->ops->recv(t, s, &m, file_flags(f, flags));
    uio_done(&m.uio);
    if (n >= 0) {
        if (h.msg_name)
            err = copy_out(t, (uint64_t)h.msg_name, &m.addr,
                           MIN((size_t)h.msg_namelen, (size_t)m.addrlen));
        h.msg_namelen = m.addrlen;
        put_control(t, &h, &m, s->passcred);
        h.msg_flags = m.out_flags | (flags & MSG_CMSG_CLOEXEC);
        /* msg_name, msg_iov and msg_control are the caller's and stay. */
        if (err || copy_out(t, addr + offsetof(struct msghdr, msg_namelen), &h.msg_namelen, 4) ||
            copy_out(t, addr + offsetof(struct msghdr, msg_controllen), &h.msg_controllen, 8) ||
            copy_out(t, addr + offsetof(struct msghdr, msg_flags), &h.msg_flags, 4))
            n = -EFAULT;
    }
    scm_release(&m.scm);
    return n;
}

long sys_recvmsg(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    struct socket *s;
    int err = get_socket(t, arg_i32(a, 0), &f, &s);

    return err ? err : recv_one(t, f, s, arg_u64(a, 1), arg_i32(a, 2));
}

#define MMSG_SIZE 64

long sys_sendmmsg(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    struct socket *s;
    unsigned int n = MIN(arg_u32(a, 2), (unsigned)IOV_MAX), done = 0;
    int err = get_socket(t, arg_i32(a, 0), &f, &s);

    for (; !err && done < n; done++) {
        uint64_t at = arg_u64(a, 1) + (uint64_t)done * MMSG_SIZE;
        long r = send_one(t, f, s, at, arg_i32(a, 3));
        unsigned int len = (unsigned)r;
        err = r < 0 ? (int)r : put_user(t, &len, at + 56);
        if (err)
            break;
    }
    return done ? (long)done : err;
}

long sys_recvmmsg(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    struct socket *s;
    unsigned int n = MIN(arg_u32(a, 2), (unsigned)IOV_MAX), done = 0;
    int flags = arg_i32(a, 3), err = get_socket(t, arg_i32(a, 0), &f, &s);

    for (; !err && done < n; done++) {
        uint64_t at = arg_u64(a, 1) + (uint64_t)done * MMSG_SIZE;
        long r = recv_one(t, f, s, at, flags & ~MSG_WAITFORONE);
        unsigned int len = (unsigned)r;
        err = r < 0 ? (int)r : put_user(t, &len, at + 56);
        if (err)
            break;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
    }
    return done ? (long)done : err;
}
