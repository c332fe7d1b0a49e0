/* sendmmsg(2), recvmmsg(2): several messages in a call; the count when some worked, the error when
 * the first failed. */
#include "unix.h"

int main(void)
{
    int s[2];
    char in[4][8] = {{0}};
    struct iovec out[3] = {{"a", 1}, {"bb", 2}, {"ccc", 3}}, iov[4];
    struct mmsghdr m[4] = {{{0}, 0}}, r[4] = {{{0}, 0}};
    struct timespec ts = {0, 0}, bad = {0, -1};

    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, s) < 0)
        return 1;
    for (int i = 0; i < 4; i++) {
        iov[i] = (struct iovec){in[i], 8};
        r[i].msg_hdr.msg_iov = &iov[i];
        r[i].msg_hdr.msg_iovlen = 1;
        m[i].msg_hdr.msg_iov = &out[i % 3];
        m[i].msg_hdr.msg_iovlen = 1;
    }
    is_eq(sendmmsg(s[0], m, 3, 0), 3);
    is_eq(m[0].msg_len * 100 + m[1].msg_len * 10 + m[2].msg_len, 123);
    is_eq(recvmmsg(s[1], r, 4, MSG_WAITFORONE, NULL), 3);
    is_eq(r[0].msg_len * 100 + r[1].msg_len * 10 + r[2].msg_len, 123);
    ok(!memcmp(in[2], "ccc", 3), "the third");
    is_errno(recvmmsg(s[1], r, 4, MSG_DONTWAIT, NULL), EAGAIN);
    is_eq(sendmmsg(s[0], m, 0, 0), 0);
    m[1].msg_hdr.msg_iov = BAD_PTR;
    is_eq(sendmmsg(s[0], m, 3, 0), 1);
    is_errno(sendmmsg(s[0], m + 1, 2, 0), EFAULT);
    is_errno(sendmmsg(s[0], BAD_PTR, 1, 0), EFAULT);
    is_errno(recvmmsg(s[1], r, 1, 0, &bad), EINVAL);
    is_eq(recvmmsg(s[1], r, 1, 0, &ts), 1);
    is_errno(recvmmsg(99, r, 1, 0, NULL), EBADF);
    is_errno(sendmmsg(0, m, 1, 0), ENOTSOCK);
    done();
}
