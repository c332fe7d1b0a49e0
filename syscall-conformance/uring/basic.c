/* io_uring(7): entries become completions; reads, writes, fsync, files by name. */
#include "uring.h"
#include <sys/sysmacros.h>

int main(void)
{
    char buf[16] = "";
    struct statx stx = {0};
    struct iovec v[2] = {{buf, 2}, {buf + 8, 2}};

    tmp_enter();
    ring_make(8, 19);
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 42);
    is_eq(enter(1, 1, IORING_ENTER_GETEVENTS), 1);
    struct cqe c = cqe_next();
    ok(c.user_data == 42 && c.res == 0, "a nop");
    int fd = file_with("f", "0123456789");
    sqe_get(IORING_OP_READ, fd, buf, 16, 3, 0);
    is_eq(ring_result(), 7);
    sqe_get(IORING_OP_WRITE, fd, "ab", 2, 1, 0);
    is_eq(ring_result(), 2);
    sqe_get(IORING_OP_READV, fd, v, 2, 0, 0);
    is_eq(ring_result(), 4);
    ok(!memcmp(buf, "0a", 2) && !memcmp(buf + 8, "b3", 2), "scattered");
    must(lseek(fd, 8, SEEK_SET));
    sqe_get(IORING_OP_READ, fd, buf, 16, (uint64_t)-1, 0);
    is_eq(ring_result(), 2);
    is_eq(lseek(fd, 0, SEEK_CUR), 10);
    sqe_get(IORING_OP_FSYNC, fd, NULL, 0, 0, 0);
    is_eq(ring_result(), 0);
    sqe_get(IORING_OP_READ, 999, buf, 16, 0, 0);
    is_eq(ring_result(), -EBADF);
    sqe_get(IORING_OP_READ, fd, BAD_PTR, 16, 0, 0);
    is_eq(ring_result(), -EFAULT);
    sqe_get(IORING_OP_OPENAT, AT_FDCWD, "new", 0600, 0, 0)->open_flags = O_RDWR | O_CREAT;
    int nfd = ring_result();
    ok(nfd > fd, "opened");
    sqe_get(IORING_OP_STATX, AT_FDCWD, "f", STATX_SIZE, (uint64_t)(uintptr_t)&stx, 0);
    is_eq(ring_result(), 0);
    is_eq(stx.stx_size, 10);
    sqe_get(IORING_OP_CLOSE, nfd, NULL, 0, 0, 0);
    is_eq(ring_result(), 0);
    is_errno(fcntl(nfd, F_GETFD), EBADF);
    sqe_get(IORING_OP_OPENAT, AT_FDCWD, "none", 0, 0, 0);
    is_eq(ring_result(), -ENOENT);
    sqe_get(200, 0, NULL, 0, 0, 0);
    is_eq(ring_result(), -EINVAL);
    is_eq(cq_count(), 0);
    done();
}
