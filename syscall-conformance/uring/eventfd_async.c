/* io_uring_register(2): IORING_REGISTER_EVENTFD_ASYNC. The eventfd is told of completions that come
 * from a thread of the ring's own: those of entries with IOSQE_ASYNC, and of operations that are
 * always made there; not of those that end in the call, nor of what a file's readiness goes on
 * with. IORING_CQ_EVENTFD_DISABLED keeps it from being told at all. */
#include "abi.h"

#define N 25
static int efd, p[2];
static char buf[8];

/* How often it was told since; 0: never. */
static int told(void)
{
    uint64_t n;

    return read(efd, &n, sizeof(n)) == sizeof(n) ? (int)n : 0;
}

/* As above, of what may be told after its completion can be seen. */
static int told_soon(void)
{
    struct pollfd f = {.fd = efd, .events = POLLIN};

    poll(&f, 1, 10000);
    return told();
}

static void wrong(void)
{
    is_errno(ring_register(IORING_REGISTER_EVENTFD_ASYNC, &efd, 0), EINVAL);
    is_errno(ring_register(IORING_REGISTER_EVENTFD_ASYNC, BAD_PTR, 1), EFAULT);
    is_errno(ring_register(IORING_REGISTER_EVENTFD_ASYNC, p, 1), EINVAL);
    is_errno(ring_register(IORING_UNREGISTER_EVENTFD, NULL, 0), ENXIO);
    is_eq(ring_register(IORING_REGISTER_EVENTFD_ASYNC, &efd, 1), 0);
    is_errno(ring_register(IORING_REGISTER_EVENTFD_ASYNC, &efd, 1), EBUSY);
    is_errno(ring_register(IORING_REGISTER_EVENTFD, &efd, 1), EBUSY);
}

static void of_threads_only(void)
{
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 1);
    is_eq(ring_result(), 0);
    is_eq(told(), 0);
    sqe_get(IORING_OP_READ, p[0], buf, 1, 0, 1);
    must(enter(1, 0, 0));
    must(write(p[1], "x", 1));
    is_eq(cqe_wait().res, 1);
    is_eq(told(), 0);
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 1)->flags = IOSQE_ASYNC;
    is_eq(ring_result(), 0);
    is_eq(told_soon(), 1);
    int fd = file_with("f", "0123");
    sqe_get(IORING_OP_READ, fd, buf, 4, 0, 1)->flags = IOSQE_ASYNC;
    is_eq(ring_result(), 4);
    is_eq(told_soon(), 1);
    sqe_get(IORING_OP_FSYNC, fd, NULL, 0, 0, 1);
    is_eq(ring_result(), 0);
    is_eq(told_soon(), 1);
    sqe_get(OP_FTRUNCATE, fd, NULL, 0, 2, 1);
    is_eq(ring_result(), 0);
    is_eq(told_soon(), 1);
    sqe_get(IORING_OP_MKDIRAT, AT_FDCWD, "d", 0700, 0, 1);
    is_eq(ring_result(), 0);
    is_eq(told_soon(), 1);
}

static void disabled(void)
{
    volatile unsigned *flags = CQ(flags);

    *flags |= IORING_CQ_EVENTFD_DISABLED;
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 1)->flags = IOSQE_ASYNC;
    is_eq(ring_result(), 0);
    is_eq(told(), 0);
    is_eq(ring_register(IORING_UNREGISTER_EVENTFD, NULL, 0), 0);
    is_eq(told(), 0);
}

int main(void)
{
    tmp_enter();
    efd = (int)must(eventfd(0, EFD_NONBLOCK));
    must(pipe(p));
    ring_make(8, N);
    wrong();
    of_threads_only();
    disabled();
    done();
}
