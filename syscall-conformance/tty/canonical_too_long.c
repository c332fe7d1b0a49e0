/* termios(3): a line has at most 4096 bytes; what is typed beyond is lost, the line end is not. */
#include "pty.h"

int main(void)
{
    static char line[5000], buf[8192];

    open_pty();
    set_flags(ICRNL, OPOST | ONLCR, ICANON);
    memset(line, 'x', sizeof(line));
    for (size_t i = 0; i < sizeof(line); i += 500)
        type_bytes(line + i, 500);
    type("\nnext\n");
    ok(comes(slave, POLLIN), "the line is complete");
    is_eq(read(slave, buf, sizeof(buf)), 4096);
    ok(buf[0] == 'x' && buf[4094] == 'x' && buf[4095] == '\n', "4095 bytes and a newline");
    done();
}
