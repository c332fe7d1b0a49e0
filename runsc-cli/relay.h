/* nv run --checkpoint-every: the program moves from sandbox to sandbox, for tests of checkpoints.
 */
#ifndef NV_RUNSC_CLI_RELAY_H
#define NV_RUNSC_CLI_RELAY_H

#include "base/error.h"
#include "runsc-cli/options.h"
#include "runsc-cli/session.h"

/*
 * Saves the sandbox of s, ends it and goes on in a new one that takes the place of s. 0, or an exit
 * code with e set; s has ended then.
 */
int relay(struct session *s, const struct run_options *o, struct error *e);

#endif
