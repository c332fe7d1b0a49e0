/* What the fuzz targets share: bytes taken from the input front to back. */
#ifndef NV_TESTS_FUZZ_FUZZ_H
#define NV_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

struct input {
    const uint8_t *p;
    size_t left;
};

static inline size_t take(struct input *in, void *to, size_t n)
{
    size_t got = n < in->left ? n : in->left;

    memcpy(to, in->p, got);
    memset((char *)to + got, 0, n - got);
    in->p += got;
    in->left -= got;
    return got;
}

static inline uint8_t take_u8(struct input *in)
{
    uint8_t v;

    take(in, &v, sizeof(v));
    return v;
}

static inline uint32_t take_u32(struct input *in)
{
    uint32_t v;

    take(in, &v, sizeof(v));
    return v;
}

static inline uint64_t take_u64(struct input *in)
{
    uint64_t v;

    take(in, &v, sizeof(v));
    return v;
}

#define REQUIRE(cond)                                                                              \
    do {                                                                                           \
        if (!(cond))                                                                               \
            abort();                                                                               \
    } while (0)

#endif
