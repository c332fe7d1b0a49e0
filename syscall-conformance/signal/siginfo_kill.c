/* sigaction(2) SA_SIGINFO: kill gives SI_USER, the sender's pid and real uid. */
#include "sig.h"

int main(void)
{
    install(SIGUSR1, record, 0);
    is_eq(kill(getpid(), SIGUSR1), 0);
    is_eq(hits, 1);
    is_eq(last_sig, SIGUSR1);
    is_eq(last_info.si_signo, SIGUSR1);
    is_eq(last_info.si_code, SI_USER);
    ok(last_info.si_pid == getpid(), "si_pid");
    ok(last_info.si_uid == getuid(), "si_uid");
    is_eq(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1), 0);
    is_eq(last_info.si_code, SI_TKILL);
    ok(last_info.si_pid == getpid(), "si_pid");
    int status;
    pid_t self = getpid(), pid = fork();
    if (pid == 0)
        _exit(kill(self, SIGUSR1));
    waitpid(pid, &status, 0);
    is_eq(hits, 3);
    ok(last_info.si_pid == pid, "si_pid of another process");
    done();
}
