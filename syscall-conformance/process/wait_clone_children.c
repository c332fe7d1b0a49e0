/* wait(2): a child that does not send SIGCHLD is found only with __WCLONE or __WALL. */
#include "child.h"
#include <sched.h>

static pid_t quiet_child(int code)
{
    pid_t pid = syscall(SYS_clone, 0, 0, 0, 0, 0);

    if (pid == 0)
        syscall(SYS_exit_group, code);
    return pid;
}

int main(void)
{
    int status;
    pid_t pid = quiet_child(3);

    is_errno(waitpid(pid, &status, 0), ECHILD);
    ok(waitpid(pid, &status, __WCLONE) == pid, "__WCLONE reaps");
    ok(exited_with(status, 3), "status");
    pid = quiet_child(4);
    ok(waitpid(-1, &status, __WALL) == pid, "__WALL reaps");
    ok(exited_with(status, 4), "status");
    pid = fork();
    if (pid == 0)
        _exit(5);
    is_errno(waitpid(pid, &status, __WCLONE), ECHILD);
    ok(waitpid(pid, &status, __WALL) == pid, "__WALL reaps ordinary children too");
    done();
}
