/*
 * epoll(7). An item hangs one waiter on each queue its file names; a wake puts the item on the
 * ready list, and epoll_wait asks the file what really holds. Level-triggered items stay on the
 * list as long as they are ready.
 */
#include "sentry/ipc/epoll.h"

#include <errno.h>
#include <sys/sysmacros.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "ckpt/record.h"
#include "sentry/ipc/epoll_internal.h"
#include "sentry/ipc/poller.h"
#include "sentry/kernel/task.h"
#include "sentry/kernel/user_counts.h"
#include "sentry/sandbox.h"
#include "sentry/vfs/file.h"

#define NESTING_MAX 5
#define EVENTS_MAX (INT32_MAX / (int)sizeof(struct epoll_event))
#define BUCKETS_FIRST 16
#define POLL_WEIGHT 64
#define EPIOCSPARAMS_K _IOW(0x8a, 1, struct epoll_params_k)
#define EPIOCGPARAMS_K _IOR(0x8a, 2, struct epoll_params_k)
/* Wakes that one event may cause through nested sets before repeated ones are left out. */
#define WAKE_BUDGET 10000
#define EP_ALWAYS (EPOLLERR | EPOLLHUP) /* reported though not asked for */
#define EP_PRIVATE (EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP)

/*
 * The set has something to report. A sleeping task has found the ready list empty, so one wake is
 * enough until somebody has collected; the collector wakes the next one if something is left.
 */
static void set_wake(struct epoll *ep)
{
    waitq_wake_one(&ep->wq, EPOLLIN);
    waitq_wake(&ep->poll_wq, EPOLLIN | EPOLLRDNORM);
}

static void item_wake(struct waiter *w, uint32_t events)
{
    static int depth, budget;
    struct epoll_item *it = container_of(w, struct item_waiter, w)->item;
    bool listed = !list_empty(&it->ready_node);

    if (!(events & it->events & ~EP_PRIVATE)) /* not asked for, or ONESHOT and disarmed */
        return;
    if (!depth)
        budget = WAKE_BUDGET;
    if (listed && budget-- <= 0)
        return;
    if (!listed)
        list_add_tail(&it->ep->ready, &it->ready_node);
    depth++;
    set_wake(it->ep);
    depth--;
}

struct add_table {
    struct poll_table pt;
    struct epoll_item *item;
};

static void add_waiter(struct poll_table *pt, struct waitq *q)
{
    struct epoll_item *it = container_of(pt, struct add_table, pt)->item;

    if (it->nwaiters == QUEUES_MAX)
        return;
    struct item_waiter *iw = &it->waiters[it->nwaiters++];
    *iw = (struct item_waiter){.w = {.mask = ~0U, .wake = item_wake}, .item = it};
    /* The newest is told first: add_wait_queue(). */
    if (it->events & EPOLLEXCLUSIVE)
        waitq_add(q, &iw->w);
    else
        waitq_add_first(q, &iw->w);
}

static void keep_waiters(struct poll_table *pt, struct waitq *q)
{
}

/* Asks with a table that adds nothing: files over host descriptors re-arm their watch. */
uint32_t epoll_item_poll(struct epoll_item *it)
{
    static struct poll_table again = {.add = keep_waiters};

    return file_poll(it->file, &again) & it->events & ~EP_PRIVATE;
}

static struct epoll_item **slot(struct epoll *ep, int fd)
{
    return &ep->table[(unsigned int)fd & (ep->nbuckets - 1)];
}

/* Keeps chains short; failing to grow only makes them longer. */
static int table_grow(struct epoll *ep)
{
    unsigned int n = ep->nbuckets ? ep->nbuckets * 2 : BUCKETS_FIRST;
    struct epoll_item **table = calloc(n, sizeof(*table)), *it;

    if (!table)
        return ep->nbuckets ? 0 : -ENOMEM;
    free(ep->table);
    ep->table = table;
    ep->nbuckets = n;
    list_for_each(it, &ep->all, all_node) {
        it->hash_next = *slot(ep, it->fd);
        *slot(ep, it->fd) = it;
    }
    return 0;
}

struct epoll_item *epoll_item_find(struct epoll *ep, struct file *f, int fd)
{
    for (struct epoll_item *it = ep->table ? *slot(ep, fd) : NULL; it; it = it->hash_next)
        if (it->fd == fd && it->file == f)
            return it;
    return NULL;
}

