/* A ring, by system calls. Where there is none (ENOSYS, or forbidden) a program skips. */
#ifndef CONFORMANCE_URING_H
#define CONFORMANCE_URING_H

#include "../tmp.h"
#include <linux/io_uring.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct cqe { /* as in the ring, without what may follow */
    uint64_t user_data;
    int32_t res;
    uint32_t flags;
};

static int ring_fd;
static struct io_uring_params rp;
static char *ring_mem;
static struct io_uring_sqe *ring_sqes;

#define SQ(field) ((volatile unsigned *)(void *)(ring_mem + rp.sq_off.field))
#define CQ(field) ((volatile unsigned *)(void *)(ring_mem + rp.cq_off.field))
#define enter(n, min, flags) syscall(SYS_io_uring_enter, ring_fd, n, min, flags, NULL, 0)

/* n: assertions of the program. */
TMP_FN void ring_make(unsigned entries, int n)
{
    ring_fd = (int)syscall(SYS_io_uring_setup, entries, &rp);
    if (ring_fd < 0) {
        while (n--)
            skip("no io_uring here");
        done();
    }
    size_t len = rp.sq_off.array + rp.sq_entries * 4, cq = rp.cq_off.cqes + rp.cq_entries * 16;
    ring_mem = mmap(NULL, len > cq ? len : cq, PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd,
                    IORING_OFF_SQ_RING);
    ring_sqes = mmap(NULL, rp.sq_entries * sizeof(*ring_sqes), PROT_READ | PROT_WRITE, MAP_SHARED,
                     ring_fd, IORING_OFF_SQES);
    if (ring_mem == MAP_FAILED || (void *)ring_sqes == MAP_FAILED)
        bail("mapping the ring");
}

TMP_FN struct io_uring_sqe *sqe_get(int op, int fd, const void *addr, unsigned len, uint64_t off,
                                    uint64_t data)
{
    unsigned tail = *SQ(tail), i = tail & *SQ(ring_mask);
    struct io_uring_sqe *s = &ring_sqes[i];

    memset(s, 0, sizeof(*s));
    s->opcode = (uint8_t)op;
    s->fd = fd;
    s->addr = (uint64_t)(uintptr_t)addr;
    s->len = len;
    s->off = off;
    s->user_data = data;
    SQ(array)[i] = i;
    __atomic_store_n(SQ(tail), tail + 1, __ATOMIC_RELEASE);
    return s;
}

TMP_FN int cq_count(void)
{
    return (int)(__atomic_load_n(CQ(tail), __ATOMIC_ACQUIRE) - *CQ(head));
}

TMP_FN struct cqe cqe_next(void)
{
    struct cqe *all = (struct cqe *)(void *)(ring_mem + rp.cq_off.cqes);
    struct cqe c = {.res = -100000};

    if (cq_count()) {
        c = all[*CQ(head) & *CQ(ring_mask)];
        __atomic_store_n(CQ(head), *CQ(head) + 1, __ATOMIC_RELEASE);
    }
    return c;
}

/* The result of what was queued last. */
TMP_FN int ring_result(void)
{
    if (enter(1, 1, IORING_ENTER_GETEVENTS) != 1)
        return -100001;
    return cqe_next().res;
}

#endif
