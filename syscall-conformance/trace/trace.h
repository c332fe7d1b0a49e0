/* What programs about ptrace(2) share: children that are traced, and their stops. */
#ifndef CONFORMANCE_TRACE_H
#define CONFORMANCE_TRACE_H

#include "tmp.h"
#include <elf.h>
#include <linux/ptrace.h>
#include <stddef.h>
#include <sys/uio.h>
#include <sys/user.h>

#define TR_FN __attribute__((unused)) static

TR_FN long tr(long request, pid_t pid, unsigned long addr, unsigned long data)
{
    return syscall(SYS_ptrace, request, pid, addr, data);
}

/* The next report about pid: its wait status, or -1. */
TR_FN int next(pid_t pid)
{
    int status;

    return waitpid(pid, &status, __WALL) == pid ? status : -1;
}

TR_FN int is_stop(int status, int sig)
{
    return status != -1 && WIFSTOPPED(status) && WSTOPSIG(status) == sig && status >> 16 == 0;
}

TR_FN int is_event(int status, int event)
{
    return status != -1 && WIFSTOPPED(status) && status >> 8 == (SIGTRAP | event << 8);
}

TR_FN int is_exit(int status, int code)
{
    return status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == code;
}

/* A child that runs fn traced by us; it has stopped before. */
TR_FN pid_t traced(void (*fn)(void), unsigned long options)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (tr(PTRACE_TRACEME, 0, 0, 0))
            _exit(99);
        raise(SIGSTOP);
        fn();
        _exit(0);
    }
    if (!is_stop(next(pid), SIGSTOP) || tr(PTRACE_SETOPTIONS, pid, 0, options | PTRACE_O_EXITKILL))
        bail("the child is not traced");
    return pid;
}

TR_FN struct user_regs_struct regs_of(pid_t pid)
{
    struct user_regs_struct r;

    memset(&r, 0xee, sizeof(r));
    if (tr(PTRACE_GETREGS, pid, 0, (unsigned long)&r))
        bail("PTRACE_GETREGS");
    return r;
}

/* To the next stop of the kind of PTRACE_SYSCALL whose call is nr, or to the end. */
TR_FN int run_to_call(pid_t pid, long nr)
{
    for (;;) {
        tr(PTRACE_SYSCALL, pid, 0, 0);
        int status = next(pid);
        if (!is_stop(status, SIGTRAP | 0x80))
            return status;
        struct ptrace_syscall_info info;
        tr(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (unsigned long)&info);
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY && (long)info.entry.nr == nr)
            return status;
    }
}

#endif
