/* vmsplice(2): memory into a pipe at its write end, and out of it at the read end. */
#include "../process/child.h"
#include <sys/uio.h>

int main(void)
{
    char a[] = "hello ", b[] = "world", buf[32] = "";
    struct iovec iov[2] = {{a, 6}, {b, 5}}, in[2] = {{buf, 3}, {buf + 10, 20}};
    struct iovec bad = {BAD_PTR, 5};
    int p[2];

    if (pipe2(p, O_NONBLOCK) < 0)
        return 1;
    is_eq(vmsplice(p[1], iov, 2, 0), 11);
    is_eq(read(p[0], buf, 32), 11);
    ok(!memcmp(buf, "hello world", 11), "gathered");
    is_eq(write(p[1], "abcdefg", 7), 7);
    is_eq(vmsplice(p[0], in, 2, 0), 7);
    ok(!memcmp(buf, "abc", 3) && !memcmp(buf + 10, "defg", 4), "scattered");
    is_errno(vmsplice(p[0], in, 2, SPLICE_F_NONBLOCK), EAGAIN);
    is_eq(vmsplice(p[1], iov, 0, 0), 0);
    is_errno(vmsplice(p[1], &bad, 1, 0), EFAULT);
    is_errno(vmsplice(p[1], BAD_PTR, 1, 0), EFAULT);
    is_errno(vmsplice(p[1], iov, 2000, 0), EINVAL);
    is_errno(vmsplice(p[1], iov, 1, 0x100), EINVAL);
    is_errno(vmsplice(99, iov, 1, 0), EBADF);
    int null = open("/dev/null", O_RDWR);
    is_errno(vmsplice(null, iov, 1, 0), EBADF);
    signal(SIGPIPE, SIG_IGN);
    close(p[0]);
    is_errno(vmsplice(p[1], iov, 1, 0), EPIPE);
    done();
}
