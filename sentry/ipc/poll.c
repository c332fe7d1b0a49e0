/* poll(2), ppoll(2), select(2), pselect6(2). */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/file.h"

#define POLL_ON_STACK 16

/* One waiter a queue; files with several queues take several. */
struct poll_entry {
    struct waiter w;
    struct poller *p;
};

struct poller {
    struct poll_table pt;
    struct waitq wq; /* the task sleeps here; queues of files wake it */
    bool woken, failed;
    struct poll_entry *entries;
    int n, cap;
    struct poll_entry first[POLL_ON_STACK];
    struct list chunks;
};

struct poll_chunk {
    struct list node;
    struct poll_entry entries[64];
};

static void poll_woken(struct waiter *w, uint32_t events)
{
    struct poller *p = container_of(w, struct poll_entry, w)->p;

    p->woken = true;
    waitq_wake_all(&p->wq);
}

static void poll_add(struct poll_table *pt, struct waitq *q)
{
    struct poller *p = container_of(pt, struct poller, pt);

    if (p->n == p->cap) { /* entries must not move: queues point at them */
        struct poll_chunk *c = calloc(1, sizeof(*c));
        if (!c) {
            p->failed = true;
            return;
        }
        list_add_tail(&p->chunks, &c->node);
        p->entries = c->entries;
        p->n = 0;
        p->cap = ARRAY_SIZE(c->entries);
    }
    struct poll_entry *e = &p->entries[p->n++];
    *e = (struct poll_entry){.w = {.mask = ~0U, .wake = poll_woken}, .p = p};
    waitq_add(q, &e->w);
}

static void poller_init(struct poller *p)
{
    p->pt.add = poll_add;
    waitq_init(&p->wq);
    p->woken = p->failed = false;
    p->entries = p->first;
    p->n = 0;
    p->cap = POLL_ON_STACK;
    memset(p->first, 0, sizeof(p->first));
    list_init(&p->chunks);
}

static void poller_done(struct poller *p)
{
    struct poll_chunk *c, *tmp;

    for (int i = 0; i < POLL_ON_STACK; i++)
        waitq_del(&p->first[i].w);
    list_for_each_safe(c, tmp, &p->chunks, node)
    {
        for (size_t i = 0; i < ARRAY_SIZE(c->entries); i++)
            waitq_del(&c->entries[i].w);
        free(c);
    }
}

/* Sleeps until a queue wakes us. 0, -ETIMEDOUT or -ERESTARTSYS. */
static int poller_wait(struct task *t, struct poller *p, uint64_t deadline)
{
    while (!p->woken) {
        int err = task_wait(t, &p->wq, deadline);
        if (p->woken)
            break;
        if (err)
            return err;
    }
    p->woken = false;
    return 0;
}

/* --- poll --- */
static int poll_once(struct task *t, struct pollfd *fds, unsigned int n, struct poll_table *pt)
{
    int ready = 0;

    for (unsigned int i = 0; i < n; i++) {
        fds[i].revents = 0;
        if (fds[i].fd < 0)
            continue;
        cleanup_file struct file *f = fd_get(t, fds[i].fd);
        uint32_t want = (uint16_t)fds[i].events | POLLERR | POLLHUP;
        uint32_t got = f ? file_poll(f, pt) & want : POLLNVAL;
        fds[i].revents = (short)got;
        ready += got != 0;
    }
    return ready;
}

static long poll_fds(struct task *t, struct pollfd *fds, unsigned int n, uint64_t deadline)
{
    struct poller p;

    int ready = poll_once(t, fds, n, NULL);
    if (ready || deadline == 0)
        return ready;
    poller_init(&p);
    struct poll_table *pt = &p.pt;
    long ret;
    for (;;) {
        ret = poll_once(t, fds, n, pt);
        if (ret || p.failed)
            break;
        /* Host descriptors are asked again each time so that they keep watching. */
        int err = poller_wait(t, &p, deadline);
        if (err) {
            ret = err == -ETIMEDOUT ? poll_once(t, fds, n, NULL) : err;
            break;
        }
        poller_done(&p);
        poller_init(&p);
    }
    poller_done(&p);
    return p.failed ? -ENOMEM : ret;
}

