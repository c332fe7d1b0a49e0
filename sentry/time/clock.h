/* Clocks for the rest of sentry/time. */
#ifndef NV_SENTRY_TIME_CLOCK_H
#define NV_SENTRY_TIME_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct task;

/* -EINVAL for clocks that do not exist. */
int clock_read(struct task *t, clockid_t id, struct timespec *ts);
/* As a deadline for task_wait() and timers. */
uint64_t clock_to_deadline(clockid_t id, const struct timespec *ts, bool absolute);
bool timespec_valid(const struct timespec *ts);

#endif
