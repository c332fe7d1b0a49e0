/* termios(3): VEOF makes what is typed readable without a line end; on an empty line, end of file.
 */
#include "pty.h"

int main(void)
{
    open_pty();
    set_flags(ICRNL, OPOST | ONLCR, ICANON);
    type("abc\004def\n");
    ok(reads(slave, "abc"), "what is before VEOF");
    ok(reads(slave, "def\n"), "what is behind it");
    type("\004");
    ok(reads(slave, ""), "end of file");
    type("x\n");
    ok(reads(slave, "x\n"), "and the terminal goes on");
    type("ab\004\004c\n");
    ok(reads(slave, "ab"), "a line without its end");
    ok(reads(slave, ""), "VEOF again is the end of file");
    ok(reads(slave, "c\n"), "the next line");
    type("four\004");
    ok(reads_n(slave, "four", 4), "a read of just so many bytes takes the VEOF too");
    type("y\n");
    ok(reads(slave, "y\n"), "no end of file in between");
    done();
}
