/* termios(3): with IUTF8, VERASE takes all bytes of a character. */
#include "pty.h"

int main(void)
{
    open_pty();
    set_flags(ICRNL | IUTF8, OPOST | ONLCR, ICANON);
    type("a\303\244\342\202\254\177\177b\n");
    ok(reads(slave, "ab\n"), "two characters of two and three bytes");
    set_flags(ICRNL, OPOST | ONLCR, ICANON);
    type("a\303\244\177b\n");
    ok(reads(slave, "a\303b\n"), "without it, a byte");
    done();
}