/* A twenty-fifth of the memory, as Linux: fs/eventpoll.c eventpoll_init(). */
uint64_t epoll_watches_max(void)
{
    uint64_t memory = sandbox->memory_bytes ? sandbox->memory_bytes : UINT64_MAX;

    return MIN(memory / 25 / sizeof(struct epoll_item), (uint64_t)WATCHES_MAX);
}

static void item_free(struct epoll_item *it)
{
    struct epoll_item **p = slot(it->ep, it->fd);

    while (*p != it)
        p = &(*p)->hash_next;
    *p = it->hash_next;
    for (int i = 0; i < it->nwaiters; i++)
        waitq_del(&it->waiters[i].w);
    list_del(&it->file_node);
    list_del(&it->ready_node);
    list_del(&it->all_node);
    it->ep->count--;
    user_uncharge(it->ep->user, USER_EPOLL_WATCHES, 1);
    free(it);
}

void epoll_file_released(struct file *f)
{
    while (!list_empty(&f->epoll_items))
        item_free(list_first(&f->epoll_items, struct epoll_item, file_node));
}

/*
 * Levels of sets from f downwards (0: f is no set), -ELOOP when ep is among them. Each set is
 * visited once a check, however many ways lead to it.
 */
/* NOLINTNEXTLINE(misc-no-recursion): to NESTING_MAX */
static int depth_below(const struct file *f, const struct epoll *ep, uint64_t check, int depth)
{
    struct epoll_item *it;
    int deepest = 0;

    if (f->ops != &epoll_ops)
        return 0;
    struct epoll *inner = f->priv;
    if (inner == ep || depth > NESTING_MAX)
        return -ELOOP;
    if (inner->visited == check)
        return inner->depth;
    list_for_each(it, &inner->all, all_node) {
        int d = depth_below(it->file, ep, check, depth + 1);
        if (d < 0)
            return d;
        deepest = MAX(deepest, d);
    }
    inner->visited = check;
    inner->depth = deepest + 1;
    return inner->depth;
}

/* Levels of sets that watch ep, itself included. */
/* NOLINTNEXTLINE(misc-no-recursion): to NESTING_MAX */
static int depth_above(struct epoll *ep, uint64_t check, int depth)
{
    struct epoll_item *it;
    int deepest = 0;

    if (ep->visited == check)
        return ep->depth;
    if (depth > NESTING_MAX)
        return 0;
    list_for_each(it, &ep->self->epoll_items, file_node)
        deepest = MAX(deepest, depth_above(it->ep, check, depth + 1));
    ep->visited = check;
    ep->depth = deepest + 1;
    return ep->depth;
}

/* Loops and chains deeper than NESTING_MAX are refused: epoll_ctl(2), ELOOP. */
static int check_nesting(struct epoll *ep, const struct file *f)
{
    static uint64_t check;

    if (f->ops != &epoll_ops)
        return 0;
    int below = depth_below(f, ep, ++check, 0);
    if (below < 0)
        return below;
    return below + depth_above(ep, ++check, 0) > NESTING_MAX ? -ELOOP : 0;
}

int epoll_item_add(struct epoll *ep, struct file *f, int fd, const struct epoll_event *ev)
{
    static uint64_t added;
    int err = check_nesting(ep, f);

    if (err)
        return err;
    if (ep->count >= ep->nbuckets && table_grow(ep))
        return -ENOMEM;
    struct user_counts *user = user_charge(ep->uid, USER_EPOLL_WATCHES, 1, epoll_watches_max());
    if (!user)
        return -ENOSPC;
    struct epoll_item *it = calloc(1, sizeof(*it));
    if (!it) {
        user_uncharge(user, USER_EPOLL_WATCHES, 1);
        return -ENOMEM;
    }
    ep->user = user;
    it->seq = ++added;
    it->ep = ep;
    it->file = f;
    it->fd = fd;
    it->events = ev->events | EP_ALWAYS;
    it->data = ev->data.u64;
    list_init(&it->ready_node);
    list_add_tail(&f->epoll_items, &it->file_node);
    list_add_tail(&ep->all, &it->all_node);
    it->hash_next = *slot(ep, fd);
    *slot(ep, fd) = it;
    ep->count++;
    struct add_table at = {.pt = {.add = add_waiter}, .item = it};
    uint32_t ready = file_poll(f, &at.pt) & it->events & ~EP_PRIVATE;
    if (ready) {
        if (list_empty(&it->ready_node))
            list_add_tail(&ep->ready, &it->ready_node);
        set_wake(ep);
    }
    return 0;
}

