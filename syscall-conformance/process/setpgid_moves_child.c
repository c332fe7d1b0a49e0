/* setpgid(2): a parent may put its child in a new group, or in an existing one of its session. */
#include "child.h"

static pid_t sleeper(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        for (;;)
            pause();
    }
    return pid;
}

int main(void)
{
    int status;
    pid_t a = sleeper(), b = sleeper();

    is_eq(setpgid(a, 0), 0);
    ok(getpgid(a) == a, "pgid 0 means the child's own pid");
    is_eq(setpgid(b, a), 0);
    ok(getpgid(b) == a, "joined the group");
    is_eq(kill(-a, SIGTERM), 0);
    waitpid(a, &status, 0);
    ok(killed_by(status, SIGTERM), "group signal reached the first");
    waitpid(b, &status, 0);
    ok(killed_by(status, SIGTERM), "group signal reached the second");
    is_errno(kill(-a, 0), ESRCH);
    done();
}
