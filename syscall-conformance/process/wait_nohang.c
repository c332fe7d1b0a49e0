/* waitpid(2): WNOHANG returns 0 when children exist but none has changed state. */
#include "child.h"

int main(void)
{
    int pipefd[2], status = 77;
    char c;

    if (pipe(pipefd) < 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        close(pipefd[1]);
        _exit(read(pipefd[0], &c, 1) == 0 ? 5 : 6);
    }
    is_eq(waitpid(pid, &status, WNOHANG), 0);
    is_eq(status, 77);
    is_eq(waitpid(-1, &status, WNOHANG), 0);
    close(pipefd[1]);
    ok(waitpid(pid, &status, 0) == pid, "blocking wait reaps");
    ok(exited_with(status, 5), "status is the child's");
    is_errno(waitpid(-1, &status, WNOHANG), ECHILD);
    done();
}
