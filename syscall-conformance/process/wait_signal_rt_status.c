/* signal(7): the default action of an unhandled real-time signal is to terminate the process. */
#include "child.h"

int main(void)
{
    for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig += 10) {
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            kill(getpid(), sig);
            _exit(1);
        }
        waitpid(pid, &status, 0);
        ok(killed_by(status, sig), "signal %d", sig);
    }
    done();
}
