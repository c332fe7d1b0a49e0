/* futex(2): a timed wait takes the time that was asked for and ends with ETIMEDOUT, a wait without
 * a timeout goes on, whatever other threads call meanwhile. */
#include "futex.h"
#include <sys/stat.h>

#define WAIT_NS 200000000LL
#define LATE_NS 15000000000LL /* nobody is as slow; who begins anew again and again is */

static uint32_t word, idle;
static int operation;
static volatile int started, ended, err;
static volatile int64_t took;

static void *wait_timed(void *arg)
{
    struct timespec ts = {0, WAIT_NS};
    int64_t start = now_ns(CLOCK_MONOTONIC);

    if ((operation & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET)
        ts = (struct timespec){(start + WAIT_NS) / 1000000000, (start + WAIT_NS) % 1000000000};
    started = 1;
    err = futex(&word, operation, 0, &ts, NULL, FUTEX_BITSET_MATCH_ANY) == -1 ? errno : 0;
    took = now_ns(CLOCK_MONOTONIC) - start;
    ended = 1;
    return NULL;
}

static void timed(int op)
{
    int64_t start = now_ns(CLOCK_MONOTONIC);
    pthread_t th;

    operation = op;
    started = ended = 0;
    pthread_create(&th, NULL, wait_timed, NULL);
    while (!started || (!ended && now_ns(CLOCK_MONOTONIC) - start < LATE_NS))
        umask(022);
    ok(ended, "a wait that ends (operation %d)", op);
    pthread_join(th, NULL);
    is_eq(err, ETIMEDOUT);
    ok(took >= WAIT_NS, "not early");
}

int main(void)
{
    struct waiter w;

    waiter_start(&w, &idle, FUTEX_WAIT_PRIVATE, 0, 0);
    timed(FUTEX_WAIT | FUTEX_PRIVATE_FLAG);
    timed(FUTEX_WAIT);
    timed(FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG);
    ok(!w.woken, "a wait without a timeout goes on");
    is_eq(futex(&idle, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
    is_eq(waiter_join(&w), 0);
    done();
}
