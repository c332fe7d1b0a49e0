/* sigaction(2): during a handler its signal and sa_mask are blocked; the old mask returns after it.
 */
#include "sig.h"

static volatile bool own, masked, other;

static void handler(int sig)
{
    own = is_blocked(sig);
    masked = is_blocked(SIGUSR2);
    other = is_blocked(SIGTERM);
    if (!hits++)
        raise(sig);
}

int main(void)
{
    struct sigaction sa = {.sa_handler = handler, .sa_mask = set_of(SIGUSR2)};

    sigaction(SIGUSR1, &sa, NULL);
    block(SIGHUP);
    raise(SIGUSR1);
    ok(own && masked && !other, "blocked as asked");
    ok(hits == 2, "the one raised inside ran afterwards");
    ok(!is_blocked(SIGUSR1) && !is_blocked(SIGUSR2) && is_blocked(SIGHUP), "mask restored");
    done();
}
