/* Of io_uring's interface what is newer than some headers. */
#ifndef CONFORMANCE_URING_ABI_H
#define CONFORMANCE_URING_ABI_H

#include "uring.h"

#define OP_READ_MULTISHOT 49
#define OP_FIXED_FD_INSTALL 54
#define OP_FTRUNCATE 55
#define OP_BIND 56
#define OP_LISTEN 57
#define REGISTER_PBUF_STATUS 26
#define REGISTER_USE_REGISTERED_RING (1U << 31)
#define MSG_RING_FLAGS_PASS 2
#define PBUF_RING_MMAP 1
#define PBUF_RING_INC 2
#define OFF_PBUF_RING 0x80000000ULL
#define SETUP_NO_SQARRAY (1U << 16)
#define CQE_F_BUF_MORE (1U << 4)
#define TIMEOUT_MULTISHOT (1U << 6)

struct buf_reg {
    uint64_t ring_addr;
    uint32_t ring_entries;
    uint16_t bgid, flags;
    uint64_t resv[3];
};

#define ring_register(op, arg, n) syscall(SYS_io_uring_register, ring_fd, op, arg, n)
#define BID(c) ((c).flags >> IORING_CQE_BUFFER_SHIFT)

/* A second ring: what ring_fd and the others are about is exchanged with it. */
struct ring {
    int fd;
    struct io_uring_params params;
    char *mem;
    struct io_uring_sqe *sqes;
};

TMP_FN void ring_swap(struct ring *other)
{
    const struct ring was = {ring_fd, rp, ring_mem, ring_sqes};

    ring_fd = other->fd;
    rp = other->params;
    ring_mem = other->mem;
    ring_sqes = other->sqes;
    *other = was;
}

/* Takes what there is, after waiting for at least one. */
TMP_FN struct cqe cqe_wait(void)
{
    if (!cq_count())
        must(enter(0, 1, IORING_ENTER_GETEVENTS));
    return cqe_next();
}

TMP_FN struct cqe submit_one(void)
{
    must(enter(1, 1, IORING_ENTER_GETEVENTS));
    return cqe_next();
}

#endif
