/* wait(2): WTERMSIG gives the number of the signal that terminated the child. */
#include "child.h"
#include <sys/resource.h>

int main(void)
{
    static const int sigs[] = {SIGHUP,  SIGINT,  SIGKILL, SIGTERM,   SIGUSR1,
                               SIGALRM, SIGPIPE, SIGSEGV, SIGABRT,   SIGQUIT,
                               SIGSYS,  SIGIO,   SIGPROF, SIGVTALRM, SIGXCPU};
    struct rlimit none = {0, 0};

    enter_scratch();
    setrlimit(RLIMIT_CORE, &none);
    for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            signal(sigs[i], SIG_DFL);
            kill(getpid(), sigs[i]);
            _exit(1);
        }
        waitpid(pid, &status, 0);
        ok(killed_by(status, sigs[i]), "signal %d", sigs[i]);
    }
    done();
}
