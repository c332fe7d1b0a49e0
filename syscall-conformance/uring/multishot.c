/* io_uring_enter(2): polls, accepts and receives of which each event is a completion. */
#include "abi.h"
#include <sys/un.h>

static char mem[8][64];

static void fill(int bid)
{
    struct io_uring_sqe *s =
        sqe_get(IORING_OP_PROVIDE_BUFFERS, 8 - bid, mem[bid], 64, (uint64_t)bid, 0);

    s->buf_group = 1;
    is_eq(ring_result(), 0);
}

static void receive(int op, int fd, void *msg, uint64_t data)
{
    struct io_uring_sqe *s = sqe_get(op, fd, msg, msg ? 1 : 0, 0, data);

    s->ioprio = IORING_RECV_MULTISHOT;
    s->flags = IOSQE_BUFFER_SELECT;
    s->buf_group = 1;
}

static void polls(void)
{
    int p[2];
    char buf[8];

    must(pipe(p));
    sqe_get(IORING_OP_POLL_ADD, p[0], NULL, IORING_POLL_ADD_MULTI, 0, 1)->poll32_events = POLLIN;
    must(enter(1, 0, 0));
    is_eq(cq_count(), 0);
    for (int i = 0; i < 3; i++) {
        must(write(p[1], "x", 1));
        struct cqe c = cqe_wait();
        ok(c.user_data == 1 && c.res == POLLIN && c.flags == IORING_CQE_F_MORE, "event %d", i);
    }
    must(read(p[0], buf, 8));
    sqe_get(IORING_OP_POLL_REMOVE, -1, (void *)1, IORING_POLL_UPDATE_USER_DATA, 2, 3);
    is_eq(ring_result(), 0);
    must(write(p[1], "x", 1));
    struct cqe c = cqe_wait();
    ok(c.user_data == 2 && c.res == POLLIN && (c.flags & IORING_CQE_F_MORE), "by its new name");
    sqe_get(IORING_OP_POLL_REMOVE, -1, (void *)1, 0, 0, 3);
    is_eq(ring_result(), -ENOENT);
    sqe_get(IORING_OP_POLL_REMOVE, -1, (void *)2, IORING_POLL_ADD_MULTI, 0, 3);
    is_eq(ring_result(), -EINVAL);
    sqe_get(IORING_OP_ASYNC_CANCEL, p[0], NULL, 0, 0, 4)->cancel_flags = IORING_ASYNC_CANCEL_FD;
    must(enter(1, 2, IORING_ENTER_GETEVENTS));
    c = cqe_next();
    ok(c.user_data == 4 && c.res == 0, "cancelled by its descriptor");
    c = cqe_next();
    ok(c.user_data == 2 && c.res == -ECANCELED && !c.flags, "it is told last");
    sqe_get(IORING_OP_POLL_ADD, p[0], NULL, IORING_POLL_ADD_LEVEL, 0, 1)->poll32_events = POLLIN;
    is_eq(ring_result(), -EINVAL);
    must(close(p[0]));
    must(close(p[1]));
}

/* What finds no room ends it, and is kept. */
static void overflow(void)
{
    int p[2], n = 0, more = 0;
    char x;

    must(pipe(p));
    sqe_get(IORING_OP_POLL_ADD, p[0], NULL, IORING_POLL_ADD_MULTI, 0, 1)->poll32_events = POLLIN;
    must(enter(1, 0, 0));
    for (int i = 0; i < 40; i++) {
        must(write(p[1], "x", 1));
        must(read(p[0], &x, 1));
        sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 9);
        must(enter(1, 0, 0));
    }
    while (enter(0, 0, IORING_ENTER_GETEVENTS) == 0 && cq_count()) {
        struct cqe c = cqe_next();
        n += c.user_data == 1;
        more += c.user_data == 1 && (c.flags & IORING_CQE_F_MORE);
    }
    ok(n > 1 && more == n - 1, "a full queue ends it");
    must(close(p[0]));
    must(close(p[1]));
}

static int listener(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int l = (int)must(socket(AF_UNIX, SOCK_STREAM, 0));

    must(bind(l, (void *)&a, sizeof(sa_family_t)));
    must(listen(l, 8));
    return l;
}

static void connect_to(int l, int fds[2])
{
    struct sockaddr_un a;
    socklen_t len = sizeof(a);

    must(getsockname(l, (void *)&a, &len));
    for (int i = 0; i < 2; i++) {
        fds[i] = (int)must(socket(AF_UNIX, SOCK_STREAM, 0));
        must(connect(fds[i], (void *)&a, len));
    }
}