static void item_mod(struct epoll_item *it, const struct epoll_event *ev)
{
    it->events = ev->events | EP_ALWAYS;
    it->data = ev->data.u64;
    if (epoll_item_poll(it)) {
        if (list_empty(&it->ready_node))
            list_add_tail(&it->ep->ready, &it->ready_node);
        set_wake(it->ep);
    }
}

long sys_epoll_ctl(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *ef = fd_get(t, arg_i32(a, 0)), *f = fd_get(t, arg_i32(a, 2));
    int op = arg_i32(a, 1);
    struct epoll_event ev = {0};

    if (op != EPOLL_CTL_DEL && get_user(t, &ev, arg_u64(a, 3)))
        return -EFAULT;
    if (!ef || !f)
        return -EBADF;
    if (!f->ops->poll)
        return -EPERM;
    if (f == ef || ef->ops != &epoll_ops)
        return -EINVAL;
    struct epoll *ep = ef->priv;
    if ((ev.events & EPOLLEXCLUSIVE) && op != EPOLL_CTL_DEL) {
        const uint32_t ok =
            EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
        if (op == EPOLL_CTL_MOD || f->ops == &epoll_ops || (ev.events & ~ok))
            return -EINVAL;
    }
    struct epoll_item *it = epoll_item_find(ep, f, arg_i32(a, 2));
    switch (op) {
    case EPOLL_CTL_ADD:
        return it ? -EEXIST : epoll_item_add(ep, f, arg_i32(a, 2), &ev);
    case EPOLL_CTL_MOD:
        if (!it)
            return -ENOENT;
        if (it->events & EPOLLEXCLUSIVE)
            return -EINVAL;
        item_mod(it, &ev);
        return 0;
    case EPOLL_CTL_DEL:
        if (!it)
            return -ENOENT;
        item_free(it);
        return 0;
    default:
        return -EINVAL;
    }
}

/* Takes what is ready: at most max events, written to the guest. Number or negative errno. */
static int collect(struct task *t, struct epoll *ep, uint64_t addr, int max)
{
    struct list turn = LIST_INIT(turn);
    int n = 0;

    list_splice_tail(&turn, &ep->ready);
    while (n < max && !list_empty(&turn)) {
        struct epoll_item *it = list_first(&turn, struct epoll_item, ready_node);
        list_del(&it->ready_node);
        uint32_t got = epoll_item_poll(it);
        if (!got)
            continue;
        struct epoll_event ev = {.events = got, .data.u64 = it->data};
        if (copy_out(t, addr + (uint64_t)n * sizeof(ev), &ev, sizeof(ev))) {
            list_add_tail(&ep->ready, &it->ready_node);
            n = n ? n : -EFAULT;
            break;
        }
        n++;
        if (it->events & EPOLLONESHOT)
            it->events &= EP_PRIVATE;
        else if (!(it->events & EPOLLET))
            list_add_tail(&ep->ready, &it->ready_node);
    }
    /* What was not looked at comes first next time. */
    if (!list_empty(&turn)) {
        list_splice_tail(&turn, &ep->ready);
        list_splice_tail(&ep->ready, &turn);
    }
    if (!list_empty(&ep->ready))
        waitq_wake_one(&ep->wq, EPOLLIN);
    return n;
}

static long do_wait(struct task *t, int epfd, uint64_t addr, int max, uint64_t deadline)
{
    if (max <= 0 || max > EVENTS_MAX)
        return -EINVAL;
    if (addr > NV_TASK_SIZE - (uint64_t)max * sizeof(struct epoll_event))
        return -EFAULT;
    cleanup_file struct file *ef = fd_get(t, epfd);
    if (!ef)
        return -EBADF;
    if (ef->ops != &epoll_ops)
        return -EINVAL;
    struct epoll *ep = ef->priv;
    for (;;) {
        int n = collect(t, ep, addr, max);
        if (n || !deadline)
            return n;
        int err = task_wait(t, &ep->wq, deadline);
        if (err == -ETIMEDOUT)
            return collect(t, ep, addr, max);
        if (err)
            return -EINTR;
    }
}

long sys_epoll_wait(struct task *t, const struct sysargs *a)
{
    return do_wait(t, arg_i32(a, 0), arg_u64(a, 1), arg_i32(a, 2), poll_deadline_ms(arg_i32(a, 3)));
}

static long masked_wait(struct task *t, const struct sysargs *a, uint64_t deadline)
{
    int err = signal_set_temp_mask(t, arg_u64(a, 4), arg_u64(a, 5));

    if (err)
        return err;
    long n = do_wait(t, arg_i32(a, 0), arg_u64(a, 1), arg_i32(a, 2), deadline);
    poll_unmask(t, n == -EINTR);
    return n;
}

