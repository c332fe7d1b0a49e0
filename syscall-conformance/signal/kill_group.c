/* kill(2): pid 0 and negative pids signal every process of the group, the sender included. */
#include "sig.h"

static void group(void)
{
    setpgid(0, 0);
    install(SIGUSR1, record, SA_RESTART);
    int p[2];
    char c;
    check(pipe(p) == 0, 1);
    pid_t kids[2];
    for (int i = 0; i < 2; i++) {
        kids[i] = fork();
        if (kids[i] == 0) {
            signal(SIGUSR1, SIG_DFL);
            check(write(p[1], "x", 1) == 1, 2);
            for (;;)
                pause();
        }
    }
    check(read(p[0], &c, 1) == 1 && read(p[0], &c, 1) == 1, 3);
    check(kill(0, SIGUSR1) == 0, 4);
    check(hits == 1, 5);
    for (int i = 0; i < 2; i++) {
        int status;
        check(waitpid(kids[i], &status, 0) == kids[i] && killed_by(status, SIGUSR1), 6);
    }
    check(kill(-getpid(), SIGUSR1) == 0 && hits == 2, 7);
}

int main(void)
{
    is_eq(in_child(group), 0);
    is_eq(hits, 0);
    done();
}
