/* unix(7) SOCK_DGRAM: whole messages with their sender's name, empty ones too; ECONNREFUSED when
 * nobody receives, EMSGSIZE when too long, EDESTADDRREQ and ENOTCONN without a destination. */
#include "unix.h"

int main(void)
{
    char buf[64];
    struct sockaddr_un to, from;
    socklen_t len = sizeof(from), tolen;
    int a = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    int b = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    is_errno(send(a, "x", 1, 0), ENOTCONN);
    is_errno(write(a, "x", 1), ENOTCONN);
    is_errno(recv(a, buf, 1, 0), EAGAIN);
    is_eq(bind_to(b, own_name("b")), 0);
    tolen = make_addr(&to, own_name("b"));
    is_eq(sendto(a, "one", 3, 0, (void *)&to, tolen), 3);
    is_eq(recvfrom(b, buf, 64, 0, (void *)&from, &len), 3);
    is_eq(len, 0);
    is_eq(bind_to(a, own_name("a")), 0);
    is_eq(sendto(a, "", 0, 0, (void *)&to, tolen), 0);
    is_eq(sendto(a, "two", 3, 0, (void *)&to, tolen), 3);
    len = sizeof(from);
    is_eq(recvfrom(b, buf, 64, 0, (void *)&from, &len), 0);
    ok(len == ADDR_BASE + strlen(own_name("a")) &&
           !memcmp(from.sun_path + 1, own_name("a") + 1, strlen(own_name("a")) - 1),
       "the sender's name");
    is_eq(recv(b, buf, 2, 0), 2);
    is_errno(recv(b, buf, 2, 0), EAGAIN); /* the rest of the message is gone */

    is_eq(connect_to(a, own_name("b")), 0);
    is_eq(send(a, "three", 5, 0), 5);
    is_eq(recv(b, buf, 64, 0), 5);
    /* Connected, b only hears its peer. */
    is_eq(connect_to(b, own_name("a")), 0);
    int c = socket(AF_UNIX, SOCK_DGRAM, 0);
    is_errno(sendto(c, "x", 1, 0, (void *)&to, tolen), EPERM);
    is_errno(connect_to(c, own_name("b")), EPERM);
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    is_eq(connect(b, &none, sizeof(none)), 0);
    is_eq(sendto(c, "x", 1, 0, (void *)&to, tolen), 1);
    is_errno(send(b, "x", 1, 0), ENOTCONN);

    static char huge[1 << 20];
    is_errno(send(a, huge, sizeof(huge), 0), EMSGSIZE);
    is_eq(recv(b, buf, 64, 0), 1);
    close(b);
    is_errno(send(a, "x", 1, 0), ECONNREFUSED);
    is_errno(sendto(c, "x", 1, 0, (void *)&to, tolen), ECONNREFUSED);
    is_errno(connect_to(c, own_name("b")), ECONNREFUSED);
    is_errno(listen(c, 1), EOPNOTSUPP);
    is_errno(accept(c, NULL, NULL), EOPNOTSUPP);
    done();
}
