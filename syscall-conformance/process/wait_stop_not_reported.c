/* waitpid(2): without WUNTRACED a stopped child is not reported. */
#include "child.h"

int main(void)
{
    int status = 0;
    siginfo_t info;
    pid_t pid = fork();

    if (pid == 0) {
        for (;;)
            pause();
    }
    kill(pid, SIGSTOP);
    ok(waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT) == 0, "stopped");
    is_eq(waitpid(pid, &status, WNOHANG), 0);
    is_eq(waitpid(pid, &status, WNOHANG | WCONTINUED), 0);
    ok(waitpid(pid, &status, WNOHANG | WUNTRACED) == pid, "WUNTRACED still finds it");
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    ok(killed_by(status, SIGKILL), "killed");
    done();
}
