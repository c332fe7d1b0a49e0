/* timer_getoverrun(2): a timer queues one signal at a time; expirations that came while it was
 * pending are counted. */
#include "../signal/sig.h"

int main(void)
{
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
    struct itimerspec its = {{0, 2000000}, {0, 2000000}}, now;
    sigset_t set = set_of(SIGRTMIN + 1);
    siginfo_t info;
    struct timespec zero = {0, 0};
    int id;

    block(SIGRTMIN + 1);
    is_eq(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id), 0);
    is_eq(syscall(SYS_timer_getoverrun, id), 0);
    is_eq(syscall(SYS_timer_settime, id, 0, &its, NULL), 0);
    nap_ms(50);
    is_eq(sigwaitinfo(&set, &info) == SIGRTMIN + 1, 1);
    is_eq(info.si_code, SI_TIMER);
    ok(info.si_overrun >= 20, "about a 25th signal");
    is_eq(syscall(SYS_timer_getoverrun, id) == info.si_overrun, 1);
    /* Stopped and the pending one taken: no more come. */
    is_eq(syscall(SYS_timer_settime, id, 0, &(struct itimerspec){{0, 0}, {0, 0}}, &now), 0);
    while (sigtimedwait(&set, &info, &zero) > 0)
        ;
    nap_ms(10);
    is_errno(sigtimedwait(&set, &info, &zero), EAGAIN);

    /* SIGEV_NONE: no signal, but the time can be read. */
    ev.sigev_notify = SIGEV_NONE;
    is_eq(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id), 0);
    its = (struct itimerspec){{0, 0}, {100, 0}};
    is_eq(syscall(SYS_timer_settime, id, 0, &its, NULL), 0);
    is_eq(syscall(SYS_timer_gettime, id, &now), 0);
    ok(now.it_value.tv_sec >= 90 && now.it_value.tv_sec < 100, "time to go");
    is_errno(sigtimedwait(&set, &info, &zero), EAGAIN);
    done();
}
