/* sigreturn(2): after a handler every general register has its value again. */
#include "sig.h"

static void on_trap(int sig, siginfo_t *info, void *uc)
{
    record(sig, info, uc);
    __asm__ volatile("xor %%ebx, %%ebx; xor %%r12d, %%r12d; mov $-1, %%r15" ::
                         : "rbx", "r12", "r13", "r14", "r15", "rcx", "rdx", "r8", "r9");
}

int main(void)
{
    unsigned long sum = 0;

    install(SIGTRAP, on_trap, 0);
    __asm__ volatile("sub $128, %%rsp\n"
                     "mov $1, %%rax; mov $2, %%rbx; mov $4, %%rcx; mov $8, %%rdx\n"
                     "mov $16, %%rsi; mov $32, %%rdi; mov $64, %%r8; mov $128, %%r9\n"
                     "mov $256, %%r10; mov $512, %%r11; mov $1024, %%r12; mov $2048, %%r13\n"
                     "mov $4096, %%r14; mov $8192, %%r15\n"
                     "int3\n"
                     "add %%rbx, %%rax; add %%rcx, %%rax; add %%rdx, %%rax; add %%rsi, %%rax\n"
                     "add %%rdi, %%rax; add %%r8, %%rax; add %%r9, %%rax; add %%r10, %%rax\n"
                     "add %%r11, %%rax; add %%r12, %%rax; add %%r13, %%rax; add %%r14, %%rax\n"
                     "add %%r15, %%rax\n"
                     "add $128, %%rsp\n"
                     : "=a"(sum)
                     :
                     : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
                       "r14", "r15", "memory", "cc");
    is_eq(sum, 16383);
    is_eq(hits, 1);
    done();
}
