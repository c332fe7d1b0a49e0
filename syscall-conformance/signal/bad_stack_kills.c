/* sigaction(2): when the frame cannot be written to the stack, SIGSEGV kills the process. */
#include "sig.h"
#include <sys/resource.h>

static void child(void)
{
    install(SIGUSR1, record, 0);
    install(SIGSEGV, record, 0);
    __asm__ volatile("mov $16, %%rsp\n mov %0, %%edi\n mov %1, %%esi\n mov %2, %%edx\n"
                     "mov %3, %%eax\n syscall\n ud2"
                     :
                     : "r"(getpid()), "r"(gettid()), "i"(SIGUSR1), "i"(SYS_tgkill)
                     : "rdi", "rsi", "rdx", "rax", "rcx", "r11", "memory");
}

int main(void)
{
    struct rlimit none = {0, 0};

    enter_scratch();
    setrlimit(RLIMIT_CORE, &none);
    ok(killed_by(in_child(child), SIGSEGV), "killed by SIGSEGV");
    done();
}
