/* signal(7): default actions: terminate, ignore, or stop, by signal. */
#include "sig.h"
#include <sys/resource.h>

static const int ignored[] = {SIGCHLD, SIGURG, SIGWINCH, SIGCONT};
static const int fatal[] = {SIGHUP,  SIGINT,  SIGQUIT,   SIGILL,  SIGTRAP, SIGABRT,
                            SIGBUS,  SIGFPE,  SIGUSR1,   SIGSEGV, SIGUSR2, SIGPIPE,
                            SIGALRM, SIGTERM, SIGSTKFLT, SIGXCPU, SIGXFSZ, SIGVTALRM,
                            SIGPROF, SIGIO,   SIGPWR,    SIGSYS};
static const int stopping[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
static int sig;

static void child(void)
{
    signal(sig, SIG_DFL);
    setpgid(0, 0);
    kill(getpid(), sig);
}

int main(void)
{
    struct rlimit none = {0, 0};
    int status;

    enter_scratch();
    setrlimit(RLIMIT_CORE, &none);
    for (size_t i = 0; i < sizeof(ignored) / sizeof(sig); i++) {
        sig = ignored[i];
        ok(in_child(child) == 0, "%d is ignored", sig);
    }
    for (size_t i = 0; i < sizeof(fatal) / sizeof(sig); i++) {
        sig = fatal[i];
        ok(killed_by(in_child(child), sig), "%d terminates", sig);
    }
    for (size_t i = 0; i < sizeof(stopping) / sizeof(sig); i++) {
        sig = stopping[i];
        pid_t pid = fork();
        if (pid == 0) {
            kill(getpid(), sig);
            _exit(0);
        }
        waitpid(pid, &status, WUNTRACED);
        ok(WIFSTOPPED(status) && WSTOPSIG(status) == sig, "%d stops", sig);
        kill(pid, SIGCONT);
        waitpid(pid, &status, 0);
        ok(status == 0, "%d: continued", sig);
    }
    done();
}
