/* socket(2), socketpair(2): families, types, protocols and flags that are refused, in the order
 * they are looked at. */
#include "unix.h"

int main(void)
{
    int s[2];

    is_errno(socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
    is_errno(socket(200, SOCK_STREAM, 0), EAFNOSUPPORT);
    is_errno(socket(AF_UNIX, 77, 0), EINVAL);
    is_errno(socket(AF_UNIX, SOCK_STREAM | 0x100, 0), EINVAL);
    is_errno(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
    is_errno(socket(AF_UNIX, SOCK_STREAM, 2), EPROTONOSUPPORT);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, PF_UNIX);
    ok(fd >= 0, "protocol PF_UNIX is fine");
    is_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    is_eq(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
    int raw = socket(AF_UNIX, SOCK_RAW, 0);
    is_eq(int_opt(raw, SO_TYPE), SOCK_DGRAM);

    is_errno(socketpair(AF_UNIX, SOCK_STREAM, 0, BAD_PTR), EFAULT);
    is_errno(socketpair(AF_UNIX, SOCK_STREAM | 0x100, 0, s), EINVAL);
    is_errno(socketpair(AF_UNIX, SOCK_STREAM, 9, s), EPROTONOSUPPORT);
    is_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, s), 0);
    is_eq(fcntl(s[1], F_GETFD), FD_CLOEXEC);
    struct stat st;
    ok(fstat(s[0], &st) == 0 && S_ISSOCK(st.st_mode), "fstat says socket");
    is_errno(lseek(s[0], 0, SEEK_CUR), ESPIPE);
    char c;
    is_errno(pread(s[0], &c, 1, 0), ESPIPE);
    is_errno(ftruncate(s[0], 0), EINVAL);

    int null = open("/dev/null", O_RDWR);
    is_errno(bind_to(null, "@x"), ENOTSOCK);
    is_errno(listen(null, 1), ENOTSOCK);
    is_errno(accept(null, NULL, NULL), ENOTSOCK);
    is_errno(shutdown(null, 0), ENOTSOCK);
    is_errno(send(null, "", 0, 0), ENOTSOCK);
    is_errno(send(99, "", 0, 0), EBADF);
    is_errno(connect_to(99, "@x"), EBADF);
    done();
}
