/* A signal for a tracee stops it first; its tracer drops it, changes it or passes it on. */
#include "trace.h"

static volatile int got, got_code, got_value;

static void handler(int sig, siginfo_t *info, void *context)
{
    got = sig;
    got_code = info->si_code;
    got_value = info->si_value.sival_int;
}

static void child(void)
{
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGUSR2, &sa, NULL);
    signal(SIGURG, SIG_IGN);
    raise(SIGUSR1);
    if (got)
        _exit(1);
    raise(SIGUSR1);
    if (got != SIGUSR1 || got_code != SI_TKILL)
        _exit(2);
    raise(SIGUSR1);
    if (got != SIGUSR2 || got_code != SI_USER)
        _exit(3);
    raise(SIGUSR1);
    if (got != SIGUSR1 || got_code != SI_QUEUE || got_value != 1234)
        _exit(4);
    raise(SIGURG);
    raise(SIGTERM);
    _exit(5);
}

static void stop_for(pid_t pid, int sig)
{
    ok(is_stop(next(pid), sig), "it stops for the signal");
}

int main(void)
{
    pid_t pid = traced(child, 0);
    siginfo_t si;

    tr(PTRACE_CONT, pid, 0, 0);
    stop_for(pid, SIGUSR1);
    is_eq(tr(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si), 0);
    ok(si.si_signo == SIGUSR1 && si.si_code == SI_TKILL && si.si_pid == pid, "its siginfo");
    is_errno(tr(PTRACE_CONT, pid, 0, 65), EIO);
    tr(PTRACE_CONT, pid, 0, 0);
    stop_for(pid, SIGUSR1);
    tr(PTRACE_CONT, pid, 0, SIGUSR1);
    stop_for(pid, SIGUSR1);
    tr(PTRACE_CONT, pid, 0, SIGUSR2);
    stop_for(pid, SIGUSR1);
    tr(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si);
    si.si_code = SI_QUEUE;
    si.si_value.sival_int = 1234;
    is_eq(tr(PTRACE_SETSIGINFO, pid, 0, (unsigned long)&si), 0);
    tr(PTRACE_CONT, pid, 0, SIGUSR1);
    stop_for(pid, SIGURG);
    uint64_t mask = 1;
    is_eq(tr(PTRACE_GETSIGMASK, pid, 8, (unsigned long)&mask), 0);
    is_errno(tr(PTRACE_GETSIGMASK, pid, 4, (unsigned long)&mask), EINVAL);
    tr(PTRACE_CONT, pid, 0, SIGURG);
    stop_for(pid, SIGTERM);
    tr(PTRACE_CONT, pid, 0, SIGTERM);
    int status = next(pid);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "killed by what its tracer passed on");
    done();
}
