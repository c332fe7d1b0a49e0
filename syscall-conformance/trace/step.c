/* PTRACE_SINGLESTEP runs one instruction, a system call too; breakpoints are written into text. */
#include "trace.h"

extern char begin[], call[], behind[], end[];

/* Once only: it has labels. */
__attribute__((noinline)) static long run(void)
{
    long r = 110; /* getppid */

    __asm__ volatile(".globl begin, call, behind, end\n"
                     "begin: nop\n\t"
                     "nop\n\t"
                     "call: syscall\n\t"
                     "behind: nop\n\t"
                     "inc %0\n\t"
                     "end: nop"
                     : "+a"(r)
                     :
                     : "rcx", "r11", "memory");
    return r;
}

static void child(void)
{
    for (int i = 0; i < 20; i++) /* long enough for whoever makes calls faster */
        syscall(SYS_getppid), run();
    raise(SIGUSR1);
    _exit(run() == getppid() + 1 ? 7 : 8);
}

static long step(pid_t pid)
{
    tr(PTRACE_SINGLESTEP, pid, 0, 0);
    return is_stop(next(pid), SIGTRAP) ? (long)regs_of(pid).rip : -1;
}

int main(void)
{
    pid_t pid = traced(child, 0);
    siginfo_t si;
    long word;

    tr(PTRACE_CONT, pid, 0, 0);
    ok(is_stop(next(pid), SIGUSR1), "the child is warm");
    is_eq(tr(PTRACE_PEEKTEXT, pid, (unsigned long)begin, (unsigned long)&word), 0);
    ok(!memcmp(&word, begin, sizeof(word)), "its text is what we have");
    is_eq(tr(PTRACE_POKETEXT, pid, (unsigned long)begin, (unsigned long)(word & ~0xffL) | 0xcc), 0);
    ok(begin[0] == (char)0x90, "ours is as it was");
    tr(PTRACE_CONT, pid, 0, 0);
    ok(is_stop(next(pid), SIGTRAP), "it stops at the breakpoint");
    tr(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si);
    is_eq(si.si_code, SI_KERNEL);
    struct user_regs_struct r = regs_of(pid);
    ok(r.rip == (unsigned long)begin + 1, "behind it");
    ok(r.orig_rax == -1UL, "not in a call");
    tr(PTRACE_POKETEXT, pid, (unsigned long)begin, (unsigned long)word);
    r.rip--;
    is_eq(tr(PTRACE_SETREGS, pid, 0, (unsigned long)&r), 0);
    ok(step(pid) == (long)begin + 1, "one nop");
    tr(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si);
    is_eq(si.si_code, TRAP_TRACE);
    ok(!(regs_of(pid).eflags & 0x100), "the flag is not seen");
    ok(step(pid) == (long)call, "another");
    ok(step(pid) == (long)behind, "the call");
    ok(regs_of(pid).rax == (unsigned long)getpid(), "with its result");
    ok(step(pid) > (long)behind, "on");
    ok(step(pid) == (long)end, "and on");
    tr(PTRACE_CONT, pid, 0, 0);
    ok(is_exit(next(pid), 7), "it goes on as if nothing had been");
    done();
}
