/* termios(3): with IXON, VSTOP stops output and VSTART lets it go on; tcflow(3) does the same. */
#include "pty.h"

int main(void)
{
    open_pty();
    set_flags(IXON, 0, ICANON);
    fcntl(slave, F_SETFL, O_NONBLOCK);
    type("\023");
    for (int i = 0; i < 2000 && write(slave, "", 0) == 0; i++) {
        struct pollfd p = {.fd = slave, .events = POLLOUT};
        if (poll(&p, 1, 0) == 0)
            break;
        nap_ms(1);
    }
    is_errno(write(slave, "x", 1), EAGAIN);
    type("\021");
    ok(comes(slave, POLLOUT), "VSTART");
    is_eq(write(slave, "y", 1), 1);
    ok(shows("y"), "shown");
    is_eq(tcflow(slave, TCOOFF), 0);
    is_errno(write(slave, "x", 1), EAGAIN);
    is_eq(tcflow(slave, TCOON), 0);
    is_eq(write(slave, "z", 1), 1);
    ok(shows("z"), "shown");
    is_errno(tcflow(slave, 9), EINVAL);
    set_flags(IXON | IXANY, 0, ICANON);
    is_eq(tcflow(slave, TCOOFF), 0);
    set_flags(0, 0, 0);
    type("\023\021");
    ok(reads(slave, "\023\021"), "without IXON they are ordinary");
    done();
}