static void accepts(void)
{
    int l = listener(), c[2];
    struct cqe e;

    sqe_get(IORING_OP_ACCEPT, l, NULL, 0, 0, 5)->ioprio = IORING_ACCEPT_MULTISHOT;
    must(enter(1, 0, 0));
    connect_to(l, c);
    for (int i = 0; i < 2; i++) {
        e = cqe_wait();
        ok(e.user_data == 5 && e.res >= 0 && (e.flags & IORING_CQE_F_MORE), "connection %d", i);
        must(close(e.res));
        must(close(c[i]));
    }
    sqe_get(IORING_OP_ASYNC_CANCEL, -1, NULL, 0, 0, 6)->cancel_flags = IORING_ASYNC_CANCEL_ANY;
    must(enter(1, 2, IORING_ENTER_GETEVENTS));
    e = cqe_next();
    ok(e.user_data == 6 && e.res == 1, "all that there are: one");
    e = cqe_next();
    ok(e.user_data == 5 && e.res == -ECANCELED && !e.flags, "it ends");
    struct io_uring_sqe *s = sqe_get(IORING_OP_ACCEPT, l, NULL, 0, 0, 5);
    s->ioprio = IORING_ACCEPT_MULTISHOT;
    s->file_index = 1;
    is_eq(ring_result(), -EINVAL);
    must(close(l));
}

static void receives(void)
{
    int sv[2];

    must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv));
    sqe_get(IORING_OP_RECV, sv[0], NULL, 0, 0, 7)->ioprio = IORING_RECV_MULTISHOT;
    is_eq(ring_result(), -EINVAL);
    fill(0);
    receive(IORING_OP_RECV, sv[0], NULL, 7);
    must(enter(1, 0, 0));
    must(write(sv[1], "one", 3));
    must(write(sv[1], "three", 5));
    struct cqe c = cqe_wait();
    ok(c.res == 3 && (c.flags & IORING_CQE_F_MORE) && BID(c) == 0 && !memcmp(mem[0], "one", 3),
       "the first");
    c = cqe_wait();
    ok(c.res == 5 && (c.flags & IORING_CQE_F_MORE) && BID(c) == 1 && !memcmp(mem[1], "three", 5),
       "the second");
    for (int i = 0; i < 6; i++) {
        must(write(sv[1], "x", 1));
        c = cqe_wait();
    }
    ok(c.res == 1 && (c.flags & IORING_CQE_F_MORE) && BID(c) == 7, "until the last buffer");
    must(write(sv[1], "x", 1));
    c = cqe_wait();
    ok(c.res == -ENOBUFS && !c.flags, "then it ends");

    fill(0);
    struct msghdr h = {.msg_namelen = 8, .msg_controllen = 4};
    receive(IORING_OP_RECVMSG, sv[0], &h, 8);
    must(enter(1, 0, 0));
    c = cqe_wait();
    struct io_uring_recvmsg_out *o = (void *)mem[0];
    ok(c.res == 16 + 8 + 4 + 1 && (c.flags & IORING_CQE_F_MORE), "a header, room, and the byte");
    ok(o->namelen == 0 && o->controllen == 0 && o->payloadlen == 1 && mem[0][28] == 'x', "told");
    memset(mem[0], 'y', sizeof(mem[0]));
    must(write(sv[1], mem[0], 64));
    c = cqe_wait();
    o = (void *)mem[1];
    ok(c.res == 64 && o->payloadlen == 36 && (o->flags & MSG_TRUNC), "what is too long is cut");
    must(close(sv[1]));
    c = cqe_wait();
    ok(!(c.flags & IORING_CQE_F_MORE), "the end ends it");
    must(close(sv[0]));
    sqe_get(IORING_OP_REMOVE_BUFFERS, 100, NULL, 0, 0, 0)->buf_group = 1;
    (void)ring_result();
}

static void reads(void)
{
    int p[2];

    must(pipe(p));
    fill(6);
    struct io_uring_sqe *s = sqe_get(OP_READ_MULTISHOT, p[0], NULL, 0, (uint64_t)-1, 3);
    s->flags = IOSQE_BUFFER_SELECT;
    s->buf_group = 1;
    must(enter(1, 0, 0));
    must(write(p[1], "abc", 3));
    struct cqe c = cqe_wait();
    ok(c.res == 3 && (c.flags & IORING_CQE_F_MORE) && BID(c) == 6, "a read of a pipe");
    must(close(p[1]));
    c = cqe_wait();
    ok(c.res == 0 && !(c.flags & IORING_CQE_F_MORE), "until its end");
    sqe_get(OP_READ_MULTISHOT, p[0], NULL, 0, (uint64_t)-1, 3);
    is_eq(ring_result(), -EINVAL);
}

int main(void)
{
    ring_make(8, 37);
    polls();
    overflow();
    accepts();
    receives();
    reads();
    done();
}
