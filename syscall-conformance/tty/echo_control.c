/* termios(3): ECHO shows what is typed, with ECHOCTL control characters as ^X. */
#include "pty.h"

int main(void)
{
    open_pty();
    set_flags(ICRNL, OPOST | ONLCR, ICANON | ECHO | ECHOCTL);
    type("a\001b\tc\033\n");
    ok(shows("a^Ab\tc^[\r\n"), "ECHOCTL");
    type("\004");
    type("q\n");
    ok(shows("q\r\n"), "VEOF is not shown");
    tcflush(slave, TCIFLUSH);
    set_flags(ICRNL, OPOST | ONLCR, ICANON | ECHO);
    type("a\001b\n");
    ok(shows("a\001b\r\n"), "without ECHOCTL they are shown as they are");
    set_flags(ICRNL, OPOST | ONLCR, ICANON | ECHONL);
    type("hidden\n");
    ok(shows("\r\n"), "ECHONL shows line ends alone");
    set_flags(ICRNL, OPOST | ONLCR, ICANON);
    tcflush(slave, TCIFLUSH);
    type("hidden\n");
    ok(reads(slave, "hidden\n"), "typed");
    set_flags(ICRNL, OPOST | ONLCR, ICANON | ECHO);
    type("seen\n");
    ok(shows("seen\r\n"), "without ECHO nothing");
    done();
}
