/* Sockets as files, and the system calls that make, name and connect them: socket(7). */
#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/ns/ns.h"
#include "sentry/ckpt/types.h"
#include "sentry/kernel/task.h"
#include "sentry/socket/socket_internal.h"

#define FAMILIES_MAX 8
#define SOCK_TYPE_MAX 11
#define BUF_DEFAULT 212992
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

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

static int family_find(int family, struct family **out)
{
    if (family < 0 || family >= AF_MAX)
        return -EAFNOSUPPORT;
    for (int i = 0; i < nfamilies; i++)
        if (families[i].family == family) {
            *out = &families[i];
            return 0;
        }
    explain_missing("socket", "address family %d", family);
    return -EAFNOSUPPORT;
}

static uint64_t last_cookie;

void socket_cookie_seen(uint64_t cookie)
{
    last_cookie = MAX(last_cookie, cookie);
}

void socket_init(struct socket *s, const struct socket_ops *ops, int family, int type, int protocol)
{
    s->ops = ops;
    s->family = family;
    s->type = type;
    s->protocol = protocol;
    s->sndbuf = s->rcvbuf = BUF_DEFAULT;
    s->rcvlowat = 1;
    s->peek_off = -1;
    s->pacing = UINT64_MAX;
    s->incoming_cpu = -1;
    s->more_flags = 1ULL << (SO_PASSRIGHTS - 64);
    s->cookie = ++last_cookie;
}

uint64_t socket_deadline(uint64_t timeout_ns)
{
    const struct task *t = task_current();

    if (timeout_ns && t && unlikely(t->resuming))
        return t->kept_deadline_ns;
    return timeout_ns ? now_ns() + timeout_ns : NO_DEADLINE;
}

int socket_wait_error(int err, uint64_t timeout_ns)
{
    if (err == -ETIMEDOUT)
        return -EAGAIN;
    return err == -ERESTARTSYS && timeout_ns ? -EINTR : err;
}

/* --- sockets as files --- */
static int io_flags(const struct file *f, int rwf)
{
    return f->flags | (rwf & RWF_NOWAIT ? O_NONBLOCK : 0);
}

static ssize_t sock_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct socket *s = f->priv;
    struct msg m;

    if (!u->resid)
        return 0;
    m.uio = *u;
    m.flags = m.out_flags = 0;
    m.addrlen = 0;
    m.scm = (struct scm){0};
    ssize_t n = s->ops->recv(t, s, &m, io_flags(f, rwf));
    scm_release(&m.scm);
    return n;
}

static ssize_t sock_write(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct socket *s = f->priv;
    struct msg m;

    m.uio = *u;
    m.flags = m.out_flags = 0;
    m.addrlen = 0;
    m.scm = (struct scm){0};
    return s->ops->send(t, s, &m, io_flags(f, rwf));
}

static uint32_t sock_poll(struct file *f, struct poll_table *pt)
{
    struct socket *s = f->priv;

    return s->ops->poll(s, pt);
}

/* netdevice(7): of the loopback link, which is the only one there is. */
static long link_ioctl(struct task *t, unsigned int cmd, unsigned long arg)
{
    struct ifreq r;

    if (get_user(t, &r, arg))
        return -EFAULT;
    r.ifr_name[IFNAMSIZ - 1] = 0;
    if (cmd == SIOCGIFNAME) {
        if (r.ifr_ifindex != 1)
            return -ENODEV;
        strcpy(r.ifr_name, "lo");
    } else if (strcmp(r.ifr_name, "lo") != 0) {
        return -ENODEV;
    } else if (cmd == SIOCGIFINDEX) {
        r.ifr_ifindex = 1;
    } else {
        r.ifr_flags = (short)loopback_flags(t);
    }
    return put_user(t, &r, arg);
}

static long sock_ioctl(struct task *t, struct file *f, unsigned int cmd, unsigned long arg)
{
    struct socket *s = f->priv;

    if (cmd == SIOCGIFNAME || cmd == SIOCGIFINDEX || cmd == SIOCGIFFLAGS)
        return link_ioctl(t, cmd, arg);
    return s->ops->ioctl ? s->ops->ioctl(t, s, cmd, arg) : -ENOTTY;
}

static void sock_release(struct file *f)
{
    struct socket *s = f->priv;

    s->file = NULL;
    s->ops->release(s);
}

static int socket_restore(struct file *f)
{
    struct socket *s = f->priv;

    if (s->file || s->no_file)
        return -EINVAL;
    s->file = f;
    return 0;
}

static void sock_fdinfo(struct file *f, struct strbuf *out)
{
    const struct socket *s = f->priv;

    if (s->ops->fdinfo)
        s->ops->fdinfo(s, out);
}

static const struct file_ops socket_file_ops = {.kind = "socket",
                                                .read = sock_read,
                                                .write = sock_write,
                                                .poll = sock_poll,
                                                .fdinfo = sock_fdinfo,
                                                .ioctl = sock_ioctl,
                                                .release = sock_release,
                                                .is_socket = true,
                                                .no_seek = true,
                                                .io = FILE_NOWAIT,
                                                .priv_type = &ckpt_socket,
                                                .restore = socket_restore};
CKPT_SYMBOL("file_ops", "socket", socket_file_ops);

struct file *socket_file(struct socket *s, int flags)
{
    struct file *f = file_new_anon(&socket_file_ops, S_IFSOCK | 0777, O_RDWR | flags, s);

