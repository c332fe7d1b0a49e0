/* io_uring: what the life of tasks needs of it. */
#ifndef NV_SENTRY_IPC_URING_URING_H
#define NV_SENTRY_IPC_URING_URING_H

#include <stdbool.h>

struct file;
struct task;

/*
 * Requests of t whose files have become ready go on, in t's own fiber: before guest code, and while
 * a call sleeps. t->uring_work says that there are some. May park.
 */
void uring_run_work(struct task *t);
/* t ends, or executes another program, which cancels all its requests; its numbers of rings go. */
void uring_task_gone(struct task *t, bool exec);
/* Rings that t names by IORING_REGISTER_RING_FDS, maybe without a descriptor. */
bool uring_has_numbers(const struct task *t);
bool is_uring(const struct file *f);

#endif
