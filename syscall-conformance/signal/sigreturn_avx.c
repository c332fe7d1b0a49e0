/* sigreturn(2): the upper halves of the YMM registers survive a handler that changes them. */
#include "sig.h"
#include <immintrin.h>

__attribute__((target("avx"))) static void on_trap(int sig, siginfo_t *info, void *uc)
{
    record(sig, info, uc);
    __asm__ volatile("vzeroall");
}

__attribute__((target("avx"))) static bool survives(void)
{
    unsigned char in[32], out[32] = {0};

    for (int i = 0; i < 32; i++)
        in[i] = i * 7 + 1;
    __asm__ volatile("vmovdqu %1, %%ymm9\n int3\n vmovdqu %%ymm9, %0"
                     : "=m"(out)
                     : "m"(in)
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory");
    return memcmp(in, out, 32) == 0;
}

int main(void)
{
    if (!__builtin_cpu_supports("avx")) {
        skip("no AVX");
        done();
    }
    install(SIGTRAP, on_trap, 0);
    ok(survives(), "YMM register restored");
    is_eq(hits, 1);
    done();
}
