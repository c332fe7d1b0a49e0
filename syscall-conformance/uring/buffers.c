/* io_uring_enter(2): IORING_OP_PROVIDE_BUFFERS and REMOVE_BUFFERS; requests take a buffer of a
 * group. */
#include "abi.h"

static char mem[4][16];
static int p[2], sv[2];

static struct io_uring_sqe *provide(int n, unsigned len, int bid, unsigned group)
{
    struct io_uring_sqe *s = sqe_get(IORING_OP_PROVIDE_BUFFERS, n, mem, len, (uint64_t)bid, 0);

    s->buf_group = (uint16_t)group;
    return s;
}

static struct io_uring_sqe *select_buf(int op, int fd, unsigned len, unsigned group)
{
    struct io_uring_sqe *s = sqe_get(op, fd, NULL, len, op == IORING_OP_RECV ? 0 : (uint64_t)-1, 0);

    s->flags = IOSQE_BUFFER_SELECT;
    s->buf_group = (uint16_t)group;
    return s;
}

static void refused(void)
{
    select_buf(IORING_OP_READ, p[0], 16, 7);
    is_eq(ring_result(), -ENOBUFS);
    provide(0, 16, 0, 7);
    is_eq(ring_result(), -E2BIG);
    provide(4, 0, 0, 7);
    is_eq(ring_result(), -EINVAL);
    provide(4, 16, 65533, 7);
    is_eq(ring_result(), -EINVAL);
    provide(4, 16, 65536, 7);
    is_eq(ring_result(), -E2BIG);
    provide(4, 16, 10, 7)->rw_flags = 1;
    is_eq(ring_result(), -EINVAL);
}

/* One after the other, by operations of each kind. */
static void taken(void)
{
    provide(4, 16, 10, 7);
    is_eq(ring_result(), 0);
    must(write(p[1], "hello", 5));
    select_buf(IORING_OP_READ, p[0], 0, 7);
    struct cqe c = submit_one();
    ok(c.res == 5 && c.flags == (IORING_CQE_F_BUFFER | 10 << 16), "the first, whole");
    ok(!memcmp(mem[0], "hello", 5), "and the bytes are there");
    select_buf(IORING_OP_RECV, sv[0], 3, 7);
    must(enter(1, 0, 0));
    must(write(sv[1], "abcdef", 6));
    c = cqe_wait();
    ok(c.res == 3 && (c.flags & IORING_CQE_F_BUFFER) && BID(c) == 11,
       "one that waited, the second");
    ok(!memcmp(mem[1], "abc", 3), "no more than asked for");
    is_eq(c.flags & IORING_CQE_F_SOCK_NONEMPTY, IORING_CQE_F_SOCK_NONEMPTY);
    struct iovec v = {NULL, 2};
    struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1};
    struct io_uring_sqe *s = select_buf(IORING_OP_RECVMSG, sv[0], 1, 7);
    s->off = 0;
    s->addr = (uint64_t)(uintptr_t)&h;
    c = submit_one();
    ok(c.res == 2 && BID(c) == 12 && !memcmp(mem[2], "de", 2), "recvmsg");
    s = select_buf(IORING_OP_READV, sv[0], 1, 7);
    s->addr = (uint64_t)(uintptr_t)&v;
    c = submit_one();
    ok(c.res == 1 && BID(c) == 13 && mem[3][0] == 'f', "readv");
    s = select_buf(IORING_OP_READV, sv[0], 2, 7);
    s->addr = (uint64_t)(uintptr_t)&v;
    is_eq(ring_result(), -EINVAL);
}

static void removed(void)
{
    must(write(sv[1], "x", 1));
    select_buf(IORING_OP_RECV, sv[0], 3, 7);
    is_eq(ring_result(), -ENOBUFS);
    provide(2, 16, 1, 7);
    is_eq(ring_result(), 0);
    provide(2, 16, 3, 7);
    is_eq(ring_result(), 0);
    sqe_get(IORING_OP_REMOVE_BUFFERS, 3, NULL, 0, 0, 0)->buf_group = 7;
    is_eq(ring_result(), 3);
    select_buf(IORING_OP_RECV, sv[0], 3, 7);
    struct cqe c = submit_one();
    ok(c.res == 1 && BID(c) == 4, "those at the front went");
    sqe_get(IORING_OP_REMOVE_BUFFERS, 3, NULL, 0, 0, 0)->buf_group = 7;
    is_eq(ring_result(), 0);
    sqe_get(IORING_OP_REMOVE_BUFFERS, 3, NULL, 0, 0, 0)->buf_group = 8;
    is_eq(ring_result(), -ENOENT);
    sqe_get(IORING_OP_REMOVE_BUFFERS, 0, NULL, 0, 0, 0)->buf_group = 7;
    is_eq(ring_result(), -EINVAL);
    select_buf(IORING_OP_NOP, -1, 0, 7)->off = 0;
    is_eq(ring_result(), -EOPNOTSUPP);
}

static void cancelled(void)
{
    provide(1, 16, 5, 7);
    is_eq(ring_result(), 0);
    select_buf(IORING_OP_RECV, sv[0], 3, 7);
    must(enter(1, 0, 0));
    sqe_get(IORING_OP_ASYNC_CANCEL, -1, NULL, 0, 0, 99);
    must(enter(1, 2, IORING_ENTER_GETEVENTS));
    struct cqe c = cqe_next();
    ok(c.user_data == 99 && c.res == 0, "a cancelled one");
    c = cqe_next();
    ok(c.res == -ECANCELED && !c.flags, "takes none");
    must(write(sv[1], "y", 1));
    select_buf(IORING_OP_RECV, sv[0], 3, 7);
    c = submit_one();
    ok(c.res == 1 && BID(c) == 5, "so that it is there for others");
}

static void at_the_end(void)
{
    provide(1, 16, 6, 7);
    is_eq(ring_result(), 0);
    must(close(sv[1]));
    select_buf(IORING_OP_RECV, sv[0], 3, 7);
    struct cqe c = submit_one();
    ok(!c.res && !c.flags, "the end of a stream needs none");
    int fd = file_with("f", "");
    select_buf(IORING_OP_READ, fd, 3, 7)->off = 0;
    c = submit_one();
    ok(!c.res && c.flags == (IORING_CQE_F_BUFFER | 6 << 16), "that of a file takes one");
    is_eq(cq_count(), 0);
    select_buf(IORING_OP_READ, fd, 3, 7)->off = 0;
    is_eq(ring_result(), -ENOBUFS);
    select_buf(IORING_OP_WRITE, fd, 3, 7)->off = 0;
    is_eq(ring_result(), -EOPNOTSUPP);
    select_buf(IORING_OP_READ, 999, 3, 7);
    is_eq(ring_result(), -EBADF);
}

int main(void)
{
    tmp_enter();
    must(pipe(p));
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
    ring_make(8, 38);
    refused();
    taken();
    removed();
    cancelled();
    at_the_end();
    done();
}
