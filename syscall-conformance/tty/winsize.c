/* ioctl_tty(2): TIOCSWINSZ sends SIGWINCH to the foreground group if the size changes. */
#include "pty.h"

static volatile sig_atomic_t changes;

static void changed(int sig)
{
    changes++;
}

static void session(void)
{
    struct winsize w = {24, 80, 0, 0}, is = {0};

    signal(SIGWINCH, changed);
    take_terminal();
    check(ioctl(master, TIOCSWINSZ, &w) == 0, 1);
    check(changes == 1, 2);
    check(ioctl(slave, TIOCGWINSZ, &is) == 0 && is.ws_row == 24 && is.ws_col == 80, 3);
    check(ioctl(master, TIOCSWINSZ, &w) == 0 && changes == 1, 4);
    w.ws_col = 100;
    check(ioctl(slave, TIOCSWINSZ, &w) == 0 && changes == 2, 5);
    check(ioctl(master, TIOCGWINSZ, &is) == 0 && is.ws_col == 100, 6);
}

int main(void)
{
    struct winsize w = {9, 9, 9, 9};

    open_pty();
    is_eq(ioctl(slave, TIOCGWINSZ, &w), 0);
    ok(!w.ws_row && !w.ws_col && !w.ws_xpixel && !w.ws_ypixel, "at first all is zero");
    ok(exited_with(in_child(session), 0), "SIGWINCH");
    is_errno(ioctl(slave, TIOCGWINSZ, BAD_PTR), EFAULT);
    is_errno(ioctl(slave, TIOCSWINSZ, BAD_PTR), EFAULT);
    done();
}
