/* io_uring_register(2): buffers, files, an eventfd; a full queue of completions loses none. */
#include "uring.h"

int main(void)
{
    static char buf[4096];
    struct iovec v = {buf, sizeof(buf)};
    uint64_t n;

    tmp_enter();
    ring_make(4, 19);
    int fd = file_with("f", "0123456789"), none = -1, efd = (int)must(eventfd(0, EFD_NONBLOCK));
    sqe_get(IORING_OP_READ_FIXED, fd, buf, 4, 0, 0);
    is_eq(ring_result(), -EFAULT);
    is_eq(syscall(SYS_io_uring_register, ring_fd, IORING_REGISTER_BUFFERS, &v, 1), 0);
    is_errno(syscall(SYS_io_uring_register, ring_fd, IORING_REGISTER_BUFFERS, &v, 1), EBUSY);
    sqe_get(IORING_OP_READ_FIXED, fd, buf + 100, 4, 2, 0);
    is_eq(ring_result(), 4);
    ok(!memcmp(buf + 100, "2345", 4), "into a registered buffer");
    sqe_get(IORING_OP_READ_FIXED, fd, buf + 4095, 4, 2, 0);
    is_eq(ring_result(), -EFAULT);
    is_eq(syscall(SYS_io_uring_register, ring_fd, IORING_UNREGISTER_BUFFERS, NULL, 0), 0);
    int fds[2] = {none, fd};
    is_eq(syscall(SYS_io_uring_register, ring_fd, IORING_REGISTER_FILES, fds, 2), 0);
    must(close(fd));
    sqe_get(IORING_OP_READ, 1, buf, 4, 0, 0)->flags = IOSQE_FIXED_FILE;
    is_eq(ring_result(), 4);
    sqe_get(IORING_OP_READ, 0, buf, 4, 0, 0)->flags = IOSQE_FIXED_FILE;
    is_eq(ring_result(), -EBADF);
    sqe_get(IORING_OP_READ, 2, buf, 4, 0, 0)->flags = IOSQE_FIXED_FILE;
    is_eq(ring_result(), -EBADF);
    is_eq(syscall(SYS_io_uring_register, ring_fd, IORING_UNREGISTER_FILES, NULL, 0), 0);
    is_eq(syscall(SYS_io_uring_register, ring_fd, IORING_REGISTER_EVENTFD, &efd, 1), 0);
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 0);
    is_eq(ring_result(), 0);
    is_eq(read(efd, &n, 8), 8);
    is_eq(n, 1);
    for (int i = 0; i < 12; i++) {
        sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, (uint64_t)i);
        must(enter(1, 0, 0));
    }
    is_eq(cq_count(), 8);
    int order = 1;
    for (int i = 0; i < 12; i++) {
        if (i == 8)
            must(enter(0, 4, IORING_ENTER_GETEVENTS));
        order &= cqe_next().user_data == (uint64_t)i;
    }
    ok(order, "twelve, in order");
    union {
        struct io_uring_probe p;
        char room[sizeof(struct io_uring_probe) + 32 * sizeof(struct io_uring_probe_op)];
    } probe;
    memset(&probe, 0, sizeof(probe));
    ok(!syscall(SYS_io_uring_register, ring_fd, IORING_REGISTER_PROBE, &probe, 32) &&
           (probe.p.ops[IORING_OP_READ].flags & IO_URING_OP_SUPPORTED),
       "reads are supported");
    done();
}
