/*
 * What a caged process has allocated and lost, told at its end; builds with SAN=1 only. Stands for
 * LeakSanitizer, whose tracer needs ptrace and /proc, neither of which is there behind the filter.
 */
#ifndef NV_BASE_LEAKS_H
#define NV_BASE_LEAKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/sanitize.h"

#if NV_ASAN
/* Follows allocations from here on. top: no frame above it holds pointers to them. */
void leaks_begin(void *top);
/* Memory that is not the allocator's but holds pointers to it: called for all of it by the check.
 */
typedef void (*leaks_root_fn)(const void *from, const void *to);
void leaks_roots(void (*each)(leaks_root_fn fn));
/* True, and a report on standard error, if something is not reachable any more. */
bool leaks_found(void);
#else
static inline void leaks_begin(void *top)
{
}
static inline bool leaks_found(void)
{
    return false;
}
#endif

#endif
