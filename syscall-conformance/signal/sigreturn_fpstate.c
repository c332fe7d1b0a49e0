/*
 * rt_sigreturn(2) takes the vector registers from where the frame points: changed ones, those of a
 * plain FXSAVE image, none (the initial state), and SIGSEGV for a bad pointer.
 */
#include "sig.h"
#include <emmintrin.h>

enum { CHANGE, PLAIN, NONE, BAD } what;

static void handler(int sig, siginfo_t *info, void *context)
{
    static struct _libc_fpstate plain __attribute__((aligned(64)));
    ucontext_t *uc = context;
    struct _libc_fpstate *fp = uc->uc_mcontext.fpregs;

    (void)sig;
    (void)info;
    switch (what) {
    case CHANGE:
        fp->_xmm[0].element[0] = 0x1234;
        ((uint64_t *)fp)[64] |= 2; /* XSTATE_BV: SSE is there */
        break;
    case PLAIN:
        plain = *fp;
        memset((char *)&plain + 464, 0, 48); /* no magic number */
        plain._xmm[0].element[0] = 0x5678;
        uc->uc_mcontext.fpregs = &plain;
        break;
    case NONE:
        uc->uc_mcontext.fpregs = NULL;
        break;
    case BAD:
        uc->uc_mcontext.fpregs = BAD_PTR;
    }
}

/* xmm0 after a signal that came while it was 1. */
__attribute__((noinline)) static unsigned int after_signal(void)
{
    long pid = getpid(), tid = gettid(), nr = SYS_tgkill;
    unsigned int value = 1;

    __asm__ volatile("movd %[v], %%xmm0\n syscall\n movd %%xmm0, %[v]"
                     : [v] "+r"(value), "+a"(nr)
                     : "D"(pid), "S"(tid), "d"((long)SIGUSR1)
                     : "rcx", "r11", "xmm0", "memory");
    return value;
}

static void child(void)
{
    what = BAD;
    after_signal();
}

int main(void)
{
    unsigned int changed = 0, plain = 0, none = 0;

    install(SIGUSR1, handler, 0);
    for (int i = 0; i < 20; i++) { /* however a call gets faster */
        what = CHANGE;
        changed += after_signal() == 0x1234;
        what = PLAIN;
        plain += after_signal() == 0x5678;
        what = NONE;
        none += after_signal() == 0;
    }
    is_eq(changed, 20);
    is_eq(plain, 20);
    is_eq(none, 20);
    ok(killed_by(in_child(child), SIGSEGV), "a bad pointer is SIGSEGV");
    done();
}
