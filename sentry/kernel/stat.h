/* What `nv run --stat` counts: calls with their times in the sentry, and how it got its work. */
#ifndef NV_SENTRY_KERNEL_STAT_H
#define NV_SENTRY_KERNEL_STAT_H

#include <stdbool.h>
#include <stdint.h>

struct stat_counters {
    uint64_t trapped, fast; /* calls by a signal, by a thunk */
    uint64_t sleeps;        /* times the sentry went to sleep for want of work */
};

extern bool stat_enabled;
extern struct stat_counters stats;

int stat_init(void);
void stat_call(long nr, uint64_t ns);
void stat_gofer(unsigned int type, const char *name, uint64_t ns); /* name stays valid */
/* Ends all guest processes, whose use is counted then. JSON is left open for more members. */
void stat_print(int fd, bool json);

#endif
