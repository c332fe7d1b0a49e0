/* From options and the host's facts to a sandbox_spec. */
#ifndef NV_RUNSC_CLI_SPEC_H
#define NV_RUNSC_CLI_SPEC_H

#include "base/error.h"
#include "runsc-cli/options.h"
#include "runsc-cli/spawn.h"

/* 0, or an exit code with e set. */
int spec_fill(struct spawn *s, const struct run_options *o, int argc, char **argv, struct error *e);

#endif
