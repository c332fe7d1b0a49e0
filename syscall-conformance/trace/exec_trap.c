/* Without options a tracee's execve(2) ends with SIGTRAP. */
#include "trace.h"

static void child(void)
{
    char *argv[] = {"/bin/true", NULL}, *envp[] = {NULL};

    execve(argv[0], argv, envp);
}

int main(void)
{
    pid_t pid = traced(child, 0);
    siginfo_t si;

    tr(PTRACE_CONT, pid, 0, 0);
    ok(is_stop(next(pid), SIGTRAP), "SIGTRAP");
    is_eq(tr(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si), 0);
    is_eq(si.si_code, SI_USER);
    is_eq(tr(PTRACE_CONT, pid, 0, 0), 0);
    ok(is_exit(next(pid), 0), "the new program runs");
    done();
}
