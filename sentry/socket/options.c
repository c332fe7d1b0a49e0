/* getsockopt(2), setsockopt(2) and the options at SOL_SOCKET that all families share. */
#include <errno.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <string.h>
#include <sys/time.h>

#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"
#include "sentry/socket/filter.h"
#include "sentry/socket/socket_internal.h"

#define OPT_MAX 4096
#define MEM_MAX 212992 /* net.core.wmem_max, rmem_max */
#define SNDBUF_MIN 4608
#define RCVBUF_MIN 2304
#define CAP_NET_ADMIN 12
#define BPF_EXTENSIONS 64 /* SKF_AD_MAX */
#ifndef SO_DEVMEM_DONTNEED
#define SO_DEVMEM_DONTNEED 80
#endif
#ifndef SO_RCVTIMEO_NEW
#define SO_RCVTIMEO_NEW 66
#define SO_SNDTIMEO_NEW 67
#endif

#define BIT(opt) (1ULL << (opt))
#define BOOL_OPTIONS                                                                               \
    (BIT(SO_DEBUG) | BIT(SO_REUSEADDR) | BIT(SO_DONTROUTE) | BIT(SO_BROADCAST) |                   \
     BIT(SO_KEEPALIVE) | BIT(SO_OOBINLINE) | BIT(SO_NO_CHECK) | BIT(SO_REUSEPORT) |                \
     BIT(SO_PASSCRED) | BIT(SO_PASSSEC) | BIT(SO_RXQ_OVFL) | BIT(SO_SELECT_ERR_QUEUE) |            \
     BIT(SO_ZEROCOPY) | BIT(SO_WIFI_STATUS) | BIT(SO_NOFCS) | BIT(SO_LOCK_FILTER) | TIMESTAMPS)
#define TIMESTAMPS (BIT(SO_TIMESTAMP_OLD) | BIT(SO_TIMESTAMPNS_OLD) | BIT(SO_TIMESTAMP_NEW))
/* From 64 on. */
#define HIGH(opt) (1ULL << ((opt)-64))
#define BOOL_HIGH                                                                                  \
    (HIGH(SO_TIMESTAMPNS_NEW) | HIGH(SO_PREFER_BUSY_POLL) | HIGH(SO_RCVMARK) |                     \
     HIGH(SO_PASSPIDFD) | HIGH(SO_RCVPRIORITY) | HIGH(SO_PASSRIGHTS))

static bool is_bool(int opt)
{
    if (opt <= 0 || opt >= 128)
        return false;
    return opt < 64 ? BOOL_OPTIONS & BIT(opt) : BOOL_HIGH & HIGH(opt);
}

