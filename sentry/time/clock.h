/* Clocks for the rest of sentry/time. */
#ifndef NV_SENTRY_TIME_CLOCK_H
#define NV_SENTRY_TIME_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "sentry/kernel/loop.h"

struct ckpt_reader;
struct ckpt_writer;
struct task;

/* -EINVAL for clocks that do not exist. */
int clock_read(struct task *t, clockid_t id, struct timespec *ts);
/*
 * What the guest's monotonic clocks (CLOCK_MONOTONIC, its RAW and COARSE, BOOTTIME) are ahead of
 * the host's: they go on where they stopped after a restore. Everything inside the sentry is in the
 * host's CLOCK_MONOTONIC; the guest's is what comes from and goes to the guest. Set before any
 * guest code runs.
 */
void time_set_offset(int64_t ns);
int64_t time_offset(void);
/* The guest's CLOCK_MONOTONIC now, and when its system was booted: an image has both. */
uint64_t time_guest_ns(void);
uint64_t time_boot_ns(void);
void time_set_boot(uint64_t guest_ns);
uint64_t time_uptime_ns(void);
/* The host's CLOCK_MONOTONIC at that time of the guest's; 0 if that was before it began. */
uint64_t time_from_guest(uint64_t guest_ns);
/* As a deadline for task_wait() and timers. */
uint64_t clock_to_deadline(clockid_t id, const struct timespec *ts, bool absolute);
/*
 * Checkpoints of a timer: what remains of it, or for one that waits for a time of the wall clock
 * (is_wall: CLOCK_REALTIME, absolute) that time. load gives the deadline now.
 */
static inline bool clock_is_wall(clockid_t id)
{
    return id == CLOCK_REALTIME || id == CLOCK_TAI || id == CLOCK_REALTIME_ALARM;
}
void timer_save(struct ckpt_writer *w, const struct ktimer *k, bool is_wall);
/* False: it is not armed. */
bool timer_load(struct ckpt_reader *r, bool is_wall, uint64_t *deadline);
bool timespec_valid(const struct timespec *ts);

#endif
