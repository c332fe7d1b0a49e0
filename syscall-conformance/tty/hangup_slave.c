/* pty(7): when the last slave is closed, the master reads what was written and then EIO. */
#include "pty.h"

int main(void)
{
    struct pollfd p;
    char c;

    open_pty();
    set_flags(0, 0, ICANON);
    is_eq(write(slave, "last", 4), 4);
    close(slave);
    p = (struct pollfd){.fd = master, .events = POLLIN};
    is_eq(poll(&p, 1, 1000), 1);
    ok(p.revents & POLLHUP, "POLLHUP");
    ok(shows("last"), "what was written");
    is_errno(read(master, &c, 1), EIO);
    slave = open(slave_name, O_RDWR | O_NOCTTY);
    ok(slave >= 0, "it can be opened again");
    is_eq(write(slave, "more", 4), 4);
    ok(shows("more"), "and works");
    p.revents = 0;
    poll(&p, 1, 0);
    is_eq(p.revents & POLLHUP, 0);
    done();
}
