/* setpgid(2): EACCES when the child has already performed an execve. */
#include "child.h"

int main(int argc, char **argv)
{
    int pipefd[2], status;
    char c;

    if (argc == 2) {
        if (write(3, "x", 1) != 1)
            return 1;
        for (;;)
            pause();
    }
    if (pipe(pipefd) < 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        char *args[] = {argv[0], "pause", NULL};
        dup2(pipefd[1], 3);
        execv("/proc/self/exe", args);
        _exit(127);
    }
    ok(read(pipefd[0], &c, 1) == 1, "child has executed");
    is_errno(setpgid(pid, pid), EACCES);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    done();
}
