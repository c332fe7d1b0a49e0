/* waitid(2): with WNOHANG and no state change it returns 0 and zeroes si_pid and si_signo. */
#include "child.h"

int main(void)
{
    siginfo_t info;
    pid_t pid = fork();

    if (pid == 0) {
        for (;;)
            pause();
    }
    memset(&info, 0xff, sizeof(info));
    is_eq(waitid(P_PID, pid, &info, WEXITED | WSTOPPED | WNOHANG), 0);
    is_eq(info.si_pid, 0);
    is_eq(info.si_signo, 0);
    kill(pid, SIGKILL);
    is_eq(waitid(P_PID, pid, &info, WEXITED), 0);
    ok(info.si_pid == pid, "then the child");
    is_eq(info.si_code, CLD_KILLED);
    done();
}
