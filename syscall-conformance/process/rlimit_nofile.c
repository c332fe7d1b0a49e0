/* getrlimit(2) RLIMIT_NOFILE: EMFILE for descriptors at or above the limit, EBADF for dup2 to one.
 */
#include "child.h"
#include <sys/resource.h>

static void child(void)
{
    struct rlimit lim = {20, 20};
    int fd, last = -1, pipefd[2];

    check(setrlimit(RLIMIT_NOFILE, &lim) == 0, 1);
    while ((fd = dup(1)) >= 0)
        last = fd;
    check(errno == EMFILE, 2);
    check(last == 19, 3);
    check(dup2(1, 20) == -1 && errno == EBADF, 4);
    check(dup2(1, 19) == 19, 5);
    check(fcntl(1, F_DUPFD, 20) == -1 && errno == EINVAL, 6);
    check(fcntl(1, F_DUPFD, 5) == -1 && errno == EMFILE, 7);
    check(open("/dev/null", O_RDONLY) == -1 && errno == EMFILE, 8);
    check(pipe(pipefd) == -1 && errno == EMFILE, 9);
}

int main(void)
{
    is_eq(in_child(child), 0);
    done();
}
