/* waitpid(2): a negative pid waits for children of that process group, 0 for the caller's own. */
#include "child.h"

int main(void)
{
    int status;
    pid_t own = fork();

    if (own == 0)
        _exit(1);
    pid_t other = fork();
    if (other == 0) {
        setpgid(0, 0);
        _exit(2);
    }
    setpgid(other, other);
    ok(waitpid(-other, &status, 0) == other, "the group's child only");
    ok(exited_with(status, 2), "its status");
    is_errno(waitpid(-other, &status, 0), ECHILD);
    ok(waitpid(0, &status, 0) == own, "own group");
    ok(exited_with(status, 1), "its status");
    done();
}
