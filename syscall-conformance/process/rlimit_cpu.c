/* getrlimit(2) RLIMIT_CPU: SIGXCPU at the soft limit. */
#include "child.h"
#include <sys/resource.h>

static void child(void)
{
    struct rlimit lim = {1, 3}, none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
    signal(SIGXCPU, SIG_DFL);
    check(setrlimit(RLIMIT_CPU, &lim) == 0, 1);
    while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < 2500000000LL)
        ;
}

int main(void)
{
    enter_scratch();
    ok(killed_by(in_child(child), SIGXCPU), "SIGXCPU after a second of CPU time");
    done();
}
