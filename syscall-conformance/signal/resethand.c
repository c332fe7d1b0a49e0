/* sigaction(2) SA_RESETHAND: the action is the default again when the handler is entered. */
#include "sig.h"

static volatile bool reset;

static void handler(int sig)
{
    struct sigaction sa;

    sigaction(sig, NULL, &sa);
    reset = sa.sa_handler == SIG_DFL;
    hits++;
}

static void child(void)
{
    struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESETHAND};

    sigaction(SIGUSR1, &sa, NULL);
    raise(SIGUSR1);
    check(hits == 1 && reset, 1);
    raise(SIGUSR1);
    _exit(2);
}

int main(void)
{
    ok(killed_by(in_child(child), SIGUSR1), "the second signal kills");
    done();
}
