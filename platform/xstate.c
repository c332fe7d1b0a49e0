/* See xstate.h. Layout: Intel SDM vol. 1, 13.4; component numbers 13.1. */
#include "platform/xstate.h"

#include <cpuid.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/macros.h"

#define LEGACY_SIZE 512
#define FX_MXCSR 24
#define FX_MXCSR_MASK 28
#define FX_SOFTWARE 464 /* to the end: the kernel's, in signal frames */
#define HEADER_SIZE 64
#define MXCSR_MASK_DEFAULT 0xffbfU
#define COMPONENT_PKRU 9
#define COMPONENT_MAX (4 * 4096U)

size_t xstate_size(void)
{
    static size_t size;
    unsigned int a, b, c, d;

    if (!size)
        size = __get_cpuid_count(0xd, 0, &a, &b, &c, &d) && b >= 576 ? b : 512;
    return size;
}

uint64_t xstate_features(void)
{
    uint32_t lo, hi;

    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

static const char *component_name(int i)
{
    static const char *const names[] = {
        [0] = "x87",  [1] = "SSE",          [2] = "AVX",          [3] = "MPX",
        [4] = "MPX",  [5] = "AVX-512",      [6] = "AVX-512",      [7] = "AVX-512",
        [9] = "PKRU", [17] = "AMX (tiles)", [18] = "AMX (tiles)", [19] = "APX"};

    return i < (int)ARRAY_SIZE(names) && names[i] ? names[i] : "an unknown extension";
}

const char *xstate_missing(uint64_t features)
{
    features &= ~xstate_features();
    return features ? component_name(__builtin_ctzll(features)) : NULL;
}

/* Of components above SSE: where it is in the area; false: not on this machine. */
static bool component_place(int i, uint32_t *off, uint32_t *len)
{
    unsigned int c, d;

    if (!(xstate_features() >> i & 1) || !__get_cpuid_count(0xd, (unsigned int)i, len, off, &c, &d))
        return false;
    return *len && *len <= COMPONENT_MAX && (uint64_t)*off + *len <= xstate_size();
}

/* Linux gives every task this; programs that have no keys of their own need no such CPU. */
static bool is_default_pkru(int i, const char *at)
{
    uint32_t pkru;

    if (i != COMPONENT_PKRU)
        return false;
    memcpy(&pkru, at, sizeof(pkru));
    return pkru == 0x55555554U;
}

size_t xstate_pack(const void *area, void *out)
{
    const char *from = area;
    char *to = out;
    uint64_t used = 3;
    uint32_t off, len;
    size_t n = sizeof(used) + LEGACY_SIZE;

    if (xstate_size() >= LEGACY_SIZE + HEADER_SIZE)
        memcpy(&used, from + LEGACY_SIZE, sizeof(used));
    used &= xstate_features();
    memcpy(to + sizeof(used), from, LEGACY_SIZE);
    memset(to + sizeof(used) + FX_SOFTWARE, 0, LEGACY_SIZE - FX_SOFTWARE);
    for (int i = 2; i < 63; i++) {
        if (!(used >> i & 1))
            continue;
        if (!component_place(i, &off, &len) || is_default_pkru(i, from + off) ||
            n + sizeof(len) + len > XSTATE_PACKED_MAX) {
            used &= ~(1ULL << i);
            continue;
        }
        memcpy(to + n, &len, sizeof(len));
        memcpy(to + n + sizeof(len), from + off, len);
        n += sizeof(len) + len;
    }
    memcpy(to, &used, sizeof(used));
    return n;
}

uint64_t xstate_packed_features(const void *packed)
{
    uint64_t used;

    memcpy(&used, packed, sizeof(used));
    return used;
}

static uint32_t mxcsr_mask(void)
{
    _Alignas(16) char fx[LEGACY_SIZE] = {0};
    uint32_t mask;

    __asm__ volatile("fxsave %0" : "=m"(fx));
    memcpy(&mask, fx + FX_MXCSR_MASK, sizeof(mask));
    return mask ? mask : MXCSR_MASK_DEFAULT;
}

/* Reserved bits of MXCSR fault. */
static void clean_legacy(char *fx)
{
    uint32_t mxcsr, mask = mxcsr_mask();

    memcpy(&mxcsr, fx + FX_MXCSR, sizeof(mxcsr));
    mxcsr &= mask;
    memcpy(fx + FX_MXCSR, &mxcsr, sizeof(mxcsr));
    memcpy(fx + FX_MXCSR_MASK, &mask, sizeof(mask));
    memset(fx + FX_SOFTWARE, 0, LEGACY_SIZE - FX_SOFTWARE);
}

/* Key 0 is that of all memory, the stub's too. */
static void clean_pkru(char *at)
{
    at[0] &= ~3;
}

int xstate_unpack(const void *packed, size_t len, void *area, const char **missing)
{
    const char *from = packed;
    char *to = area;
    uint64_t used;
    uint32_t off, want, have;
    size_t n = sizeof(used) + LEGACY_SIZE;

    *missing = NULL;
    if (len < n)
        return -EINVAL;
    memcpy(&used, from, sizeof(used));
    *missing = xstate_missing(used);
    if (*missing)
        return -ENOTSUP;
    memset(to, 0, xstate_size());
    memcpy(to, from + sizeof(used), LEGACY_SIZE);
    clean_legacy(to);
    for (int i = 2; i < 64; i++) {
        if (!(used >> i & 1))
            continue;
        if (len - n < sizeof(have) || !component_place(i, &off, &want))
            return -EINVAL;
        memcpy(&have, from + n, sizeof(have));
        n += sizeof(have);
        if (have != want || len - n < have)
            return -EINVAL;
        memcpy(to + off, from + n, have);
        n += have;
        if (i == COMPONENT_PKRU)
            clean_pkru(to + off);
    }
    if (n != len)
        return -EINVAL;
    if (xstate_size() >= LEGACY_SIZE + HEADER_SIZE)
        memcpy(to + LEGACY_SIZE, &used, sizeof(used));
    return 0;
}
