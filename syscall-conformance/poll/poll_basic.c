/* poll(2): revents is written for every entry, negative descriptors are skipped, closed ones give
 * POLLNVAL, and errors are EFAULT and EINVAL. */
#include "../process/child.h"
#include <poll.h>
#include <sys/resource.h>

int main(void)
{
    int p[2];
    struct rlimit rl = {10, 10};

    enter_scratch();
    put_file("f", "x", 1, 0600);
    if (pipe(p) < 0)
        return 1;
    int file = open("f", O_RDONLY);
    struct pollfd set[5] = {{p[0], POLLIN, 0x7f},
                            {p[1], POLLOUT, 0x7f},
                            {-1, POLLIN, 0x7f},
                            {99, POLLIN, 0x7f},
                            {file, POLLIN | POLLOUT | POLLPRI, 0x7f}};
    is_eq(poll(set, 5, 0), 3);
    is_eq(set[0].revents, 0);
    is_eq(set[1].revents, POLLOUT);
    is_eq(set[2].revents, 0);
    is_eq(set[3].revents, POLLNVAL);
    is_eq(set[4].revents, POLLIN | POLLOUT);
    is_eq(set[0].events, POLLIN);
    is_eq(set[2].fd, -1);
    set[3].events = 0;
    is_eq(poll(set + 3, 1, -1), 1);
    is_eq(set[3].revents, POLLNVAL);

    /* The same descriptor twice. */
    struct pollfd twice[2] = {{p[1], POLLOUT, 0}, {p[1], POLLOUT, 0}};
    is_eq(poll(twice, 2, -1), 2);

    int path = open("f", O_PATH);
    struct pollfd o = {path, POLLIN, 0};
    is_eq(poll(&o, 1, 0), 1);
    is_eq(o.revents, POLLNVAL);

    is_eq(poll(NULL, 0, 0), 0);
    is_errno(poll(BAD_PTR, 1, 0), EFAULT);
    is_errno(syscall(SYS_poll, NULL, 1, 0), EFAULT);
    is_eq(poll(BAD_PTR, 0, 0), 0);
    is_eq(setrlimit(RLIMIT_NOFILE, &rl), 0);
    static struct pollfd many[11];
    for (int i = 0; i < 11; i++)
        many[i].fd = -1;
    is_eq(poll(many, 10, 0), 0);
    is_errno(poll(many, 11, 0), EINVAL);
    is_errno(syscall(SYS_poll, many, -1, 0), EINVAL);
    done();
}
