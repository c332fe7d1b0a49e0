/* SECCOMP_RET_TRACE asks a tracer, which may change the call; the filters then decide again. */
#include "../trace/trace.h"
#include "filter.h"

static void child(void)
{
    if (on_call(SYS_getuid, SECCOMP_RET_TRACE | 0x77, 0) ||
        on_call(SYS_getgid, SECCOMP_RET_ERRNO | 33, 0))
        _exit(1);
    if (syscall(SYS_getuid) != 5)
        _exit(2);
    if (syscall(SYS_getuid) != -1 || errno != 33)
        _exit(3);
    if (syscall(SYS_getuid) != getppid())
        _exit(4);
    _exit(6);
}

int main(void)
{
    pid_t pid = traced(child, PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD);
    struct ptrace_syscall_info info;
    unsigned long msg;

    tr(PTRACE_CONT, pid, 0, 0);
    ok(is_event(next(pid), PTRACE_EVENT_SECCOMP), "the tracer is asked");
    tr(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&msg);
    is_eq(msg, 0x77);
    tr(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (unsigned long)&info);
    is_eq(info.op, PTRACE_SYSCALL_INFO_SECCOMP);
    is_eq(info.seccomp.nr, SYS_getuid);
    is_eq(info.seccomp.ret_data, 0x77);
    struct user_regs_struct r = regs_of(pid);
    is_eq(r.rax, -ENOSYS);
    r.orig_rax = -1;
    r.rax = 5;
    tr(PTRACE_SETREGS, pid, 0, (unsigned long)&r);
    tr(PTRACE_CONT, pid, 0, 0);

    ok(is_event(next(pid), PTRACE_EVENT_SECCOMP), "asked again");
    tr(PTRACE_POKEUSR, pid, offsetof(struct user, regs.orig_rax), SYS_getgid);
    tr(PTRACE_CONT, pid, 0, 0);

    ok(is_event(next(pid), PTRACE_EVENT_SECCOMP), "and again");
    tr(PTRACE_POKEUSR, pid, offsetof(struct user, regs.orig_rax), SYS_getppid);
    tr(PTRACE_CONT, pid, 0, 0);
    ok(is_exit(next(pid), 6), "what it did to the calls");
    done();
}