static bool is_timestamp(int opt)
{
    return opt == SO_TIMESTAMP_OLD || opt == SO_TIMESTAMPNS_OLD || opt == SO_TIMESTAMP_NEW ||
           opt == SO_TIMESTAMPNS_NEW;
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

static int set_bool(struct task *t, struct socket *s, int opt, bool on)
{
    uint64_t *word = opt < 64 ? &s->flags : &s->more_flags, bit = 1ULL << (opt % 64);

    if (s->family == AF_UNIX && (opt == SO_ZEROCOPY || (opt == SO_REUSEPORT && on)))
        return -EOPNOTSUPP;
    if (opt == SO_LOCK_FILTER && !on && (*word & bit))
        return -EPERM;
    if (opt == SO_PREFER_BUSY_POLL && on && !cred_capable(t->cred, CAP_NET_ADMIN))
        return -EPERM;
    if (is_timestamp(opt)) { /* one of them, or none */
        s->flags &= ~TIMESTAMPS;
        s->more_flags &= ~HIGH(SO_TIMESTAMPNS_NEW);
    }
    *word = (*word & ~bit) | (on ? bit : 0);
    return 0;
}

/* A BPF program is named by a descriptor; no file here is one. */
static int set_program(struct task *t, int opt, int fd, socklen_t len)
{
    if (len != sizeof(fd) || opt == SO_ATTACH_REUSEPORT_CBPF || opt == SO_DETACH_REUSEPORT_BPF)
        return -EINVAL;
    cleanup_file struct file *f = fd_get(t, fd);
    return f ? -EINVAL : -EBADF;
}

static int set_int(struct task *t, struct socket *s, int opt, int v)
{
    if (is_bool(opt))
        return set_bool(t, s, opt, v);
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
        if (v < 0)
            return -EINVAL;
        if (v > s->busy_poll && !cred_capable(t->cred, CAP_NET_ADMIN))
            return -EPERM;
        s->busy_poll = v;
        return 0;
    case SO_BUSY_POLL_BUDGET:
        return v < 0 || v > UINT16_MAX ? -EINVAL : 0;
    case SO_INCOMING_CPU:
        s->incoming_cpu = v;
        return 0;
    case SO_BSDCOMPAT:
    case SO_CNX_ADVICE:
        return 0;
    case SO_BINDTOIFINDEX:
        if (v < 0)
            return -EINVAL;
        s->bound_if = v;
        return 0;
    case SO_BUF_LOCK:
        if (v & ~3)
            return -EINVAL;
        s->buf_lock = v;
        return 0;
    case SO_RESERVE_MEM:
        return v < 0 ? -EINVAL : -EOPNOTSUPP;
    case SO_TXREHASH:
        return -EOPNOTSUPP;
    case SO_DETACH_FILTER:
        return socket_filter_detach(s);
    case SO_DEVMEM_DONTNEED:
        return -EBADF;
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

/* By name; the loopback link is the only one there is. An empty name: none. */
static int bind_device(struct socket *s, const char *name, socklen_t len)
{
    size_t n = strnlen(name, MIN(len, (socklen_t)IFNAMSIZ - 1));

    if (n && (n != 2 || memcmp(name, "lo", 2) != 0))
        return -ENODEV;
    s->bound_if = n ? 1 : 0;
    return 0;
}

/* Flags of SOF_TIMESTAMPING_*, as many as Linux 6.18 knows for sockets without packets. */
static int set_timestamping(struct socket *s, int opt, int v)
{
    /* STATS come with TSONLY, ID_TCP with ID. */
    if (v & ~0x7ffff || (v & 0x1800) == 0x1000 || (v & 0x10080) == 0x10000)
        return -EINVAL;
    s->timestamping = (unsigned int)v | (opt == SO_TIMESTAMPING_NEW ? 1ULL << 63 : 0);
    return 0;
}

/* struct sock_txtime: a clock and flags. */
static int set_txtime(struct task *t, struct socket *s, const void *val, socklen_t len)
{
    uint32_t v[2];

    if (len != sizeof(v))
        return -EINVAL;
    memcpy(v, val, sizeof(v));
    if (v[1] & ~3U)
        return -EINVAL;
    if (v[0] != CLOCK_MONOTONIC && !cred_capable(t->cred, CAP_NET_ADMIN))
        return -EPERM;
    memcpy(&s->txtime, v, sizeof(v));
    return 0;
}

static int set_inq(struct socket *s, int v, socklen_t len)
{
    if (len != sizeof(v) || v < 0 || v > 1)
        return -EINVAL;
    s->more_flags = (s->more_flags & ~HIGH(SO_INQ)) | (v ? HIGH(SO_INQ) : 0);
    return 0;
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
    if (opt == SO_BINDTODEVICE)
        return bind_device(s, val, len);
    if (len < sizeof(v))
        return -EINVAL;
    memcpy(&v, val, sizeof(v));
    switch (opt) {
    case SO_TIMESTAMPING_OLD:
    case SO_TIMESTAMPING_NEW:
        return set_timestamping(s, opt, v);
    case SO_TXTIME:
        return set_txtime(t, s, val, len);
    case SO_MAX_PACING_RATE:
        s->pacing = v == -1 ? UINT64_MAX : (unsigned int)v;
        if (len >= sizeof(s->pacing))
            memcpy(&s->pacing, val, sizeof(s->pacing));
        return 0;
    case SO_ATTACH_BPF:
    case SO_ATTACH_REUSEPORT_EBPF:
    case SO_ATTACH_REUSEPORT_CBPF:
    case SO_DETACH_REUSEPORT_BPF:
        return set_program(t, opt, v, len);
    case SO_ATTACH_FILTER:
        return socket_filter_attach(t, s, val, len);
    case SO_INQ:
        return s->family != AF_UNIX || s->type != SOCK_STREAM ? -ENOPROTOOPT : set_inq(s, v, len);
    }
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
        *v = s->busy_poll;
        return 0;
    case SO_BSDCOMPAT:
    case SO_ACCEPTCONN:
    case SO_INCOMING_NAPI_ID:
    case SO_RESERVE_MEM:
        *v = 0;
        return 0;
    case SO_INCOMING_CPU:
        *v = s->incoming_cpu;
        return 0;
    case SO_BINDTOIFINDEX:
        *v = s->bound_if;
        return 0;
    case SO_BUF_LOCK:
        *v = s->buf_lock;
        return 0;
    case SO_BPF_EXTENSIONS:
        *v = BPF_EXTENSIONS;
        return 0;
    case SO_TXREHASH:
        return -EOPNOTSUPP;
    default:
        explain_missing("getsockopt", "SOL_SOCKET %d", opt);
        return -ENOPROTOOPT;
    }
}

/* Options that are not one number. 1: another. */
static int get_structure(struct socket *s, int opt, char *buf, size_t *size, socklen_t len)
{
    uint32_t mem[SK_MEMINFO_VARS] = {0};
    uint64_t netns = task_current()->net ? task_current()->net->base.id : 1;

    switch (opt) {
    case SO_MEMINFO:
        mem[SK_MEMINFO_RCVBUF] = (uint32_t)s->rcvbuf;
        mem[SK_MEMINFO_SNDBUF] = (uint32_t)s->sndbuf;
        memcpy(buf, mem, *size = sizeof(mem));
        return 0;
    case SO_MAX_PACING_RATE:
        memcpy(buf, &s->pacing, *size = sizeof(s->pacing));
        if (len < sizeof(s->pacing) && s->pacing > UINT32_MAX)
            memset(buf, 0xff, sizeof(uint32_t));
        return 0;
    case SO_TIMESTAMPING_OLD:
    case SO_TIMESTAMPING_NEW: {
        uint64_t v = s->timestamping >> 63 == (opt == SO_TIMESTAMPING_NEW) ? s->timestamping : 0;
        v &= UINT32_MAX;
        memcpy(buf, &v, *size = sizeof(v));
        return 0;
    }
    case SO_TXTIME:
        memcpy(buf, &s->txtime, *size = sizeof(s->txtime));
        return 0;
    case SO_COOKIE:
        if (len < sizeof(s->cookie))
            return -EINVAL;
        memcpy(buf, &s->cookie, *size = sizeof(s->cookie));
        return 0;
    case SO_NETNS_COOKIE:
        if (len != sizeof(netns))
            return -EINVAL;
        memcpy(buf, &netns, *size = sizeof(netns));
        return 0;
    case SO_BINDTODEVICE:
        *size = 0;
        if (!s->bound_if)
            return 0;
        if (len < IFNAMSIZ)
            return -EINVAL;
        if (s->bound_if != 1)
            return -ENODEV;
        memcpy(buf, "lo", *size = 3);
        return 0;
    default:
        return 1;
    }
}

static int get_common(struct socket *s, int opt, void *val, socklen_t *len)
{
    char buf[64];
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
    } else {
        int err = get_structure(s, opt, buf, &size, *len);
        from = buf;
        if (err > 0) {
            err = get_int(s, opt, &v);
            from = &v;
            size = sizeof(v);
        }
        if (err)
            return err;
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
    if (level == SOL_SOCKET && opt == SO_GET_FILTER) {
        err = socket_filter_get(t, s, arg_u64(a, 3), &len);
        return err ? err : put_user(t, &len, arg_u64(a, 4));
    }
    err = -ENOPROTOOPT;
    if (s->ops->getsockopt)
        err = s->ops->getsockopt(t, s, level, opt, val, &n);
    if (err == -ENOPROTOOPT && level == SOL_SOCKET)
        err = get_common(s, opt, val, &n);
    if (err == -ERANGE && put_user(t, &n, arg_u64(a, 4))) /* how much it would be */
        return -EFAULT;
    if (err)
        return err;
    if (copy_out(t, arg_u64(a, 3), val, n))
        return -EFAULT;
    return put_user(t, &n, arg_u64(a, 4));
}
