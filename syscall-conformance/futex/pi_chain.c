/*
 * FUTEX_LOCK_PI: EDEADLK for who would wait for himself by way of others; after a handover the word
 * has FUTEX_WAITERS; FUTEX_LOCK_PI2 takes a time of either clock.
 */
#include "futex.h"

static uint32_t a, b;
static volatile pid_t tid;
static volatile int has_b, go;
static volatile uint32_t seen;

static void *other(void *arg)
{
    tid = (pid_t)syscall(SYS_gettid);
    futex(&b, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    has_b = 1;
    futex(&a, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    seen = a;
    futex(&a, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    futex(&b, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    return NULL;
}

int main(void)
{
    pthread_t th;
    struct timespec mono, real;

    is_eq(futex(&a, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
    pthread_create(&th, NULL, other, NULL);
    while (!has_b)
        sched_yield();
    await_state(tid, 'S');
    is_errno(futex(&b, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK);
    is_errno(futex(&b, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EAGAIN);
    is_eq(futex(&a, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
    pthread_join(th, NULL);
    is_eq(seen, (uint32_t)tid | FUTEX_WAITERS);
    is_eq(a, 0);

    /* Somebody else's lock. */
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    a = (uint32_t)pid;
    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_REALTIME, &real);
    is_errno(futex(&a, FUTEX_LOCK_PI2, 0, &mono, NULL, 0), ETIMEDOUT);
    is_errno(futex(&a, FUTEX_LOCK_PI2 | FUTEX_CLOCK_REALTIME, 0, &real, NULL, 0), ETIMEDOUT);
    is_errno(futex(&a, FUTEX_LOCK_PI, 0, &real, NULL, 0), ETIMEDOUT);
    is_errno(futex(&a, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EAGAIN);
    is_eq(a, (uint32_t)pid | FUTEX_WAITERS);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    done();
}
