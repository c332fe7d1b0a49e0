/* futex(2) FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET: only waiters whose bits meet those of the waker
 * are woken; plain waits and wakes stand for all bits. */
#include "futex.h"

int main(void)
{
    static uint32_t word;
    struct waiter w[4];

    waiter_start(&w[0], &word, FUTEX_WAIT_BITSET_PRIVATE, 0, 1);
    waiter_start(&w[1], &word, FUTEX_WAIT_BITSET_PRIVATE, 0, 2);
    waiter_start(&w[2], &word, FUTEX_WAIT_BITSET_PRIVATE, 0, 6);
    waiter_start(&w[3], &word, FUTEX_WAIT_PRIVATE, 0, 0);
    is_eq(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 1), 2); /* 0 and 3 */
    is_eq(waiter_join(&w[0]) + waiter_join(&w[3]), 0);
    is_eq(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 8), 0);
    is_eq(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 4), 1);
    is_eq(waiter_join(&w[2]), 0);
    is_eq(w[1].woken, 0);
    is_eq(futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 1);
    is_eq(waiter_join(&w[1]), 0);
    done();
}
