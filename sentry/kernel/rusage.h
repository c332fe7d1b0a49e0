/* CPU time of guest processes. */
#ifndef NV_SENTRY_KERNEL_RUSAGE_H
#define NV_SENTRY_KERNEL_RUSAGE_H

#include <stdint.h>
#include <time.h>

struct task;
struct thread_group;

/* Of the sandbox since its start: tasks made, sleeps, and the CPU time of groups that are gone. */
struct sandbox_totals {
    uint64_t forks, switches, gone_cpu_ns;
};
extern struct sandbox_totals sandbox_totals;
/* All of it, threads that run included. */
uint64_t sandbox_cpu_ns(void);

/* Nanoseconds of CPU the group has used, threads that are gone included. */
uint64_t tg_cpu_ns(struct thread_group *tg);

/* What the threads of a group have read and written, and how often they slept. */
struct task_io tg_io(const struct thread_group *tg);
long tg_nvcsw(const struct thread_group *tg);
/* Before t leaves its group; before tg leaves its parent. */
void task_leave_account(const struct task *t);
void tg_leave_account(const struct thread_group *tg);

/* CPU time of a thread that is not running guest code. Parks. */
uint64_t task_cpu_ns(struct task *t);

/* Looks at all of them for a checkpoint; the tasks stand still. Parks. */
void cpu_times_sample(void);

#endif
