/* ioctl_tty(2): TIOCPKT: each read of the master begins with a byte that tells what it is. */
#include "pty.h"

#define CHANGED (TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE | TIOCPKT_STOP | TIOCPKT_START)

static int control(void)
{
    char buf[8];

    return comes(master, POLLPRI) && read(master, buf, sizeof(buf)) == 1 ? buf[0] : -1;
}

int main(void)
{
    int on = 1, is = -1;
    char buf[16];

    open_pty();
    set_flags(IXON, 0, ICANON);
    is_eq(ioctl(master, TIOCGPKT, &is), 0);
    is_eq(is, 0);
    is_eq(ioctl(master, TIOCPKT, &on), 0);
    is_eq(ioctl(master, TIOCGPKT, &is), 0);
    is_eq(is, 1);
    is_eq(write(slave, "ab", 2), 2);
    ok(comes(master, POLLIN), "data");
    is_eq(read(master, buf, sizeof(buf)), 3);
    ok(buf[0] == TIOCPKT_DATA && buf[1] == 'a' && buf[2] == 'b', "a zero and the data");
    is_eq(tcflush(slave, TCIFLUSH), 0);
    is_eq(control(), TIOCPKT_FLUSHREAD);
    is_eq(tcflow(slave, TCOOFF), 0);
    is_eq(control(), TIOCPKT_STOP);
    is_eq(tcflow(slave, TCOON), 0);
    is_eq(control(), TIOCPKT_START);
    set_cc(VSTOP, 1);
    is_eq(control(), TIOCPKT_NOSTOP);
    set_cc(VSTOP, 023);
    is_eq(control(), TIOCPKT_DOSTOP);
    on = 0;
    is_eq(ioctl(master, TIOCPKT, &on), 0);
    is_eq(write(slave, "c", 1), 1);
    ok(shows("c"), "off again");
    is_errno(ioctl(slave, TIOCPKT, &on), ENOTTY);
    is_errno(ioctl(master, TIOCPKT, BAD_PTR), EFAULT);
    done();
}
