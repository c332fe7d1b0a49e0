/* sigaltstack(2) SS_AUTODISARM: the stack is cleared on entry to the handler and set again on
 * return. */
#include "sig.h"

static char alt[65536];
static volatile int flags_inside = -1;

static void handler(int sig)
{
    stack_t ss;

    (void)sig;
    sigaltstack(NULL, &ss);
    flags_inside = ss.ss_flags;
}

int main(void)
{
    stack_t ss = {.ss_sp = alt, .ss_size = sizeof(alt), .ss_flags = (int)(1U << 31)}, old;
    struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_ONSTACK};

    is_eq(sigaltstack(&ss, NULL), 0);
    sigaction(SIGUSR1, &sa, NULL);
    raise(SIGUSR1);
    is_eq(flags_inside, SS_DISABLE);
    sigaltstack(NULL, &old);
    ok(old.ss_sp == alt && old.ss_flags == (int)(1U << 31), "armed again");
    done();
}
