/* futex(2): the timeout of FUTEX_WAIT is relative, that of FUTEX_WAIT_BITSET absolute, by
 * CLOCK_MONOTONIC or CLOCK_REALTIME; ETIMEDOUT never comes early. */
#include "futex.h"

static void absolute(clockid_t clock, int flag)
{
    static uint32_t word;
    int64_t at = now_ns(clock) + 20000000;
    struct timespec ts = {at / 1000000000, at % 1000000000};

    is_errno(futex(&word, FUTEX_WAIT_BITSET | flag, 0, &ts, NULL, FUTEX_BITSET_MATCH_ANY),
             ETIMEDOUT);
    ok(now_ns(clock) >= at, "clock %d reached the time", clock);
    ts.tv_sec = 1;
    is_errno(futex(&word, FUTEX_WAIT_BITSET | flag, 0, &ts, NULL, FUTEX_BITSET_MATCH_ANY),
             ETIMEDOUT);
}

int main(void)
{
    static uint32_t word;
    struct timespec ts = {0, 20000000}, zero = {0, 0};

    for (int flag = 0; flag <= FUTEX_PRIVATE_FLAG; flag += FUTEX_PRIVATE_FLAG) {
        int64_t start = now_ns(CLOCK_MONOTONIC);
        is_errno(futex(&word, FUTEX_WAIT | flag, 0, &ts, NULL, 0), ETIMEDOUT);
        ok(now_ns(CLOCK_MONOTONIC) - start >= 20000000, "relative, never early");
        is_errno(futex(&word, FUTEX_WAIT | flag, 0, &zero, NULL, 0), ETIMEDOUT);
        is_errno(futex(&word, FUTEX_WAIT | flag, 1, &zero, NULL, 0), EAGAIN);
        absolute(CLOCK_MONOTONIC, flag);
        absolute(CLOCK_REALTIME, flag | FUTEX_CLOCK_REALTIME);
    }
    done();
}
