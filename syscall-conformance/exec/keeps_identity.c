/* execve(2): pid, parent, group, session, cwd, umask, nice, limits, alarm and itimer are kept. */
#include "exec.h"
#include <sys/resource.h>

static int verify(char **argv)
{
    char cwd[64] = "";
    struct rlimit lim;

    check(getpid() == atoi(argv[1]), 1);
    check(getppid() == atoi(argv[2]), 2);
    check(getpgrp() == getpid() && getsid(0) == atoi(argv[3]), 3);
    check(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/proc"), 4);
    check(umask(0) == 013, 5);
    check(getpriority(PRIO_PROCESS, 0) == 5, 6);
    check(getrlimit(RLIMIT_CORE, &lim) == 0 && lim.rlim_cur == 0, 7);
    unsigned left = alarm(0);
    check(left > 900 && left <= 1000, 8);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4)
        return verify(argv);
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        char id[3][16], *args[] = {"x", id[0], id[1], id[2], NULL};
        struct rlimit none = {0, 0};
        snprintf(id[0], 16, "%d", getpid());
        snprintf(id[1], 16, "%d", getppid());
        snprintf(id[2], 16, "%d", getsid(0));
        setpgid(0, 0);
        umask(013);
        setpriority(PRIO_PROCESS, 0, 5);
        setrlimit(RLIMIT_CORE, &none);
        alarm(1000);
        if (chdir("/proc") == 0)
            execv("/proc/self/exe", args);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    is_eq(status, 0);
    done();
}
