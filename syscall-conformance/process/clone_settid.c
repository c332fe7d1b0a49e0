/* clone(2): CLONE_PARENT_SETTID stores the tid in the parent, CLONE_CHILD_SETTID in the child. */
#include "child.h"
#include <sched.h>

int main(void)
{
    int parent_tid = -1, child_tid = -1, status;
    pid_t pid = syscall(SYS_clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0,
                        &parent_tid, &child_tid, 0);

    if (pid == 0)
        syscall(SYS_exit_group, child_tid == (int)syscall(SYS_gettid) ? 0 : 1);
    ok(parent_tid == pid, "stored in the parent");
    is_eq(child_tid, -1);
    waitpid(pid, &status, 0);
    is_eq(status, 0);
    done();
}
