/* When the phases of a sandbox's life were reached, in all of its processes: nv run --timing. */
#ifndef NV_BASE_TIMELINE_H
#define NV_BASE_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/macros.h"

enum phase {
#define PHASE(name, who, what) PHASE_##name,
#include "base/phases.def"
#undef PHASE
    NPHASES
};

/* Shared by all processes of a sandbox; NULL when nobody wants to know. The sandbox could write
 * anything there: it is for people to read. */
extern uint64_t *timeline;

void timeline_record(enum phase p);

/* The first time counts. */
static inline void timeline_mark(enum phase p)
{
    if (unlikely(timeline))
        timeline_record(p);
}

/* Begins in the CLI, whose main() was reached at main_ns: the time of its exec is known from the
 * CPU time it has used since. */
int timeline_start(uint64_t main_ns);
void timeline_print(FILE *out, bool json);

#endif
