/*
 * poll(2), ppoll(2). A poller hangs one waiter on each queue its files name and sleeps on a queue
 * of its own; it holds the files so that no queue goes away under it. select(2) uses it, too.
 */
#include "sentry/ipc/poller.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "ckpt/record.h"
#include "sentry/kernel/task.h"

#define POLL_FDS_ON_STACK 16
#define FDS_MAX 1048576 /* fs.nr_open */

/* --- pollers --- */
static void poll_woken(struct waiter *w, uint32_t events)
{
    struct poller *p = container_of(w, struct poll_entry, w)->p;

    p->woken = true;
    waitq_wake_all(&p->wq);
}

static void poll_add(struct poll_table *pt, struct waitq *q)
{
    struct poller *p = container_of(pt, struct poller, pt);
    struct poll_chunk *c = p->last;

    if (c->n == ARRAY_SIZE(c->entries)) { /* entries must not move: queues point at them */
        c = malloc(sizeof(*c));
        if (!c) {
            p->failed = true;
            return;
        }
        c->n = 0;
        c->next = NULL;
        p->last->next = c;
        p->last = c;
    }
    struct poll_entry *e = &c->entries[c->n++];
    e->w = (struct waiter){.mask = ~0U, .wake = poll_woken};
    e->p = p;
    e->file = file_get(p->file);
    waitq_add(q, &e->w);
}

/* Later rounds add nothing; a table all the same, for files that re-arm a host watch when asked. */
static void poll_nothing(struct poll_table *pt, struct waitq *q)
{
}

void poller_init(struct poller *p)
{
    p->pt.add = poll_add;
    waitq_init(&p->wq);
    p->woken = p->failed = false;
    p->first.n = 0;
    p->first.next = NULL;
    p->last = &p->first;
}

void poller_done(struct poller *p)
{
    for (struct poll_chunk *c = &p->first, *next; c; c = next) {
        next = c->next;
        for (unsigned int i = 0; i < c->n; i++) {
            waitq_del(&c->entries[i].w);
            file_put(c->entries[i].file);
        }
        if (c != &p->first)
            free(c);
    }
}

uint32_t poller_ask(struct poller *p, struct file *f)
{
    p->file = f;
    return file_poll(f, &p->pt);
}

void poller_armed(struct poller *p)
{
    p->pt.add = poll_nothing;
}

int poller_wait(struct task *t, struct poller *p, uint64_t deadline)
{
    while (!p->woken) {
        int err = task_wait(t, &p->wq, deadline);
        if (err && !p->woken)
            return err;
    }
    p->woken = false;
    return 0;
}

uint64_t poll_deadline_ms(int ms)
{
    const struct timespec ts = {ms / 1000, ms % 1000 * NSEC_PER_MSEC};

    return ms < 0 ? NO_DEADLINE : ms == 0 ? 0 : deadline_after(&ts);
}

int poll_deadline_timespec(struct task *t, uint64_t addr, uint64_t *deadline)
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

void poll_put_remaining(struct task *t, uint64_t addr, uint64_t deadline, bool timeval)
{
    uint64_t now = now_ns(), left = deadline > now ? deadline - now : 0;
    int64_t v[2] = {(int64_t)(left / NSEC_PER_SEC), (int64_t)(left % NSEC_PER_SEC)};

    if (!addr || deadline == NO_DEADLINE || !deadline)
        return;
    if (timeval)
        v[1] /= NSEC_PER_USEC;
    if (copy_out(t, addr, v, sizeof(v)))
        return;
}

void poll_unmask(struct task *t, bool interrupted)
{
    if (interrupted || !t->sig.restore_saved)
        return;
    t->sig.restore_saved = false;
    signal_set_blocked(t, t->sig.saved_blocked);
}

/* --- poll --- */
static int ask_all(struct task *t, struct pollfd *fds, unsigned int n, struct poller *p)
{
    int ready = 0;

    for (unsigned int i = 0; i < n; i++) {
        fds[i].revents = 0;
        if (fds[i].fd < 0)
            continue;
        cleanup_file struct file *f = fd_get(t, fds[i].fd);
        uint32_t want = (uint16_t)fds[i].events | POLLERR | POLLHUP, got = POLLNVAL;
        if (f)
            got = (p && !ready ? poller_ask(p, f) : file_poll(f, NULL)) & want;
        fds[i].revents = (short)got;
        ready += got != 0;
    }
    return ready;
}

static long poll_fds(struct task *t, struct pollfd *fds, unsigned int n, uint64_t deadline)
{
    struct poller p;
    long ret;

    if (!deadline)
        return ask_all(t, fds, n, NULL);
    poller_init(&p);
    for (;;) {
        ret = ask_all(t, fds, n, &p);
        if (ret || p.failed)
            break;
        poller_armed(&p);
        int err = poller_wait(t, &p, deadline);
        if (err) {
            ret = err == -ETIMEDOUT ? ask_all(t, fds, n, NULL) : err;
            break;
        }
    }
    poller_done(&p);
    return p.failed && !ret ? -ENOMEM : ret;
}

static long do_poll(struct task *t, uint64_t addr, unsigned int n, uint64_t deadline)
{
    struct pollfd small[POLL_FDS_ON_STACK], *fds = small;
    cleanup_free struct pollfd *big = NULL;

    if (n > rlimit_cur(t, RLIMIT_NOFILE) || n > FDS_MAX)
        return -EINVAL;
    if (n > POLL_FDS_ON_STACK) {
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

static long poll_until(struct task *t, uint64_t fds, unsigned int n, uint64_t deadline);

static long restart_poll(struct task *t, void *data)
{
    return poll_until(t, t->restart_data.u64[0], (unsigned int)t->restart_data.u64[1],
                      t->restart_deadline_ns);
}
CKPT_FUNCTION("restart", "poll", restart_poll);

static long poll_until(struct task *t, uint64_t fds, unsigned int n, uint64_t deadline)
{
    long r = do_poll(t, fds, n, deadline);

    if (r != -ERESTARTSYS)
        return r;
    t->restart_fn = restart_poll;
    t->restart_data.u64[0] = fds;
    t->restart_data.u64[1] = n;
    t->restart_deadline_ns = deadline;
    return -ERESTART_RESTARTBLOCK;
}

long sys_poll(struct task *t, const struct sysargs *a)
{
    return poll_until(t, arg_u64(a, 0), arg_u32(a, 1), poll_deadline_ms(arg_i32(a, 2)));
}

long sys_ppoll(struct task *t, const struct sysargs *a)
{
    uint64_t deadline;
    int err = poll_deadline_timespec(t, arg_u64(a, 2), &deadline);

    if (!err)
        err = signal_set_temp_mask(t, arg_u64(a, 3), arg_u64(a, 4));
    if (err)
        return err;
    long r = do_poll(t, arg_u64(a, 0), arg_u32(a, 1), deadline);
    if (r == -ERESTARTSYS)
        r = -ERESTARTNOHAND;
    poll_unmask(t, r == -ERESTARTNOHAND);
    poll_put_remaining(t, arg_u64(a, 2), deadline, false);
    return r;
}
