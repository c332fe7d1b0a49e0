/* tee(2): duplicates bytes from one pipe into another without consuming them. */
#include "../process/child.h"

int main(void)
{
    static char buf[65536];
    int p[2], q[2];

    if (pipe2(p, O_NONBLOCK) < 0 || pipe2(q, O_NONBLOCK) < 0)
        return 1;
    is_errno(tee(p[0], q[1], 10, 0), EAGAIN);
    is_eq(tee(p[0], q[1], 0, 0), 0);
    is_eq(write(p[1], "abcdef", 6), 6);
    is_eq(tee(p[0], q[1], 4, 0), 4);
    is_eq(tee(p[0], q[1], 100, SPLICE_F_NONBLOCK), 6);
    is_eq(read(q[0], buf, 100), 10);
    ok(!memcmp(buf, "abcdabcdef", 10), "copies from the start each time");
    is_eq(read(p[0], buf, 100), 6);
    ok(!memcmp(buf, "abcdef", 6), "nothing was consumed");
    is_eq(write(q[1], buf, 65536), 65536);
    is_eq(write(p[1], "x", 1), 1);
    is_errno(tee(p[0], q[1], 1, 0), EAGAIN);
    is_errno(tee(p[0], p[1], 1, 0), EINVAL);
    is_errno(tee(p[1], q[1], 1, 0), EBADF);
    is_errno(tee(p[0], q[0], 1, 0), EBADF);
    is_errno(tee(99, q[1], 1, 0), EBADF);
    int null = open("/dev/null", O_RDWR);
    is_errno(tee(p[0], null, 1, 0), EINVAL);
    is_errno(tee(p[0], q[1], 1, 0x100), EINVAL);
    is_eq(read(p[0], buf, 2), 1);
    close(p[1]);
    is_eq(read(q[0], buf, 65536), 65536);
    is_eq(tee(p[0], q[1], 1, 0), 0);
    close(q[0]);
    done();
}
