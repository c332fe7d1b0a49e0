/* nv run --perf-map: names for what perf on the host finds in guest processes. */
#ifndef NV_RUNSC_CLI_PERFMAP_H
#define NV_RUNSC_CLI_PERFMAP_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* Puts the stub where perf looks for files by their build ID: $HOME/.debug. */
int perfmap_start(struct error *e);
/*
 * Answers CTL_PERF_MAP: adds the line, which the sentry sends and is hostile, to the file of the
 * child of the sentry that pidfd names, and the sentry knows by number. Takes over pidfd.
 */
void perfmap_add(pid_t sentry, int pidfd, int number, const char *line, size_t len);

#endif
