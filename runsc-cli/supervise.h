/* A program's session from its start to its end: nv run and nv restore. */
#ifndef NV_RUNSC_CLI_SUPERVISE_H
#define NV_RUNSC_CLI_SUPERVISE_H

#include "runsc-cli/session.h"

/*
 * Runs a filled session to its end: it is listed as o->id, and saves itself into o->output when its
 * program asks for that. 0, or an exit code with e set; nothing of the sandbox is left.
 */
int supervise(struct session *s, const struct run_options *o, uint64_t memory, struct error *e);

#endif
