/* termios(3): ECHOE rubs out what is erased, ECHOK and ECHOKE show what VKILL does. */
#include "pty.h"

int main(void)
{
    open_pty();
    set_flags(ICRNL, OPOST | ONLCR, ICANON | IEXTEN | ECHO | ECHOE | ECHOCTL);
    type("ab\177\n");
    ok(shows("ab\b \b\r\n"), "ECHOE rubs out a character");
    type("a\001\177\n");
    ok(shows("a^A\b \b\b \b\r\n"), "both columns of a control character");
    type("one two\027\n");
    ok(shows("one two\b \b\b \b\b \b\r\n"), "a word");
    type("a\tb\177\177c\n");
    ok(shows("a\tb\b \b\b\b\b\b\b\b\bc\r\n"), "a tab goes back as far as it went");
    set_flags(ICRNL, OPOST | ONLCR, ICANON | ECHO | ECHOE | ECHOK | ECHOKE);
    type("abc\025\n");
    ok(shows("abc\b \b\b \b\b \b\r\n"), "ECHOKE rubs the line out");
    set_flags(ICRNL, OPOST | ONLCR, ICANON | ECHO | ECHOE | ECHOK);
    type("abc\025\n");
    ok(shows("abc\025\r\n\r\n"), "ECHOK begins a new line");
    set_flags(ICRNL, OPOST | ONLCR, ICANON | ECHO);
    type("ab\177\n");
    ok(shows("ab\177\r\n"), "without ECHOE the character itself is shown");
    done();
}
