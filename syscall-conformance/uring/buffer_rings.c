/* io_uring_register(2): IORING_REGISTER_PBUF_RING, in memory of the program's or the kernel's. */
#include "abi.h"

static struct io_uring_buf_ring *br;
static char mem[8][32];

static void add(unsigned i, unsigned len, unsigned bid)
{
    struct io_uring_buf *b = &br->bufs[i & 7];

    b->addr = (uint64_t)(uintptr_t)mem[bid & 7];
    b->len = len;
    b->bid = (uint16_t)bid;
    __atomic_store_n(&br->tail, (uint16_t)(i + 1), __ATOMIC_RELEASE);
}

static struct cqe take(int fd, unsigned len, unsigned group)
{
    struct io_uring_sqe *s = sqe_get(IORING_OP_READ, fd, NULL, len, (uint64_t)-1, 0);

    s->flags = IOSQE_BUFFER_SELECT;
    s->buf_group = (uint16_t)group;
    return submit_one();
}

static long head(unsigned group)
{
    uint32_t st[10] = {group};

    return ring_register(REGISTER_PBUF_STATUS, st, 1) ? -1 : (long)st[1];
}

int main(void)
{
    struct buf_reg reg = {.ring_entries = 8, .bgid = 3};
    int p[2];

    must(pipe(p));
    ring_make(8, 36);
    br = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    is_errno(ring_register(IORING_REGISTER_PBUF_RING, &reg, 1), EFAULT);
    reg.ring_addr = (uint64_t)(uintptr_t)br + 8;
    is_errno(ring_register(IORING_REGISTER_PBUF_RING, &reg, 1), EINVAL);
    reg.ring_addr = (uint64_t)(uintptr_t)br;
    reg.ring_entries = 7;
    is_errno(ring_register(IORING_REGISTER_PBUF_RING, &reg, 1), EINVAL);
    reg.ring_entries = 65536;
    is_errno(ring_register(IORING_REGISTER_PBUF_RING, &reg, 1), EINVAL);
    reg.ring_entries = 8;
    reg.flags = 4;
    is_errno(ring_register(IORING_REGISTER_PBUF_RING, &reg, 1), EINVAL);
    reg.flags = 0;
    is_errno(ring_register(IORING_REGISTER_PBUF_RING, &reg, 2), EINVAL);
    is_errno(ring_register(IORING_UNREGISTER_PBUF_RING, &reg, 1), ENOENT);
    is_eq(ring_register(IORING_REGISTER_PBUF_RING, &reg, 1), 0);
    is_errno(ring_register(IORING_REGISTER_PBUF_RING, &reg, 1), EEXIST);
    is_eq(take(p[0], 8, 3).res, -ENOBUFS);
    add(0, 4, 70);
    add(1, 32, 1);
    must(write(p[1], "abcdefgh", 8));
    struct cqe c = take(p[0], 8, 3);
    ok(c.res == 4 && c.flags == (IORING_CQE_F_BUFFER | 70 << 16), "as long as it is");
    ok(!memcmp(mem[70 & 7], "abcd", 4), "and its number is the program's");
    is_eq(head(3), 1);
    c = take(p[0], 0, 3);
    ok(c.res == 4 && BID(c) == 1, "the next");
    is_eq(head(3), 2);
    is_eq(take(p[0], 0, 3).res, -ENOBUFS);
    sqe_get(IORING_OP_PROVIDE_BUFFERS, 1, mem, 8, 0, 0)->buf_group = 3;
    is_eq(ring_result(), -EINVAL);
    sqe_get(IORING_OP_REMOVE_BUFFERS, 1, NULL, 0, 0, 0)->buf_group = 3;
    is_eq(ring_result(), -EINVAL);
    add(2, 32, 2);
    struct io_uring_sqe *s = sqe_get(IORING_OP_READ, p[0], NULL, 8, (uint64_t)-1, 5);
    s->flags = IOSQE_BUFFER_SELECT;
    s->buf_group = 3;
    must(enter(1, 0, 0));
    is_eq(head(3), 2);
    must(write(p[1], "z", 1));
    c = cqe_wait();
    ok(c.res == 1 && BID(c) == 2, "taken when there is something to put there");
    is_eq(head(3), 3);
    is_eq(ring_register(IORING_UNREGISTER_PBUF_RING, &reg, 1), 0);
    is_errno(ring_register(IORING_UNREGISTER_PBUF_RING, &reg, 1), ENOENT);
    is_eq(take(p[0], 0, 3).res, -ENOBUFS);
    is_eq(head(3), -1);

    reg = (struct buf_reg){.ring_entries = 8, .bgid = 4, .flags = PBUF_RING_MMAP};
    is_eq(ring_register(IORING_REGISTER_PBUF_RING, &reg, 1), 0);
    is_errno((long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd,
                        OFF_PBUF_RING | 5 << 16),
             ENOMEM);
    br = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd, OFF_PBUF_RING | 4 << 16);
    ok((void *)br != MAP_FAILED && !br->tail, "the kernel's memory");
    add(0, 32, 6);
    must(write(p[1], "kernel", 6));
    c = take(p[0], 0, 4);
    ok(c.res == 6 && BID(c) == 6 && !memcmp(mem[6], "kernel", 6), "serves as well");
    is_eq(ring_register(IORING_UNREGISTER_PBUF_RING, &(struct buf_reg){.bgid = 4}, 1), 0);
    br->tail = 1;
    ok(br->tail == 1, "what is mapped stays");

    reg = (struct buf_reg){.ring_entries = 8, .bgid = 5, .flags = PBUF_RING_MMAP | PBUF_RING_INC};
    is_eq(ring_register(IORING_REGISTER_PBUF_RING, &reg, 1), 0);
    br = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd, OFF_PBUF_RING | 5 << 16);
    add(0, 8, 3);
    must(write(p[1], "abcdefgh", 8));
    c = take(p[0], 3, 5);
    ok(c.res == 3 && c.flags == (IORING_CQE_F_BUFFER | CQE_F_BUF_MORE | 3 << 16), "bit by bit");
    c = take(p[0], 0, 5);
    ok(c.res == 5 && c.flags == (IORING_CQE_F_BUFFER | 3 << 16), "until it is used up");
    ok(!memcmp(mem[3], "abcdefgh", 8), "one after the other");
    done();
}
