/* A terminated, unreaped child keeps its pid: kill(pid, 0) works and its state is Z until waited
 * for. */
#include "child.h"

int main(void)
{
    siginfo_t info;
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
    is_eq(kill(pid, 0), 0);
    is_eq(kill(pid, SIGKILL), 0);
    is_eq(task_state(pid), 'Z');
    ok(getpgid(pid) == getpgrp(), "getpgid of a zombie");
    waitpid(pid, &status, 0);
    ok(exited_with(status, 0), "a signal does not change a zombie's status");
    is_errno(kill(pid, 0), ESRCH);
    is_eq(task_state(pid), 0);
    done();
}
