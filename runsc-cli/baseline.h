/*
 * --cpu: what a sandbox may find out about the CPU. Where the host cannot hide it, runtimes that
 * choose code by asking the CPU themselves are told by their own settings.
 */
#ifndef NV_RUNSC_CLI_BASELINE_H
#define NV_RUNSC_CLI_BASELINE_H

#include "base/error.h"
#include "ckpt/manifest.h"
#include "sentry/sandbox.h"

/* Sets cpu_* of s by --cpu, NULL for host, and adds to its environment: 0 or an exit code. */
int baseline_set(struct sandbox_spec *s, const char *level, struct error *e);
/* The same as an image says, whose environment is in its memory. */
void baseline_restored(struct sandbox_spec *s, const struct manifest *m);
/* Says what a limit does not reach; nothing if it reaches everything. */
void baseline_warn(const struct sandbox_spec *s);
/* Was the image made with this --cpu? */
bool baseline_is(const struct manifest *m, const char *level);
/* Of the Node that nv starts: malloc'ed strings to argv; how many. */
#define NODE_FLAGS_MAX 16
int baseline_node_flags(const struct sandbox_spec *s, char **argv);

#endif
