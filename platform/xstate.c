/* See xstate.h. */
#include "platform/xstate.h"

#include <cpuid.h>

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
