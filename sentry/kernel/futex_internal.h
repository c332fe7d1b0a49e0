/* What the files of futexes share: waits and their queues. */
#ifndef NV_SENTRY_KERNEL_FUTEX_INTERNAL_H
#define NV_SENTRY_KERNEL_FUTEX_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "sentry/kernel/futex.h"

struct sysargs;

/* futex.c */
void futex_enqueue(struct futex_wait *w);
void futex_dequeue(struct futex_wait *w);
void futex_wake_waiter(struct futex_wait *w);
struct futex_wait *futex_first(const struct futex_key *key);
int futex_wake_key(const struct futex_key *key, int n, uint32_t bitset);
/* Checks the word and queues t->futex: what comes before the sleep. */
int futex_start_wait(struct task *t, uint64_t addr, bool private_, uint32_t val, uint32_t bitset);
/* FUTEX_WAIT and FUTEX_WAIT_BITSET from the check of the word on. */
long futex_wait_addr(struct task *t, uint64_t addr, bool private_, uint32_t val, uint64_t deadline,
                     uint32_t bitset);
/* A sleep that has ended so leaves its wait in the queue: only the sandbox freezes. */
bool futex_stays(const struct task *t, int err);
int futex_get_time(struct task *t, uint64_t addr, struct timespec *ts);
/* Of an absolute time on the guest's clock. */
uint64_t futex_deadline(const struct timespec *ts, bool realtime);

struct futex_requeue {
    uint64_t from, to;
    bool from_private, to_private;
    int nwake, nrequeue;
    const uint32_t *expected; /* what is at from, or -EAGAIN; NULL: anything */
};
long futex_requeue(struct task *t, const struct futex_requeue *q);
/* Both keys, and the check of the first word. */
int futex_requeue_keys(struct task *t, const struct futex_requeue *q, struct futex_key *from,
                       struct futex_key *to);

/* futex2.c: takes what still waits out of its queues; the last one that was woken, or -1. */
int futex_many_end(struct task *t);

/* futex_pi.c */
long futex_lock_pi(struct task *t, uint64_t addr, bool private_, bool try, uint64_t deadline);
long futex_unlock_pi(struct task *t, uint64_t addr, bool private_);
/* FUTEX_CMP_REQUEUE_PI, FUTEX_WAIT_REQUEUE_PI */
long futex_requeue_pi(struct task *t, const struct futex_requeue *q);
long futex_wait_requeue_pi(struct task *t, const struct sysargs *a, bool private_,
                           uint64_t deadline);

#endif
