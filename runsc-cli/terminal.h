/* The host's terminal while a sandbox uses it. */
#ifndef NV_RUNSC_CLI_TERMINAL_H
#define NV_RUNSC_CLI_TERMINAL_H

#include "sentry/sandbox.h"

/* Raw mode when the sandbox's streams are a terminal: the sentry has its own line discipline. */
void terminal_enter(const struct sandbox_spec *spec);
void terminal_leave(void);

#endif
