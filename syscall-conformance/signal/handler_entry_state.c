/* The ABI at handler entry: direction flag clear, stack aligned, default FP state. */
#include "sig.h"
#include <xmmintrin.h>

static volatile unsigned long flags, rsp;

__attribute__((naked)) static void entry(int sig)
{
    __asm__ volatile("mov %%rsp, %0\n pushf\n pop %1\n cld\n ret" : "=m"(rsp), "=m"(flags));
}

int main(void)
{
    struct sigaction sa = {.sa_handler = entry};

    sigaction(SIGTRAP, &sa, NULL);
    __asm__ volatile("std\n int3\n cld" ::: "cc", "memory");
    is_eq(rsp % 16, 8);
    is_eq(flags & 0x400, 0);
    done();
}
