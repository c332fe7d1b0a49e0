/* getsockopt(2), setsockopt(2) and the options at SOL_SOCKET that all families share. */
#include <errno.h>
#include <string.h>
#include <sys/time.h>

#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/socket/socket_internal.h"

#define OPT_MAX 4096
#define MEM_MAX 212992 /* net.core.wmem_max, rmem_max */
#define SNDBUF_MIN 4608
#define RCVBUF_MIN 2304
#define CAP_NET_ADMIN 12
#ifndef SO_RCVTIMEO_NEW
#define SO_RCVTIMEO_NEW 66
#define SO_SNDTIMEO_NEW 67
#endif

#define BIT(opt) (1ULL << (opt))
#define BOOL_OPTIONS                                                                               \
    (BIT(SO_DEBUG) | BIT(SO_REUSEADDR) | BIT(SO_DONTROUTE) | BIT(SO_BROADCAST) |                   \
     BIT(SO_KEEPALIVE) | BIT(SO_OOBINLINE) | BIT(SO_NO_CHECK) | BIT(SO_REUSEPORT) |                \
     BIT(SO_PASSCRED) | BIT(SO_TIMESTAMP) | BIT(SO_PASSSEC) | BIT(SO_TIMESTAMPNS) |                \
     BIT(SO_RXQ_OVFL) | BIT(SO_SELECT_ERR_QUEUE) | BIT(SO_ZEROCOPY))

static bool is_bool(int opt)
{
    return opt > 0 && opt < 64 && (BOOL_OPTIONS & BIT(opt));
}

static bool is_rcvtimeo(int opt)
{
    return opt == SO_RCVTIMEO || opt == SO_RCVTIMEO_NEW;
}

static bool is_timeo(int opt)
{
    return is_rcvtimeo(opt) || opt == SO_SNDTIMEO || opt == SO_SNDTIMEO_NEW;
}

static int set_timeo(uint64_t *ns, const void *val, socklen_t len)
{
    struct timeval tv;

    if (len < sizeof(tv))
        return -EINVAL;
    memcpy(&tv, val, sizeof(tv));
    if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
        return -EDOM;
    if (tv.tv_sec < 0)
        *ns = 1; /* Linux: a timeout that has passed */
    else if (tv.tv_sec >= INT64_MAX / NSEC_PER_SEC / 4)
        *ns = 0;
    else
        *ns = (uint64_t)tv.tv_sec * NSEC_PER_SEC + (uint64_t)tv.tv_usec * NSEC_PER_USEC;
    return 0;
}

static int buf_size(int v, int min)
{
    unsigned int n = MIN((unsigned int)v, (unsigned int)MEM_MAX);

    return MAX((int)n * 2, min);
}

static int set_int(struct task *t, struct socket *s, int opt, int v)
{
    if (is_bool(opt)) {
        s->flags = (s->flags & ~BIT(opt)) | (v ? BIT(opt) : 0);
        return 0;
    }
    switch (opt) {
    case SO_SNDBUFFORCE:
    case SO_RCVBUFFORCE:
        if (!cred_capable(t->cred, CAP_NET_ADMIN))
            return -EPERM;
        v = MAX(0, MIN(v, 16 * MEM_MAX));
        if (opt == SO_SNDBUFFORCE)
            s->sndbuf = MAX(v * 2, SNDBUF_MIN);
        else
            s->rcvbuf = MAX(v * 2, RCVBUF_MIN);
        return 0;
    case SO_SNDBUF:
        s->sndbuf = buf_size(v, SNDBUF_MIN);
        return 0;
    case SO_RCVBUF:
        s->rcvbuf = buf_size(v, RCVBUF_MIN);
        return 0;
    case SO_RCVLOWAT:
        s->rcvlowat = v < 0 ? INT32_MAX : v ? v : 1;
        return 0;
    case SO_PRIORITY:
        if ((v < 0 || v > 6) && !cred_capable(t->cred, CAP_NET_ADMIN))
            return -EPERM;
        s->priority = v;
        return 0;
    case SO_MARK:
        if (!cred_capable(t->cred, CAP_NET_ADMIN))
            return -EPERM;
        s->mark = v;
        return 0;
    case SO_BUSY_POLL:
    case SO_INCOMING_CPU:
        return 0;
    case SO_PEEK_OFF:
        if (s->family != AF_UNIX)
            return -EOPNOTSUPP;
        s->peek_off = v < 0 ? -1 : v;
        return 0;
    case SO_TYPE:
    case SO_PROTOCOL:
    case SO_DOMAIN:
    case SO_ERROR:
    case SO_SNDLOWAT:
        return -ENOPROTOOPT;
    default:
        explain_missing("setsockopt", "SOL_SOCKET %d", opt);
        return -ENOPROTOOPT;
    }
}

