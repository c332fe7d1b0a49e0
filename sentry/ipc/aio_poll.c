/*
 * Poll requests of AIO. They complete in the wake of the file's queue, where nothing may be freed
 * that the queue belongs to: files are let go of on the loop.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"
#include "sentry/ipc/aio_internal.h"

#define QUEUES_MAX 4

struct aio_poll;

struct aio_waiter {
    struct waiter w;
    struct aio_poll *p;
};

struct aio_poll {
    struct poll_table pt;
    struct list node; /* in ctx->polls */
    struct aio_ctx *ctx;
    struct aio_op op; /* with its files */
    uint32_t events;
    int nwaiters;
    struct aio_waiter waiters[QUEUES_MAX];
    struct ktimer later, free_timer;
};

static void poll_free(struct ktimer *k)
{
    struct aio_poll *p = container_of(k, struct aio_poll, free_timer);

    file_put(p->op.file);
    if (p->op.eventfd)
        file_put(p->op.eventfd);
    free(p);
}

/* The request is over; told: there is an event for it. */
static void finish(struct aio_poll *p, uint32_t revents, bool told)
{
    const struct io_event ev = {.data = p->op.cb.aio_data, .obj = p->op.addr, .res = revents};

    for (int i = 0; i < p->nwaiters; i++)
        waitq_del(&p->waiters[i].w);
    list_del(&p->node);
    ktimer_cancel(&p->later);
    if (told)
        aio_complete(p->ctx, p->op.eventfd, &ev);
    else
        p->ctx->active--;
    ktimer_arm(&p->free_timer, 1);
}

/* An event wakes what polls its eventfd, which may be such a request again: then on the loop. */
static void look(struct aio_poll *p)
{
    static bool finishing;
    uint32_t now = file_poll(p->op.file, NULL) & p->events;

    if (!now)
        return;
    if (finishing) {
        ktimer_arm(&p->later, 1);
        return;
    }
    finishing = true;
    finish(p, now, true);
    finishing = false;
}

static void woken(struct waiter *w, uint32_t events)
{
    look(container_of(w, struct aio_waiter, w)->p);
}

static void look_later(struct ktimer *k)
{
    look(container_of(k, struct aio_poll, later));
}

static void add_waiter(struct poll_table *pt, struct waitq *q)
{
    struct aio_poll *p = container_of(pt, struct aio_poll, pt);

    if (p->nwaiters == QUEUES_MAX)
        return;
    struct aio_waiter *aw = &p->waiters[p->nwaiters++];
    *aw = (struct aio_waiter){.w = {.mask = ~0U, .wake = woken}, .p = p};
    waitq_add(q, &aw->w);
}

long aio_poll_start(struct aio_ctx *c, const struct aio_op *op)
{
    const struct iocb *cb = &op->cb;

    if ((cb->aio_buf & ~0xffffUL) || cb->aio_offset || cb->aio_nbytes || cb->aio_rw_flags)
        return -EINVAL;
    if (!op->file->ops->poll)
        return -EINVAL;
    struct aio_poll *p = calloc(1, sizeof(*p));
    if (!p)
        return -EAGAIN;
    p->pt.add = add_waiter;
    p->ctx = c;
    p->op = *op;
    p->events = (uint32_t)cb->aio_buf | EPOLLERR | EPOLLHUP;
    ktimer_init(&p->later, look_later);
    ktimer_init(&p->free_timer, poll_free);
    list_add_tail(&c->polls, &p->node);
    uint32_t now = file_poll(op->file, &p->pt) & p->events;
    if (now)
        finish(p, now, true);
    return AIO_PENDING;
}

bool aio_poll_cancel(struct aio_ctx *c, uint64_t addr)
{
    struct aio_poll *p;

    list_for_each(p, &c->polls, node) {
        if (p->op.addr == addr) {
            finish(p, 0, true);
            return true;
        }
    }
    return false;
}

void aio_polls_cancel(struct aio_ctx *c)
{
    struct aio_poll *p, *next;

    list_for_each_safe(p, next, &c->polls, node)
        finish(p, 0, false);
}
