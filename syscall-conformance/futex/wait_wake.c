/* futex(2) FUTEX_WAIT, FUTEX_WAKE: waits only while the word has the value (EAGAIN otherwise);
 * wakes at most as many as asked for and returns their number. */
#include "futex.h"

static void round_of(int private)
{
    static uint32_t word;
    struct waiter w[3];

    word = 5;
    is_errno(futex(&word, FUTEX_WAIT | private, 4, NULL, NULL, 0), EAGAIN);
    is_eq(futex(&word, FUTEX_WAKE | private, 1, NULL, NULL, 0), 0);
    for (int i = 0; i < 3; i++)
        waiter_start(&w[i], &word, FUTEX_WAIT | private, 5, 0);
    is_eq(futex(&word, FUTEX_WAKE | private, 1, NULL, NULL, 0), 1);
    while (w[0].woken + w[1].woken + w[2].woken < 1)
        nap_ms(1);
    is_eq(w[0].woken + w[1].woken + w[2].woken, 1);
    is_eq(futex(&word, FUTEX_WAKE | private, INT32_MAX, NULL, NULL, 0), 2);
    is_eq(waiter_join(&w[0]) + waiter_join(&w[1]) + waiter_join(&w[2]), 0);
    is_eq(futex(&word, FUTEX_WAKE | private, 1, NULL, NULL, 0), 0);
}

int main(void)
{
    static uint32_t word;
    struct waiter w;

    round_of(0);
    round_of(FUTEX_PRIVATE_FLAG);
    waiter_start(&w, &word, FUTEX_WAIT_PRIVATE, 0, 0);
    is_eq(futex(&word, FUTEX_WAKE_PRIVATE, 0, NULL, NULL, 0), 1); /* Linux wakes one even so */
    is_eq(waiter_join(&w), 0);
    done();
}
