/* getsockopt(2), setsockopt(2) at SOL_SOCKET: values, their lengths, and errors ENOPROTOOPT,
 * EINVAL, EFAULT, EDOM. */
#include "unix.h"

int main(void)
{
    int s[2], v = 1, big[2] = {1, 1};
    socklen_t len;
    struct timeval tv = {1, 500000}, got;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) < 0)
        return 1;
    is_eq(int_opt(s[0], SO_TYPE), SOCK_STREAM);
    is_eq(int_opt(s[0], SO_DOMAIN), AF_UNIX);
    is_eq(int_opt(s[0], SO_PROTOCOL), 0);
    is_eq(int_opt(s[0], SO_ERROR), 0);
    is_eq(int_opt(s[0], SO_ACCEPTCONN), 0);
    v = 10000;
    is_eq(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, sizeof(v)), 0);
    is_eq(int_opt(s[0], SO_SNDBUF), 20000);
    v = 1;
    is_eq(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, sizeof(v)), 0);
    is_eq(int_opt(s[0], SO_SNDBUF), 4608);
    is_eq(setsockopt(s[0], SOL_SOCKET, SO_RCVBUF, &v, sizeof(v)), 0);
    is_eq(int_opt(s[0], SO_RCVBUF), 2304);
    is_eq(setsockopt(s[0], SOL_SOCKET, SO_REUSEADDR, &v, sizeof(v)), 0);
    is_eq(int_opt(s[0], SO_REUSEADDR), 1);
    is_eq(setsockopt(s[0], SOL_SOCKET, SO_KEEPALIVE, &v, sizeof(v)), 0);
    is_eq(int_opt(s[0], SO_KEEPALIVE), 1);

    is_eq(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
    len = sizeof(got);
    is_eq(getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &got, &len), 0);
    ok(len == sizeof(got) && got.tv_sec == 1 && got.tv_usec == 500000, "the timeout");
    tv = (struct timeval){0, 1000000};
    is_errno(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), EDOM);
    is_errno(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, 4), EINVAL);
    tv = (struct timeval){0, 20000};
    is_eq(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
    int64_t start = now_ns(CLOCK_MONOTONIC);
    is_errno(recv(s[0], &v, 1, 0), EAGAIN);
    ok(now_ns(CLOCK_MONOTONIC) - start >= 20000000, "never early");

    len = 2;
    is_eq(getsockopt(s[0], SOL_SOCKET, SO_TYPE, big, &len), 0);
    is_eq(len, 2);
    len = 8;
    is_eq(getsockopt(s[0], SOL_SOCKET, SO_TYPE, big, &len), 0);
    is_eq(len, 4);
    len = (socklen_t)-1;
    is_errno(syscall(SYS_getsockopt, s[0], SOL_SOCKET, SO_TYPE, &v, &len), EINVAL);
    len = 4;
    is_errno(getsockopt(s[0], SOL_SOCKET, SO_TYPE, BAD_PTR, &len), EFAULT);
    is_errno(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, BAD_PTR), EFAULT);
    is_errno(getsockopt(s[0], SOL_SOCKET, 9999, &v, &len), ENOPROTOOPT);
    is_errno(setsockopt(s[0], SOL_SOCKET, 9999, &v, sizeof(v)), ENOPROTOOPT);
    is_errno(setsockopt(s[0], SOL_SOCKET, SO_TYPE, &v, sizeof(v)), ENOPROTOOPT);
    is_errno(setsockopt(s[0], SOL_SOCKET, SO_REUSEADDR, &v, 3), EINVAL);
    is_errno(setsockopt(s[0], SOL_SOCKET, SO_REUSEADDR, BAD_PTR, 4), EFAULT);
    is_errno(setsockopt(99, SOL_SOCKET, SO_REUSEADDR, &v, 4), EBADF);
    is_errno(setsockopt(0, SOL_SOCKET, SO_REUSEADDR, &v, 4), ENOTSOCK);
    is_errno(setsockopt(s[0], 6, 1, &v, sizeof(v)), EOPNOTSUPP);
    is_errno(getsockopt(s[0], 6, 1, &v, &len), EOPNOTSUPP);
    done();
}
