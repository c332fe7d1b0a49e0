/* vfork(2): the parent is resumed when the child calls execve, not only when it exits. */
#include "child.h"

int main(int argc, char **argv)
{
    int pipefd[2], status;
    char fd[16], c;

    if (argc == 3) {
        return read(atoi(argv[2]), &c, 1) == 0 ? 4 : 5;
    }
    if (pipe2(pipefd, O_CLOEXEC) < 0)
        return 1;
    fcntl(pipefd[0], F_SETFD, 0);
    snprintf(fd, sizeof(fd), "%d", pipefd[0]);
    char *args[] = {argv[0], "wait", fd, NULL};
    pid_t pid = vfork();
    if (pid == 0) {
        execv("/proc/self/exe", args);
        _exit(127);
    }
    ok(pid > 0, "parent goes on while the child blocks");
    is_eq(waitpid(pid, &status, WNOHANG), 0);
    close(pipefd[1]);
    ok(waitpid(pid, &status, 0) == pid && exited_with(status, 4), "the new image ran");
    done();
}
