/*
 * A program that has alignment checking on (EFLAGS.AC) makes system calls and takes signals as
 * others do, keeps the flag, and gets SIGBUS with BUS_ADRALN for its own unaligned accesses.
 */
#include "sig.h"
#include "tap.h"

#include <sys/syscall.h>
#include <ucontext.h>

#define AC 0x40000UL

static volatile int bus, code, timer;
static volatile unsigned long flags_in_handler;
static char words[16] __attribute__((aligned(16)));

static void on_bus(int sig, siginfo_t *si, void *context)
{
    ucontext_t *uc = context;

    (void)sig;
    bus++;
    code = si->si_code;
    flags_in_handler = (unsigned long)uc->uc_mcontext.gregs[REG_EFL];
    uc->uc_mcontext.gregs[REG_EFL] &= ~(long long)AC;
}

static void on_user(int sig)
{
    (void)sig;
    timer++;
}

/* Many times at one place, so that it is changed by whoever changes call sites. */
static unsigned long calls(long nr, long a, long b, long *ret)
{
    unsigned long flags, after = AC;

    for (int i = 0; i < 200; i++) {
        __asm__ volatile("add $-128, %%rsp; pushfq; orq $0x40000, (%%rsp); popfq\n\t"
                         "syscall\n\t"
                         "pushfq; popq %1; pushfq; andq $~0x40000, (%%rsp); popfq; sub $-128, %%rsp"
                         : "=a"(*ret), "=&r"(flags)
                         : "0"(nr), "D"(a), "S"(b)
                         : "rcx", "r11", "memory", "cc");
        after &= flags;
    }
    return after;
}

int main(void)
{
    long ret;
    struct sigaction sa = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};

    sigaction(SIGBUS, &sa, NULL);
    signal(SIGUSR1, on_user);
    is_eq(calls(SYS_getppid, 0, 0, &ret), AC);           /* the flag survives getppid */
    is_eq(ret, getppid());                               /* which answers */
    is_eq(calls(SYS_umask, 022, 0, &ret), AC);           /* the flag survives umask */
    is_eq(ret, 022);                                     /* which answers */
    is_eq(calls(SYS_kill, getpid(), SIGUSR1, &ret), AC); /* the flag survives a signal's handler */
    is_eq(timer, 200);                                   /* which ran each time */
    is_eq(calls(SYS_access, (long)"/", 0, &ret), AC); /* the flag survives a call with a string */
    is_eq(ret, 0);                                    /* which answers */
    __asm__ volatile("add $-128, %%rsp; pushfq; orq $0x40000, (%%rsp); popfq\n\t"
                     "movq 1(%0), %%rax\n\t"
                     "pushfq; andq $~0x40000, (%%rsp); popfq; sub $-128, %%rsp"
                     :
                     : "r"(words)
                     : "rax", "memory", "cc");
    is_eq(bus, 1);           /* an unaligned access faults */
    is_eq(code, BUS_ADRALN); /* with BUS_ADRALN */
    ok((flags_in_handler & AC) != 0, "the flag is on in the handler");
    done();
}
