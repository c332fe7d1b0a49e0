/* timer_create(2): each timer has a queued signal of its user from the beginning; EAGAIN when
 * RLIMIT_SIGPENDING leaves none, also for sigqueue(3), while the timers' own signals still come. */
#include "../tmp.h"

#include <signal.h>
#include <sys/resource.h>
#include <time.h>

static volatile sig_atomic_t fired;

static void on_alarm(int sig)
{
    fired++;
}

int main(void)
{
    struct rlimit r = {10, 10};
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    struct itimerspec soon = {.it_value = {0, 1000000}};
    timer_t id[11];

    must(setresgid(31338, 31338, 31338));
    must(setresuid(31338, 31338, 31338));
    must(setrlimit(RLIMIT_SIGPENDING, &r));
    signal(SIGRTMIN, on_alarm);
    for (int i = 0; i < 10; i++)
        must(timer_create(CLOCK_MONOTONIC, &ev, &id[i]));
    is_errno(timer_create(CLOCK_MONOTONIC, &ev, &id[10]), EAGAIN);
    is_errno(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){0}), EAGAIN);
    must(timer_settime(id[3], 0, &soon, NULL));
    while (!fired)
        ;
    is_eq(fired, 1);
    must(timer_delete(id[3]));
    must(timer_create(CLOCK_MONOTONIC, &ev, &id[3]));
    is_errno(timer_create(CLOCK_MONOTONIC, &ev, &id[10]), EAGAIN);
    done();
}
