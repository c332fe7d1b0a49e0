/* Node functions: nv run FILE.js --event JSON. */
#ifndef NV_RUNSC_CLI_FUNCTION_H
#define NV_RUNSC_CLI_FUNCTION_H

#include <stdbool.h>

#include "base/error.h"
#include "runsc-cli/options.h"
#include "sentry/sandbox.h"

/* Is it FILE.js rather than a command? */
bool function_wanted(const struct run_options *o, char **argv);
/* Makes the spec run node with our runner; the event becomes its standard input. 0 or exit code. */
int function_prepare(struct sandbox_spec *s, const struct run_options *o, const char *file,
                     struct error *e);

/* The text of --event: JSON itself, @FILE or -; {} for none. 0 or exit code. */
struct strbuf;
int function_event(const char *arg, struct strbuf *b, struct error *e);
/*
 * Makes the spec run node with our runner as a warmed runtime: it loads file ("": none yet), calls
 * it with the event (JSON) and then serves requests.
 */
int function_prepare_warm(struct sandbox_spec *s, const char *file, const char *event, int calls,
                          struct error *e);

#endif
