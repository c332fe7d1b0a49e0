/* termios(3): what was typed before the change between canonical and noncanonical mode. */
#include "pty.h"

int main(void)
{
    open_pty();
    set_flags(0, 0, ICANON);
    type("abc");
    nap_ms(50);
    ok(has_ready(slave, 0), "a line that is begun");
    set_flags(0, 0, 0);
    ok(has_ready(slave, 3), "is ready in noncanonical mode");
    ok(reads(slave, "abc"), "and read");
    type("de");
    ok(has_ready(slave, 2), "two bytes");
    set_flags(0, 0, ICANON);
    ok(reads(slave, "de"), "what was readable stays so in canonical mode");
    type("f\n");
    ok(reads(slave, "f\n"), "and a line follows");
    done();
}
