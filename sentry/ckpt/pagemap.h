/* Which pages of a stub are its own: /proc/PID/pagemap, opened by the CLI, for the sentry has no
 * /proc. */
#ifndef NV_SENTRY_CKPT_PAGEMAP_H
#define NV_SENTRY_CKPT_PAGEMAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sentry/sandbox.h"

/* A descriptor of a file (enum stub_file) of process pid, a stub; or negative errno. Blocks. */
int stub_file_open(pid_t pid, int which);

/*
 * Calls fn for the process's own pages in [start, end): in memory or swapped, of no file and not
 * the page of zeros. As ranges in order, until it fails. 0 or negative errno.
 */
int pagemap_scan(int fd, uint64_t start, uint64_t end,
                 int (*fn)(void *arg, uint64_t start, uint64_t end), void *arg);
/* The same for pages of MADV_GUARD_INSTALL. -EOPNOTSUPP: the host's kernel does not tell. */
int pagemap_guards(int fd, uint64_t start, uint64_t end,
                   int (*fn)(void *arg, uint64_t start, uint64_t end), void *arg);

#endif
