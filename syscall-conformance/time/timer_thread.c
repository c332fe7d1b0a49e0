/* timer_create(2): SIGEV_THREAD_ID sends to that thread; timers are not inherited by fork; CPU-time
 * timers count work only. */
#include "../signal/sig.h"
#include <pthread.h>

static volatile pid_t handled_by, other;
static int stop[2];

static void note(int sig, siginfo_t *info, void *uc)
{
    handled_by = (pid_t)syscall(SYS_gettid);
    hits++;
}

static void *idle(void *arg)
{
    char c;

    other = (pid_t)syscall(SYS_gettid);
    while (read(stop[0], &c, 1) < 0)
        ;
    return NULL;
}

static int timer_id;

static void child_has_none(void)
{
    struct itimerspec its;

    check(syscall(SYS_timer_gettime, timer_id, &its) == -1 && errno == EINVAL, 1);
}

int main(void)
{
    struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
    struct itimerspec its = {{0, 0}, {0, 5000000}};
    pthread_t th;

    if (pipe(stop) < 0)
        return 1;
    install(SIGUSR1, note, SA_RESTART);
    pthread_create(&th, NULL, idle, NULL);
    while (!other)
        nap_ms(1);
    ev._sigev_un._tid = other;
    is_eq(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &timer_id), 0);
    is_eq(syscall(SYS_timer_settime, timer_id, 0, &its, NULL), 0);
    for (int i = 0; i < 2000 && !hits; i++)
        nap_ms(1);
    is_eq(hits, 1);
    ok(handled_by == other, "in the thread asked for");
    ok(exited_with(in_child(child_has_none), 0), "fork does not inherit timers");

    /* CPU time. */
    ev.sigev_notify = SIGEV_SIGNAL;
    is_eq(syscall(SYS_timer_create, CLOCK_PROCESS_CPUTIME_ID, &ev, &timer_id), 0);
    its.it_value.tv_nsec = 30000000;
    is_eq(syscall(SYS_timer_settime, timer_id, 0, &its, NULL), 0);
    hits = 0;
    int64_t start = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    nap_ms(50);
    is_eq(hits, 0);
    while (!hits && now_ns(CLOCK_PROCESS_CPUTIME_ID) - start < 900000000)
        ;
    is_eq(hits, 1);
    ok(now_ns(CLOCK_PROCESS_CPUTIME_ID) - start >= 29000000, "after that much work");
    (void)!write(stop[1], "x", 1);
    pthread_join(th, NULL);
    done();
}
