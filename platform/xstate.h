/* The XSAVE area of this machine: both platforms hand it over in the standard format. */
#ifndef NV_PLATFORM_XSTATE_H
#define NV_PLATFORM_XSTATE_H

#include <stddef.h>
#include <stdint.h>

size_t xstate_size(void);
uint64_t xstate_features(void); /* XCR0 */

#endif
