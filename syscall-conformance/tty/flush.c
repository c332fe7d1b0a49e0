/* tcflush(3): throws away what was typed and not read, or written and not shown. */
#include "pty.h"

int main(void)
{
    open_pty();
    set_flags(ICRNL, 0, ICANON);
    type("one\ntwo\n");
    ok(has_ready(slave, 8), "two lines");
    is_eq(tcflush(slave, TCIFLUSH), 0);
    ok(has_ready(slave, 0), "input is gone");
    is_eq(write(slave, "out", 3), 3);
    is_eq(tcflush(slave, TCOFLUSH), 0);
    is_eq(write(slave, "x", 1), 1);
    ok(comes(master, POLLIN), "what comes after is shown");
    is_errno(tcflush(slave, 3), EINVAL);
    type("three\n");
    ok(has_ready(slave, 6), "a line");
    struct termios t;
    tcgetattr(slave, &t);
    is_eq(tcsetattr(slave, TCSAFLUSH, &t), 0);
    ok(has_ready(slave, 0), "TCSAFLUSH drops it");
    done();
}
