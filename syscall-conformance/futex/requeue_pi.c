/*
 * FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI (futex(2)): waiters of a word become waiters of a
 * lock, or its owner; other operations are refused on words with such waiters.
 */
#include "futex.h"

static uint32_t cond, lock, other;
static volatile int inside, mixed, woken;

struct pi_wait {
    pthread_t thread;
    volatile pid_t tid;
    volatile long result;
    volatile int err;
    uint32_t *word;
    struct timespec until;
    int timed, owns;
};

static void *wait_main(void *arg)
{
    struct pi_wait *w = arg;

    w->tid = (pid_t)syscall(SYS_gettid);
    w->result = futex(w->word, FUTEX_WAIT_REQUEUE_PI, 0, w->timed ? &w->until : NULL, &lock, 0);
    w->err = errno;
    if (w->result == 0) {
        w->owns = (pid_t)(lock & FUTEX_TID_MASK) == w->tid;
        mixed += inside++ != 0;
        woken++;
        sched_yield();
        inside--;
        futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    }
    return NULL;
}

static void start(struct pi_wait *w, uint32_t *word, int timed)
{
    memset(w, 0, sizeof(*w));
    w->word = word;
    w->timed = timed;
    clock_gettime(CLOCK_MONOTONIC, &w->until);
    w->until.tv_nsec += 30000000;
    if (w->until.tv_nsec >= 1000000000) {
        w->until.tv_sec++;
        w->until.tv_nsec -= 1000000000;
    }
    pthread_create(&w->thread, NULL, wait_main, w);
    while (!w->tid)
        sched_yield();
    if (!timed)
        await_state(w->tid, 'S');
}

int main(void)
{
    struct pi_wait w[3], late;
    uint32_t me = (uint32_t)syscall(SYS_gettid);

    is_errno(futex(&cond, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &cond, 0), EINVAL);
    is_errno(futex(&cond, FUTEX_WAIT_REQUEUE_PI, 1, NULL, &lock, 0), EAGAIN);
    is_errno(futex2(&cond, FUTEX_CMP_REQUEUE_PI, 2, 1, &lock, 0), EINVAL);
    is_errno(futex2(&cond, FUTEX_CMP_REQUEUE_PI, 1, 1, &cond, 0), EINVAL);
    is_errno(futex2(&cond, FUTEX_CMP_REQUEUE_PI, 1, -1, &lock, 0), EINVAL);
    is_errno(futex2(&cond, FUTEX_CMP_REQUEUE_PI, 1, 1, &lock, 1), EAGAIN);
    is_eq(futex2(&cond, FUTEX_CMP_REQUEUE_PI, 1, 1, &lock, 0), 0);

    start(&late, &cond, 1);
    pthread_join(late.thread, NULL);
    ok(late.result == -1 && late.err == ETIMEDOUT, "nobody moved it: ETIMEDOUT");

    /* The lock is free: the first gets it, the others wait for it. */
    for (int i = 0; i < 3; i++)
        start(&w[i], &cond, 0);
    is_errno(futex(&cond, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
    is_errno(futex2(&cond, FUTEX_REQUEUE, 1, 1, &other, 0), EINVAL);
    is_errno(futex2(&cond, FUTEX_CMP_REQUEUE_PI, 1, 1, &other, 0), EINVAL);
    is_eq(futex2(&cond, FUTEX_CMP_REQUEUE_PI, 1, 10, &lock, 0), 3);
    for (int i = 0; i < 3; i++) {
        pthread_join(w[i].thread, NULL);
        ok(w[i].result == 0 && w[i].owns, "it has the lock");
    }
    is_eq(woken, 3);
    is_eq(lock & FUTEX_TID_MASK, 0);

    /* We have it: they wait until we give it up. */
    is_eq(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
    for (int i = 0; i < 3; i++)
        start(&w[i], &cond, 0);
    /* Who would have been woken counts as one more. */
    is_eq(futex2(&cond, FUTEX_CMP_REQUEUE_PI, 1, 0, &lock, 0), 1);
    is_eq(futex2(&cond, FUTEX_CMP_REQUEUE_PI, 1, 1, &lock, 0), 2);
    is_eq(futex2(&cond, FUTEX_CMP_REQUEUE_PI, 1, 10, &lock, 0), 0);
    is_eq(woken, 3);
    is_eq(lock, me | FUTEX_WAITERS);
    is_eq(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(w[i].thread, NULL);
    is_eq(woken, 6);
    is_eq(mixed, 0);

    /* The time of the wait goes on at the lock. */
    is_eq(futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
    start(&late, &cond, 1);
    while (futex2(&cond, FUTEX_CMP_REQUEUE_PI, 1, 1, &lock, 0) == 0 && !late.err)
        sched_yield();
    pthread_join(late.thread, NULL);
    ok(late.result == -1 && late.err == ETIMEDOUT, "nobody gave it the lock: ETIMEDOUT");
    is_eq(futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);

    struct waiter plain;
    waiter_start(&plain, &cond, FUTEX_WAIT, 0, 0);
    is_errno(futex2(&cond, FUTEX_CMP_REQUEUE_PI, 1, 1, &lock, 0), EINVAL);
    is_eq(futex(&cond, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
    is_eq(waiter_join(&plain), 0);
    done();
}
