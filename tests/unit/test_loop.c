/* The timer queue, through the loop that serves it; and the ring of pipes and sockets. */
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"
#include "sentry/ipc/ring.h"
#include "sentry/kernel/loop.h"
#include "tests/unit/quiet.h"
#include "tests/unit/unit.h"

#define TIMERS 500
static struct ktimer timers[TIMERS];
static uint64_t last;
static int fired, expected;

static void expired(struct ktimer *t)
{
    ck_assert(!ktimer_armed(t));
    ck_assert_uint_ge(t->expires_ns, last);
    ck_assert_uint_ge(now_ns(), t->expires_ns);
    last = t->expires_ns;
    if (++fired == expected)
        loop_stop();
}

START_TEST(timers_in_order)
{
    uint64_t start = now_ns();

    platform = &quiet;
    ck_assert_int_eq(loop_init(), 0);
    srandom(7);
    for (int i = 0; i < TIMERS; i++) {
        ktimer_init(&timers[i], expired);
        ck_assert(!ktimer_armed(&timers[i]));
        ktimer_cancel(&timers[i]); /* of an idle one: nothing */
        ktimer_arm(&timers[i], start + (uint64_t)(random() % 20000000));
    }
    for (int round = 0; round < 5000; round++) {
        struct ktimer *t = &timers[random() % TIMERS];
        if (random() % 3)
            ktimer_arm(t, start + (uint64_t)(random() % 20000000));
        else
            ktimer_cancel(t);
    }
    for (int i = 0; i < TIMERS; i++)
        expected += ktimer_armed(&timers[i]);
    ck_assert_int_gt(expected, 50);
    loop_run();
    ck_assert_int_eq(fired, expected);
}
END_TEST

static struct ktimer *earliest(void)
{
    struct ktimer *t = NULL;

    for (int i = 0; i < TIMERS; i++)
        if (ktimer_armed(&timers[i]) && (!t || timers[i].expires_ns < t->expires_ns))
            t = &timers[i];
    return t;
}

START_TEST(timers_against_model)
{
    srandom(11);
    for (int i = 0; i < TIMERS; i++)
        ktimer_init(&timers[i], expired);
    for (int round = 0; round < 20000; round++) {
        struct ktimer *t = &timers[random() % TIMERS], *first;
        if (round % 2000 < 1500 && random() % 4)
            ktimer_arm(t, (uint64_t)(random() % 1000));
        else
            ktimer_cancel(random() % 2 && ktimers_first() ? ktimers_first() : t);
        first = earliest();
        ck_assert(!first == !ktimers_first());
        if (first)
            ck_assert_uint_eq(ktimers_first()->expires_ns, first->expires_ns);
    }
    ktimers_hold(true);
    ck_assert_ptr_null(ktimers_first());
    ktimers_hold(false);
    for (int i = 0; i < TIMERS; i++)
        ktimer_cancel(&timers[i]);
    ck_assert_ptr_null(ktimers_first());
}
END_TEST

static ssize_t put(struct ring *r, const void *data, size_t len)
{
    struct uio u;

    uio_init_kernel(&u, UIO_SOURCE, (void *)(uintptr_t)data, len);
    return ring_put(r, &u, len);
}

static ssize_t get(struct ring *r, void *data, size_t len)
{
    struct uio u;

    uio_init_kernel(&u, UIO_DEST, data, len);
    return ring_get(r, &u, len);
}

START_TEST(ring_keeps_order)
{
    struct ring r = {0};
    unsigned char buf[5000], in = 0, out = 0;

    srandom(3);
    for (int round = 0; round < 20000; round++) {
        size_t n = (size_t)random() % (random() % 8 ? 100 : sizeof(buf));
        if (random() % 2 && r.used < 100000) {
            for (size_t i = 0; i < n; i++)
                buf[i] = in++;
            ck_assert_int_eq(ring_reserve(&r, n), 0);
            ck_assert_int_eq(put(&r, buf, n), (ssize_t)n);
        } else {
            size_t want = n < r.used ? n : r.used;
            ck_assert_int_eq(get(&r, buf, n), (ssize_t)want);
            for (size_t i = 0; i < want; i++)
                if (buf[i] != out++)
                    ck_abort_msg("round %d: byte %zu differs", round, i);
        }
        ck_assert_uint_le(r.used, r.cap);
    }
    size_t left = r.used;
    ck_assert_int_eq(ring_reserve(&r, 3), 0);
    ring_unget(&r, "abc", 3);
    ck_assert_uint_eq(r.used, left + 3);
    ck_assert_int_eq(get(&r, buf, 3), 3);
    ck_assert(!memcmp(buf, "abc", 3));
    if (left > 1) {
        ring_skip(&r, 1);
        ck_assert_int_eq(get(&r, buf, 1), 1);
        ck_assert_uint_eq(buf[0], (unsigned char)(out + 1));
    }
    ring_free(&r);
}
END_TEST

UNIT_MAIN("loop", NULL, NULL, timers_in_order, timers_against_model, ring_keeps_order)
