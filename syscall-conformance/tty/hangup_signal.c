/* termios(3): the end of the master is SIGHUP and SIGCONT to the session of the terminal. */
#include "pty.h"

static void leader(void)
{
    sigset_t set;
    int sig = 0;

    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    take_terminal();
    close(master);
    check(sigwait(&set, &sig) == 0 && sig == SIGHUP, 1);
    check(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO, 2);
}

int main(void)
{
    int status;

    open_pty();
    pid_t pid = fork();
    if (pid == 0) {
        leader();
        _exit(0);
    }
    close(slave);
    close(master);
    waitpid(pid, &status, 0);
    ok(exited_with(status, 0), "SIGHUP came and the session has no terminal");
    done();
}
