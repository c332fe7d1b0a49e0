/* sigaction(2) SA_NOCLDWAIT or SIGCHLD ignored: children leave no zombie and wait gives ECHILD. */
#include "sig.h"

int main(void)
{
    int status;

    signal(SIGCHLD, SIG_IGN);
    if (fork() == 0)
        _exit(3);
    is_errno(wait(&status), ECHILD);
    install(SIGCHLD, record, SA_NOCLDWAIT | SA_RESTART);
    pid_t pid = fork();
    if (pid == 0)
        _exit(4);
    is_errno(waitpid(pid, &status, 0), ECHILD);
    is_eq(hits, 1);
    is_errno(kill(pid, 0), ESRCH);
    done();
}
