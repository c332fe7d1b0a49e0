/* Sanitizers in processes that see no files; see sanitizer.c. */
#ifndef NV_RUNSC_CLI_SANITIZER_H
#define NV_RUNSC_CLI_SANITIZER_H

#include "base/sanitize.h"

/* Before /proc and the executable disappear from view: lets later reports name lines. */
void sanitizer_prepare(void);

#endif
