/* --core DIR: core files of guests, into a directory of the host. */
#ifndef NV_RUNSC_CLI_CORE_H
#define NV_RUNSC_CLI_CORE_H

#include <stdint.h>

#include "base/error.h"

#define CORE_LIMIT_DEFAULT (2ULL << 30)

/* Of all sandboxes of this nv: dir, and how many bytes may be written there. 0 or negative errno.
 */
int core_open(const char *dir, uint64_t limit, struct error *e);
/* Answers CTL_WANT_CORE on ctl; refused without core_open(). */
void core_serve(int ctl);

#endif
