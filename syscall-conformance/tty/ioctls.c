/* ioctl_tty(2): what is asked for and refused. */
#include "pty.h"

/* struct termios2 cannot be had beside termios.h */
#define GET_TERMIOS2 _IOC(_IOC_READ, 'T', 0x2a, 44)
#define SET_TERMIOS2 _IOC(_IOC_WRITE, 'T', 0x2b, 44)

int main(void)
{
    char words[64];
    int n = 9;

    open_pty();
    is_eq(ioctl(slave, TIOCGETD, &n), 0);
    is_eq(n, 0);
    is_eq(ioctl(slave, TIOCSETD, &n), 0);
    is_eq(ioctl(slave, TIOCOUTQ, &n), 0);
    is_eq(n, 0);
    is_eq(ioctl(slave, TCSBRK, 1), 0);
    is_eq(tcdrain(slave), 0);
    is_eq(ioctl(slave, TIOCGEXCL, &n), 0);
    is_eq(n, 0);
    is_eq(ioctl(slave, TIOCEXCL), 0);
    is_eq(ioctl(slave, TIOCGEXCL, &n), 0);
    is_eq(n, 1);
    int again = open(slave_name, O_RDWR | O_NOCTTY);
    ok(again >= 0 || errno == EBUSY, "exclusive: for ordinary users only");
    is_eq(ioctl(slave, TIOCNXCL), 0);
    is_eq(ioctl(slave, TIOCGDEV, &n), 0);
    ok(major((unsigned)n) == 136, "its device");
    is_errno(ioctl(slave, TIOCGSERIAL, words), ENOTTY);
    is_errno(ioctl(slave, TIOCMGET, &n), ENOTTY);
    is_errno(ioctl(slave, TIOCLINUX, words), ENOTTY);
    is_errno(ioctl(slave, 0x54ff, words), ENOTTY);
    is_errno(ioctl(slave, TCGETS, BAD_PTR), EFAULT);
    is_errno(ioctl(slave, TCSETS, BAD_PTR), EFAULT);
    is_errno(ioctl(slave, FIONREAD, BAD_PTR), EFAULT);
    is_errno(lseek(slave, 0, SEEK_SET), ESPIPE);
    is_errno(lseek(master, 0, SEEK_CUR), ESPIPE);
    is_errno(ftruncate(slave, 0), EINVAL);
    is_eq(ioctl(slave, GET_TERMIOS2, words), 0);
    is_eq(ioctl(slave, SET_TERMIOS2, words), 0);
    is_eq(ioctl(master, TCGETS, words), 0);
    is_errno(ioctl(slave, TIOCSTI, BAD_PTR), EFAULT);
    done();
}
