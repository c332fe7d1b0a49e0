/* futex(2) FUTEX_CMP_REQUEUE: wakes some of the waiters, moves others to a second word without
 * waking them, if the first word has the value; returns how many of both. */
#include "futex.h"

static void round_of(int private)
{
    static uint32_t a, b;
    struct waiter w[4];

    for (int i = 0; i < 4; i++)
        waiter_start(&w[i], &a, FUTEX_WAIT | private, 0, 0);
    is_errno(futex2(&a, FUTEX_CMP_REQUEUE | private, 1, 10, &b, 1), EAGAIN);
    is_eq(futex2(&a, FUTEX_CMP_REQUEUE | private, 1, 2, &b, 0), 3);
    is_eq(futex(&b, FUTEX_WAKE | private, 1, NULL, NULL, 0), 1);
    is_eq(futex2(&a, FUTEX_REQUEUE | private, 0, 5, &b, 0), 1);
    is_eq(futex(&a, FUTEX_WAKE | private, 5, NULL, NULL, 0), 0);
    is_eq(futex(&b, FUTEX_WAKE | private, 5, NULL, NULL, 0), 2);
    int bad = 0;
    for (int i = 0; i < 4; i++)
        bad += waiter_join(&w[i]) != 0;
    is_eq(bad, 0);
    is_eq(futex2(&a, FUTEX_CMP_REQUEUE | private, 1, 1, &b, 0), 0);

    /* Onto itself. */
    waiter_start(&w[0], &a, FUTEX_WAIT | private, 0, 0);
    is_eq(futex2(&a, FUTEX_CMP_REQUEUE | private, 0, 1, &a, 0), 1);
    is_eq(futex(&a, FUTEX_WAKE | private, 1, NULL, NULL, 0), 1);
    is_eq(waiter_join(&w[0]), 0);
}

int main(void)
{
    round_of(0);
    round_of(FUTEX_PRIVATE_FLAG);
    done();
}
