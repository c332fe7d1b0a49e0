/* io_uring_setup(2), io_uring_enter(2), io_uring_register(2): errors. */
#include "uring.h"

int main(void)
{
    struct io_uring_params p = {0};

    ring_make(4, 17);
    ok(rp.sq_entries == 4 && rp.cq_entries == 8, "sizes");
    is_errno(syscall(SYS_io_uring_setup, 0, &p), EINVAL);
    is_errno(syscall(SYS_io_uring_setup, 1 << 20, &p), EINVAL);
    is_errno(syscall(SYS_io_uring_setup, 4, BAD_PTR), EFAULT);
    p.flags = 1u << 31;
    is_errno(syscall(SYS_io_uring_setup, 4, &p), EINVAL);
    p.flags = 0, p.resv[0] = 1;
    is_errno(syscall(SYS_io_uring_setup, 4, &p), EINVAL);
    is_errno(syscall(SYS_io_uring_enter, 999, 0, 0, 0, NULL, 0), EBADF);
    is_errno(syscall(SYS_io_uring_enter, 0, 0, 0, 0, NULL, 0), EOPNOTSUPP);
    is_errno(enter(0, 0, 1u << 30), EINVAL);
    is_eq(enter(0, 0, 0), 0);
    is_eq(enter(100, 0, 0), 0);
    is_errno(syscall(SYS_io_uring_register, ring_fd, 250, NULL, 0), EINVAL);
    is_errno(syscall(SYS_io_uring_register, ring_fd, IORING_UNREGISTER_BUFFERS, NULL, 0), ENXIO);
    ok(mmap(NULL, 4096, PROT_READ, MAP_SHARED, ring_fd, 0x20000000) == MAP_FAILED, "no such part");
    p.resv[0] = 0, p.flags = IORING_SETUP_R_DISABLED;
    int fd = (int)must(syscall(SYS_io_uring_setup, 4, &p));
    is_errno(syscall(SYS_io_uring_enter, fd, 0, 0, 0, NULL, 0), EBADFD);
    is_eq(syscall(SYS_io_uring_register, fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0), 0);
    is_eq(syscall(SYS_io_uring_enter, fd, 0, 0, 0, NULL, 0), 0);
    done();
}
