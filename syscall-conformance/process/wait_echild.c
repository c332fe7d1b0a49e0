/* wait(2): ECHILD when the process or group waited for does not exist or is not a child. */
#include "child.h"

int main(void)
{
    int status;

    is_errno(wait(NULL), ECHILD);
    is_errno(waitpid(getppid(), &status, 0), ECHILD);
    is_errno(waitpid(getpid(), &status, 0), ECHILD);
    is_errno(waitpid(0, &status, 0), ECHILD);
    is_errno(waitpid(-getpgrp(), &status, 0), ECHILD);
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    ok(waitpid(pid, &status, 0) == pid, "first wait reaps");
    is_errno(waitpid(pid, &status, 0), ECHILD);
    siginfo_t info;
    is_errno(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
    done();
}
