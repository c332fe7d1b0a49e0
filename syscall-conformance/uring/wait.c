/* io_uring(7): what is not ready waits in the ring, not in the call; cancelling; time limits. */
#include "uring.h"

int main(void)
{
    struct __kernel_timespec ts = {0, 20000000};
    struct {
        int p[2];
        char buf[8];
    } x;
    int sv[2];

    must(pipe(x.p));
    ring_make(8, 22);
    sqe_get(IORING_OP_READ, x.p[0], x.buf, 8, 0, 1);
    is_eq(enter(1, 0, 0), 1);
    is_eq(cq_count(), 0);
    must(write(x.p[1], "abc", 3));
    is_eq(enter(0, 1, IORING_ENTER_GETEVENTS), 0);
    struct cqe c = cqe_next();
    ok(c.user_data == 1 && c.res == 3 && !memcmp(x.buf, "abc", 3), "read when there was something");
    sqe_get(IORING_OP_READ, x.p[0], x.buf, 8, 0, 2);
    must(enter(1, 0, 0));
    must(write(x.p[1], "de", 2));
    for (int i = 0; i < 1000 && !cq_count(); i++)
        sleep_ms(5); /* no ring call is needed */
    c = cqe_next();
    ok(c.user_data == 2 && c.res == 2, "also without another call");
    sqe_get(IORING_OP_POLL_ADD, x.p[0], NULL, 0, 0, 3)->poll32_events = POLLIN;
    must(enter(1, 0, 0));
    is_eq(cq_count(), 0);
    must(write(x.p[1], "f", 1));
    must(enter(0, 1, IORING_ENTER_GETEVENTS));
    c = cqe_next();
    ok(c.user_data == 3 && c.res == POLLIN, "a poll");
    must(read(x.p[0], x.buf, 8));
    sqe_get(IORING_OP_READ, x.p[0], x.buf, 8, 0, 4);
    must(enter(1, 0, 0));
    sqe_get(IORING_OP_ASYNC_CANCEL, -1, (void *)4, 0, 0, 5);
    is_eq(enter(1, 2, IORING_ENTER_GETEVENTS), 1);
    int cancelled = 0, cancels = 0;
    for (int i = 0; i < 2; i++) {
        c = cqe_next();
        cancelled += c.user_data == 4 && c.res == -ECANCELED;
        cancels += c.user_data == 5 && c.res == 0;
    }
    ok(cancelled == 1 && cancels == 1, "a read was cancelled");
    sqe_get(IORING_OP_ASYNC_CANCEL, -1, (void *)4, 0, 0, 5);
    is_eq(ring_result(), -ENOENT);
    long start = ms_now();
    sqe_get(IORING_OP_TIMEOUT, -1, &ts, 1, 0, 6);
    is_eq(ring_result(), -ETIME);
    ok(ms_now() - start >= 19, "no earlier");
    ts.tv_sec = 100;
    sqe_get(IORING_OP_TIMEOUT, -1, &ts, 1, 0, 7);
    must(enter(1, 0, 0));
    sqe_get(IORING_OP_TIMEOUT_REMOVE, -1, (void *)7, 0, 0, 8);
    is_eq(enter(1, 2, IORING_ENTER_GETEVENTS), 1);
    int sum = cqe_next().res + cqe_next().res;
    is_eq(sum, -ECANCELED);
    sqe_get(IORING_OP_TIMEOUT, -1, &ts, 1, 1, 9);
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 10);
    is_eq(enter(2, 2, IORING_ENTER_GETEVENTS), 2);
    sum = cqe_next().res + cqe_next().res;
    is_eq(sum, 0);
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
    sqe_get(IORING_OP_RECV, sv[0], x.buf, 8, 0, 11);
    must(enter(1, 0, 0));
    sqe_get(IORING_OP_SEND, sv[1], "xyz", 3, 0, 12);
    is_eq(enter(1, 2, IORING_ENTER_GETEVENTS), 1);
    sum = cqe_next().res + cqe_next().res;
    is_eq(sum, 6);
    struct io_uring_getevents_arg arg = {.ts = (uint64_t)(uintptr_t)&ts};
    ts.tv_sec = 0;
    is_errno(syscall(SYS_io_uring_enter, ring_fd, 0, 1,
                     IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof(arg)),
             ETIME);
    is_errno(syscall(SYS_io_uring_enter, ring_fd, 0, 1,
                     IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, 3),
             EINVAL);
    struct pollfd p = {.fd = ring_fd, .events = POLLIN};
    is_eq(poll(&p, 1, 0), 0);
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 0);
    must(enter(1, 0, 0));
    is_eq(poll(&p, 1, 0), 1);
    done();
}
