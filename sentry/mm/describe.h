/* What the record of an address space in an image says, without an address space: nv image diff. */
#ifndef NV_SENTRY_MM_DESCRIBE_H
#define NV_SENTRY_MM_DESCRIBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mm_area {
    uint64_t start, end;
    char perms[5];    /* as in /proc/PID/maps */
    const char *name; /* "[heap]"; NULL: none */
    bool has_file;    /* pages that are not in the image are the file's, else zero */
};

struct mm_piece {
    uint64_t start, npages, offset; /* offset: in memory.N, in bytes */
};

struct mm_description {
    uint32_t id; /* N of memory.N */
    struct mm_area *areas;
    uint32_t nareas;
    struct mm_piece *pieces; /* sorted, inside areas */
    uint32_t npieces;
};

/*
 * Reads what comes behind the fields of such a record (struct ckpt_dump, rest). The image is
 * hostile: -EBADMSG. Fills arrays that mm_description_free() frees.
 */
int mm_describe(const void *data, size_t len, struct mm_description *d);
void mm_description_free(struct mm_description *d);

#endif
