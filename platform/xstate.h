/*
 * The XSAVE area of this machine: both platforms hand it over in the standard format. Where its
 * components lie depends on the processor; packed, each stands for itself.
 */
#ifndef NV_PLATFORM_XSTATE_H
#define NV_PLATFORM_XSTATE_H

#include <stddef.h>
#include <stdint.h>

size_t xstate_size(void);
uint64_t xstate_features(void); /* XCR0 */

/*
 * Packed: the set of components in use, the 512 bytes of x87 and SSE, then of each other component
 * its length and bytes. Returns the length; out has room for XSTATE_PACKED_MAX.
 */
#define XSTATE_PACKED_MAX 16384
size_t xstate_pack(const void *area, void *out);
/* Components that it has. */
uint64_t xstate_packed_features(const void *packed);
/*
 * Fills an area of xstate_size() bytes from hostile bytes with what XRSTOR accepts. 0; -EINVAL;
 * -ENOTSUP: the state has a component that this processor lacks, whose name is in *missing.
 */
int xstate_unpack(const void *packed, size_t len, void *area, const char **missing);
/* The name of the first component of features that is not here; NULL: all are. */
const char *xstate_missing(uint64_t features);

#endif
