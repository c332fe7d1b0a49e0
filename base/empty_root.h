/* Building blocks of the sandbox's processes: an empty root, no capabilities. */
#ifndef NV_BASE_EMPTY_ROOT_H
#define NV_BASE_EMPTY_ROOT_H

#include <stdint.h>

#include "base/error.h"

/* What the gofer needs to serve files of any owner. */
#define CAPS_FILE_SERVICE                                                                          \
    (1ULL << 0 /* CHOWN */ | 1ULL << 1 /* DAC_OVERRIDE */ | 1ULL << 2 /* DAC_READ_SEARCH */ |      \
     1ULL << 3 /* FOWNER */ | 1ULL << 4 /* FSETID */)

/*
 * In a mount namespace of its own: the root becomes an empty read-only tmpfs, everything else is
 * detached. Needs CAP_SYS_ADMIN there.
 */
int empty_root_enter(struct error *e);
/*
 * Takes all but these from the bounding set; before caps_keep(). Nothing hangs on it once
 * no_new_privs is set: it takes a while, and may be done while nothing else can be.
 */
void caps_bound(uint64_t set);
/* Keeps only these capabilities, for good, and sets no_new_privs. */
int caps_keep(uint64_t set, struct error *e);

#endif
