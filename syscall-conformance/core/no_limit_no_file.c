/* core(5), wait(2): a limit that leaves no room for a core file: WCOREDUMP is not set, SIGCHLD
 * tells CLD_KILLED. */
#include "../signal/sig.h"

#include <sys/resource.h>

static int sig;

static void die(void)
{
    /* 1: nothing, also where the host has a program for core files. */
    const struct rlimit none = {1, 1};

    setrlimit(RLIMIT_CORE, &none);
    signal(sig, SIG_DFL);
    kill(getpid(), sig);
    for (;;)
        pause();
}

static void fault(void)
{
    const struct rlimit none = {1, 1};

    setrlimit(RLIMIT_CORE, &none);
    *(volatile int *)BAD_PTR = 1;
}

int main(void)
{
    static const int cores[] = {SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
                                SIGFPE,  SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS};
    siginfo_t info;

    for (size_t i = 0; i < sizeof(cores) / sizeof(*cores); i++) {
        sig = cores[i];
        int status = in_child(die);
        ok(killed_by(status, sig) && !WCOREDUMP(status), "signal %d ends it without a core", sig);
    }
    int status = in_child(fault);
    ok(killed_by(status, SIGSEGV) && !WCOREDUMP(status), "so does a fault");
    pid_t pid = fork();
    if (pid == 0)
        die();
    memset(&info, 0, sizeof(info));
    is_eq(waitid(P_PID, (id_t)pid, &info, WEXITED), 0);
    is_eq(info.si_code, CLD_KILLED);
    is_eq(info.si_status, SIGSYS);
    done();
}
