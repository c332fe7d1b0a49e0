/*
 * Libraries that few commands need (libcrypto, libzstd) are loaded when first used: linking
 * libcrypto alone costs every start of nv 0.6 ms.
 */
#ifndef NV_CKPT_LIBRARY_H
#define NV_CKPT_LIBRARY_H

#include <stddef.h>

#include "base/error.h"

struct library_function {
    const char *name;
    void *to; /* a pointer to the pointer to be set */
};

/* 0, or -ELIBACC with e set: package says what to install. */
int library_load(const char *soname, const char *package, const struct library_function *f,
                 size_t n, struct error *e);

#endif
