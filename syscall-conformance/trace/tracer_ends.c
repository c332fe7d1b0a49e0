/* When a tracer ends its tracees go on, or with PTRACE_O_EXITKILL they are killed. */
#include "trace.h"
#include <sys/prctl.h>

static int go[2];

static void child(void)
{
    char c;

    close(go[1]);
    _exit(read(go[0], &c, 1) == 0 ? 31 : 32);
}

static int outcome(unsigned long options)
{
    int report[2], status;
    pid_t pid;

    must(pipe(go));
    must(pipe(report));
    pid_t tracer = fork();
    if (tracer == 0) {
        pid = fork();
        if (pid == 0) {
            tr(PTRACE_TRACEME, 0, 0, 0);
            raise(SIGSTOP);
            child();
        }
        next(pid);
        tr(PTRACE_SETOPTIONS, pid, 0, options);
        must(write(report[1], &pid, sizeof(pid)));
        _exit(0);
    }
    must(read(report[0], &pid, sizeof(pid)));
    next(tracer);
    close(go[0]);
    close(go[1]);
    close(report[0]);
    close(report[1]);
    status = next(pid);
    return status;
}

int main(void)
{
    must(prctl(PR_SET_CHILD_SUBREAPER, 1));
    ok(is_exit(outcome(0), 31), "it goes on");
    int status = outcome(PTRACE_O_EXITKILL);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "it is killed");
    done();
}
