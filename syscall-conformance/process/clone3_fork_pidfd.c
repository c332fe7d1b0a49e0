/* clone3(2): acts like fork with exit_signal SIGCHLD, and CLONE_PIDFD gives a close-on-exec pidfd.
 */
#include "child.h"
#include <linux/sched.h>
#include <poll.h>

int main(void)
{
    int pidfd = -1, parent_tid = -1, status;
    struct clone_args args = {
        .flags = CLONE_PIDFD | CLONE_PARENT_SETTID,
        .pidfd = (uintptr_t)&pidfd,
        .parent_tid = (uintptr_t)&parent_tid,
        .exit_signal = SIGCHLD,
    };
    pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

    if (pid == 0)
        syscall(SYS_exit_group, 13);
    ok(pid > 0 && parent_tid == pid, "tid stored");
    is_eq(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
    struct pollfd pfd = {pidfd, POLLIN, 0};
    is_eq(poll(&pfd, 1, 5000), 1);
    is_eq(pfd.revents & POLLIN, POLLIN);
    ok(waitpid(pid, &status, 0) == pid && exited_with(status, 13), "status");
    done();
}
