/* vhangup(2): the terminal of the session is gone for all who have it open. */
#include "pty.h"

static void session(void)
{
    char c;

    signal(SIGHUP, SIG_IGN);
    take_terminal();
    check(vhangup() == 0, 1);
    check(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO, 2);
    check(read(slave, &c, 1) == 0, 3);
    check(write(slave, "x", 1) == -1 && errno == EIO, 4);
    int again = open(slave_name, O_RDWR | O_NOCTTY);
    check(again >= 0, 5);
    check(write(again, "x", 1) == 1, 6);
}

static void ordinary(void)
{
    become_nobody();
    check(vhangup() == -1 && errno == EPERM, 1);
}

int main(void)
{
    open_pty();
    ok(exited_with(in_child(ordinary), 0), "for the privileged only");
    if (geteuid() == 0)
        ok(exited_with(in_child(session), 0), "hung up");
    else
        skip("hung up");
    done();
}
