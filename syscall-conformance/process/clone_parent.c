/* clone(2) CLONE_PARENT: the new child has the same parent as the caller. */
#include "child.h"
#include <sched.h>

int main(void)
{
    pid_t self = getpid();
    volatile int *cell = shared_page();
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        pid_t sibling = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
        if (sibling == 0)
            syscall(SYS_exit_group, (int)syscall(SYS_getppid) == self ? 31 : 32);
        cell[0] = sibling;
        _exit(waitpid(sibling, &status, 0) < 0 && errno == ECHILD ? 30 : 1);
    }
    ok(waitpid(pid, &status, 0) == pid && exited_with(status, 30), "not the caller's child");
    ok(waitpid(cell[0], &status, 0) == cell[0] && exited_with(status, 31), "a sibling");
    done();
}