static long do_poll(struct task *t, uint64_t addr, unsigned int n, uint64_t deadline)
{
    struct pollfd small[POLL_ON_STACK], *fds = small;
    cleanup_free struct pollfd *big = NULL;

    if (n > rlimit_cur(t, RLIMIT_NOFILE))
        return -EINVAL;
    if (n > POLL_ON_STACK) {
        fds = big = malloc(n * sizeof(*fds));
        if (!big)
            return -ENOMEM;
    }
    if (copy_in(t, fds, addr, n * sizeof(*fds)))
        return -EFAULT;
    long ret = poll_fds(t, fds, n, deadline);
    if (ret < 0)
        return ret;
    /* Only revents is written back: another thread may be changing events. */
    for (unsigned int i = 0; i < n; i++)
        if (put_user(t, &fds[i].revents,
                     addr + i * sizeof(*fds) + offsetof(struct pollfd, revents)))
            return -EFAULT;
    return ret;
}

static long restart_poll(struct task *t, void *data)
{
    long r = do_poll(t, t->restart_data.u64[0], (unsigned int)t->restart_data.u64[1],
                     t->restart_data.u64[2]);

    return r == -ERESTARTSYS ? -ERESTART_RESTARTBLOCK : r;
}

long sys_poll(struct task *t, const struct sysargs *a)
{
    int ms = arg_i32(a, 2);
    uint64_t deadline = ms < 0    ? NO_DEADLINE
                        : ms == 0 ? 0
                                  : now_ns() + (uint64_t)ms * NSEC_PER_MSEC;
    long r = do_poll(t, arg_u64(a, 0), arg_u32(a, 1), deadline);

    if (r != -ERESTARTSYS)
        return r;
    t->restart_fn = restart_poll;
    t->restart_data.u64[0] = arg_u64(a, 0);
    t->restart_data.u64[1] = arg_u32(a, 1);
    t->restart_data.u64[2] = deadline;
    return -ERESTART_RESTARTBLOCK;
}

/* After a wait that was not interrupted the old signal mask is back at once. */
static void unmask(struct task *t, long result)
{
    if (result == -ERESTARTNOHAND || !t->sig.restore_saved)
        return;
    t->sig.restore_saved = false;
    signal_set_blocked(t, t->sig.saved_blocked);
}

static int timespec_deadline(struct task *t, uint64_t addr, uint64_t *deadline)
{
    struct timespec ts;

    *deadline = NO_DEADLINE;
    if (!addr)
        return 0;
    if (get_user(t, &ts, addr))
        return -EFAULT;
    if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    *deadline = ts.tv_sec || ts.tv_nsec ? deadline_after(&ts) : 0;
    return 0;
}

/* Linux's ppoll and pselect write back the time that is left; failing to is no error. */
static void put_remaining(struct task *t, uint64_t addr, uint64_t deadline, bool timeval)
{
    uint64_t now = now_ns(), left = deadline > now ? deadline - now : 0;
    int64_t v[2] = {(int64_t)(left / NSEC_PER_SEC), (int64_t)(left % NSEC_PER_SEC)};

    if (!addr || deadline == NO_DEADLINE)
        return;
    if (timeval)
        v[1] /= NSEC_PER_USEC;
    if (copy_out(t, addr, v, sizeof(v)))
        return;
}

long sys_ppoll(struct task *t, const struct sysargs *a)
{
    uint64_t deadline;
    int err = timespec_deadline(t, arg_u64(a, 2), &deadline);

    if (!err)
        err = signal_set_temp_mask(t, arg_u64(a, 3), arg_u64(a, 4));
    if (err)
        return err;
    long r = do_poll(t, arg_u64(a, 0), arg_u32(a, 1), deadline);
    if (r == -ERESTARTSYS)
        r = -ERESTARTNOHAND;
    unmask(t, r);
    put_remaining(t, arg_u64(a, 2), deadline, false);
    return r;
}

/* --- select --- */
#define SELECT_IN (EPOLLIN | EPOLLRDNORM | EPOLLRDBAND | EPOLLHUP | EPOLLERR)
#define SELECT_OUT (EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND | EPOLLERR)
#define SELECT_EX EPOLLPRI

