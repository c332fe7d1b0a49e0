/* termios(3): what c_oflag does to what is written. */
#include "pty.h"

static bool written(tcflag_t flags, const char *text, const char *want)
{
    set_flags(0, flags, 0);
    return write(slave, text, strlen(text)) == (ssize_t)strlen(text) && shows(want);
}

int main(void)
{
    open_pty();
    ok(written(0, "a\n", "a\n"), "without OPOST nothing");
    ok(written(OPOST, "\n", "\n"), "OPOST alone");
    ok(written(OPOST | ONLCR, "a\nb\r\n", "a\r\nb\r\r\n"), "ONLCR");
    ok(written(OPOST | OCRNL, "a\r", "a\n"), "OCRNL");
    ok(written(OPOST | ONLRET | ONLCR, "x\n\r", "x\r\n\r"), "ONLRET and a newline");
    ok(written(OPOST | ONOCR, "\rx\r", "x\r"), "ONOCR at the first column");
    ok(written(OPOST | OLCUC, "aB1", "AB1"), "OLCUC");
    ok(written(OPOST | XTABS, "\r\tab\t.", "\r        ab      ."), "XTABS");
    ok(written(OPOST, "\t", "\t"), "tabs as they are");
    done();
}
