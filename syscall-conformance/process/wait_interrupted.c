/* wait(2): EINTR when a signal is caught by a handler without SA_RESTART. */
#include "child.h"

static void on_alarm(int sig)
{
    (void)sig;
}

int main(void)
{
    struct sigaction sa = {.sa_handler = on_alarm};
    int status;
    pid_t pid = fork(), parent = getppid();

    (void)parent;
    if (pid == 0) {
        await_state(getppid(), 'S');
        nap_ms(20);
        kill(getppid(), SIGUSR1);
        for (;;)
            pause();
    }
    sigaction(SIGUSR1, &sa, NULL);
    is_errno(waitpid(pid, &status, 0), EINTR);
    kill(pid, SIGKILL);
    ok(waitpid(pid, &status, 0) == pid, "reaped");
    done();
}
