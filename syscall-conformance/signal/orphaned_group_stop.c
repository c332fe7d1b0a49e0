/* setpgid(2): in an orphaned process group SIGTSTP, SIGTTIN and SIGTTOU do not stop. */
#include "sig.h"

static void child(void)
{
    setsid();
    kill(getpid(), SIGTSTP);
    kill(getpid(), SIGTTIN);
    kill(getpid(), SIGTTOU);
}

int main(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        child();
        _exit(6);
    }
    ok(waitpid(pid, &status, WUNTRACED) == pid, "reported");
    ok(exited_with(status, 6), "not stopped");
    done();
}
