/* Waiting for several files at once; shared by poll and select. */
#ifndef NV_SENTRY_IPC_POLLER_H
#define NV_SENTRY_IPC_POLLER_H

#include "sentry/vfs/file.h"

struct poll_entry { /* one queue of one file */
    struct waiter w;
    struct poller *p;
    struct file *file; /* reference: the queue lives as long as it does */
};

struct poll_chunk {
    struct poll_chunk *next;
    unsigned int n;
    struct poll_entry entries[16];
};

/* Lives on the stack of the task that polls; small sets allocate nothing. */
struct poller {
    struct poll_table pt;
    struct file *file; /* being asked */
    struct waitq wq;
    bool woken, failed;
    struct poll_chunk *last, first;
};

void poller_init(struct poller *p);
void poller_done(struct poller *p);
/* What holds now; the first time round the poller's waiters are added. failed: out of memory. */
uint32_t poller_ask(struct poller *p, struct file *f);
void poller_armed(struct poller *p); /* the first round is over */
/* Sleeps until a queue wakes us. 0, -ETIMEDOUT or -ERESTARTSYS. */
int poller_wait(struct task *t, struct poller *p, uint64_t deadline);

/* Deadlines of the poll family: 0 means "do not wait". */
uint64_t poll_deadline_ms(int ms);
int poll_deadline_timespec(struct task *t, uint64_t addr, uint64_t *deadline);
/* ppoll, select and pselect write back the time that is left; failing to is no error. */
void poll_put_remaining(struct task *t, uint64_t addr, uint64_t deadline, bool timeval);
/* Ends signal_set_temp_mask(), unless a handler is to run under the mask. */
void poll_unmask(struct task *t, bool interrupted);

#endif
