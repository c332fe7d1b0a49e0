/* A call that a stop interrupts is made again, unless its tracer takes orig_rax away. */
#include "trace.h"

static int p[2];

static void child(void)
{
    char c;
    long r = syscall(SYS_read, p[0], &c, 1);

    _exit(r == 1 && c == 'x' ? 1 : r == -1 ? (errno == 512 ? 2 : 3) : 4);
}

static int run(int take)
{
    pid_t pid = traced(child, PTRACE_O_TRACESYSGOOD);

    run_to_call(pid, SYS_read);
    tr(PTRACE_SYSCALL, pid, 0, 0);
    kill(pid, SIGWINCH);
    int status = next(pid);
    ok(is_stop(status, SIGTRAP | 0x80), "the end of the call is told first");
    is_eq(regs_of(pid).rax, -512);
    tr(PTRACE_CONT, pid, 0, 0);
    ok(is_stop(next(pid), SIGWINCH), "then the signal");
    struct user_regs_struct r = regs_of(pid);
    is_eq(r.rax, -512);
    is_eq(r.orig_rax, SYS_read);
    if (take) {
        r.orig_rax = -1;
        tr(PTRACE_SETREGS, pid, 0, (unsigned long)&r);
    }
    tr(PTRACE_CONT, pid, 0, SIGWINCH);
    must(write(p[1], "x", 1));
    return next(pid);
}

int main(void)
{
    char c;

    must(pipe(p));
    ok(is_exit(run(0), 1), "made again");
    ok(is_exit(run(1), 2), "its result is what it is");
    must(read(p[0], &c, 1));
    done();
}
