/* Calls of warmed functions, for other verbs. */
#ifndef NV_RUNSC_CLI_INVOKE_H
#define NV_RUNSC_CLI_INVOKE_H

#include "base/error.h"
#include "runsc-cli/options.h"

#define WARM_RUNTIME "node" /* the image that nv run FILE.js looks for */

/*
 * Calls the function of a file in a clone of the warm runtime. The exit code, or -1: there is no
 * such runtime, or it would not do for these options.
 */
int invoke_function(const struct run_options *o, const char *file);
/*
 * Makes two calls to clones of the image and writes what memory one took into the image, so that
 * later restores have it in place. 0 or negative errno.
 */
int invoke_record(const char *name, const struct run_options *o, const char *event,
                  struct error *e);

#endif
