/* CPU time of guest processes. */
#ifndef NV_SENTRY_KERNEL_RUSAGE_H
#define NV_SENTRY_KERNEL_RUSAGE_H

#include <stdint.h>
#include <time.h>

struct task;
struct thread_group;

/* Nanoseconds of CPU the group has used, threads that are gone included. */
uint64_t tg_cpu_ns(struct thread_group *tg);

/*
 * CPU time of the calling thread, which only it can ask the host for: by way of the guest's buffer
 * for the answer. Parks. -EFAULT when that cannot be written.
 */
int thread_cpu_time(struct task *t, uint64_t scratch, struct timespec *ts);

#endif
