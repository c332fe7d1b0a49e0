/* PTRACE_SYSEMU stops in front of a call that is then not made. */
#include "trace.h"

static void child(void)
{
    long a = syscall(SYS_getppid), b = syscall(SYS_getppid);

    _exit(a == 5 && b == getppid() ? 3 : 4);
}

int main(void)
{
    pid_t pid = traced(child, PTRACE_O_TRACESYSGOOD);
    int status;

    do {
        tr(PTRACE_SYSEMU, pid, 0, 0);
        status = next(pid);
    } while (is_stop(status, SIGTRAP | 0x80) && regs_of(pid).orig_rax != SYS_getppid);
    ok(is_stop(status, SIGTRAP | 0x80), "one stop a call");
    tr(PTRACE_POKEUSR, pid, offsetof(struct user, regs.rax), 5);
    tr(PTRACE_CONT, pid, 0, 0);
    ok(is_exit(next(pid), 3), "its result is the tracer's");
    done();
}
