/* PTRACE_SEIZE does not stop; PTRACE_INTERRUPT and stops of the group do, and LISTEN waits on. */
#include "trace.h"

static int is_group_stop(int status, int sig)
{
    return status != -1 && WIFSTOPPED(status) && status >> 8 == (sig | PTRACE_EVENT_STOP << 8);
}

int main(void)
{
    int p[2];
    char c;

    must(pipe(p));
    pid_t pid = fork();
    if (pid == 0) {
        close(p[1]);
        _exit(read(p[0], &c, 1) == 0 ? 11 : 12);
    }
    close(p[0]);
    is_errno(tr(PTRACE_SEIZE, pid, 1, 0), EIO);
    is_errno(tr(PTRACE_SEIZE, pid, 0, 0x800), EIO);
    is_eq(tr(PTRACE_SEIZE, pid, 0, PTRACE_O_EXITKILL), 0);
    is_errno(tr(PTRACE_CONT, pid, 0, 0), ESRCH);
    is_eq(waitpid(pid, NULL, WNOHANG), 0);
    is_eq(tr(PTRACE_INTERRUPT, pid, 0, 0), 0);
    ok(is_group_stop(next(pid), SIGTRAP), "interrupted");
    siginfo_t si;
    is_eq(tr(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si), 0);
    is_eq(si.si_code, SIGTRAP | PTRACE_EVENT_STOP << 8);
    is_eq(tr(PTRACE_CONT, pid, 0, 0), 0);

    kill(pid, SIGSTOP);
    ok(is_stop(next(pid), SIGSTOP), "the signal first");
    is_errno(tr(PTRACE_LISTEN, pid, 0, 0), EIO);
    tr(PTRACE_CONT, pid, 0, SIGSTOP);
    ok(is_group_stop(next(pid), SIGSTOP), "then the stop of the group");
    is_eq(tr(PTRACE_LISTEN, pid, 0, 0), 0);
    is_errno(tr(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si), ESRCH);
    is_eq(waitpid(pid, NULL, WNOHANG), 0);
    kill(pid, SIGCONT);
    ok(is_group_stop(next(pid), SIGTRAP), "the end of the group's stop is told");
    tr(PTRACE_CONT, pid, 0, 0);
    ok(is_stop(next(pid), SIGCONT), "and the signal for it");
    tr(PTRACE_CONT, pid, 0, SIGCONT);

    tr(PTRACE_INTERRUPT, pid, 0, 0);
    ok(is_group_stop(next(pid), SIGTRAP), "interrupted again");
    is_eq(tr(PTRACE_DETACH, pid, 0, 0), 0);
    close(p[1]);
    ok(is_exit(next(pid), 11), "its read was made again each time");
    done();
}