struct select_sets {
    int n;
    size_t bytes;
    uint64_t in[3][FD_SETSIZE / 64], out[3][FD_SETSIZE / 64];
};

static int select_once(struct task *t, struct select_sets *s, struct poll_table *pt)
{
    static const uint32_t masks[3] = {SELECT_IN, SELECT_OUT, SELECT_EX};
    int ready = 0;

    memset(s->out, 0, sizeof(s->out));
    for (int fd = 0; fd < s->n; fd++) {
        uint64_t bit = 1ULL << fd % 64;
        int w = fd / 64;
        if (!((s->in[0][w] | s->in[1][w] | s->in[2][w]) & bit))
            continue;
        cleanup_file struct file *f = fd_get(t, fd);
        if (!f)
            return -EBADF;
        uint32_t got = file_poll(f, pt);
        for (int k = 0; k < 3; k++)
            if ((s->in[k][w] & bit) && (got & masks[k])) {
                s->out[k][w] |= bit;
                ready++;
            }
    }
    return ready;
}

static long select_loop(struct task *t, struct select_sets *s, uint64_t deadline)
{
    struct poller p;
    long ret = select_once(t, s, NULL);

    if (ret || !deadline)
        return ret;
    for (;;) {
        poller_init(&p);
        ret = select_once(t, s, &p.pt);
        int err = ret || p.failed ? 0 : poller_wait(t, &p, deadline);
        bool failed = p.failed;
        poller_done(&p);
        if (ret)
            return ret;
        if (failed)
            return -ENOMEM;
        if (err == -ETIMEDOUT)
            return select_once(t, s, NULL);
        if (err)
            return -ERESTARTNOHAND;
    }
}

static long do_select(struct task *t, int n, const uint64_t addr[3], uint64_t deadline)
{
    struct select_sets s = {.n = MIN(n, FD_SETSIZE)};

    if (n < 0)
        return -EINVAL;
    s.bytes = ROUND_UP((size_t)s.n, 64UL) / 8;
    for (int k = 0; k < 3; k++)
        if (addr[k] && copy_in(t, s.in[k], addr[k], s.bytes))
            return -EFAULT;
    long r = select_loop(t, &s, deadline);
    if (r < 0)
        return r;
    for (int k = 0; k < 3; k++)
        if (addr[k] && copy_out(t, addr[k], s.out[k], s.bytes))
            return -EFAULT;
    return r;
}

long sys_select(struct task *t, const struct sysargs *a)
{
    const uint64_t sets[3] = {arg_u64(a, 1), arg_u64(a, 2), arg_u64(a, 3)};
    uint64_t deadline = NO_DEADLINE;
    struct timeval tv;

    if (arg_u64(a, 4)) {
        if (get_user(t, &tv, arg_u64(a, 4)))
            return -EFAULT;
        if (tv.tv_sec < 0 || tv.tv_usec < 0)
            return -EINVAL;
        struct timespec ts = {tv.tv_sec + tv.tv_usec / 1000000,
                              tv.tv_usec % 1000000 * NSEC_PER_USEC};
        deadline = ts.tv_sec || ts.tv_nsec ? deadline_after(&ts) : 0;
    }
    long r = do_select(t, arg_i32(a, 0), sets, deadline);
    put_remaining(t, arg_u64(a, 4), deadline, true);
    return r;
}

long sys_pselect6(struct task *t, const struct sysargs *a)
{
    const uint64_t sets[3] = {arg_u64(a, 1), arg_u64(a, 2), arg_u64(a, 3)};
    uint64_t deadline, mask[2] = {0, 0};
    int err = timespec_deadline(t, arg_u64(a, 4), &deadline);

    if (!err && arg_u64(a, 5) && copy_in(t, mask, arg_u64(a, 5), sizeof(mask)))
        err = -EFAULT;
    if (!err)
        err = signal_set_temp_mask(t, mask[0], mask[1]);
    if (err)
        return err;
    long r = do_select(t, arg_i32(a, 0), sets, deadline);
    unmask(t, r);
    put_remaining(t, arg_u64(a, 4), deadline, false);
    return r;
}
