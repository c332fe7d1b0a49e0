/*
 * futex(2), errors: which clocks, masks, numbers and times each operation takes, and what is looked
 * at first.
 */
#include "futex.h"

static uint32_t word, word2;

int main(void)
{
    struct timespec bad = {0, 1000000000}, negative = {-1, 0}, past = {1, 0};
    const int no_clock[] = {
        FUTEX_WAIT,    FUTEX_WAKE,      FUTEX_REQUEUE,    FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP,
        FUTEX_LOCK_PI, FUTEX_UNLOCK_PI, FUTEX_TRYLOCK_PI, FUTEX_WAKE_BITSET, FUTEX_CMP_REQUEUE_PI};
    const int timed[] = {FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_LOCK_PI, FUTEX_LOCK_PI2,
                         FUTEX_WAIT_REQUEUE_PI};

    for (unsigned i = 0; i < sizeof(no_clock) / sizeof(*no_clock); i++)
        is_errno(futex(&word, no_clock[i] | FUTEX_CLOCK_REALTIME, 0, NULL, &word2, 0), ENOSYS);
    for (unsigned i = 0; i < sizeof(timed) / sizeof(*timed); i++) {
        is_errno(futex(&word, timed[i], 1, &bad, &word2, 1), EINVAL);
        is_errno(futex(&word, timed[i], 1, &negative, &word2, 1), EINVAL);
        is_errno(futex(&word, timed[i], 1, BAD_PTR, &word2, 1), EFAULT);
    }
    is_errno(futex(&word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 1, &bad, NULL, 0), EINVAL);
    is_errno(futex(&word, 14, 0, NULL, NULL, 0), ENOSYS);
    is_errno(futex(&word, 127, 0, NULL, NULL, 0), ENOSYS);
    is_errno(futex(&word, FUTEX_FD, 0, NULL, NULL, 0), ENOSYS);
    is_errno(futex(BAD_PTR, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
    is_errno(futex(&word, FUTEX_WAIT_BITSET, 1, NULL, NULL, 0), EINVAL);
    is_errno(futex(&word, FUTEX_WAIT_BITSET, 1, NULL, NULL, 1), EAGAIN);
    is_errno(futex(&word, FUTEX_WAIT_BITSET, 0, &past, NULL, 1), ETIMEDOUT);
    is_errno(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &past, NULL, 1), ETIMEDOUT);
    is_errno(futex(&word, FUTEX_WAIT_REQUEUE_PI | FUTEX_CLOCK_REALTIME, 0, &past, &word2, 0),
             ETIMEDOUT);
    is_errno(futex2(&word, FUTEX_REQUEUE, -1, 1, &word2, 0), EINVAL);
    is_errno(futex2(&word, FUTEX_REQUEUE, 1, -1, &word2, 0), EINVAL);
    is_errno(futex2(&word, FUTEX_CMP_REQUEUE, 1, 1, &word2, 1), EAGAIN);
    is_errno(futex2(&word, FUTEX_CMP_REQUEUE, 1, 1, (char *)&word2 + 1, 0), EINVAL);
    is_errno(futex((char *)&word + 2, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);

    /* To the same word: all are counted, nobody moves. */
    struct waiter w[2];
    for (int i = 0; i < 2; i++)
        waiter_start(&w[i], &word, FUTEX_WAIT, 0, 0);
    is_eq(futex2(&word, FUTEX_REQUEUE, 0, 0x7fffffff, &word, 0), 2);
    is_eq(futex(&word, FUTEX_WAKE, 0, NULL, NULL, 0), 1); /* 0 is one, too */
    is_eq(futex(&word, FUTEX_WAKE, -1, NULL, NULL, 0), 1);
    for (int i = 0; i < 2; i++)
        is_eq(waiter_join(&w[i]), 0);

    /* Locks: the owner, somebody else, nobody that lives; both kinds of time. */
    is_errno(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
    is_eq(futex(&word, FUTEX_LOCK_PI2, 0, &past, NULL, 0), 0);
    is_errno(futex(&word, FUTEX_LOCK_PI2, 0, NULL, NULL, 0), EDEADLK);
    is_errno(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EDEADLK);
    is_eq(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
    is_eq(word, 0);
    word = 0x3fffffff;
    is_errno(futex(&word, FUTEX_LOCK_PI2, 0, NULL, NULL, 0), ESRCH);
    is_errno(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
    done();
}
