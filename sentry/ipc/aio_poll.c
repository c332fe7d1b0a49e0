/*
 * Poll requests of AIO. They complete in the wake of the file's queue, where nothing may be freed
 * that the queue belongs to: files are let go of on the loop.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"
#include "sentry/ckpt/types.h"
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

static struct aio_poll *poll_new(struct aio_ctx *c)
{
    struct aio_poll *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->pt.add = add_waiter;
    p->ctx = c;
    ktimer_init(&p->later, look_later);
    ktimer_init(&p->free_timer, poll_free);
    list_add_tail(&c->polls, &p->node);
    return p;
}

static void begin(struct aio_poll *p)
{
    uint32_t now = file_poll(p->op.file, &p->pt) & p->events;

    if (now)
        finish(p, now, true);
}

long aio_poll_start(struct aio_ctx *c, const struct aio_op *op)
{
    const struct iocb *cb = &op->cb;

    if ((cb->aio_buf & ~0xffffUL) || cb->aio_offset || cb->aio_nbytes || cb->aio_rw_flags)
        return -EINVAL;
    if (!op->file->ops->poll)
        return -EINVAL;
    struct aio_poll *p = poll_new(c);
    if (!p)
        return -EAGAIN;
    p->op = *op;
    p->events = (uint32_t)cb->aio_buf | EPOLLERR | EPOLLHUP;
    begin(p);
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

/* --- checkpoints --- */
static const struct ckpt_field fields[] = {
    CKPT_UINT(struct aio_poll, op.addr),
    CKPT_UINT(struct aio_poll, op.cb.aio_data),
    CKPT_REF(struct aio_poll, op.file, &ckpt_file),
    CKPT_REF(struct aio_poll, op.eventfd, &ckpt_file),
    CKPT_UINT(struct aio_poll, events),
};
#define POLL_BYTES 28

unsigned int aio_npolls(const struct aio_ctx *c)
{
    const struct aio_poll *p;
    unsigned int n = 0;

    list_for_each(p, &c->polls, node)
        n++;
    return n;
}

void aio_polls_save(struct ckpt_writer *w, const struct aio_ctx *c)
{
    const struct aio_poll *p;

    ckpt_put_u32(w, aio_npolls(c));
    list_for_each(p, &c->polls, node)
        ckpt_put_fields(w, fields, ARRAY_SIZE(fields), p);
}

void aio_polls_load(struct ckpt_reader *r, struct aio_ctx *c)
{
    uint32_t n = ckpt_get_count(r, c->max - c->active, POLL_BYTES);

    while (n-- && !ckpt_failed(r)) {
        struct aio_poll *p = poll_new(c);
        if (!p) {
            ckpt_bad(r, "out of memory");
            return;
        }
        ckpt_get_fields(r, fields, ARRAY_SIZE(fields), p, 1);
        c->active++;
    }
}

static void begin_later(struct ktimer *k)
{
    struct aio_poll *p = container_of(k, struct aio_poll, later);

    ktimer_init(&p->later, look_later);
    begin(p);
}

/* Files may not be whole yet: they are asked when timers run again. */
void aio_polls_link(struct ckpt_reader *r, struct aio_ctx *c)
{
    struct aio_poll *p;

    list_for_each(p, &c->polls, node) {
        if (!p->op.file || !p->op.file->ops || !p->op.file->ops->poll ||
            (p->op.eventfd && !is_eventfd(p->op.eventfd))) {
            ckpt_bad(r, "a poll request for no file");
            return;
        }
        ktimer_init(&p->later, begin_later);
        ktimer_arm(&p->later, 1);
    }
}
