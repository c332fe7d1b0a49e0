/* io_uring_setup(2): setup flags; with DEFER_TASKRUN nothing completes but in a call for it. */
#include "abi.h"

static int setup(unsigned flags)
{
    struct io_uring_params p = {.flags = flags};
    int fd = (int)syscall(SYS_io_uring_setup, 4, &p);

    if (fd >= 0)
        close(fd);
    return fd < 0 ? -errno : 0;
}

int main(void)
{
    int p[2], n = 0;
    char buf[8];
    uint64_t v;

    must(pipe(p));
    rp.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
               IORING_SETUP_CQE32 | SETUP_NO_SQARRAY;
    ring_fd = (int)syscall(SYS_io_uring_setup, 4, &rp);
    if (ring_fd < 0) {
        while (n++ < 21)
            skip("no io_uring here");
        done();
    }
    is_eq(setup(IORING_SETUP_DEFER_TASKRUN), -EINVAL);
    is_eq(setup(IORING_SETUP_TASKRUN_FLAG), -EINVAL);
    is_eq(setup(IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG), 0);
    is_eq(setup(IORING_SETUP_SQ_AFF), -EINVAL);
    is_eq(setup(IORING_SETUP_SQE128), 0);
    is_eq(setup(1U << 31), -EINVAL);
    is_eq(rp.sq_off.array, 0);
    ring_mem = mmap(NULL, rp.cq_off.cqes + rp.cq_entries * 32, PROT_READ | PROT_WRITE, MAP_SHARED,
                    ring_fd, IORING_OFF_SQ_RING);
    ring_sqes = mmap(NULL, 4 * sizeof(*ring_sqes), PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd,
                     IORING_OFF_SQES);
    ok((void *)ring_mem != MAP_FAILED && (void *)ring_sqes != MAP_FAILED, "mapped");
    const struct io_uring_cqe *cqes = (const void *)(ring_mem + rp.cq_off.cqes);
    ring_sqes[0] = (struct io_uring_sqe){.opcode = IORING_OP_READ,
                                         .fd = p[0],
                                         .addr = (uint64_t)(uintptr_t)buf,
                                         .len = 8,
                                         .off = ~0ULL,
                                         .user_data = 1};
    ring_sqes[1] = (struct io_uring_sqe){.opcode = IORING_OP_NOP, .user_data = 2};
    *SQ(tail) = 2;
    is_eq(enter(2, 0, 0), 2);
    is_eq(cq_count(), 1);
    ok(cqes[0].user_data == 2 && !cqes[0].res, "what needs no waiting is complete");
    must(write(p[1], "abc", 3));
    is_eq(cq_count(), 1);
    ok(*SQ(flags) & IORING_SQ_TASKRUN, "the ring tells that there is work");
    struct pollfd pf = {.fd = ring_fd, .events = POLLIN};
    *CQ(head) = 1;
    is_eq(poll(&pf, 1, 0), 1);
    is_eq(enter(0, 0, IORING_ENTER_GETEVENTS), 0);
    is_eq(cq_count(), 1);
    ok(cqes[2].user_data == 1 && cqes[2].res == 3, "in places of twice the size");
    ok(!(*SQ(flags) & IORING_SQ_TASKRUN), "no more of it");
    int efd = (int)must(eventfd(0, EFD_NONBLOCK));
    is_eq(ring_register(IORING_REGISTER_EVENTFD, &efd, 1), 0);
    ring_sqes[2] =
        (struct io_uring_sqe){.opcode = IORING_OP_POLL_ADD, .fd = p[0], .poll32_events = POLLIN};
    *SQ(tail) = 3;
    must(enter(1, 0, 0));
    must(write(p[1], "abc", 3));
    is_eq(read(efd, &v, 8), 8);
    is_eq(cq_count(), 1);
    must(close(ring_fd));
    done();
}
