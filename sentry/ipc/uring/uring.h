/* io_uring: what the life of tasks needs of it. */
#ifndef NV_SENTRY_IPC_URING_URING_H
#define NV_SENTRY_IPC_URING_URING_H

struct task;

/*
 * Requests of t whose files have become ready go on, in t's own fiber: before guest code, and while
 * a call sleeps. t->uring_work says that there are some. May park.
 */
void uring_run_work(struct task *t);
/* t ends: its requests are cancelled. */
void uring_task_exit(struct task *t);

#endif
