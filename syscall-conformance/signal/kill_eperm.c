/* kill(2): EPERM for a process of another user, except SIGCONT within the session. */
#include "sig.h"

static pid_t victim;

static void child(void)
{
    become_nobody();
    check(kill(victim, 0) == -1 && errno == EPERM, 1);
    check(kill(victim, SIGKILL) == -1 && errno == EPERM, 2);
    check(kill(victim, SIGCONT) == 0, 3);
    check(syscall(SYS_tgkill, victim, victim, SIGTERM) == -1 && errno == EPERM, 4);
    check(kill(getpid(), 0) == 0, 5);
}

int main(void)
{
    int status;

    if (geteuid() != 0) {
        skip("needs two users");
        done();
    }
    victim = fork();
    if (victim == 0) {
        for (;;)
            pause();
    }
    is_eq(in_child(child), 0);
    is_eq(kill(victim, SIGKILL), 0);
    waitpid(victim, &status, 0);
    ok(killed_by(status, SIGKILL), "only root's signal killed it");
    done();
}
