/* Rings and requests. */
#ifndef NV_SENTRY_IPC_URING_URING_INTERNAL_H
#define NV_SENTRY_IPC_URING_URING_INTERNAL_H

#include <limits.h>
#include <linux/io_uring.h>

#include "sentry/ipc/uring/uring.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/file.h"

#define URING_QUEUES_MAX 4
#define URING_PENDING_MAX 8192 /* requests of a ring that wait */
#define URING_OVERFLOW_MAX 65536

/* In shared memory: the guest may change any of it at any time. */
struct uring_shared {
    uint32_t sq_head, sq_tail, sq_mask, sq_entries, sq_flags, sq_dropped;
    uint32_t pad1[10];
    uint32_t cq_head, cq_tail, cq_mask, cq_entries, cq_overflow, cq_flags;
    uint32_t pad2[10];
};

struct uring {
    struct list ring_node;       /* of all rings */
    unsigned int refs;           /* the file's, and one for each request */
    struct file *mem;            /* a tmpfs file: rings, then entries; owned */
    struct uring_shared *shared; /* mapped, with all that follows */
    uint32_t *array;
    struct io_uring_cqe *cqes;
    struct io_uring_sqe *sqes;
    size_t rings_len, sqes_len;
    uint32_t sq_entries, cq_entries; /* powers of two; ours, not the guest's */
    uint32_t sq_head, cq_tail;       /* ours: the guest's copies are written, never read */
    uint64_t posted, timeouts;       /* completions but those of timeouts, and those */
    bool disabled, dead, submit_all, single_issuer;
    pid_t issuer;               /* the only task that may submit; 0: anyone */
    struct list pending, ready; /* struct uring_req; ready ones wait for their task */
    struct list held;           /* chains that wait for all before them: IOSQE_IO_DRAIN */
    uint32_t nreqs, nheld;
    struct io_uring_cqe *overflow; /* that did not fit, the oldest first */
    uint32_t noverflow, overflow_cap;
    struct waitq wq; /* completions: tasks in io_uring_enter(2), pollers */
    struct file *eventfd;
    struct file **files; /* registered; entries may be NULL */
    uint32_t nfiles;
    struct iovec *bufs; /* registered; addresses in the guest */
    uint32_t nbufs;
};

struct uring_req;

struct uring_waiter {
    struct waiter w;
    struct uring_req *r;
};

struct uring_req {
    struct list node; /* in ring->pending or ring->ready */
    struct poll_table pt;
    struct uring *ring;
    struct task *task;       /* whose it is; owned */
    struct io_uring_sqe sqe; /* copied once */
    struct file *file;       /* NULL: not needed, or not there */
    struct uring_req *link;  /* to be started after this; owned */
    uint32_t events;         /* that it waits for; 0: it runs, or is to run */
    bool armed, done, held;
    /* A linked time limit and the request it limits: they know each other while that runs. */
    struct uring_req *limit, *limited;
    long want;       /* reads and writes: less breaks a chain */
    uint64_t target; /* timeouts: the number of completions that end it; UINT64_MAX: none */
    int nwaiters;
    struct uring_waiter waiters[URING_QUEUES_MAX];
    struct ktimer timer, free_timer;
};

#define URING_WAITS LONG_MIN /* no result yet */

/* ring.c */
extern struct list urings;
bool is_uring(const struct file *f);
void uring_post(struct uring *u, uint64_t user_data, int res);
void uring_flush_overflow(struct uring *u);
uint32_t uring_cq_ready(const struct uring *u);
void uring_put(struct uring *u);

/* request.c */
struct uring_req *uring_req_new(struct uring *u, struct task *t, const struct io_uring_sqe *sqe);
void uring_req_start(struct uring_req *r);
/* The chain waits until all requests before it are complete. */
void uring_chain_hold(struct uring_req *first);
/* It waits in the ring until its file has something of events, or for good (0). */
void uring_req_wait(struct uring_req *r, uint32_t events, bool look);
void uring_req_complete(struct uring_req *r, long res);
void uring_timeouts_check(struct uring *u);
struct uring_req *uring_find(struct uring *u, uint64_t user_data, int op); /* op -1: any */
void uring_cancel_all(struct uring *u, const struct task *t);              /* t NULL: of all */
void uring_run_ready(struct uring *u, struct task *t);

/* ops.c: a result, or URING_WAITS when it has been made to wait. */
long uring_op(struct uring_req *r);
bool uring_op_known(unsigned int op);

/* Reads a relative or absolute (CLOCK_MONOTONIC) time of the guest as a deadline. */
int uring_deadline(struct uring_req *r, bool absolute, uint64_t *deadline);

/* register.c */
/* Puts n descriptors at addr in place of those registered from off on: how many, or negative errno.
 */
long uring_update_files(struct task *t, struct uring *u, uint64_t addr, uint32_t off, uint32_t n);
long uring_register(struct task *t, struct uring *u, unsigned int op, uint64_t arg, uint32_t n);
void uring_unregister_all(struct uring *u);

#endif
