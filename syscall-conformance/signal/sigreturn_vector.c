/* sigreturn(2): SSE registers, MXCSR and x87 state survive a handler that changes them. */
#include "sig.h"
#include <xmmintrin.h>

static void on_usr1(int sig, siginfo_t *info, void *uc)
{
    record(sig, info, uc);
    __asm__ volatile("fninit; fldz; pcmpeqd %%xmm0, %%xmm0; pcmpeqd %%xmm7, %%xmm7\n"
                     "pcmpeqd %%xmm15, %%xmm15" ::
                         : "xmm0", "xmm7", "xmm15");
    _mm_setcsr(0x1f80);
}

int main(void)
{
    unsigned long in[3] = {0x1111, 0x7777, 0xffff0000f}, out[3] = {0};
    unsigned mxcsr = 0x7f80, after = 0;
    unsigned short cw = 0x0c7f, cw_after = 0;
    long double x87 = 0;

    install(SIGTRAP, on_usr1, 0);
    __asm__ volatile("ldmxcsr %[m]; fldcw %[cw]; fldpi\n"
                     "movq %[a], %%xmm0; movq %[b], %%xmm7; movq %[c], %%xmm15\n"
                     "int3\n"
                     "movq %%xmm0, %[oa]; movq %%xmm7, %[ob]; movq %%xmm15, %[oc]\n"
                     "fstpt %[x]; fnstcw %[cwo]; stmxcsr %[mo]\n"
                     : [oa] "=m"(out[0]), [ob] "=m"(out[1]), [oc] "=m"(out[2]), [x] "=m"(x87),
                       [cwo] "=m"(cw_after), [mo] "=m"(after)
                     : [m] "m"(mxcsr), [cw] "m"(cw), [a] "m"(in[0]), [b] "m"(in[1]), [c] "m"(in[2])
                     : "xmm0", "xmm7", "xmm15", "memory");
    _mm_setcsr(0x1f80);
    __asm__ volatile("fninit");
    is_eq(hits, 1);
    ok(!memcmp(in, out, sizeof(in)), "XMM registers");
    is_eq(after, 0x7f80);
    is_eq(cw_after, 0x0c7f);
    ok(x87 > 3.14159L && x87 < 3.1416L, "x87 stack");
    done();
}
