/* wait(2): a child whose leader has exited is not reported before its last thread has ended. */
#include "child.h"
#include <pthread.h>

static int pipefd[2];

static void *last(void *arg)
{
    char c;

    close(pipefd[1]);
    check(read(pipefd[0], &c, 1) == 0, 2);
    syscall(SYS_exit, 8);
    return arg;
}

int main(void)
{
    int status;

    if (pipe(pipefd) < 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, last, NULL);
        syscall(SYS_exit, 6);
    }
    ok(await_state(pid, 'Z'), "the leader is a zombie");
    is_eq(waitpid(pid, &status, WNOHANG), 0);
    close(pipefd[1]);
    ok(waitpid(pid, &status, 0) == pid, "reaped when the last thread is gone");
    ok(exited_with(status, 8), "with the last code");
    done();
}
