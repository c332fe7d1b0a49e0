/* getsockname(2), getpeername(2): the length given back is the real one although less is copied;
 * a negative one is EINVAL; unnamed sockets have just the family. */
#include "unix.h"

int main(void)
{
    int s[2];
    char buf[200];
    socklen_t len;
    struct sockaddr_un a = {0};

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) < 0)
        return 1;
    len = sizeof(a);
    is_eq(getsockname(s[0], (void *)&a, &len), 0);
    is_eq(len, 2);
    is_eq(a.sun_family, AF_UNIX);
    len = sizeof(a);
    is_eq(getpeername(s[0], (void *)&a, &len), 0);
    is_eq(len, 2);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    is_errno(getpeername(fd, (void *)&a, &len), ENOTCONN);
    enter_scratch();
    is_eq(bind_to(fd, "name"), 0);
    memset(buf, 'x', sizeof(buf));
    len = 4;
    is_eq(getsockname(fd, (void *)buf, &len), 0);
    is_eq(len, ADDR_BASE + 5);
    ok(!memcmp(buf + 2, "naxx", 4), "only what fits was copied");
    len = 0;
    is_eq(getsockname(fd, (void *)buf, &len), 0);
    is_eq(len, ADDR_BASE + 5);
    len = (socklen_t)-1;
    is_errno(syscall(SYS_getsockname, fd, buf, &len), EINVAL);
    len = sizeof(a);
    is_errno(getsockname(fd, BAD_PTR, &len), EFAULT);
    is_errno(getsockname(fd, (void *)buf, BAD_PTR), EFAULT);
    is_errno(getsockname(99, (void *)buf, &len), EBADF);
    /* A path given without its zero byte comes back with it. */
    int g = socket(AF_UNIX, SOCK_STREAM, 0);
    len = make_addr(&a, "name2") - 1;
    is_eq(bind(g, (void *)&a, len), 0);
    len = sizeof(buf);
    is_eq(getsockname(g, (void *)buf, &len), 0);
    is_eq(len, ADDR_BASE + 6);
    done();
}
