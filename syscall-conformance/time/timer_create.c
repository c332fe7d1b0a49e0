/* timer_create(2), timer_settime(2), timer_gettime(2): one-shot and periodic, absolute, disarming,
 * the value of the event, and errors. */
#include "../signal/sig.h"

#define SIGEV_THREAD_ID_ 4

static long sys_create(clockid_t clock, void *ev, void *id)
{
    return syscall(SYS_timer_create, clock, ev, id);
}

static void wait_hits(int n)
{
    for (int i = 0; i < 3000 && hits < n; i++)
        nap_ms(1);
}

int main(void)
{
    struct sigevent ev = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 42};
    struct itimerspec its = {{0, 0}, {0, 10000000}}, old;
    int id, id2;

    install(SIGRTMIN, record, 0);
    is_eq(sys_create(CLOCK_MONOTONIC, &ev, &id), 0);
    is_eq(syscall(SYS_timer_gettime, id, &old), 0);
    ok(!old.it_value.tv_sec && !old.it_value.tv_nsec, "disarmed at first");
    int64_t start = now_ns(CLOCK_MONOTONIC);
    is_eq(syscall(SYS_timer_settime, id, 0, &its, &old), 0);
    while (!hits)
        nap_ms(1);
    ok(now_ns(CLOCK_MONOTONIC) - start >= 10000000, "never early");
    is_eq(hits, 1);
    is_eq(last_info.si_code, SI_TIMER);
    is_eq(last_info.si_int, 42);
    is_eq(last_info.si_timerid == id, 1);
    is_eq(last_info.si_overrun, 0);
    is_eq(syscall(SYS_timer_gettime, id, &old), 0);
    ok(!old.it_value.tv_sec && !old.it_value.tv_nsec, "disarmed after it expired");

    /* Periodic. */
    its = (struct itimerspec){{0, 5000000}, {0, 5000000}};
    is_eq(syscall(SYS_timer_settime, id, 0, &its, NULL), 0);
    wait_hits(4);
    ok(hits >= 4, "expires again and again");
    is_eq(syscall(SYS_timer_gettime, id, &old), 0);
    ok(old.it_interval.tv_nsec == 5000000 && old.it_value.tv_nsec <= 5000000 &&
           old.it_value.tv_nsec > 0,
       "interval and time to the next");
    its = (struct itimerspec){{0, 0}, {0, 0}};
    is_eq(syscall(SYS_timer_settime, id, 0, &its, &old), 0);
    is_eq(old.it_interval.tv_nsec, 5000000);
    int n = hits;
    nap_ms(30);
    ok(hits == n, "disarmed");

    /* Absolute, and already past. */
    int64_t at = now_ns(CLOCK_MONOTONIC) + 10000000;
    its.it_value = (struct timespec){at / 1000000000, at % 1000000000};
    is_eq(syscall(SYS_timer_settime, id, TIMER_ABSTIME, &its, NULL), 0);
    wait_hits(n + 1);
    ok(now_ns(CLOCK_MONOTONIC) >= at && hits == n + 1, "at the time");
    its.it_value = (struct timespec){0, 1};
    is_eq(syscall(SYS_timer_settime, id, TIMER_ABSTIME, &its, NULL), 0);
    wait_hits(n + 2);
    is_eq(hits - n, 2);

    /* Without an event: SIGALRM with the timer's id. */
    install(SIGALRM, record, 0);
    is_eq(sys_create(CLOCK_REALTIME, NULL, &id2), 0);
    ok(id2 != id, "its own id");
    its.it_value = (struct timespec){0, 1000000};
    hits = 0;
    is_eq(syscall(SYS_timer_settime, id2, 0, &its, NULL), 0);
    wait_hits(1);
    is_eq(last_sig, SIGALRM);
    is_eq(last_info.si_int == id2, 1);

    its.it_value.tv_nsec = 1000000000;
    is_errno(syscall(SYS_timer_settime, id, 0, &its, NULL), EINVAL);
    is_errno(syscall(SYS_timer_settime, id, 0, NULL, NULL), EINVAL);
    is_errno(syscall(SYS_timer_settime, id, 0, BAD_PTR, NULL), EFAULT);
    is_errno(syscall(SYS_timer_settime, 12345, 0, &old, NULL), EINVAL);
    is_errno(syscall(SYS_timer_gettime, 12345, &old), EINVAL);
    is_errno(syscall(SYS_timer_gettime, id, BAD_PTR), EFAULT);
    is_errno(syscall(SYS_timer_getoverrun, 12345), EINVAL);
    is_errno(syscall(SYS_timer_delete, 12345), EINVAL);
    is_eq(syscall(SYS_timer_delete, id), 0);
    is_errno(syscall(SYS_timer_delete, id), EINVAL);
    is_errno(sys_create(77, NULL, &id), EINVAL);
    is_errno(sys_create(CLOCK_MONOTONIC_RAW, NULL, &id), EOPNOTSUPP);
    is_errno(sys_create(CLOCK_MONOTONIC, BAD_PTR, &id), EFAULT);
    is_errno(sys_create(CLOCK_MONOTONIC, NULL, BAD_PTR), EFAULT);
    ev.sigev_signo = 65;
    is_errno(sys_create(CLOCK_MONOTONIC, &ev, &id), EINVAL);
    ev.sigev_signo = SIGRTMIN;
    ev.sigev_notify = 9;
    is_errno(sys_create(CLOCK_MONOTONIC, &ev, &id), EINVAL);
    ev.sigev_notify = SIGEV_SIGNAL | SIGEV_THREAD_ID_;
    ev._sigev_un._tid = getppid(); /* not one of ours */
    is_errno(sys_create(CLOCK_MONOTONIC, &ev, &id), EINVAL);
    ev._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    is_eq(sys_create(CLOCK_MONOTONIC, &ev, &id), 0);
    ev.sigev_notify = SIGEV_NONE;
    is_eq(sys_create(CLOCK_MONOTONIC, &ev, &id), 0);
    done();
}
