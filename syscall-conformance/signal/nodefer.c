/* sigaction(2) SA_NODEFER: the signal can arrive again from within its own handler. */
#include "sig.h"

static volatile int depth, deepest;

static void handler(int sig)
{
    if (++depth > deepest)
        deepest = depth;
    if (depth < 4)
        raise(sig);
    depth--;
}

int main(void)
{
    struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_NODEFER};

    sigaction(SIGUSR1, &sa, NULL);
    raise(SIGUSR1);
    is_eq(deepest, 4);
    sa.sa_mask = set_of(SIGUSR1);
    sigaction(SIGUSR1, &sa, NULL);
    depth = deepest = 0;
    sa.sa_flags = SA_NODEFER | SA_RESETHAND;
    sigaction(SIGUSR1, NULL, &sa);
    ok(sa.sa_flags & SA_NODEFER, "flag is reported");
    done();
}
