/* Thousands of requests end at once, by the same completion: timeouts, polls of the ring itself. */
#include "uring.h"

enum { N = 3000 };

static void nop(void)
{
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 3);
    must(enter(1, 0, 0));
}

static void reap(int n)
{
    int have = 0;

    while (have < n) {
        must(enter(0, 1, IORING_ENTER_GETEVENTS));
        for (; cq_count(); have++)
            cqe_next();
    }
    is_eq(have, n);
}

int main(void)
{
    struct __kernel_timespec far = {1000, 0};

    ring_make(1024, 2);
    for (int i = 0; i < N; i++) {
        sqe_get(IORING_OP_TIMEOUT, -1, &far, 1, N, 1);
        must(enter(1, 0, 0));
    }
    for (int i = 0; i < N; i++)
        nop();
    reap(2 * N);
    for (int i = 0; i < N; i++) {
        sqe_get(IORING_OP_POLL_ADD, ring_fd, NULL, 0, 0, 2)->poll32_events = POLLIN;
        must(enter(1, 0, 0));
    }
    nop();
    reap(N + 1);
    done();
}