    if (f)
        s->file = f;
    else
        s->ops->release(s);
    return f;
}

struct socket *socket_of(const struct file *f)
{
    return f->ops == &socket_file_ops ? f->priv : NULL;
}

int socket_get(struct task *t, int fd, struct file **f, struct socket **s)
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
    struct family *fam;
    struct socket *s;
    int flags, type = type_flags(arg_i32(a, 1), &flags);

    if (type < 0)
        return type;
    int err = family_find(arg_i32(a, 0), &fam);
    if (!err && type >= SOCK_TYPE_MAX)
        err = -EINVAL;
    if (!err)
        err = fam->create(t, type, arg_i32(a, 2), &s);
    if (err)
        return err;
    struct file *f = socket_file(s, flags);
    return f ? fd_install_steal(t, f, arg_i32(a, 1) & SOCK_CLOEXEC) : file_new_error();
}

long sys_socketpair(struct task *t, const struct sysargs *a)
{
    struct family *fam;
    struct socket *s[2];
    int flags, fds[2], type = type_flags(arg_i32(a, 1), &flags);

    if (type < 0)
        return type;
    int err = family_find(arg_i32(a, 0), &fam);
    if (!err && type >= SOCK_TYPE_MAX)
        err = -EINVAL;
    if (!err)
        err = fam->pair ? fam->pair(t, type, arg_i32(a, 2), &s[0], &s[1]) : -EOPNOTSUPP;
    if (err)
        return err;
    cleanup_file struct file *f0 = socket_file(s[0], flags), *f1 = socket_file(s[1], flags);
    bool cloexec = arg_i32(a, 1) & SOCK_CLOEXEC;
    if (!f0 || !f1)
        return file_new_error();
    fds[0] = fd_install(t, f0, cloexec, 0);
    fds[1] = fds[0] < 0 ? fds[0] : fd_install(t, f1, cloexec, 0);
    err = fds[1] < 0 ? fds[1] : put_user(t, &fds, arg_u64(a, 3));
    if (err && fds[0] >= 0)
        fd_close(t, fds[0]);
    if (err && fds[1] >= 0)
        fd_close(t, fds[1]);
    return err;
}

/* --- addresses --- */
int sockaddr_in(struct task *t, uint64_t addr, int len, struct sockaddr_storage *out)
{
    if (len < 0 || (size_t)len > sizeof(*out))
        return -EINVAL;
    memset(out, 0, sizeof(*out));
    return copy_in(t, out, addr, (size_t)len);
}

int sockaddr_out(struct task *t, const struct sockaddr_storage *a, socklen_t len, uint64_t addr,
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
    int err = socket_get(t, arg_i32(a, 0), &f, &s);

    if (!err)
        err = sockaddr_in(t, arg_u64(a, 1), arg_i32(a, 2), &sa);
    if (err)
        return err;
    return s->ops->bind ? s->ops->bind(t, s, (void *)&sa, arg_u32(a, 2)) : -EOPNOTSUPP;
}

long sys_connect(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    struct sockaddr_storage sa;
    struct socket *s;
    int err = socket_get(t, arg_i32(a, 0), &f, &s);

    if (!err)
        err = sockaddr_in(t, arg_u64(a, 1), arg_i32(a, 2), &sa);
    if (err)
        return err;
    return s->ops->connect ? s->ops->connect(t, s, (void *)&sa, arg_u32(a, 2), f->flags)
                           : -EOPNOTSUPP;
}

long sys_listen(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    struct socket *s;
    int err = socket_get(t, arg_i32(a, 0), &f, &s);

    if (err)
        return err;
    return s->ops->listen ? s->ops->listen(t, s, arg_i32(a, 1)) : -EOPNOTSUPP;
}

static long do_accept(struct task *t, int fd, uint64_t addr, uint64_t len_addr, int flags)
{
    cleanup_file struct file *f = fd_get(t, fd);
    struct socket *s, *c;

    if (!f)
        return -EBADF;
    if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
        return -EINVAL;
    /* Before a connection is taken off the queue, as it would be lost. */
    int err = fd_available(t);
    if (err)
        return err;
    s = socket_of(f);
    if (!s)
        return -ENOTSOCK;
    err = s->ops->accept ? s->ops->accept(t, s, &c, f->flags) : -EOPNOTSUPP;
    if (err)
        return err;
    struct file *cf = socket_file(c, flags & SOCK_NONBLOCK ? O_NONBLOCK : 0);
    if (!cf)
        return -ENOMEM;
    if (addr) {
        struct sockaddr_storage sa = {0};
        socklen_t len = 0;
        err = c->ops->getname(c, &sa, &len, true) ? -ECONNABORTED : 0;
        if (!err)
            err = sockaddr_out(t, &sa, len, addr, len_addr);
        if (err) {
            file_put(cf);
            return err;
        }
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
    int err = socket_get(t, arg_i32(a, 0), &f, &s);

    if (!err)
        err = s->ops->getname(s, &sa, &len, peer);
    return err ? err : sockaddr_out(t, &sa, len, arg_u64(a, 1), arg_u64(a, 2));
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
    int err = socket_get(t, arg_i32(a, 0), &f, &s), how = arg_i32(a, 1);

    if (err)
        return err;
    if (how < SHUT_RD || how > SHUT_RDWR)
        return -EINVAL;
    return s->ops->shutdown ? s->ops->shutdown(s, how) : -EOPNOTSUPP;
}
