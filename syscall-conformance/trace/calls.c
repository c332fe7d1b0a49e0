/* PTRACE_SYSCALL stops a tracee in front of each call and behind it, and its tracer may change
 * both. */
#include "trace.h"

static void child(void)
{
    char buf[8] = "abc";

    if (syscall(SYS_getppid) != 4242)
        _exit(1);
    if (syscall(SYS_write, -1, buf, 3) != -1 || errno != ENOSPC)
        _exit(2);
    if (syscall(SYS_getuid) != 77)
        _exit(3);
    if (syscall(SYS_lseek, -1, 7L, 8L) != 15)
        _exit(4);
    _exit(5);
}

static void exit_of_call(pid_t pid, struct ptrace_syscall_info *info)
{
    tr(PTRACE_SYSCALL, pid, 0, 0);
    ok(is_stop(next(pid), SIGTRAP | 0x80), "a stop behind the call");
    memset(info, 0, sizeof(*info));
    is_eq(tr(PTRACE_GET_SYSCALL_INFO, pid, sizeof(*info), (unsigned long)info), 33);
    is_eq(info->op, PTRACE_SYSCALL_INFO_EXIT);
}

int main(void)
{
    pid_t pid = traced(child, PTRACE_O_TRACESYSGOOD);
    struct ptrace_syscall_info info;
    struct user_regs_struct r;
    unsigned long msg = 9;
    siginfo_t si;

    is_eq(tr(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (unsigned long)&info), 24);
    is_eq(info.op, PTRACE_SYSCALL_INFO_NONE);
    ok(is_stop(run_to_call(pid, SYS_getppid), SIGTRAP | 0x80), "a stop in front of the call");
    r = regs_of(pid);
    is_eq(r.orig_rax, SYS_getppid);
    is_eq(r.rax, -ENOSYS);
    is_eq(tr(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&msg), 0);
    is_eq(msg, PTRACE_EVENTMSG_SYSCALL_ENTRY);
    is_eq(tr(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si), 0);
    is_eq(si.si_signo, SIGTRAP);
    is_eq(si.si_code, SIGTRAP | 0x80);
    ok(si.si_pid == pid, "siginfo tells the tracee");
    exit_of_call(pid, &info);
    ok(info.exit.rval == getpid() && !info.exit.is_error, "its result is seen");
    r = regs_of(pid);
    ok(r.rax == (unsigned long)getpid() && r.orig_rax == SYS_getppid, "in its registers, too");
    r.rax = 4242;
    is_eq(tr(PTRACE_SETREGS, pid, 0, (unsigned long)&r), 0);

    run_to_call(pid, SYS_write);
    tr(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (unsigned long)&info);
    is_eq((int)info.entry.args[0], -1);
    is_eq(info.entry.args[2], 3);
    r = regs_of(pid);
    ok(info.instruction_pointer == r.rip && info.stack_pointer == r.rsp, "ip and sp");
    is_eq(tr(PTRACE_POKEUSR, pid, offsetof(struct user, regs.orig_rax), -1UL), 0);
    is_eq(tr(PTRACE_POKEUSR, pid, offsetof(struct user, regs.rax), -ENOSPC), 0);
    exit_of_call(pid, &info);
    is_eq(info.exit.rval, -ENOSPC);
    is_eq(info.exit.is_error, 1);

    run_to_call(pid, SYS_getuid);
    exit_of_call(pid, &info);
    is_eq(tr(PTRACE_POKEUSR, pid, offsetof(struct user, regs.rax), 77), 0);

    run_to_call(pid, SYS_lseek);
    r = regs_of(pid);
    r.orig_rax = -1;
    r.rax = r.rsi + r.rdx;
    tr(PTRACE_SETREGS, pid, 0, (unsigned long)&r);
    tr(PTRACE_CONT, pid, 0, 0);
    ok(is_exit(next(pid), 5), "the child saw what its tracer gave it");
    is_errno(tr(PTRACE_CONT, pid, 0, 0), ESRCH);
    done();
}
