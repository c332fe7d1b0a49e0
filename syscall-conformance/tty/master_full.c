/* pty(7): writes to the master are limited when nobody reads the slave, and go on afterwards. */
#include "pty.h"

int main(void)
{
    static char block[4096], buf[8192];
    long total = 0, got = 0;
    ssize_t n;

    open_pty();
    set_flags(0, 0, 0);
    fcntl(master, F_SETFL, O_NONBLOCK);
    memset(block, 'x', sizeof(block));
    for (int quiet = 0; quiet < 20 && total < 4 << 20;) {
        n = write(master, block, sizeof(block));
        if (n > 0) {
            total += n;
            quiet = 0;
        } else {
            quiet++;
            nap_ms(2);
        }
    }
    ok(total >= 4095 && total < 4 << 20, "there is an end");
    is_errno(write(master, block, 1), EAGAIN);
    while (got < total && comes(slave, POLLIN) && (n = read(slave, buf, sizeof(buf))) > 0)
        got += n;
    ok(got == total, "all of it is read");
    ok(comes(master, POLLOUT), "there is room again");
    is_eq(write(master, "y", 1), 1);
    ok(reads(slave, "y"), "and it is used");
    done();
}
