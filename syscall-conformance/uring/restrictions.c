/* io_uring_register(2): IORING_REGISTER_RESTRICTIONS. A ring made with IORING_SETUP_R_DISABLED can
 * be told, once, what it may be used for. That holds from IORING_REGISTER_ENABLE_RINGS on, when the
 * ring takes entries for the first time: EACCES for all else. */
#include "abi.h"

#define N 35
static char buf[16];
static int fd;

static struct io_uring_restriction restriction(unsigned opcode, unsigned what)
{
    return (struct io_uring_restriction){.opcode = (uint16_t)opcode, .sqe_op = (uint8_t)what};
}

static void enabled_rings(void)
{
    struct io_uring_restriction r = restriction(IORING_RESTRICTION_SQE_OP, IORING_OP_NOP);

    ring_make(4, N);
    is_errno(ring_register(IORING_REGISTER_RESTRICTIONS, &r, 1), EBADFD);
    is_errno(ring_register(IORING_REGISTER_ENABLE_RINGS, NULL, 0), EBADFD);
    must(close(ring_fd));
}

/* A list that is wrong leaves the ring without restrictions, so that it can be given another. */
static void wrong_lists(void)
{
    struct io_uring_restriction r[2] = {
        restriction(IORING_RESTRICTION_SQE_OP, IORING_OP_NOP),
        restriction(IORING_RESTRICTION_LAST, 0),
    };

    is_errno(enter(0, 0, 0), EBADFD);
    is_errno(ring_register(IORING_REGISTER_RESTRICTIONS, r, 2), EINVAL);
    r[1] = restriction(IORING_RESTRICTION_SQE_OP, 255);
    is_errno(ring_register(IORING_REGISTER_RESTRICTIONS, r, 2), EINVAL);
    r[1] = restriction(IORING_RESTRICTION_REGISTER_OP, 255);
    is_errno(ring_register(IORING_REGISTER_RESTRICTIONS, r, 2), EINVAL);
    is_errno(ring_register(IORING_REGISTER_RESTRICTIONS, NULL, 1), EINVAL);
    is_errno(ring_register(IORING_REGISTER_RESTRICTIONS, BAD_PTR, 1), EFAULT);
    is_errno(ring_register(IORING_REGISTER_RESTRICTIONS, r, 1000), EINVAL);
}

static void restrict_it(void)
{
    const struct io_uring_restriction r[] = {
        restriction(IORING_RESTRICTION_SQE_OP, IORING_OP_READ),
        restriction(IORING_RESTRICTION_SQE_OP, IORING_OP_TIMEOUT),
        restriction(IORING_RESTRICTION_REGISTER_OP, IORING_REGISTER_FILES_UPDATE),
        restriction(IORING_RESTRICTION_SQE_FLAGS_ALLOWED, IOSQE_IO_LINK),
        restriction(IORING_RESTRICTION_SQE_FLAGS_REQUIRED, IOSQE_FIXED_FILE),
    };

    is_eq(ring_register(IORING_REGISTER_RESTRICTIONS, r, 5), 0);
    is_errno(ring_register(IORING_REGISTER_RESTRICTIONS, r, 5), EBUSY);
    /* Nothing is restricted while the ring is disabled. */
    is_eq(ring_register(IORING_REGISTER_FILES, &fd, 1), 0);
    is_errno(ring_register(IORING_REGISTER_ENABLE_RINGS, buf, 0), EINVAL);
    is_errno(ring_register(IORING_REGISTER_ENABLE_RINGS, NULL, 1), EINVAL);
    is_eq(ring_register(IORING_REGISTER_ENABLE_RINGS, NULL, 0), 0);
    is_errno(ring_register(IORING_REGISTER_ENABLE_RINGS, NULL, 0), EACCES);
}

static int read_with(unsigned flags)
{
    sqe_get(IORING_OP_READ, flags & IOSQE_FIXED_FILE ? 0 : fd, buf, 4, 0, 1)->flags =
        (uint8_t)flags;
    return ring_result();
}

static void restricted(void)
{
    struct io_uring_files_update up = {.fds = (uint64_t)(uintptr_t)&fd};

    is_errno(ring_register(IORING_UNREGISTER_FILES, NULL, 0), EACCES);
    is_errno(ring_register(IORING_REGISTER_RESTRICTIONS, NULL, 0), EACCES);
    is_errno(ring_register(200, NULL, 0), EINVAL);
    is_eq(ring_register(IORING_REGISTER_FILES_UPDATE, &up, 1), 1);
    is_eq(read_with(IOSQE_FIXED_FILE), 4);
    is_eq(read_with(IOSQE_FIXED_FILE | IOSQE_IO_LINK), 4);
    is_eq(read_with(0), -EACCES);
    is_eq(read_with(IOSQE_IO_LINK), -EACCES);
    is_eq(read_with(IOSQE_FIXED_FILE | IOSQE_IO_DRAIN), -EACCES);
    is_eq(read_with(IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT), -EACCES);
    is_eq(read_with(IOSQE_FIXED_FILE | 1 << 7), -EINVAL);
    sqe_get(IORING_OP_WRITE, 0, buf, 4, 0, 1)->flags = IOSQE_FIXED_FILE;
    is_eq(ring_result(), -EACCES);
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 1)->flags = IOSQE_FIXED_FILE;
    is_eq(ring_result(), -EACCES);
    sqe_get(200, -1, NULL, 0, 0, 1);
    is_eq(ring_result(), -EINVAL);
    /* What is linked to an entry that is not allowed is cancelled. */
    sqe_get(IORING_OP_WRITE, 0, buf, 4, 0, 1)->flags = IOSQE_FIXED_FILE | IOSQE_IO_LINK;
    sqe_get(IORING_OP_READ, 0, buf, 4, 0, 2)->flags = IOSQE_FIXED_FILE;
    is_eq(enter(2, 2, IORING_ENTER_GETEVENTS), 2);
    is_eq(cqe_next().res, -EACCES);
    is_eq(cqe_next().res, -ECANCELED);
    must(close(ring_fd));
}

/* An empty list is one, and allows nothing. */
static void nothing_allowed(void)
{
    rp = (struct io_uring_params){.flags = IORING_SETUP_R_DISABLED};
    ring_make(4, N);
    is_eq(ring_register(IORING_REGISTER_RESTRICTIONS, buf, 0), 0);
    must(ring_register(IORING_REGISTER_ENABLE_RINGS, NULL, 0));
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 1);
    is_eq(ring_result(), -EACCES);
}

int main(void)
{
    tmp_enter();
    fd = file_with("f", "0123456789");
    enabled_rings();
    rp = (struct io_uring_params){.flags = IORING_SETUP_R_DISABLED};
    ring_make(4, N);
    wrong_lists();
    restrict_it();
    restricted();
    nothing_allowed();
    done();
}
