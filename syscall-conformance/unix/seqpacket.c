/* unix(7) SOCK_SEQPACKET: connected, keeps message borders; what does not fit is dropped and
 * MSG_TRUNC set; end of file when the peer is gone. */
#include "unix.h"

int main(void)
{
    int l = listener(SOCK_SEQPACKET, own_name("l"), 4);
    int c = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
    char buf[16];
    struct iovec iov = {buf, 3};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

    is_errno(send(c, "x", 1, MSG_NOSIGNAL), ENOTCONN);
    is_errno(recv(c, buf, 1, 0), ENOTCONN);
    is_eq(connect_to(c, own_name("l")), 0);
    int s = accept4(l, NULL, NULL, SOCK_NONBLOCK);
    is_eq(int_opt(s, SO_TYPE), SOCK_SEQPACKET);
    is_eq(send(c, "one", 3, 0), 3);
    is_eq(send(c, "twotwo", 6, MSG_EOR), 6);
    is_eq(send(c, "three", 5, 0), 5);
    is_eq(recv(s, buf, 16, 0), 3);
    is_eq(recvmsg(s, &m, 0), 3);
    is_eq(m.msg_flags & MSG_TRUNC, MSG_TRUNC);
    is_eq(recv(s, buf, 1, MSG_TRUNC), 5); /* the real length */
    is_errno(recv(s, buf, 1, 0), EAGAIN);
    is_eq(send(s, "answer", 6, 0), 6);
    is_eq(read(c, buf, 16), 6);
    is_errno(connect_to(c, own_name("l")), EISCONN);
    int d = socket(AF_UNIX, SOCK_STREAM, 0);
    is_errno(connect_to(d, own_name("l")), ECONNREFUSED); /* abstract names are of one type */
    enter_scratch();
    listener(SOCK_SEQPACKET, "path", 1);
    is_errno(connect_to(d, "path"), EPROTOTYPE);
    is_errno(connect_to(socket(AF_UNIX, SOCK_DGRAM, 0), "path"), EPROTOTYPE);
    close(s);
    is_eq(recv(c, buf, 16, 0), 0);
    is_errno(send(c, "x", 1, MSG_NOSIGNAL), EPIPE);
    done();
}
