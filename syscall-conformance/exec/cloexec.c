/* execve(2): descriptors stay open, except those marked close-on-exec by any of the ways. */
#include "exec.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

int main(int argc, char **argv)
{
    int p[2], s[2];

    (void)argv;
    if (argc == 2) {
        for (int fd = 21; fd <= 27; fd++)
            check(!is_open(fd), fd);
        check(is_open(20) && fcntl(20, F_GETFD) == 0, 1);
        check(is_open(28) && is_open(29), 2);
        return 0;
    }
    dup2(1, 20);
    dup3(open("/dev/null", O_RDONLY | O_CLOEXEC), 21, O_CLOEXEC);
    dup2(1, 22);
    ok(fcntl(22, F_SETFD, FD_CLOEXEC) == 0, "F_SETFD");
    ok(fcntl(1, F_DUPFD_CLOEXEC, 23) == 23, "F_DUPFD_CLOEXEC");
    ok(pipe2(p, O_CLOEXEC) == 0 && fcntl(p[0], F_DUPFD_CLOEXEC, 24) == 24, "pipe2");
    ok(fcntl(p[0], F_GETFD) == FD_CLOEXEC && fcntl(p[1], F_GETFD) == FD_CLOEXEC, "both ends");
    ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) == 0 &&
           fcntl(s[1], F_GETFD) == FD_CLOEXEC,
       "socketpair");
    ok(fcntl(epoll_create1(EPOLL_CLOEXEC), F_GETFD) == FD_CLOEXEC, "epoll_create1");
    ok(fcntl(eventfd(0, EFD_CLOEXEC), F_GETFD) == FD_CLOEXEC, "eventfd");
    ok(fcntl(21, F_DUPFD, 28) == 28, "a duplicate does not inherit the mark");
    dup2(21, 29);
    is_eq(run_self("check"), 0);
    is_eq(fcntl(21, F_GETFD), FD_CLOEXEC);
    done();
}
