/* getrlimit(2) RLIMIT_SIGPENDING: sigqueue beyond the limit gives EAGAIN, kill still works. */
#include "sig.h"
#include <sys/resource.h>

static void child(void)
{
    struct rlimit lim = {0, 0};

    become_nobody();
    block(SIGRTMIN);
    block(SIGUSR1);
    check(setrlimit(RLIMIT_SIGPENDING, &lim) == 0, 1);
    check(sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == -1 && errno == EAGAIN, 2);
    check(kill(getpid(), SIGUSR1) == 0 && is_pending(SIGUSR1), 3);
}

int main(void)
{
    is_eq(in_child(child), 0);
    done();
}
