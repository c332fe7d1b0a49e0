/* signal(7): FPE_INTDIV, ILL_ILLOPN, breakpoint SIGTRAP and single instructions fault
 * synchronously. */
#include "sig.h"

static sigjmp_buf env;

static void on_fault(int sig, siginfo_t *info, void *uc)
{
    record(sig, info, uc);
    siglongjmp(env, 1);
}

static void on_trap(int sig, siginfo_t *info, void *uc)
{
    record(sig, info, uc);
}

int main(void)
{
    extern char ud2_here[], div_here[];

    install(SIGFPE, on_fault, 0);
    install(SIGILL, on_fault, 0);
    install(SIGSEGV, on_fault, 0);
    install(SIGTRAP, on_trap, 0);
    if (!sigsetjmp(env, 1))
        __asm__ volatile("xor %%edx, %%edx; mov $1, %%eax; xor %%ecx, %%ecx\n"
                         ".globl div_here\ndiv_here: idivl %%ecx" ::
                             : "eax", "ecx", "edx");
    ok(last_sig == SIGFPE && last_info.si_code == FPE_INTDIV, "integer division by zero");
    ok(last_info.si_addr == div_here, "si_addr is the instruction");
    if (!sigsetjmp(env, 1))
        __asm__ volatile(".globl ud2_here\nud2_here: ud2");
    ok(last_sig == SIGILL && last_info.si_code == ILL_ILLOPN, "ud2");
    ok(last_info.si_addr == ud2_here, "si_addr is the instruction");
    __asm__ volatile("int3");
    ok(last_sig == SIGTRAP && last_info.si_code == SI_KERNEL, "int3 continues behind itself");
    if (!sigsetjmp(env, 1))
        __asm__ volatile("hlt");
    ok(last_sig == SIGSEGV && last_info.si_code == SI_KERNEL, "a privileged instruction");
    is_eq(hits, 4);
    done();
}
