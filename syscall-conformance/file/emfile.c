/* open(2) EMFILE: the per-process limit on the number of open descriptors has been reached;
 * RLIMIT_NOFILE is one greater than the highest descriptor. */
#include "tmp.h"
#include <sys/resource.h>
#include <sys/socket.h>

int main(void)
{
    struct rlimit rl = {20, 20};
    int fd, last = -1, p[2] = {-7, -7};

    tmp_enter();
    touch("f");
    must(setrlimit(RLIMIT_NOFILE, &rl));
    while ((fd = open("f", O_RDONLY)) >= 0)
        last = fd;
    ok(errno == EMFILE, "opening stops with EMFILE");
    is_eq(last, 19);
    is_errno(dup(0), EMFILE);
    is_errno(fcntl(0, F_DUPFD, 3), EMFILE);
    is_errno(pipe(p), EMFILE);
    ok(p[0] == -7 && p[1] == -7, "a failed pipe() leaves the array alone");
    is_errno(socket(AF_UNIX, SOCK_STREAM, 0), EMFILE);
    is_errno(dup2(0, 20), EBADF);
    close(10);
    is_errno(pipe(p), EMFILE);
    is_errno(open("none", O_RDONLY), ENOENT);
    is_eq(open("f", O_RDONLY), 10);
    is_errno(open("new", O_CREAT | O_WRONLY, 0644), EMFILE);
    ok(!exists("new"), "nothing was created");
    done();
}
