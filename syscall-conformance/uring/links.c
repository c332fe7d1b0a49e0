/* io_uring_enter(2): linked entries run in order; a failure cancels the rest, unless hard-linked.
 */
#include "uring.h"

int main(void)
{
    char buf[8];
    int p[2];

    must(pipe(p));
    ring_make(8, 10);
    sqe_get(IORING_OP_READ, p[0], buf, 1, 0, 1)->flags = IOSQE_IO_LINK;
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 2);
    is_eq(enter(2, 0, 0), 2);
    is_eq(cq_count(), 0);
    must(write(p[1], "x", 1));
    must(enter(0, 2, IORING_ENTER_GETEVENTS));
    struct cqe a = cqe_next(), b = cqe_next();
    ok(a.user_data == 1 && a.res == 1 && b.user_data == 2 && b.res == 0, "in order");
    must(write(p[1], "x", 1));
    sqe_get(IORING_OP_READ, p[0], buf, 8, 0, 1)->flags = IOSQE_IO_LINK;
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 2);
    must(enter(2, 2, IORING_ENTER_GETEVENTS));
    a = cqe_next(), b = cqe_next();
    ok(a.res + b.res == 1 - ECANCELED, "a short read breaks the chain");
    sqe_get(IORING_OP_READ, 999, buf, 8, 0, 3)->flags = IOSQE_IO_LINK;
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 4);
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 5);
    is_eq(enter(3, 3, IORING_ENTER_GETEVENTS), 3);
    int ok3 = 0, ok4 = 0, ok5 = 0;
    for (int i = 0; i < 3; i++) {
        a = cqe_next();
        ok3 += a.user_data == 3 && a.res == -EBADF;
        ok4 += a.user_data == 4 && a.res == -ECANCELED;
        ok5 += a.user_data == 5 && a.res == 0;
    }
    ok(ok3 && ok4, "the failure cancels what is linked");
    ok(ok5, "and nothing else");
    sqe_get(IORING_OP_READ, 999, buf, 8, 0, 6)->flags = IOSQE_IO_HARDLINK;
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 7);
    is_eq(enter(2, 2, IORING_ENTER_GETEVENTS), 2);
    a = cqe_next(), b = cqe_next();
    ok(a.user_data == 6 && a.res == -EBADF && b.user_data == 7 && b.res == 0, "hard links go on");
    sqe_get(IORING_OP_NOP, -1, NULL, 0, 0, 8)->flags = IOSQE_CQE_SKIP_SUCCESS;
    must(enter(1, 0, 0));
    is_eq(cq_count(), 0);
    done();
}
