/* Warm runtimes, for nv run. */
#ifndef NV_RUNSC_CLI_WARM_H
#define NV_RUNSC_CLI_WARM_H

#include <stdbool.h>

#include "ckpt/image.h"
#include "runsc-cli/spawn.h"

/* Is the image a runtime for a user of that root directory, and are its files as they were? */
bool warm_usable(const struct image *img, const struct spawn *sp);

#endif
