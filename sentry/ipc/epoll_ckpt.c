/* Checkpoints of epoll sets: what they watch and what of it is on their ready lists. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/ipc/epoll_internal.h"
#include "sentry/ipc/signalfd.h"
#include "sentry/kernel/task.h"

struct epoll_saved {
    uint32_t n, nready;
    uint32_t *ready; /* numbers of items, in the order of the ready list */
    struct {
        struct file *file;
        int fd;
        uint32_t events;
        uint64_t data;
        struct task *task;
        uint64_t seq;
        struct epoll_item *added;
    } item[];
};

/* An item of any set, where the image has it. */
struct place {
    struct epoll *ep;
    uint32_t i;
    uint64_t seq, pos;
};

static struct list restored = LIST_INIT(restored);

static bool is_in(const struct waitq *q, const struct epoll_item *it)
{
    const struct waiter *w;

    list_for_each(w, &q->waiters, node) {
        for (int i = 0; i < it->nwaiters; i++)
            if (w == &it->waiters[i].w)
                return true;
    }
    return false;
}

/* A signalfd is watched for the signals of whoever has added it: whose queue the waiter is in. */
static struct task *signal_task(const struct epoll_item *it)
{
    const struct thread_group *tg;
    struct task *t;

    if (!is_signalfd(it->file) || !it->nwaiters)
        return NULL;
    list_for_each(tg, &all_thread_groups, all_node) {
        list_for_each(t, &tg->tasks, tg_node) {
            if (is_in(&t->sig.wq, it))
                return t;
        }
        if (is_in(&tg->sig.wq, it)) /* the thread has ended */
            return tg->leader;
    }
    return NULL;
}

static void epoll_save(struct ckpt_writer *w, void *obj)
{
    const struct epoll *ep = obj;
    struct epoll_item *it;
    uint32_t n = 0;

    ckpt_put_u32(w, ep->count);
    list_for_each(it, &ep->all, all_node) {
        ckpt_put_ref(w, &ckpt_file, it->file);
        ckpt_put_u32(w, (uint32_t)it->fd);
        ckpt_put_u32(w, it->events);
        ckpt_put_u64(w, it->data);
        ckpt_put_ref(w, &ckpt_task, signal_task(it));
        it->number = n++;
    }
    n = 0;
    list_for_each(it, &ep->ready, ready_node)
        n++;
    ckpt_put_u32(w, n);
    list_for_each(it, &ep->ready, ready_node)
        ckpt_put_u32(w, it->number);
    ckpt_put_bytes(w, &ep->params, sizeof(ep->params));
    list_for_each(it, &ep->all, all_node)
        ckpt_put_u64(w, it->seq);
}

static void *epoll_made(struct ckpt_reader *r)
{
    return epoll_new();
}

static void epoll_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct epoll *ep = obj;
    uint32_t n = ckpt_get_count(r, WATCHES_MAX, 24);

    ep->saved = calloc(1, sizeof(*ep->saved) + n * sizeof(ep->saved->item[0]));
    if (!ep->saved) {
        ckpt_bad(r, "out of memory");
        return;
    }
    ep->saved->n = n;
    for (uint32_t i = 0; i < n; i++) {
        ckpt_get_weak(r, &ckpt_file, &ep->saved->item[i].file);
        ep->saved->item[i].fd = (int)ckpt_get_u32(r);
        ep->saved->item[i].events = ckpt_get_u32(r);
        ep->saved->item[i].data = ckpt_get_u64(r);
        ckpt_get_weak(r, &ckpt_task, &ep->saved->item[i].task);
    }
    ep->saved->nready = ckpt_get_count(r, n, sizeof(uint32_t));
    ep->saved->ready = calloc(n + 1UL, sizeof(uint32_t));
    if (!ep->saved->ready)
        ckpt_bad(r, "out of memory");
    for (uint32_t i = 0; ep->saved->ready && i < ep->saved->nready; i++)
        ep->saved->ready[i] = ckpt_get_u32(r);
    if (version > 1)
        ckpt_get_bytes(r, &ep->params, sizeof(ep->params));
    for (uint32_t i = 0; version > 2 && i < n; i++)
        ep->saved->item[i].seq = ckpt_get_u64(r);
}

