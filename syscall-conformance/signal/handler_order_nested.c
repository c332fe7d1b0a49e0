/* signal(7): several pending signals are all delivered; SIGKILL wins over everything. */
#include "sig.h"

static void child(void)
{
    block(SIGTERM);
    block(SIGUSR1);
    raise(SIGTERM);
    raise(SIGUSR1);
    kill(getpid(), SIGKILL);
    _exit(1);
}

int main(void)
{
    sigset_t old, set;

    ok(killed_by(in_child(child), SIGKILL), "SIGKILL");
    install(SIGUSR1, record, 0);
    install(SIGUSR2, record, 0);
    install(SIGHUP, record, 0);
    sigfillset(&set);
    sigprocmask(SIG_SETMASK, &set, &old);
    raise(SIGUSR1);
    raise(SIGUSR2);
    raise(SIGHUP);
    sigprocmask(SIG_SETMASK, &old, NULL);
    is_eq(hits, 3);
    done();
}
