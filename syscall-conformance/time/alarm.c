/* alarm(2): one alarm per process, the seconds left of the former are returned rounded, a child
 * does not inherit it and exec keeps it. */
#include "../signal/sig.h"

static void no_alarm(void)
{
    check(alarm(0) == 0, 1);
}

int main(int argc, char **argv)
{
    if (argc > 1) { /* after exec */
        unsigned int left = alarm(0);
        _exit(left > 40 && left <= 50 ? 0 : 1);
    }
    is_eq(alarm(100), 0);
    is_eq(alarm(50), 100);
    ok(exited_with(in_child(no_alarm), 0), "fork does not inherit it");
    pid_t pid = fork();
    if (pid == 0) {
        alarm(50);
        execl("/proc/self/exe", "alarm", "again", (char *)NULL);
        _exit(2);
    }
    int status;
    waitpid(pid, &status, 0);
    is_eq(status, 0);
    is_eq(alarm(0), 50);
    is_eq(alarm(0), 0);
    install(SIGALRM, record, 0);
    pid = fork();
    if (pid == 0) {
        signal(SIGALRM, SIG_DFL);
        ualarm(1000, 0);
        for (;;)
            pause();
    }
    waitpid(pid, &status, 0);
    ok(killed_by(status, SIGALRM), "kills by default");
    ualarm(5000, 0);
    is_errno(pause(), EINTR);
    is_eq(hits, 1);
    done();
}
