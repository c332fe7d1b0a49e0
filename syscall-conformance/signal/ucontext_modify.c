/* sigaction(2): changes a handler makes to the ucontext take effect on return: rip, rax, mask. */
#include "sig.h"

static void on_trap(int sig, siginfo_t *info, void *ctx)
{
    ucontext_t *uc = ctx;

    record(sig, info, ctx);
    uc->uc_mcontext.gregs[REG_RAX] = 4242;
    uc->uc_mcontext.gregs[REG_RIP] += 2;
    sigaddset(&uc->uc_sigmask, SIGUSR2);
}

int main(void)
{
    long value = 1;

    install(SIGTRAP, on_trap, 0);
    __asm__ volatile("int3\n ud2\n nop" : "+a"(value)::"memory");
    is_eq(value, 4242);
    is_eq(hits, 1);
    ok(is_blocked(SIGUSR2), "the mask in the frame becomes the thread's");
    done();
}
