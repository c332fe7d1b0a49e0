/* sigaltstack(2): SA_ONSTACK handlers run on the alternate stack and see SS_ONSTACK; others do not.
 */
#include "sig.h"
#include <stdint.h>

static char alt[65536];
static volatile bool on_alt, flagged;
static volatile int change_errno;

static void handler(int sig)
{
    stack_t ss;
    char here;

    (void)sig;
    on_alt = (uintptr_t)&here - (uintptr_t)alt < sizeof(alt);
    sigaltstack(NULL, &ss);
    flagged = ss.ss_flags & SS_ONSTACK;
    ss.ss_flags = 0;
    change_errno = on_alt && sigaltstack(&ss, NULL) < 0 ? errno : 0;
}

int main(void)
{
    stack_t ss = {.ss_sp = alt, .ss_size = sizeof(alt)}, old;
    struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_ONSTACK};

    is_eq(sigaltstack(&ss, NULL), 0);
    sigaction(SIGUSR1, &sa, NULL);
    raise(SIGUSR1);
    ok(on_alt, "on the alternate stack");
    ok(flagged, "SS_ONSTACK");
    is_eq(change_errno, EPERM);
    is_eq(sigaltstack(NULL, &old), 0);
    ok(old.ss_flags == 0 && old.ss_sp == alt && old.ss_size == sizeof(alt),
       "not in use afterwards");
    sa.sa_flags = 0;
    sigaction(SIGUSR1, &sa, NULL);
    raise(SIGUSR1);
    ok(!on_alt && !flagged, "without the flag: the ordinary stack");
    done();
}
