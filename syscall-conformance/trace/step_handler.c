/* A step with a signal stops at the first instruction of its handler. */
#include "trace.h"

static volatile int hits;

static void handler(int sig)
{
    hits++;
}

static void child(void)
{
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
    _exit(hits == 1 ? 6 : 7);
}

int main(void)
{
    pid_t pid = traced(child, 0);

    tr(PTRACE_CONT, pid, 0, 0);
    ok(is_stop(next(pid), SIGUSR1), "a signal");
    is_eq(tr(PTRACE_SINGLESTEP, pid, 0, SIGUSR1), 0);
    ok(is_stop(next(pid), SIGTRAP), "a trap");
    struct user_regs_struct r = regs_of(pid);
    ok(r.rip == (unsigned long)handler, "in front of the handler");
    is_eq(r.rdi, SIGUSR1);
    tr(PTRACE_CONT, pid, 0, 0);
    ok(is_exit(next(pid), 6), "it runs once");
    done();
}
