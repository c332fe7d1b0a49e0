/*
 * TIOCSLCKTRMIOS of ioctl_tty(2): bits and characters that are locked keep their value, silently;
 * it takes a privilege, and both sides of a pseudo-terminal tell of it.
 */
#include "pty.h"
#include "../process/child.h"

static void user(void)
{
    struct termios l = {0};

    become_nobody();
    check(ioctl(slave, TIOCGLCKTRMIOS, &l) == 0, 1);
    check(ioctl(slave, TIOCSLCKTRMIOS, &l) == -1 && errno == EPERM, 2);
}

int main(void)
{
    struct termios t, l;

    open_pty();
    memset(&l, 0x55, sizeof(l));
    is_eq(ioctl(slave, TIOCGLCKTRMIOS, &l), 0);
    ok(!l.c_iflag && !l.c_lflag && !l.c_line && !l.c_cc[0], "nothing is locked at first");
    memset(&l, 0, sizeof(l));
    l.c_lflag = ECHO;
    l.c_cc[VINTR] = 1;
    is_eq(ioctl(slave, TIOCSLCKTRMIOS, &l), 0);
    is_eq(tcgetattr(slave, &t), 0);
    t.c_lflag &= ~(ECHO | ICANON);
    t.c_cc[VINTR] = 5;
    t.c_cc[VQUIT] = 6;
    is_eq(tcsetattr(slave, TCSANOW, &t), 0);
    is_eq(tcgetattr(slave, &t), 0);
    is_eq(t.c_lflag & (ECHO | ICANON), ECHO);
    is_eq(t.c_cc[VINTR], 3);
    is_eq(t.c_cc[VQUIT], 6);
    memset(&l, 0, sizeof(l));
    is_eq(ioctl(master, TIOCGLCKTRMIOS, &l), 0);
    is_eq(l.c_lflag, ECHO);
    is_errno(ioctl(slave, TIOCGLCKTRMIOS, 8), EFAULT);
    is_errno(ioctl(slave, TIOCSLCKTRMIOS, 8), EFAULT);
    ok(exited_with(in_child(user), 0), "others may only look");
    done();
}
