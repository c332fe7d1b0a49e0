/* execve(2): handled signals become default, ignored ones stay; mask and pending set are kept. */
#include "exec.h"

static void handler(int sig)
{
    (void)sig;
}

static int verify(void)
{
    struct sigaction sa;
    sigset_t set;

    sigaction(SIGUSR1, NULL, &sa);
    check(sa.sa_handler == SIG_DFL && sa.sa_flags == 0, 1);
    sigaction(SIGUSR2, NULL, &sa);
    check(sa.sa_handler == SIG_IGN, 2);
    sigprocmask(SIG_BLOCK, NULL, &set);
    check(sigismember(&set, SIGTERM) && !sigismember(&set, SIGHUP), 3);
    sigpending(&set);
    check(sigismember(&set, SIGTERM), 4);
    stack_t ss;
    check(sigaltstack(NULL, &ss) == 0 && ss.ss_flags == SS_DISABLE, 5);
    return 0;
}

int main(int argc, char **argv)
{
    static char alt[65536];
    struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART | SA_NODEFER};
    stack_t ss = {.ss_sp = alt, .ss_size = sizeof(alt)};
    sigset_t set;

    (void)argv;
    if (argc == 2)
        return verify();
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        sigaction(SIGUSR1, &sa, NULL);
        signal(SIGUSR2, SIG_IGN);
        sigaltstack(&ss, NULL);
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigprocmask(SIG_SETMASK, &set, NULL);
        raise(SIGTERM);
        char *args[] = {"x", "verify", NULL};
        execv("/proc/self/exe", args);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    is_eq(status, 0);
    done();
}
