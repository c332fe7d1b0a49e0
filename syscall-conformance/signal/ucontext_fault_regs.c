/* sigaction(2): in a page fault's ucontext are rip, the trap number 14, the error code and cr2. */
#include "sig.h"

static volatile long trapno, error, cr2, rip;

static void on_segv(int sig, siginfo_t *info, void *ctx)
{
    ucontext_t *uc = ctx;

    record(sig, info, ctx);
    trapno = uc->uc_mcontext.gregs[REG_TRAPNO];
    error = uc->uc_mcontext.gregs[REG_ERR];
    cr2 = uc->uc_mcontext.gregs[REG_CR2];
    rip = uc->uc_mcontext.gregs[REG_RIP];
    uc->uc_mcontext.gregs[REG_RIP] += 2;
}

int main(void)
{
    extern char load_here[];

    install(SIGSEGV, on_segv, 0);
    __asm__ volatile("mov $0x18, %%ecx\n .globl load_here\nload_here: movb %%al, (%%rcx)" ::
                         : "rcx");
    is_eq(hits, 1);
    ok(rip == (long)load_here, "rip is the faulting instruction");
    is_eq(trapno, 14);
    is_eq(error & 7, 6);
    is_eq(cr2, 0x18);
    done();
}
