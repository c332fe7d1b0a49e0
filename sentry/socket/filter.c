/*
 * Classic BPF programs of sockets: SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_GET_FILTER of socket(7).
 * Messages pass them where they come into a queue; streams have none, as with AF_UNIX on Linux.
 */
#include <errno.h>
#include <linux/filter.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/kernel/buffers.h"
#include "sentry/kernel/task.h"
#include "sentry/seccomp/bpf.h"
#include "sentry/socket/filter.h"

struct sock_fprog_k {
    uint16_t len, pad[3];
    uint64_t filter;
};

struct socket_filter {
    uint16_t len;
    struct sock_filter insns[];
};

static size_t size_of(unsigned int len)
{
    return sizeof(struct socket_filter) + len * sizeof(struct sock_filter);
}

static struct socket_filter *filter_new(uint16_t len)
{
    struct socket_filter *f = buffers_book(size_of(len)) ? malloc(size_of(len)) : NULL;

    if (f)
        f->len = len;
    return f;
}

static void filter_free(struct socket_filter *f)
{
    if (f)
        buffers_unbook(size_of(f->len));
    free(f);
}

int socket_filter_attach(struct task *t, struct socket *s, const void *val, socklen_t len)
{
    struct sock_fprog_k p;

    if (len != sizeof(p))
        return -EINVAL;
    memcpy(&p, val, sizeof(p));
    if (socket_flag(s, SO_LOCK_FILTER))
        return -EPERM;
    if (!p.filter || !p.len || p.len > BPF_LEN_MAX)
        return -EINVAL;
    struct socket_filter *f = filter_new(p.len);
    if (!f)
        return -ENOMEM;
    int err = copy_in(t, f->insns, p.filter, p.len * sizeof(f->insns[0])) ? -EFAULT : 0;
    if (!err)
        err = bpf_check_socket(f->insns, f->len);
    if (err) {
        filter_free(f);
        return err;
    }
    filter_free(s->filter);
    s->filter = f;
    return 0;
}

int socket_filter_detach(struct socket *s)
{
    if (socket_flag(s, SO_LOCK_FILTER))
        return -EPERM;
    if (!s->filter)
        return -ENOENT;
    socket_filter_drop(s);
    return 0;
}

void socket_filter_drop(struct socket *s)
{
    filter_free(s->filter);
    s->filter = NULL;
}

/* Lengths are in instructions: sk_get_filter(). */
int socket_filter_get(struct task *t, const struct socket *s, uint64_t addr, int *len)
{
    const struct socket_filter *f = s->filter;
    int room = *len;

    *len = f ? f->len : 0;
    if (!f || !room)
        return 0;
    if (room < f->len)
        return -EINVAL;
    return copy_out(t, addr, f->insns, f->len * sizeof(f->insns[0])) ? -EFAULT : 0;
}

static uint32_t random_word(void)
{
    uint32_t v = 0;

    return getrandom(&v, sizeof(v), GRND_NONBLOCK) == sizeof(v) ? v : 0;
}

size_t socket_filter_run(const struct socket *s, const void *data, size_t len)
{
    int cpu = sched_getcpu();
    const struct bpf_message m = {.data = data,
                                  .len = (uint32_t)len,
                                  .cpu = cpu < 0 ? 0 : (uint32_t)cpu,
                                  .random = random_word};
    uint32_t passed = bpf_run_socket(s->filter->insns, s->filter->len, &m);

    return passed ? MIN((size_t)passed, len) : SOCKET_FILTER_DROPS;
}

/* --- checkpoints --- */
void socket_filter_save(struct ckpt_writer *w, const struct socket *s)
{
    const struct socket_filter *f = s->filter;

    ckpt_put_u32(w, f ? f->len : 0);
    if (f)
        ckpt_put_bytes(w, f->insns, f->len * sizeof(f->insns[0]));
}

void socket_filter_load(struct ckpt_reader *r, struct socket *s)
{
    uint32_t len = ckpt_get_count(r, BPF_LEN_MAX, sizeof(struct sock_filter));

    if (!len)
        return;
    struct socket_filter *f = filter_new((uint16_t)len);
    if (!f) {
        ckpt_bad(r, "out of memory");
        return;
    }
    ckpt_get_bytes(r, f->insns, len * sizeof(f->insns[0]));
    if (ckpt_failed(r) || bpf_check_socket(f->insns, f->len)) {
        filter_free(f);
        ckpt_bad(r, "a socket's filter that is none");
        return;
    }
    s->filter = f;
}
