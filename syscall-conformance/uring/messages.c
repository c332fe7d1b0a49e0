/* io_uring_enter(2): IORING_OP_MSG_RING posts a completion to another ring, or puts a registered
 * file into its table. */
#include "abi.h"

#define N 38
static struct ring other;
static int fd;

/* Of what is sent: the sender's completion. */
static int sent(struct io_uring_sqe *s, int cmd)
{
    s->addr = (uint64_t)cmd;
    return ring_result();
}

/* The completion that the other ring was sent; -100000 is none. */
static struct cqe received(void)
{
    ring_swap(&other);
    struct cqe c = cqe_next();
    ring_swap(&other);
    return c;
}

static struct io_uring_sqe *message(int res, uint64_t data)
{
    return sqe_get(IORING_OP_MSG_RING, other.fd, NULL, (unsigned)res, data, 1);
}

static void data(void)
{
    is_eq(sent(message(5, 0x1234), IORING_MSG_DATA), 0);
    struct cqe c = received();
    ok(c.user_data == 0x1234 && c.res == 5 && !c.flags, "number and result as sent");
    is_eq(sent(message(-7, 1), IORING_MSG_DATA), 0);
    is_eq(received().res, -7);
    struct io_uring_sqe *s = message(1, 2);
    s->msg_ring_flags = MSG_RING_FLAGS_PASS;
    s->file_index = 0x77; /* cqe_flags */
    is_eq(sent(s, IORING_MSG_DATA), 0);
    c = received();
    ok(c.user_data == 2 && c.flags == 0x77, "flags, too");
    message(1, 2)->file_index = 0x77;
    is_eq(ring_result(), -EINVAL);
    message(1, 2)->addr3 = 1;
    is_eq(ring_result(), -EINVAL);
    message(1, 2)->buf_index = 1;
    is_eq(ring_result(), -EINVAL);
    message(1, 2)->msg_ring_flags = 4;
    is_eq(ring_result(), -EINVAL);
    message(1, 2)->msg_ring_flags = IORING_MSG_RING_CQE_SKIP;
    is_eq(ring_result(), -EINVAL);
    is_eq(sent(message(1, 2), 2), -EINVAL);
    message(1, 2)->fd = fd;
    is_eq(ring_result(), -EBADFD);
    message(1, 2)->fd = 999;
    is_eq(ring_result(), -EBADF);
    is_eq(received().res, -100000);
    message(3, 4)->flags = IOSQE_CQE_SKIP_SUCCESS;
    is_eq(enter(1, 0, 0), 1);
    is_eq(cq_count(), 0);
    is_eq(received().user_data, 4);
}

/* A full queue of completions is no failure: what does not fit is kept. */
static void full(void)
{
    int sum = 0;

    for (int i = 0; i < 6; i++)
        sum += sent(message(i, 100 + (uint64_t)i), IORING_MSG_DATA);
    is_eq(sum, 0);
    ring_swap(&other);
    is_eq(cq_count(), 4);
    int order = 1;
    for (int i = 0; i < 6; i++) {
        if (i == 4)
            must(enter(0, 2, IORING_ENTER_GETEVENTS));
        order &= cqe_next().user_data == 100 + (uint64_t)i;
    }
    ok(order, "six, in order");
    ring_swap(&other);
}

static struct io_uring_sqe *send_file(unsigned from, unsigned to)
{
    struct io_uring_sqe *s = message(0, 9);

    s->addr3 = from;
    s->file_index = to;
    return s;
}

static int read_registered(int slot)
{
    static char buf[4];

    sqe_get(IORING_OP_READ, slot, buf, 4, 2, 1)->flags = IOSQE_FIXED_FILE;
    int n = ring_result();
    return n == 4 && !memcmp(buf, "2345", 4) ? 4 : n;
}

static void files(void)
{
    const int fds[2] = {-1, fd};
    struct io_uring_rsrc_register sparse = {.nr = 3, .flags = IORING_RSRC_REGISTER_SPARSE};

    is_eq(sent(send_file(1, 1), IORING_MSG_SEND_FD), -EBADF);
    must(ring_register(IORING_REGISTER_FILES, fds, 2));
    is_eq(sent(send_file(1, 1), IORING_MSG_SEND_FD), -ENXIO);
    ring_swap(&other);
    must(ring_register(IORING_REGISTER_FILES2, &sparse, sizeof(sparse)));
    ring_swap(&other);
    is_eq(sent(send_file(0, 1), IORING_MSG_SEND_FD), -EBADF);
    is_eq(sent(send_file(2, 1), IORING_MSG_SEND_FD), -EBADF);
    is_eq(sent(send_file(1, 4), IORING_MSG_SEND_FD), -EINVAL);
    is_eq(sent(send_file(1, 3), IORING_MSG_SEND_FD), 0);
    struct cqe c = received();
    ok(c.user_data == 9 && c.res == 0, "the other ring is told");
    is_eq(sent(send_file(1, IORING_FILE_INDEX_ALLOC), IORING_MSG_SEND_FD), 0);
    is_eq(received().res, 0);
    send_file(1, IORING_FILE_INDEX_ALLOC)->msg_ring_flags = IORING_MSG_RING_CQE_SKIP;
    ring_sqes[(*SQ(tail) - 1) & *SQ(ring_mask)].addr = IORING_MSG_SEND_FD;
    is_eq(ring_result(), 1);
    is_eq(received().res, -100000);
    is_eq(sent(send_file(1, IORING_FILE_INDEX_ALLOC), IORING_MSG_SEND_FD), -ENFILE);
    send_file(1, 1)->fd = ring_fd;
    ring_sqes[(*SQ(tail) - 1) & *SQ(ring_mask)].addr = IORING_MSG_SEND_FD;
    is_eq(ring_result(), -EINVAL);
    send_file(1, 1)->len = 1;
    ring_sqes[(*SQ(tail) - 1) & *SQ(ring_mask)].addr = IORING_MSG_SEND_FD;
    is_eq(ring_result(), -EINVAL);
    must(close(fd));
    ring_swap(&other);
    is_eq(read_registered(2), 4);
    is_eq(read_registered(1), 4);
    ring_swap(&other);
}

static void to_a_disabled_one(void)
{
    struct io_uring_params p = {.flags = IORING_SETUP_R_DISABLED};

    other.fd = (int)must(syscall(SYS_io_uring_setup, 2, &p));
    is_eq(sent(message(1, 2), IORING_MSG_DATA), -EBADFD);
}

int main(void)
{
    tmp_enter();
    fd = file_with("f", "0123456789");
    ring_make(2, N);
    ring_swap(&other);
    rp = (struct io_uring_params){0};
    ring_make(8, N);
    data();
    full();
    files();
    to_a_disabled_one();
    done();
}
