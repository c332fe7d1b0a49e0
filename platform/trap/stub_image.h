/* The stub's ELF file, which is part of nv. */
#ifndef NV_PLATFORM_TRAP_STUB_IMAGE_H
#define NV_PLATFORM_TRAP_STUB_IMAGE_H

#include <stddef.h>

extern const char stub_image[];
extern const size_t stub_image_size;

#endif
