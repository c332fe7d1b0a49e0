/* clone(2) CLONE_FILES: both processes share one descriptor table. */
#include "child.h"
#include <sched.h>

int main(void)
{
    int status, victim = dup(1);
    pid_t pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

    if (pid == 0) {
        close(victim);
        syscall(SYS_exit_group, dup2(1, 100) == 100 ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    is_eq(status, 0);
    is_errno(fcntl(victim, F_GETFD), EBADF);
    is_eq(fcntl(100, F_GETFD), 0);
    done();
}
