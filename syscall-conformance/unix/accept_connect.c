/* listen(2), connect(2), accept(2): the backlog, ECONNREFUSED without a listener, EAGAIN when the
 * backlog is full, ENOENT, ENOTCONN, EINVAL and EADDRINUSE. */
#include "unix.h"

int main(void)
{
    struct sockaddr_un a;
    socklen_t len;

    enter_scratch();
    int l = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), c[8];
    is_errno(listen(l, 1), EINVAL); /* not bound */
    is_errno(accept(l, NULL, NULL), EINVAL);
    is_eq(bind_to(l, "sock"), 0);
    is_errno(bind_to(l, "other"), EINVAL); /* bound already */
    c[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    is_errno(connect_to(c[0], "sock"), ECONNREFUSED);
    is_errno(connect_to(c[0], "none"), ENOENT);
    put_file("file", "", 0, 0600);
    is_errno(connect_to(c[0], "file"), ECONNREFUSED);
    is_errno(connect_to(c[0], "file/x"), ENOTDIR);
    is_errno(connect_to(c[0], "@nobody.listens"), ECONNREFUSED);
    is_eq(listen(l, 1), 0);
    is_eq(int_opt(l, SO_ACCEPTCONN), 1);
    is_errno(accept(l, NULL, NULL), EAGAIN);
    is_eq(events(l), 0);
    is_eq(connect_to(c[0], "sock"), 0);
    is_errno(connect_to(c[0], "sock"), EISCONN);
    is_eq(send(c[0], "early", 5, 0), 5); /* before accept */
    is_eq(events(l), POLLIN);
    c[1] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    is_eq(connect_to(c[1], "sock"), 0);
    c[2] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    is_errno(connect_to(c[2], "sock"), EAGAIN);
    is_eq(listen(l, 5), 0);
    is_eq(connect_to(c[2], "sock"), 0);

    len = sizeof(a);
    memset(&a, 0x55, sizeof(a));
    int s = accept4(l, (void *)&a, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    is_eq(len, 2);
    is_eq(a.sun_family, AF_UNIX);
    is_eq(fcntl(s, F_GETFD), FD_CLOEXEC);
    is_eq(fcntl(s, F_GETFL), O_RDWR | O_NONBLOCK);
    char buf[8];
    is_eq(recv(s, buf, 8, 0), 5);
    is_errno(accept4(l, NULL, NULL, 0x100), EINVAL);
    is_errno(recv(l, buf, 1, 0), EINVAL);
    is_errno(send(l, buf, 1, MSG_NOSIGNAL), ENOTCONN);
    is_errno(listen(s, 1), EINVAL);
    is_errno(connect_to(l, "sock"), EINVAL);

    len = sizeof(a);
    is_eq(getsockname(s, (void *)&a, &len), 0);
    ok(len == ADDR_BASE + 5 && !strcmp(a.sun_path, "sock"), "the accepted end has the name");
    len = sizeof(a);
    is_eq(getpeername(c[0], (void *)&a, &len), 0);
    ok(len == ADDR_BASE + 5 && !strcmp(a.sun_path, "sock"), "the peer's name");
    is_errno(getpeername(l, (void *)&a, &len), ENOTCONN);

    /* The listener goes away with connections not accepted. */
    close(l);
    is_errno(recv(c[1], buf, 1, 0), ECONNRESET);
    is_errno(connect_to(socket(AF_UNIX, SOCK_STREAM, 0), "sock"), ECONNREFUSED);
    done();
}
