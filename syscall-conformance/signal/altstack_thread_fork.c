/* sigaltstack(2): fork keeps the alternate stack, a new thread starts without one. */
#include "sig.h"
#include <pthread.h>

static char alt[65536];

static void child(void)
{
    stack_t ss;

    check(sigaltstack(NULL, &ss) == 0 && ss.ss_sp == alt && ss.ss_flags == 0, 1);
}

static void *thread(void *arg)
{
    stack_t *ss = arg;

    sigaltstack(NULL, ss);
    return NULL;
}

int main(void)
{
    stack_t ss = {.ss_sp = alt, .ss_size = sizeof(alt)}, seen;
    pthread_t t;

    sigaltstack(&ss, NULL);
    is_eq(in_child(child), 0);
    pthread_create(&t, NULL, thread, &seen);
    pthread_join(t, NULL);
    is_eq(seen.ss_flags, SS_DISABLE);
    done();
}
