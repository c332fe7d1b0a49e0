/* A zombie whose parent exits becomes the subreaper's child and can be waited for by it. */
#include "child.h"
#include <sys/prctl.h>

int main(void)
{
    int status, *cell = shared_page();

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t pid = fork();
    if (pid == 0) {
        pid_t grand = fork();
        if (grand == 0)
            _exit(21);
        cell[0] = grand;
        siginfo_t info;
        waitid(P_PID, grand, &info, WEXITED | WNOWAIT);
        _exit(0);
    }
    ok(waitpid(pid, &status, 0) == pid, "parent of the zombie reaped");
    ok(waitpid(cell[0], &status, 0) == cell[0], "zombie reaped");
    ok(exited_with(status, 21), "with its status");
    is_errno(wait(NULL), ECHILD);
    done();
}
