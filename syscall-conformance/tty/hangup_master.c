/* pty(7): when the last master is closed, reads of the slave end, writes fail with EIO. */
#include "pty.h"

int main(void)
{
    struct pollfd p;
    char c;

    open_pty();
    set_flags(0, 0, ICANON);
    close(master);
    p = (struct pollfd){.fd = slave, .events = POLLIN | POLLOUT};
    is_eq(poll(&p, 1, 1000), 1);
    ok(p.revents & POLLHUP, "POLLHUP");
    is_eq(read(slave, &c, 1), 0);
    is_errno(write(slave, "x", 1), EIO);
    is_errno(ioctl(slave, TCGETS, &(struct termios){0}), EIO);
    is_errno(open(slave_name, O_RDWR | O_NOCTTY), ENOENT);
    done();
}
