/* waitid(2): si_code tells how the child changed state, si_status the exit code or signal. */
#include "child.h"

static void expect(pid_t pid, int events, int code, int status, const char *what)
{
    siginfo_t info;

    memset(&info, 0xff, sizeof(info));
    ok(waitid(P_PID, pid, &info, events) == 0, "%s: waitid", what);
    ok(info.si_code == code, "%s: si_code", what);
    ok(info.si_status == status, "%s: si_status", what);
    ok(info.si_pid == pid, "%s: si_pid", what);
    ok(info.si_uid == getuid(), "%s: si_uid", what);
    ok(info.si_signo == SIGCHLD, "%s: si_signo", what);
    ok(info.si_errno == 0, "%s: si_errno", what);
}

int main(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        for (;;)
            pause();
    }
    kill(pid, SIGSTOP);
    expect(pid, WSTOPPED, CLD_STOPPED, SIGSTOP, "stopped");
    kill(pid, SIGCONT);
    expect(pid, WCONTINUED, CLD_CONTINUED, SIGCONT, "continued");
    kill(pid, SIGTERM);
    expect(pid, WEXITED, CLD_KILLED, SIGTERM, "killed");
    pid = fork();
    if (pid == 0)
        _exit(0x142);
    expect(pid, WEXITED, CLD_EXITED, 0x42, "exited");
    done();
}
