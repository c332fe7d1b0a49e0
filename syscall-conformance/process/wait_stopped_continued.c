/* waitpid(2): WUNTRACED reports stops, WCONTINUED reports resumption by SIGCONT. */
#include "child.h"

int main(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        for (;;)
            pause();
    }
    kill(pid, SIGSTOP);
    ok(waitpid(pid, &status, WUNTRACED) == pid, "stop is reported");
    ok(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP, "WSTOPSIG is SIGSTOP");
    is_eq(status, 0x137f);
    is_eq(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
    kill(pid, SIGCONT);
    ok(waitpid(pid, &status, WCONTINUED) == pid, "continuation is reported");
    ok(WIFCONTINUED(status), "WIFCONTINUED");
    is_eq(status, 0xffff);
    kill(pid, SIGTSTP);
    ok(waitpid(pid, &status, WUNTRACED) == pid, "second stop is reported");
    is_eq(WSTOPSIG(status), SIGTSTP);
    kill(pid, SIGKILL);
    ok(waitpid(pid, &status, 0) == pid, "a stopped child can be killed");
    ok(killed_by(status, SIGKILL), "by SIGKILL");
    done();
}
