/* setitimer(2): ITIMER_VIRTUAL and ITIMER_PROF count CPU time and send SIGVTALRM and SIGPROF. */
#include "sig.h"
#include <sys/time.h>

int main(void)
{
    struct itimerval it = {.it_value = {0, 20000}};

    install(SIGVTALRM, record, 0);
    install(SIGPROF, record, 0);
    is_eq(setitimer(ITIMER_VIRTUAL, &it, NULL), 0);
    nap_ms(60);
    is_eq(hits, 0);
    for (int64_t end = now_ns(CLOCK_MONOTONIC) + 10000000000LL; !hits;)
        if (now_ns(CLOCK_MONOTONIC) > end)
            break;
    is_eq(last_sig, SIGVTALRM);
    is_eq(setitimer(ITIMER_PROF, &it, NULL), 0);
    for (int64_t end = now_ns(CLOCK_MONOTONIC) + 10000000000LL; hits < 2;)
        if (now_ns(CLOCK_MONOTONIC) > end)
            break;
    is_eq(last_sig, SIGPROF);
    done();
}
