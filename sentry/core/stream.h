/*
 * How a core file travels from the sentry to the process that writes it, over a stream socket: a
 * struct core_hello, then records, each a header and len bytes of the file at offset. What is
 * between records is a hole. A record with end set has no bytes, its offset is the file's length;
 * the answer to it is an int32_t: 0, the file is there, or a negative errno.
 */
#ifndef NV_SENTRY_CORE_STREAM_H
#define NV_SENTRY_CORE_STREAM_H

#include <stdint.h>

#define CORE_BYTES_MAX (256U << 10) /* of a record */

struct core_hello {
    char comm[16]; /* as the guest has named itself */
    int32_t pid;
    uint32_t zero;
};

struct core_record {
    uint64_t offset;
    uint32_t len, end;
};

#endif
