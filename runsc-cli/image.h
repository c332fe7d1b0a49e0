/* nv image: what its verbs share. */
#ifndef NV_RUNSC_CLI_IMAGE_H
#define NV_RUNSC_CLI_IMAGE_H

#include <stdbool.h>

#include "base/error.h"
#include "ckpt/image.h"

struct image_args {
    bool json, trust, records, cpu;
    const char *key, *require, *oci;
    const char *names[2];
    int nnames;
};

/* Opens for looking: digests count unless --trust. */
int image_args_open(const struct image_args *a, int i, struct image *img, struct error *e);

/*
 * Which pages of which mappings differ: an array of objects with memory, range, perms, name, pages,
 * and differ and ranges, or only_in. NULL with e set.
 */
json_t *image_diff_memory(const struct image *a, const struct image *b, struct error *e);
/* Exit codes; e is printed by the caller when they are not 0 and it says something. */
int image_verb_inspect(const struct image_args *a, struct error *e);
int image_verb_diff(const struct image_args *a, struct error *e);
int image_verb_optimize(const struct image_args *a, struct error *e);

#endif
