/* termios(3): VLNEXT takes the next character as it is. */
#include "pty.h"

int main(void)
{
    open_pty();
    set_flags(ICRNL | IXON, OPOST | ONLCR, ICANON | IEXTEN | ISIG | ECHO | ECHOCTL);
    type("a\026\003b\n");
    ok(reads(slave, "a\003b\n"), "a character that would be a signal");
    ok(shows("a^\b^Cb\r\n"), "and how it is shown");
    type("\026\004\026\177\n");
    ok(reads(slave, "\004\177\n"), "VEOF and VERASE");
    ok(shows("^\b^D^\b^?\r\n"), "shown");
    type("x\026\ny\n");
    ok(reads(slave, "x\ny\n"), "a newline that does not end the line");
    done();
}
