/*
 * Stopping the whole sandbox at a point where no task is inside a system call, for checkpoints:
 * sentry/ckpt/README.md tells how calls are interrupted and taken up again.
 */
#ifndef NV_SENTRY_KERNEL_FREEZE_H
#define NV_SENTRY_KERNEL_FREEZE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

struct task;

#define FREEZE_TIME_NS (5 * NSEC_PER_SEC) /* for tasks to stop */
#define SETTLE_TIME_NS (1 * NSEC_PER_SEC) /* for tasks to come to rest */

extern bool sandbox_freezing; /* tasks are asked to stop, or have stopped */

/*
 * Waits until no task runs, nor is about to: for helper threads of a warmed runtime to finish what
 * they are at, which every restored sandbox would do again. Blocks the calling fiber, which must
 * not be a task's; no longer than until deadline_ns.
 */
void sandbox_settle(uint64_t deadline_ns);
/*
 * Stops every task. Blocks the calling fiber, which must not be a task's. 0, or -ETIMEDOUT with a
 * task that did not stop in time in *culprit (the sandbox goes on then).
 */
int sandbox_freeze(uint64_t deadline_ns, struct task **culprit);
void sandbox_thaw(void);

/* For the task's own loop: parks while the sandbox is frozen. */
void task_freeze(struct task *t);
/* The call that t has just left was cut short: it is to be made again after the thaw. */
void task_cut_short(struct task *t);
/* Makes that call again: true if there was one. */
bool task_resume_call(struct task *t);
/* A task has stopped or is gone. */
void freeze_progress(void);

#endif
