/* signal(7): an unmasked SSE exception raises SIGFPE with FPE_FLTDIV. */
#include "sig.h"
#include <xmmintrin.h>

static sigjmp_buf env;

static void on_fault(int sig, siginfo_t *info, void *uc)
{
    record(sig, info, uc);
    siglongjmp(env, 1);
}

int main(void)
{
    unsigned csr = _mm_getcsr();

    install(SIGFPE, on_fault, 0);
    if (!sigsetjmp(env, 1)) {
        volatile double zero = 0, r;
        _mm_setcsr(csr & ~_MM_MASK_DIV_ZERO);
        r = 1.0 / zero;
        (void)r;
    }
    _mm_setcsr(csr);
    is_eq(last_sig, SIGFPE);
    is_eq(last_info.si_code, FPE_FLTDIV);
    done();
}
