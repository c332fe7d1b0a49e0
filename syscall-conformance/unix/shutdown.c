/* shutdown(2): SHUT_WR lets the peer read what is left and then the end; SHUT_RD ends reading here
 * and makes the peer's writes fail; both show in poll. */
#include "unix.h"

int main(void)
{
    int s[2];
    char buf[8];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) < 0)
        return 1;
    is_errno(shutdown(s[0], 3), EINVAL);
    is_errno(shutdown(s[0], -1), EINVAL);
    is_errno(shutdown(99, SHUT_RD), EBADF);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    is_eq(shutdown(fd, SHUT_RD), 0); /* not connected: no error for this family */
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    is_eq(write(s[0], "left", 4), 4);
    is_eq(shutdown(s[0], SHUT_WR), 0);
    is_errno(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    is_eq(events(s[1]), POLLIN | POLLOUT | POLLRDHUP);
    is_eq(events(s[0]), POLLOUT);
    is_eq(read(s[1], buf, 8), 4);
    is_eq(read(s[1], buf, 8), 0);
    is_eq(write(s[1], "back", 4), 4);
    is_eq(read(s[0], buf, 8), 4);
    is_eq(shutdown(s[1], SHUT_WR), 0);
    is_eq(events(s[1]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
    is_eq(read(s[0], buf, 8), 0);
    is_eq(shutdown(s[0], SHUT_WR), 0); /* again */

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) < 0)
        return 1;
    is_eq(write(s[1], "kept", 4), 4);
    is_eq(shutdown(s[0], SHUT_RD), 0);
    is_errno(send(s[1], "x", 1, MSG_NOSIGNAL), EPIPE);
    is_eq(read(s[0], buf, 8), 4);
    is_eq(read(s[0], buf, 8), 0);
    is_eq(write(s[0], "out", 3), 3);
    is_eq(read(s[1], buf, 8), 3);

    /* A reader that waits is woken. */
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) < 0)
        return 1;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        check(await_state(parent, 'S'), 1);
        _exit(shutdown(s[0], SHUT_RDWR) != 0);
    }
    is_eq(read(s[0], buf, 8), 0);
    waitpid(pid, NULL, 0);
    is_eq(events(s[0]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);

    /* On a listener it ends accepting. */
    int l = listener(SOCK_STREAM, own_name("l"), 2);
    if ((pid = fork()) == 0) {
        check(await_state(parent, 'S'), 1);
        _exit(shutdown(l, SHUT_RDWR) != 0);
    }
    is_errno(accept(l, NULL, NULL), EINVAL);
    waitpid(pid, NULL, 0);
    is_errno(connect_to(fd, own_name("l")), ECONNREFUSED);
    done();
}
