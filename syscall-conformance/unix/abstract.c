/* unix(7): abstract names start with a zero byte and are as long as the length says; they end with
 * the last socket. Binding with only the family picks one: five hexadecimal digits. */
#include "unix.h"
#include <ctype.h>

int main(void)
{
    struct sockaddr_un a, b;
    socklen_t len;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), two = socket(AF_UNIX, SOCK_STREAM, 0);

    is_eq(bind_to(fd, own_name("n")), 0);
    is_errno(bind_to(two, own_name("n")), EADDRINUSE);
    len = make_addr(&a, own_name("n"));
    is_eq(bind(two, (void *)&a, len + 1), 0); /* another name: one zero more */
    len = sizeof(b);
    is_eq(getsockname(two, (void *)&b, &len), 0);
    is_eq(len, ADDR_BASE + strlen(own_name("n")) + 1);
    /* The types have their own names. */
    int dg = socket(AF_UNIX, SOCK_DGRAM, 0);
    is_eq(bind_to(dg, own_name("n")), 0);
    int copy = dup(fd);
    close(fd);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    is_errno(bind_to(fd, own_name("n")), EADDRINUSE);
    close(copy);
    is_eq(bind_to(fd, own_name("n")), 0);

    /* Autobind. */
    int an = socket(AF_UNIX, SOCK_STREAM, 0);
    memset(&a, 0, sizeof(a));
    a.sun_family = AF_UNIX;
    is_eq(bind(an, (void *)&a, sizeof(a.sun_family)), 0);
    len = sizeof(b);
    memset(&b, 0, sizeof(b));
    is_eq(getsockname(an, (void *)&b, &len), 0);
    is_eq(len, ADDR_BASE + 6);
    int hex = b.sun_path[0] == 0;
    for (int i = 1; i < 6; i++)
        hex &= isxdigit(b.sun_path[i]) && !isupper(b.sun_path[i]);
    ok(hex, "a zero and five hexadecimal digits");
    is_eq(bind(an, (void *)&a, sizeof(a.sun_family)), 0); /* again: nothing to do */
    is_eq(listen(an, 1), 0);
    int c = socket(AF_UNIX, SOCK_STREAM, 0);
    is_eq(connect(c, (void *)&b, len), 0);

    /* SO_PASSCRED autobinds at connect and sendto. */
    int one = 1;
    c = socket(AF_UNIX, SOCK_DGRAM, 0);
    is_eq(setsockopt(c, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)), 0);
    is_eq(connect_to(c, own_name("n")), 0);
    len = sizeof(b);
    is_eq(getsockname(c, (void *)&b, &len), 0);
    is_eq(len, ADDR_BASE + 6);
    done();
}
