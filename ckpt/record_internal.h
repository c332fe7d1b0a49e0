/* The layout of the `kernel` file, and the registry; for writer.c, reader.c and dump.c. */
#ifndef NV_CKPT_RECORD_INTERNAL_H
#define NV_CKPT_RECORD_INTERNAL_H

#include "ckpt/record.h"

#define CKPT_MAGIC "NVKERNEL"

/* Numbers are little endian. Records follow, ids in order from 1; record 1 is the root. */
struct ckpt_header {
    char magic[8];
    uint32_t format, nrecords;
};
struct ckpt_record_header {
    uint16_t type, version;
    uint32_t len; /* of what follows */
};
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are written as they are");

#define CKPT_RECORDS_MAX (1U << 24)
#define CKPT_RECORD_MAX (1U << 30)
#define CKPT_NULL_STRING UINT32_MAX

const struct ckpt_type *ckpt_type_find(uint16_t id);
const char *ckpt_symbol_name(const char *group, const void *ptr);
const void *ckpt_symbol_find(const char *group, const char *name, size_t len, bool *found);

static inline bool ckpt_field_in(const struct ckpt_field *f, unsigned int version)
{
    return version >= f->since && (!f->until || version < f->until);
}

/* ckpt_reader_new() has looked at it; *records is what follows. */
const char *ckpt_header_check(const void *data, size_t len, struct ckpt_header *h);

#endif
