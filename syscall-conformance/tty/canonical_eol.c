/* termios(3): VEOL and VEOL2 end lines as newline does; FIONREAD counts what is in lines. */
#include "pty.h"

int main(void)
{
    open_pty();
    set_flags(ICRNL, OPOST | ONLCR, ICANON | IEXTEN);
    set_cc(VEOL, ';');
    set_cc(VEOL2, '!');
    type("a;bc!d\n");
    ok(has_ready(slave, 7), "three lines are ready");
    ok(reads(slave, "a;"), "VEOL");
    ok(reads(slave, "bc!"), "VEOL2");
    ok(reads(slave, "d\n"), "newline");
    type("half");
    nap_ms(50);
    ok(has_ready(slave, 0), "a line that is begun is not counted");
    type("\n");
    ok(has_ready(slave, 5), "a line that is complete is");
    done();
}
