/* ioctl_tty(2): what a new pseudo-terminal's settings are, and that they are kept as they are set.
 */
#include "pty.h"

int main(void)
{
    struct termios t, u;

    open_pty();
    is_eq(tcgetattr(slave, &t), 0);
    is_eq(t.c_iflag, ICRNL | IXON);
    is_eq(t.c_oflag, OPOST | ONLCR);
    is_eq(t.c_cflag, B38400 | CS8 | CREAD);
    is_eq(t.c_lflag, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN);
    is_eq(t.c_cc[VINTR], 3);
    is_eq(t.c_cc[VERASE], 127);
    is_eq(t.c_cc[VMIN], 1);
    is_eq(t.c_cc[VLNEXT], 22);
    cfmakeraw(&t);
    cfsetspeed(&t, B9600);
    t.c_cc[VMIN] = 7;
    is_eq(tcsetattr(slave, TCSANOW, &t), 0);
    is_eq(tcgetattr(master, &u), 0);
    ok(u.c_iflag == t.c_iflag && u.c_lflag == t.c_lflag, "both sides see the same");
    is_eq(cfgetospeed(&u), B9600);
    is_eq(u.c_cc[VMIN], 7);
    is_eq(u.c_cflag & CSIZE, CS8);
    is_eq(u.c_cflag & PARENB, 0);
    done();
}