static int set_common(struct task *t, struct socket *s, int opt, const void *val, socklen_t len)
{
    int v;

    if (is_timeo(opt))
        return set_timeo(is_rcvtimeo(opt) ? &s->rcvtimeo_ns : &s->sndtimeo_ns, val, len);
    if (opt == SO_LINGER) {
        if (len < sizeof(s->linger))
            return -EINVAL;
        memcpy(&s->linger, val, sizeof(s->linger));
        return 0;
    }
    if (len < sizeof(v))
        return -EINVAL;
    memcpy(&v, val, sizeof(v));
    return set_int(t, s, opt, v);
}

static int get_int(struct socket *s, int opt, int *v)
{
    if (is_bool(opt)) {
        *v = socket_flag(s, opt);
        return 0;
    }
    switch (opt) {
    case SO_TYPE:
        *v = s->type;
        return 0;
    case SO_DOMAIN:
        *v = s->family;
        return 0;
    case SO_PROTOCOL:
        *v = s->protocol;
        return 0;
    case SO_ERROR:
        *v = -socket_error(s);
        return 0;
    case SO_PRIORITY:
        *v = s->priority;
        return 0;
    case SO_MARK:
        *v = s->mark;
        return 0;
    case SO_SNDBUF:
        *v = s->sndbuf;
        return 0;
    case SO_RCVBUF:
        *v = s->rcvbuf;
        return 0;
    case SO_RCVLOWAT:
        *v = s->rcvlowat;
        return 0;
    case SO_SNDLOWAT:
        *v = 1;
        return 0;
    case SO_PEEK_OFF:
        if (s->family != AF_UNIX)
            return -EOPNOTSUPP;
        *v = s->peek_off;
        return 0;
    case SO_BUSY_POLL:
    case SO_ACCEPTCONN:
        *v = 0;
        return 0;
    case SO_INCOMING_CPU:
        *v = -1;
        return 0;
    default:
        explain_missing("getsockopt", "SOL_SOCKET %d", opt);
        return -ENOPROTOOPT;
    }
}

static int get_common(struct socket *s, int opt, void *val, socklen_t *len)
{
    const void *from;
    struct timeval tv;
    size_t size;
    int v;

    if (is_timeo(opt)) {
        uint64_t ns = is_rcvtimeo(opt) ? s->rcvtimeo_ns : s->sndtimeo_ns;
        tv = (struct timeval){(time_t)(ns / NSEC_PER_SEC),
                              (suseconds_t)(ns % NSEC_PER_SEC / NSEC_PER_USEC)};
        from = &tv;
        size = sizeof(tv);
    } else if (opt == SO_LINGER) {
        from = &s->linger;
        size = sizeof(s->linger);
    } else if (opt == SO_COOKIE) {
        if (*len < sizeof(s->cookie))
            return -EINVAL;
        from = &s->cookie;
        size = sizeof(s->cookie);
    } else {
        int err = get_int(s, opt, &v);
        if (err)
            return err;
        from = &v;
        size = sizeof(v);
    }
    *len = (socklen_t)MIN((size_t)*len, size);
    memcpy(val, from, *len);
    return 0;
}

long sys_setsockopt(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    char val[OPT_MAX];
    struct socket *s;
    int level = arg_i32(a, 1), opt = arg_i32(a, 2), len = arg_i32(a, 4);

    if (len < 0)
        return -EINVAL;
    int err = socket_get(t, arg_i32(a, 0), &f, &s);
    if (err)
        return err;
    len = MIN(len, OPT_MAX);
    if (copy_in(t, val, arg_u64(a, 3), (size_t)len))
        return -EFAULT;
    err = -ENOPROTOOPT;
    if (s->ops->setsockopt)
        err = s->ops->setsockopt(t, s, level, opt, val, (socklen_t)len);
    if (err == -ENOPROTOOPT && level == SOL_SOCKET)
        err = set_common(t, s, opt, val, (socklen_t)len);
    return err;
}

long sys_getsockopt(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    char val[OPT_MAX];
    struct socket *s;
    int level = arg_i32(a, 1), opt = arg_i32(a, 2), len;
    int err = socket_get(t, arg_i32(a, 0), &f, &s);

    if (err)
        return err;
    if (get_user(t, &len, arg_u64(a, 4)))
        return -EFAULT;
    if (len < 0)
        return -EINVAL;
    socklen_t n = (socklen_t)MIN(len, OPT_MAX);
    err = -ENOPROTOOPT;
    if (s->ops->getsockopt)
        err = s->ops->getsockopt(t, s, level, opt, val, &n);
    if (err == -ENOPROTOOPT && level == SOL_SOCKET)
        err = get_common(s, opt, val, &n);
    if (err)
        return err;
    if (copy_out(t, arg_u64(a, 3), val, n))
        return -EFAULT;
    return put_user(t, &n, arg_u64(a, 4));
}
