/* The ABI at handler entry: direction flag clear, stack aligned, default FP state. */
#include "sig.h"
#include <xmmintrin.h>

static volatile unsigned long flags, rsp;
static volatile unsigned int csr, x87;

__attribute__((naked)) static void entry(int sig)
{
    __asm__ volatile("mov %%rsp, %0\n pushf\n pop %1\n cld\n ret" : "=m"(rsp), "=m"(flags));
}

static void look(int sig)
{
    unsigned short word;

    __asm__ volatile("fnstcw %0" : "=m"(word));
    x87 = word;
    csr = _mm_getcsr();
    _mm_setcsr(0x3f80);
}

int main(void)
{
    struct sigaction sa = {.sa_handler = entry};
    unsigned short word = 0x27f;

    sigaction(SIGTRAP, &sa, NULL);
    __asm__ volatile("std\n int3\n cld" ::: "cc", "memory");
    is_eq(rsp % 16, 8);
    is_eq(flags & 0x400, 0);
    sa.sa_handler = look;
    sigaction(SIGTRAP, &sa, NULL);
    sigaction(SIGUSR1, &sa, NULL);
    __asm__ volatile("fldcw %0" : : "m"(word));
    _mm_setcsr(0x5f80);
    for (int i = 0; i < 20; i++) { /* by a fault, and in a call */
        csr = x87 = 0;
        if (i % 2)
            __asm__ volatile("int3" ::: "memory");
        else
            raise(SIGUSR1);
        __asm__ volatile("fnstcw %0" : "=m"(word));
        if (csr != 0x1f80 || x87 != 0x37f || _mm_getcsr() != 0x5f80 || word != 0x27f)
            break;
    }
    is_eq(csr, 0x1f80);
    is_eq(x87, 0x37f);
    is_eq(_mm_getcsr(), 0x5f80);
    is_eq(word, 0x27f);
    done();
}
