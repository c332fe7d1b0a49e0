/* siglongjmp(3): leaving a handler that way restores the mask saved by sigsetjmp. */
#include "sig.h"

static sigjmp_buf env;

static void handler(int sig)
{
    hits++;
    siglongjmp(env, sig);
}

int main(void)
{
    struct sigaction sa = {.sa_handler = handler};

    sigaction(SIGUSR1, &sa, NULL);
    for (volatile int i = 0; i < 3; i++) {
        if (!sigsetjmp(env, 1))
            raise(SIGUSR1);
    }
    is_eq(hits, 3);
    ok(!is_blocked(SIGUSR1), "mask restored");
    if (!sigsetjmp(env, 0))
        raise(SIGUSR1);
    ok(is_blocked(SIGUSR1), "mask not saved: still blocked");
    done();
}
