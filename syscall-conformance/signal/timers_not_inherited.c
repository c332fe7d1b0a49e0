/* fork(2): the child inherits neither timers nor alarms, nor pending signals. */
#include "sig.h"
#include <sys/time.h>

static void child(void)
{
    struct itimerval it;

    check(alarm(0) == 0, 1);
    check(getitimer(ITIMER_PROF, &it) == 0 && !it.it_value.tv_sec && !it.it_value.tv_usec, 2);
    check(!is_pending(SIGUSR1), 3);
    check(is_blocked(SIGUSR1), 4);
}

int main(void)
{
    struct itimerval it = {.it_value = {100, 0}};

    block(SIGUSR1);
    raise(SIGUSR1);
    alarm(100);
    setitimer(ITIMER_PROF, &it, NULL);
    is_eq(in_child(child), 0);
    ok(alarm(0) > 90, "the parent's alarm is still set");
    done();
}
