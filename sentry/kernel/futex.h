/*
 * futex(2) as tasks have it: what a word is known by, and a wait. A wait that ends only because the
 * sandbox freezes stays in its queue: whoever wakes before stopping himself finds it there, and the
 * restored sandbox has it there before anybody runs.
 */
#ifndef NV_SENTRY_KERNEL_FUTEX_H
#define NV_SENTRY_KERNEL_FUTEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "sentry/kernel/waitq.h"

struct ckpt_reader;
struct ckpt_writer;
struct task;

/* Shared mappings by (inode, offset), private ones by (mm, addr). */
struct futex_key {
    uint64_t obj, offset;
    bool shared;
};

struct pi_waiter;

struct futex_wait {
    struct list node; /* in a bucket, while is_queued */
    struct futex_key key;
    struct task *task;
    uint64_t addr;  /* in the task's memory; 0: requeued to a word whose address there is unknown */
    uint64_t order; /* of arrival, for the queues of a restored sandbox */
    uint32_t bitset;
    bool is_queued, woken;
    bool kept;        /* the call was left and comes back for it */
    struct waitq *wq; /* the task sleeps here; NULL while kept */
    /* FUTEX_WAIT_REQUEUE_PI: the lock it shall be moved to, 0 for others; it was moved there. */
    uint64_t pi_addr;
    struct futex_key pi_key;
    bool pi_requeued;
    struct pi_waiter *pi; /* on the stack of the task; NULL while kept */
};

/* futex_waitv(2): each in its queue; the task owns them while the call lasts. */
struct futex_many {
    uint32_t n;
    struct futex_wait w[];
};

/* The call is not made again: its result, what it was or what waking has made of it. */
long futex_wait_drop(struct task *t, long result);
/* FUTEX_WAIT was interrupted: -ERESTART_RESTARTBLOCK, for a restart with the same deadline. */
long futex_restart_later(struct task *t, uint64_t addr, bool private_, uint32_t val,
                         uint64_t deadline);
/* futex_ckpt.c. A wait that is kept; or one of a frozen task that the guest's side has served. */
void futex_wait_save(struct ckpt_writer *w, struct task *t, bool by_guest);
void futex_wait_load(struct ckpt_reader *r, struct task *t);
/* By its order among those that are there. */
void futex_enqueue_restored(struct futex_wait *f);
/* Queues what was loaded. Before any task runs; its memory map is there. 0 or negative errno. */
int futex_wait_restore(struct task *t);

#endif
