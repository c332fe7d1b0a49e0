/* Each of many rings polls the one before it: one completion in the first reaches the last. */
#include "uring.h"

enum { RINGS = 200 };

int main(void)
{
    ring_make(4, 1);
    int first = ring_fd;
    char *mem = ring_mem;
    struct io_uring_sqe *sqes = ring_sqes;
    struct io_uring_params params = rp;
    for (int i = 0; i < RINGS; i++) {
        int before = ring_fd;
        memset(&rp, 0, sizeof(rp));
        ring_make(4, 1);
        sqe_get(IORING_OP_POLL_ADD, before, NULL, 0, 0, 2)->poll32_events = POLLIN;
        must(enter(1, 0, 0));
    }
    struct pollfd last = {ring_fd, POLLIN, 0};
    ring_fd = first, ring_mem = mem, ring_sqes = sqes, rp = params;
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 3);
    must(enter(1, 0, 0));
    is_eq(poll(&last, 1, 10000), 1);
    done();
}