long sys_epoll_pwait(struct task *t, const struct sysargs *a)
{
    return masked_wait(t, a, poll_deadline_ms(arg_i32(a, 3)));
}

long sys_epoll_pwait2(struct task *t, const struct sysargs *a)
{
    uint64_t deadline;
    int err = poll_deadline_timespec(t, arg_u64(a, 3), &deadline);

    if (err)
        return err;
    return masked_wait(t, a, deadline);
}

/* --- the epoll file itself --- */
static uint32_t epoll_poll(struct file *f, struct poll_table *pt)
{
    struct epoll *ep = f->priv;

    poll_wait(pt, &ep->poll_wq);
    while (!list_empty(&ep->ready)) {
        struct epoll_item *it = list_first(&ep->ready, struct epoll_item, ready_node);
        if (epoll_item_poll(it))
            return EPOLLIN | EPOLLRDNORM;
        list_del(&it->ready_node); /* its next wake brings it back */
    }
    return 0;
}

static void epoll_release(struct file *f)
{
    struct epoll *ep = f->priv;

    while (!list_empty(&ep->all))
        item_free(list_first(&ep->all, struct epoll_item, all_node));
    free(ep->table);
    free(ep);
}

static void epoll_fdinfo(struct file *f, struct strbuf *out)
{
    struct epoll_item *it;

    list_for_each(it, &((struct epoll *)f->priv)->all, all_node)
        strbuf_printf(out, "tfd: %8d events: %8x data: %16lx  pos:%ld ino:%lx sdev:%x\n", it->fd,
                      it->events, (unsigned long)it->data, (long)it->file->pos,
                      (unsigned long)it->file->inode->ino,
                      major(it->file->inode->sb->dev) << 20 | minor(it->file->inode->sb->dev));
}

/* ioctl_eventpoll(2): kept; nothing here polls busily. */
static long epoll_ioctl(struct task *t, struct file *f, unsigned int cmd, unsigned long arg)
{
    struct epoll *ep = f->priv;
    struct epoll_params_k p;

    switch (cmd) {
    case EPIOCSPARAMS_K:
        if (get_user(t, &p, arg))
            return -EFAULT;
        if (p.pad || p.prefer_busy_poll > 1 || p.busy_poll_usecs > INT32_MAX)
            return -EINVAL;
        if (p.busy_poll_budget > POLL_WEIGHT && !cred_capable(t->cred, 12 /* NET_ADMIN */))
            return -EPERM;
        ep->params = p;
        return 0;
    case EPIOCGPARAMS_K:
        return put_user(t, &ep->params, arg);
    default:
        return -EINVAL; /* its own errno: ep_eventpoll_ioctl() */
    }
}

const struct file_ops epoll_ops = {
    .kind = "[eventpoll]",
    .llseek = noop_llseek,
    .no_seek = true,
    .ioctl = epoll_ioctl,
    .poll = epoll_poll,
    .release = epoll_release,
    .fdinfo = epoll_fdinfo,
    .priv_type = &ckpt_epoll,
    .restore = epoll_restore,
};
CKPT_SYMBOL("file_ops", "epoll", epoll_ops);

struct epoll *epoll_new(void)
{
    struct epoll *ep = calloc(1, sizeof(*ep));

    if (!ep)
        return NULL;
    list_init(&ep->ready);
    list_init(&ep->all);
    list_init(&ep->restored_node);
    waitq_init(&ep->wq);
    waitq_init(&ep->poll_wq);
    return ep;
}

static long do_create(struct task *t, int flags)
{
    if (flags & ~EPOLL_CLOEXEC)
        return -EINVAL;
    struct epoll *ep = epoll_new();
    if (!ep)
        return -ENOMEM;
    struct file *f = file_new_anon(&epoll_ops, 0600, O_RDWR, ep);
    if (!f) {
        free(ep);
        return file_new_error();
    }
    ep->self = f;
    ep->uid = t->cred->uid;
    return fd_install_steal(t, f, flags & EPOLL_CLOEXEC);
}

long sys_epoll_create(struct task *t, const struct sysargs *a)
{
    return arg_i32(a, 0) <= 0 ? -EINVAL : do_create(t, 0);
}

long sys_epoll_create1(struct task *t, const struct sysargs *a)
{
    return do_create(t, arg_i32(a, 0));
}
