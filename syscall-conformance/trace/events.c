/* Options of a tracer: fork, vfork, clone, exec, exit are reported, and new tasks are traced. */
#include "trace.h"
#include <sched.h>

static char stack[16384] __attribute__((aligned(16)));

static int thread(void *arg)
{
    syscall(SYS_exit, 9);
    return 0;
}

static void child(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(21);
    waitpid(pid, &status, 0);
    pid = vfork();
    if (pid == 0)
        _exit(22);
    waitpid(pid, &status, 0);
    clone(thread, stack + sizeof(stack),
          CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, NULL);
    char *argv[] = {"/bin/true", NULL}, *envp[] = {NULL};
    while (syscall(SYS_tgkill, getpid(), getpid() + 0, 0))
        ;
    raise(SIGUSR2);
    execve(argv[0], argv, envp);
    _exit(1);
}

static pid_t message(pid_t pid)
{
    unsigned long msg = 0;

    tr(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&msg);
    return (pid_t)msg;
}

static void cont(pid_t pid)
{
    tr(PTRACE_CONT, pid, 0, 0);
}

int main(void)
{
    const unsigned long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                                  PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_TRACEVFORKDONE;
    pid_t pid = traced(child, options), new;

    cont(pid);
    ok(is_event(next(pid), PTRACE_EVENT_FORK), "fork");
    new = message(pid);
    ok(is_stop(next(new), SIGSTOP), "the child begins with SIGSTOP");
    cont(new);
    ok(is_event(next(new), PTRACE_EVENT_EXIT), "its end is told before");
    is_eq(message(new), 21 << 8);
    cont(new);
    ok(is_exit(next(new), 21), "and then itself");
    cont(pid);
    ok(is_stop(next(pid), SIGCHLD), "its parent hears of it afterwards");
    cont(pid);

    ok(is_event(next(pid), PTRACE_EVENT_VFORK), "vfork");
    new = message(pid);
    ok(is_stop(next(new), SIGSTOP), "another child");
    cont(pid);
    cont(new);
    ok(is_event(next(new), PTRACE_EVENT_EXIT), "it ends");
    cont(new);
    ok(is_event(next(pid), PTRACE_EVENT_VFORK_DONE), "its parent goes on");
    ok(message(pid) == new, "and says because of whom");
    ok(is_exit(next(new), 22), "the child's end");
    cont(pid);
    ok(is_stop(next(pid), SIGCHLD), "its parent hears of that, too");
    cont(pid);

    ok(is_event(next(pid), PTRACE_EVENT_CLONE), "clone");
    new = message(pid);
    ok(is_stop(next(new), SIGSTOP), "a thread");
    cont(new);
    ok(is_event(next(new), PTRACE_EVENT_EXIT), "it ends");
    is_eq(message(new), 9 << 8);
    cont(new);
    ok(is_exit(next(new), 9), "a thread's code is reported");
    cont(pid);
    ok(is_stop(next(pid), SIGUSR2), "the main thread");
    cont(pid);
    ok(is_event(next(pid), PTRACE_EVENT_EXEC), "exec");
    ok(message(pid) == pid, "who it was before");
    cont(pid);
    ok(is_event(next(pid), PTRACE_EVENT_EXIT), "exit");
    cont(pid);
    ok(is_exit(next(pid), 0), "end");
    done();
}
