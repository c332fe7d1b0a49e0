/* poll(2) on pipes: POLLIN with data, POLLOUT with room for PIPE_BUF, POLLHUP at the reader when
 * the writers are gone, POLLERR at the writer when the readers are gone. */
#include "../process/child.h"
#include <poll.h>

static int ev(int fd, short events)
{
    struct pollfd pfd = {fd, events, 0};
    int n = poll(&pfd, 1, 0);

    return n == (pfd.revents != 0) ? pfd.revents : -1;
}

int main(void)
{
    static char buf[65536];
    int p[2];

    if (pipe2(p, O_NONBLOCK) < 0)
        return 1;
    is_eq(ev(p[0], POLLIN | POLLOUT), 0);
    is_eq(ev(p[1], POLLIN | POLLOUT), POLLOUT);
    is_eq(write(p[1], "x", 1), 1);
    is_eq(ev(p[0], POLLIN | POLLOUT), POLLIN);
    is_eq(ev(p[0], POLLIN | POLLRDNORM), POLLIN | POLLRDNORM);
    is_eq(ev(p[0], POLLPRI), 0);
    is_eq(write(p[1], buf, 65535 - 4096), 65535 - 4096);
    is_eq(ev(p[1], POLLOUT | POLLWRNORM), POLLOUT | POLLWRNORM);
    is_eq(write(p[1], buf, 4096), 4096);
    is_eq(ev(p[1], POLLOUT), 0);
    is_eq(read(p[0], buf, 4096), 4096);
    is_eq(ev(p[1], POLLOUT), POLLOUT);
    close(p[1]);
    is_eq(ev(p[0], POLLIN), POLLIN | POLLHUP);
    is_eq(ev(p[0], 0), POLLHUP);
    is_eq(read(p[0], buf, 65536), 65536 - 4096);
    is_eq(ev(p[0], POLLIN), POLLHUP);
    close(p[0]);

    if (pipe2(p, O_NONBLOCK) < 0)
        return 1;
    close(p[0]);
    is_eq(ev(p[1], POLLOUT), POLLOUT | POLLERR);
    is_eq(ev(p[1], 0), POLLERR);

    /* A FIFO opened before its first writer does not hang up. */
    enter_scratch();
    mkfifo("f", 0600);
    int r = open("f", O_RDONLY | O_NONBLOCK);
    is_eq(ev(r, POLLIN), 0);
    int w = open("f", O_WRONLY);
    is_eq(ev(r, POLLIN), 0);
    close(w);
    is_eq(ev(r, POLLIN), POLLHUP);
    w = open("f", O_WRONLY);
    is_eq(ev(r, POLLIN), 0);
    close(w);
    int r2 = open("f", O_RDONLY | O_NONBLOCK);
    is_eq(ev(r2, POLLIN), 0);
    is_eq(ev(r, POLLIN), POLLHUP);
    done();
}
