/* Runs a command and says how it ended: signal, whether there is a core file, what SIGCHLD said. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    siginfo_t info;
    int status = 0;

    if (argc < 2)
        return 2;
    pid_t pid = fork();
    if (pid == 0) {
        execv(argv[1], argv + 1);
        _exit(127);
    }
    memset(&info, 0, sizeof(info));
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    waitpid(pid, &status, 0);
    printf("signal %d core %d code %s status %d\n", WTERMSIG(status), WCOREDUMP(status) != 0,
           info.si_code == CLD_DUMPED   ? "dumped"
           : info.si_code == CLD_KILLED ? "killed"
                                        : "other",
           info.si_status);
    return 0;
}
