/* termios(3): VERASE takes a character off the line, VWERASE a word, VKILL all of it. */
#include "pty.h"

int main(void)
{
    open_pty();
    set_flags(ICRNL, OPOST | ONLCR, ICANON | IEXTEN);
    type("abx\177c\n");
    ok(reads(slave, "abc\n"), "VERASE");
    type("\177\177z\n");
    ok(reads(slave, "z\n"), "VERASE on an empty line");
    type("one two_3 \027four\n");
    ok(reads(slave, "one four\n"), "VWERASE takes blanks and a word");
    type("a.b-c\027d\n");
    ok(reads(slave, "a.b-d\n"), "a word is letters, digits and underscores");
    type("wrong\025right\n");
    ok(reads(slave, "right\n"), "VKILL");
    type("first\nse\177\177\177\177cond\n");
    ok(reads(slave, "first\n"), "a line that is complete");
    ok(reads(slave, "cond\n"), "is not erased from");
    set_flags(ICRNL, OPOST | ONLCR, ICANON);
    type("a b\027\n");
    ok(reads(slave, "a b\027\n"), "VWERASE needs IEXTEN");
    done();
}
