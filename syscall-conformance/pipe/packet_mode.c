/* pipe(2) O_DIRECT: each write of up to PIPE_BUF bytes is a packet, a read takes one packet and
 * drops what does not fit, longer writes are split. */
#include "../process/child.h"

int main(void)
{
    static char buf[16384];
    int p[2];

    if (pipe2(p, O_DIRECT | O_NONBLOCK) < 0)
        return 1;
    is_eq(fcntl(p[1], F_GETFL), O_WRONLY | O_NONBLOCK | O_DIRECT);
    is_eq(write(p[1], "one", 3), 3);
    is_eq(write(p[1], "two!", 4), 4);
    is_eq(read(p[0], buf, sizeof(buf)), 3);
    is_eq(read(p[0], buf, 2), 2);
    ok(!memcmp(buf, "tw", 2), "start of the packet");
    is_errno(read(p[0], buf, sizeof(buf)), EAGAIN);
    is_eq(write(p[1], buf, 10000), 10000);
    is_eq(read(p[0], buf, sizeof(buf)), 4096);
    is_eq(read(p[0], buf, sizeof(buf)), 4096);
    is_eq(read(p[0], buf, sizeof(buf)), 10000 - 8192);
    is_eq(write(p[1], "", 0), 0);
    is_errno(read(p[0], buf, sizeof(buf)), EAGAIN);
    /* A page each. */
    int n = 0;
    while (write(p[1], "x", 1) == 1)
        n++;
    is_eq(n, 16);
    ok(errno == EAGAIN, "then full");
    is_eq(fcntl(p[1], F_SETFL, O_NONBLOCK), 0);
    is_eq(read(p[0], buf, sizeof(buf)), 1);
    done();
}
