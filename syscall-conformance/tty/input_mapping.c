/* termios(3): what c_iflag does to what is typed. */
#include "pty.h"

int main(void)
{
    open_pty();
    set_flags(0, 0, 0);
    type("a\r\n");
    ok(reads(slave, "a\r\n"), "nothing");
    set_flags(ICRNL, 0, 0);
    type("a\r\n");
    ok(reads(slave, "a\n\n"), "ICRNL");
    set_flags(INLCR, 0, 0);
    type("a\r\n");
    ok(reads(slave, "a\r\r"), "INLCR");
    set_flags(IGNCR | ICRNL, 0, 0);
    type("a\r\n");
    ok(reads(slave, "a\n"), "IGNCR");
    set_flags(ISTRIP, 0, 0);
    type("\341\342");
    ok(reads(slave, "ab"), "ISTRIP");
    set_flags(IUCLC, 0, IEXTEN);
    type("AbC1");
    ok(reads(slave, "abc1"), "IUCLC");
    done();
}
