/* waitid(2): WNOWAIT leaves the child in a waitable state. */
#include "child.h"

int main(void)
{
    siginfo_t a, b;
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(9);
    is_eq(waitid(P_PID, pid, &a, WEXITED | WNOWAIT), 0);
    is_eq(waitid(P_ALL, 0, &b, WEXITED | WNOWAIT), 0);
    ok(a.si_pid == pid && b.si_pid == pid, "both report the child");
    is_eq(a.si_status, 9);
    ok(waitpid(pid, &status, 0) == pid, "and it can still be reaped");
    ok(exited_with(status, 9), "with its status");
    is_errno(waitid(P_PID, pid, &a, WEXITED | WNOWAIT), ECHILD);
    done();
}
