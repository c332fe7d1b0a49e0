/* PTRACE_GETREGSET and SETREGSET: sets, lengths, what is refused. */
#include "trace.h"

static void child(void)
{
    double in = 2.5;
    uint64_t out = 0;

    __asm__ volatile("movsd %1, %%xmm7\n\t"
                     "mov $39, %%eax\n\t"
                     "mov $7, %%edi\n\t"
                     "syscall\n\t"
                     "movq %%xmm7, %0"
                     : "=r"(out)
                     : "m"(in)
                     : "rax", "rdi", "rcx", "r11", "xmm7", "memory");
    double d;
    memcpy(&d, &out, sizeof(d));
    _exit(d == 10.25 ? 5 : 6);
}

static long set(long request, pid_t pid, unsigned long type, void *p, size_t *len)
{
    struct iovec iov = {p, *len};
    long r = tr(request, pid, type, (unsigned long)&iov);

    *len = iov.iov_len;
    return r;
}

int main(void)
{
    pid_t pid = traced(child, PTRACE_O_TRACESYSGOOD);
    static char x[16384];
    struct user_regs_struct r = {0}, whole;
    struct user_fpregs_struct fp;
    size_t len = sizeof(r) + 64;
    uint64_t xcr0;
    double d, seen;

    run_to_call(pid, SYS_getpid);
    whole = regs_of(pid);
    is_eq(set(PTRACE_GETREGSET, pid, NT_PRSTATUS, &r, &len), 0);
    is_eq(len, sizeof(r));
    ok(!memcmp(&r, &whole, sizeof(r)), "the same as PTRACE_GETREGS");
    len = 16;
    is_eq(set(PTRACE_GETREGSET, pid, NT_PRSTATUS, &r, &len), 0);
    is_eq(len, 16);
    len = 13;
    is_errno(set(PTRACE_GETREGSET, pid, NT_PRSTATUS, &r, &len), EINVAL);
    len = 16;
    is_errno(set(PTRACE_GETREGSET, pid, 0x9999, &r, &len), EINVAL);
    is_eq(r.rdi == 7 || whole.rdi == 7, 1);
    is_eq(tr(PTRACE_GETFPREGS, pid, 0, (unsigned long)&fp), 0);
    memcpy(&d, (char *)fp.xmm_space + 7 * 16, sizeof(d));
    ok(d == 2.5, "vector registers");
    len = sizeof(x);
    is_eq(set(PTRACE_GETREGSET, pid, NT_X86_XSTATE, x, &len), 0);
    ok(len >= 576, "the extended state");
    memcpy(&xcr0, x + 464, sizeof(xcr0));
    is_eq(xcr0 & 3, 3);
    memcpy(&seen, x + 160 + 7 * 16, sizeof(seen));
    ok(seen == d, "has them, too");
    d = 10.25;
    memcpy(x + 160 + 7 * 16, &d, sizeof(d));
    is_eq(set(PTRACE_SETREGSET, pid, NT_X86_XSTATE, x, &len), 0);
    size_t bad = 512;
    is_errno(set(PTRACE_SETREGSET, pid, NT_X86_XSTATE, x, &bad), EFAULT);
    is_eq(tr(PTRACE_GETFPREGS, pid, 0, (unsigned long)&fp), 0);
    memcpy(&seen, (char *)fp.xmm_space + 7 * 16, sizeof(seen));
    ok(seen == d, "they are changed");
    fp.mxcsr |= 0x80000000;
    is_errno(tr(PTRACE_SETFPREGS, pid, 0, (unsigned long)&fp), EINVAL);
    is_errno(tr(PTRACE_PEEKUSR, pid, 3, (unsigned long)&d), EIO);
    is_errno(tr(PTRACE_PEEKUSR, pid, sizeof(struct user) + 16, (unsigned long)&d), EIO);
    is_errno(tr(PTRACE_POKEUSR, pid, offsetof(struct user, regs.cs), 0), EIO);
    is_errno(tr(PTRACE_POKEUSR, pid, offsetof(struct user, regs.fs_base), -1UL), EIO);
    is_errno(tr(PTRACE_SETOPTIONS, pid, 0, 0x400), EINVAL);
    tr(PTRACE_CONT, pid, 0, 0);
    ok(is_exit(next(pid), 5), "the child has them");
    done();
}
