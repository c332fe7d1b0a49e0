/* unix(7) SOCK_STREAM: bytes in order both ways, end of file after the peer closed, EPIPE with
 * SIGPIPE (not with MSG_NOSIGNAL) when writing to nobody, ECONNRESET when data was thrown away. */
#include "unix.h"

int main(void)
{
    int s[2];
    char buf[64];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) < 0)
        return 1;
    install(SIGPIPE, record, 0);
    is_errno(read(s[0], buf, 1), EAGAIN);
    is_eq(read(s[0], buf, 0), 0);
    is_eq(write(s[0], "abc", 3), 3);
    is_eq(send(s[0], "def", 3, 0), 3);
    is_eq(recv(s[1], buf, 2, 0), 2);
    is_eq(recv(s[1], buf, 64, 0), 4);
    ok(!memcmp(buf, "cdef", 4), "no message borders");
    is_eq(write(s[1], "back", 4), 4);
    is_eq(read(s[0], buf, 64), 4);
    int n = -1;
    is_eq(write(s[0], "12345", 5), 5);
    is_eq(ioctl(s[1], FIONREAD, &n), 0);
    is_eq(n, 5);
    is_eq(ioctl(s[0], TIOCOUTQ, &n) == 0 && n > 0, 1);
    is_errno(recv(s[1], BAD_PTR, 5, 0), EFAULT);
    is_eq(recv(s[1], buf, 64, 0), 5);
    is_errno(send(s[0], BAD_PTR, 5, 0), EFAULT);

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) < 0)
        return 1;
    is_eq(write(s[1], "last", 4), 4);
    close(s[1]);
    is_eq(read(s[0], buf, 64), 4);
    is_eq(read(s[0], buf, 64), 0);
    is_errno(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    is_eq(hits, 0);
    is_errno(write(s[0], "x", 1), EPIPE);
    is_eq(hits, 1);
    close(s[0]);

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) < 0)
        return 1;
    is_eq(write(s[0], "unread", 6), 6);
    close(s[1]);
    is_errno(read(s[0], buf, 64), ECONNRESET);
    is_eq(read(s[0], buf, 64), 0);
    is_errno(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    done();
}
