/* sigaction(2): the trap flag raises SIGTRAP with TRAP_TRACE after each instruction. */
#include "sig.h"

static void on_trap(int sig, siginfo_t *info, void *uc)
{
    record(sig, info, uc);
    if (hits >= 3)
        ((ucontext_t *)uc)->uc_mcontext.gregs[REG_EFL] &= ~0x100L;
}

int main(void)
{
    install(SIGTRAP, on_trap, 0);
    __asm__ volatile(
        "sub $128, %%rsp\n pushf\n orq $0x100, (%%rsp)\n popf\n nop\n nop\n nop\n nop\n"
        "add $128, %%rsp" ::
            : "memory", "cc");
    is_eq(hits, 3);
    is_eq(last_info.si_code, TRAP_TRACE);
    done();
}
