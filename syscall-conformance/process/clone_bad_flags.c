/* clone(2): EINVAL for combinations of flags that make no sense. */
#include "child.h"
#include <sched.h>

static long try_clone(unsigned long flags)
{
    long ret = syscall(SYS_clone, flags, 0, 0, 0, 0);

    if (ret == 0)
        syscall(SYS_exit_group, 99);
    return ret;
}

int main(void)
{
    is_errno(try_clone(CLONE_THREAD), EINVAL);
    is_errno(try_clone(CLONE_SIGHAND), EINVAL);
    is_errno(try_clone(CLONE_THREAD | CLONE_VM), EINVAL);
    is_errno(try_clone(CLONE_FS | CLONE_NEWNS), EINVAL);
    is_errno(try_clone(CLONE_PIDFD | CLONE_DETACHED), EINVAL);
    is_errno(try_clone(CLONE_PIDFD | CLONE_PARENT_SETTID), EINVAL);
    is_errno(wait(NULL), ECHILD);
    done();
}
