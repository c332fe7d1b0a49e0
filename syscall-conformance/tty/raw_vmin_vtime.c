/* termios(3): reads in noncanonical mode wait for VMIN bytes or VTIME tenths of a second. */
#include "pty.h"

static void with(cc_t min, cc_t time)
{
    set_cc(VMIN, min);
    set_cc(VTIME, time);
}

int main(void)
{
    char buf[16];

    open_pty();
    set_flags(0, 0, 0);
    with(0, 0);
    is_eq(read(slave, buf, 16), 0);
    with(0, 2);
    int64_t begin = now_ns(CLOCK_MONOTONIC);
    is_eq(read(slave, buf, 16), 0);
    ok(now_ns(CLOCK_MONOTONIC) - begin >= 190000000, "VTIME alone: the wait for the first byte");
    type("ab");
    ok(reads(slave, "ab"), "which ends with it");
    with(3, 0);
    type("xyz");
    ok(has_ready(slave, 3) && reads(slave, "xyz"), "VMIN bytes");
    type("12345");
    ok(has_ready(slave, 5) && reads_n(slave, "12", 2), "a read for fewer than VMIN");
    ok(reads(slave, "345"), "and the rest");
    with(5, 2);
    type("q");
    ok(has_ready(slave, 1), "one byte");
    is_eq(read(slave, buf, 16), 1);
    ok(buf[0] == 'q', "between two bytes VTIME ends the wait");
    fcntl(slave, F_SETFL, O_NONBLOCK);
    with(1, 0);
    is_errno(read(slave, buf, 16), EAGAIN);
    struct pollfd p = {.fd = slave, .events = POLLIN};
    with(4, 0);
    type("no");
    ok(has_ready(slave, 2), "two bytes");
    is_eq(poll(&p, 1, 0), 0);
    type("w!");
    ok(comes(slave, POLLIN), "poll(2) waits for VMIN");
    done();
}
