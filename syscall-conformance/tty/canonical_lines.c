/* termios(3): in canonical mode a read returns at most one line, and what is left of it next. */
#include "pty.h"

int main(void)
{
    open_pty();
    set_flags(ICRNL, OPOST | ONLCR, ICANON);
    type("one\ntwo\r");
    ok(reads(slave, "one\n"), "the first line");
    ok(reads(slave, "two\n"), "the second, a carriage return mapped");
    type("three\n");
    ok(reads_n(slave, "th", 2), "two bytes of a line");
    ok(reads(slave, "ree\n"), "the rest of it");
    fcntl(slave, F_SETFL, O_NONBLOCK);
    type("begun");
    nap_ms(50);
    is_errno(read(slave, &(char[8]){0}, 8), EAGAIN);
    type("\n");
    ok(reads(slave, "begun\n"), "readable when it is complete");
    done();
}
