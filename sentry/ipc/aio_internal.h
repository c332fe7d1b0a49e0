/* Contexts of AIO and their poll requests. */
#ifndef NV_SENTRY_IPC_AIO_INTERNAL_H
#define NV_SENTRY_IPC_AIO_INTERNAL_H

#include <limits.h>
#include <linux/aio_abi.h>

#include "ckpt/record.h"
#include "sentry/ipc/aio.h"
#include "sentry/ipc/eventfd.h"
#include "sentry/ipc/poller.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/file.h"

struct aio_ctx {
    unsigned int refs;    /* the table's, and those of sleepers */
    struct list node;     /* in aio_table.ctxs */
    uint64_t id;          /* the page in the guest; 0: being made */
    uint32_t asked;       /* counted in aio-nr */
    uint32_t max, active; /* requests: under way, or with an event that was not fetched */
    bool dead;
    struct io_event *events; /* the oldest first; cap >= active */
    uint32_t nevents, cap;
    struct list polls; /* struct aio_poll */
    struct waitq wq;
};

struct aio_table {
    struct list ctxs;
    uint32_t n;
    uint32_t owners; /* in an image */
};

struct aio_op { /* one iocb, copied once */
    struct iocb cb;
    uint64_t addr;
    struct file *file, *eventfd;
};

#define AIO_PENDING LONG_MIN /* no result of an operation */
void aio_complete(struct aio_ctx *c, struct file *eventfd, const struct io_event *ev);
/* AIO_PENDING (it took over the files) or negative errno. */
long aio_poll_start(struct aio_ctx *c, const struct aio_op *op);
bool aio_poll_cancel(struct aio_ctx *c, uint64_t addr); /* true: there was one */
void aio_polls_cancel(struct aio_ctx *c);
unsigned int aio_npolls(const struct aio_ctx *c);
void aio_polls_save(struct ckpt_writer *w, const struct aio_ctx *c);
void aio_polls_load(struct ckpt_reader *r, struct aio_ctx *c); /* counted in active */
void aio_polls_link(struct ckpt_reader *r, struct aio_ctx *c);

#endif