/* What is watched may not be whole yet: epoll_restored() goes on. */
int epoll_restore(struct file *f)
{
    struct epoll *ep = f->priv;

    if (ep->self)
        return -EINVAL;
    ep->self = f;
    ep->uid = f->inode->uid;
    list_add_tail(&restored, &ep->restored_node);
    return 0;
}

static int add_saved(struct epoll *ep, uint32_t i)
{
    struct file *f = ep->saved->item[i].file;
    struct epoll_event ev = {.events = ep->saved->item[i].events,
                             .data.u64 = ep->saved->item[i].data};

    if (!f || !f->refs || !f->ops->poll || f == ep->self ||
        epoll_item_find(ep, f, ep->saved->item[i].fd))
        return -EINVAL;
    signalfd_poller = ep->saved->item[i].task;
    int err = epoll_item_add(ep, f, ep->saved->item[i].fd, &ev);
    signalfd_poller = NULL;
    if (err)
        return err;
    struct epoll_item *it = list_last(&ep->all, struct epoll_item, all_node);
    it->events = ep->saved->item[i].events; /* one that ONESHOT has disarmed stays so */
    ep->saved->item[i].added = it;
    return 0;
}

static int by_age(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->seq != y->seq)
        return x->seq < y->seq ? -1 : 1;
    return x->pos < y->pos ? -1 : x->pos > y->pos;
}

/*
 * By age, of all sets together: what several sets watch tells them in that order. Older images do
 * not know it and have them set by set.
 */
static int add_all(void)
{
    struct epoll *ep;
    uint64_t n = 0, total = 0;
    int err = 0;

    list_for_each(ep, &restored, restored_node)
        total += ep->saved ? ep->saved->n : 0;
    cleanup_free struct place *v = calloc(total + 1, sizeof(*v));
    if (!v)
        return -ENOMEM;
    list_for_each(ep, &restored, restored_node) {
        for (uint32_t i = 0; ep->saved && i < ep->saved->n; i++, n++)
            v[n] = (struct place){ep, i, ep->saved->item[i].seq, n};
    }
    qsort(v, n, sizeof(*v), by_age);
    for (uint64_t i = 0; !err && i < n; i++)
        err = add_saved(v[i].ep, v[i].i);
    return err;
}

/* The ready list is as it was: an edge that was told is not told again, one that was not yet is. */
static int restore_ready(struct epoll *ep)
{
    const struct epoll_saved *s = ep->saved;

    for (uint32_t i = 0; s && i < s->n; i++)
        list_del(&s->item[i].added->ready_node);
    for (uint32_t i = 0; s && i < s->nready; i++) {
        if (s->ready[i] >= s->n || !list_empty(&s->item[s->ready[i]].added->ready_node))
            return -EINVAL;
        list_add_tail(&ep->ready, &s->item[s->ready[i]].added->ready_node);
    }
    return 0;
}

/* What is level-triggered may have become ready by the restore itself, as a terminal without its
 * other end. */
static void add_newly_ready(struct epoll *ep)
{
    for (uint32_t i = 0; ep->saved && i < ep->saved->n; i++) {
        struct epoll_item *it = ep->saved->item[i].added;
        if (!(it->events & EPOLLET) && list_empty(&it->ready_node) && epoll_item_poll(it) &&
            list_empty(&it->ready_node))
            list_add_tail(&ep->ready, &it->ready_node);
    }
}

/* All sets watch what they did before any is asked what is ready: they may watch each other. */
int epoll_restored(void)
{
    struct epoll *ep;
    int err = list_empty(&restored) ? 0 : add_all();

    list_for_each(ep, &restored, restored_node) {
        if (!err)
            err = restore_ready(ep);
    }
    while (!list_empty(&restored)) {
        ep = list_first(&restored, struct epoll, restored_node);
        list_del(&ep->restored_node);
        if (!err)
            add_newly_ready(ep);
        if (ep->saved)
            free(ep->saved->ready);
        free(ep->saved);
        ep->saved = NULL;
    }
    return err;
}

const struct ckpt_type ckpt_epoll = {
    .name = "epoll",
    .id = CT_EPOLL,
    .version = 3, /* 2: parameters of busy polling; 3: ages of items */
    .save = epoll_save,
    .create = epoll_made,
    .load = epoll_load,
};
CKPT_TYPE_REGISTER(ckpt_epoll);
