/* How much memory is really used: the host knows, and tells through the CLI. */
#ifndef NV_SENTRY_MM_USAGE_H
#define NV_SENTRY_MM_USAGE_H

#include <stdint.h>

struct mm;

/*
 * Brings mm->usage up to date unless it is younger than max_age_ns and no more is mapped than then.
 * Blocks; mm is the caller's.
 */
void mm_usage_ask(struct mm *mm, uint64_t max_age_ns);

/* Of the whole sandbox, in bytes; sums of what was told last. */
struct memory_usage {
    uint64_t total, free, anonymous, cached, shmem;
};
struct memory_usage memory_usage(void);
/* Asks about all address spaces. Blocks. */
void memory_usage_ask(void);

#endif
