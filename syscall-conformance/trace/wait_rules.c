/* wait(2) of a tracer that is not the parent: it hears first, the parent afterwards. */
#include "trace.h"

int main(void)
{
    int p[2], q[2], attached[2], status;
    char c;

    must(pipe(p));
    must(pipe(q));
    must(pipe(attached));
    pid_t pid = fork();
    if (pid == 0) {
        close(p[1]);
        _exit(read(p[0], &c, 1) == 0 ? 11 : 12);
    }
    pid_t tracer = fork();
    if (tracer == 0) {
        close(p[1]);
        close(q[1]);
        if (tr(PTRACE_ATTACH, pid, 0, 0) || !is_stop(next(pid), SIGSTOP))
            _exit(1);
        if (write(attached[1], "a", 1) != 1)
            _exit(6);
        if (read(q[0], &c, 1) != 1 || tr(PTRACE_CONT, pid, 0, 0))
            _exit(2);
        siginfo_t si;
        if (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT) || si.si_status != 11)
            _exit(3);
        if (read(q[0], &c, 1) != 1 || !is_exit(next(pid), 11))
            _exit(4);
        _exit(waitpid(pid, &status, __WALL) == -1 && errno == ECHILD ? 0 : 5);
    }
    close(p[0]);
    close(q[0]);
    must(read(attached[0], &c, 1));
    is_eq(waitpid(pid, &status, WNOHANG | WUNTRACED), 0);
    must(write(q[1], "x", 1));
    close(p[1]);
    siginfo_t si = {.si_pid = 1};
    is_eq(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG), 0);
    is_eq(si.si_pid, 0);
    must(write(q[1], "y", 1));
    ok(is_exit(next(pid), 11), "the parent's turn");
    ok(is_exit(next(tracer), 0), "after the tracer's");
    is_errno(waitpid(-1, &status, 0), ECHILD);
    done();
}
