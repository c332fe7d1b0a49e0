/* fork(2): the child has its own descriptor table: closing or setting FD_CLOEXEC there stays there.
 */
#include "child.h"

static int fd;

static void child(void)
{
    check(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0, 1);
    check(close(0) == 0 || errno == EBADF, 2);
}

int main(void)
{
    fd = dup(1);
    int zero = open("/dev/null", O_RDONLY);
    dup2(zero, 0);
    is_eq(in_child(child), 0);
    is_eq(fcntl(fd, F_GETFD), 0);
    is_eq(fcntl(0, F_GETFD), 0);
    done();
}
