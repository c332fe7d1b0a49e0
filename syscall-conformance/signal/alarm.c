/* alarm(2): sends SIGALRM once; returns the seconds left; 0 cancels; shares the timer of setitimer.
 */
#include "sig.h"
#include <sys/time.h>

int main(void)
{
    struct itimerval it = {.it_value = {0, 20000}};

    install(SIGALRM, record, 0);
    is_eq(alarm(100), 0);
    is_eq(alarm(50), 100);
    is_eq(alarm(0), 50);
    is_eq(alarm(0), 0);
    is_eq(setitimer(ITIMER_REAL, &it, NULL), 0);
    is_errno(pause(), EINTR);
    is_eq(hits, 1);
    is_eq(last_info.si_code, SI_KERNEL);
    alarm(70);
    getitimer(ITIMER_REAL, &it);
    ok(it.it_value.tv_sec >= 68 && it.it_value.tv_sec <= 70, "the same timer");
    done();
}
