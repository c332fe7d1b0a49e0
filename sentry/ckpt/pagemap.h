/* Which pages of a stub are its own: /proc/PID/pagemap, opened by the CLI, for the sentry has no
 * /proc. */
#ifndef NV_SENTRY_CKPT_PAGEMAP_H
#define NV_SENTRY_CKPT_PAGEMAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A descriptor of the pagemap of process pid, a stub; or negative errno. Blocks. */
int pagemap_open(pid_t pid);
/* The CLI's answer: takes over fd. */
void pagemap_answer(int value, int fd);

enum pagemap_kind {
    PAGEMAP_OWN,   /* in memory or swapped, of no file and not the page of zeros */
    PAGEMAP_SHARED /* in memory, the file's or the page of zeros */
};
/*
 * Calls fn for all pages of a kind in [start, end), as ranges in order, until it fails. 0 or
 * negative errno.
 */
int pagemap_scan(int fd, enum pagemap_kind kind, uint64_t start, uint64_t end,
                 int (*fn)(void *arg, uint64_t start, uint64_t end), void *arg);

#endif
