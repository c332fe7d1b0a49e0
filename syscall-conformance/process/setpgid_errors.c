/* setpgid(2): EINVAL for pgid < 0, ESRCH for a non-child, EPERM for sessions and foreign groups. */
#include "child.h"

static void session_leader(void)
{
    check(setsid() == getpid(), 1);
    check(setpgid(0, 0) == -1 && errno == EPERM, 2);
}

static void of_parent(void)
{
    check(setpgid(getppid(), 0) == -1 && errno == ESRCH, 1);
}

int main(void)
{
    int pipefd[2], status;
    char c;

    is_errno(setpgid(0, -1), EINVAL);
    is_errno(setpgid(-1, 0), EINVAL);
    is_errno(setpgid(-1, getpgrp()), ESRCH);
    is_eq(in_child(of_parent), 0);
    is_errno(setpgid(0, 0x3ffffff), EPERM);
    is_eq(in_child(session_leader), 0);
    if (pipe(pipefd) < 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        check(write(pipefd[1], "x", 1) == 1, 1);
        for (;;)
            pause();
    }
    ok(read(pipefd[0], &c, 1) == 1, "child is in another session");
    is_errno(setpgid(pid, pid), EPERM);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    done();
}
