/* pts(4): a slave is locked until unlockpt(3), has a number and a name, is reached by the master.
 */
#include "pty.h"

int main(void)
{
    char name[64];
    struct stat st;
    int n = -1, on = 1;

    master = posix_openpt(O_RDWR | O_NOCTTY);
    ok(master >= 0, "opened");
    is_eq(ioctl(master, TIOCGPTN, &n), 0);
    snprintf(name, sizeof(name), "/dev/pts/%d", n);
    ok(!strcmp(ptsname(master), name), "its name");
    is_errno(open(name, O_RDWR | O_NOCTTY), EIO);
    is_eq(ioctl(master, TIOCGPTLCK, &on), 0);
    is_eq(on, 1);
    is_eq(unlockpt(master), 0);
    is_eq(ioctl(master, TIOCGPTLCK, &on), 0);
    is_eq(on, 0);
    slave = open(name, O_RDWR | O_NOCTTY);
    ok(slave >= 0, "unlocked");
    is_eq(fstat(slave, &st), 0);
    ok(S_ISCHR(st.st_mode) && major(st.st_rdev) == 136 && (int)minor(st.st_rdev) == n, "number");
    is_eq(st.st_uid, geteuid());
    is_eq(fstat(master, &st), 0);
    ok(st.st_rdev == makedev(5, 2), "the master is ptmx");
    int peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    ok(peer >= 0, "TIOCGPTPEER");
    is_eq(write(peer, "x", 1), 1);
    ok(shows("x"), "is the slave");
    is_errno(ioctl(slave, TIOCGPTN, &n), ENOTTY);
    is_errno(ioctl(slave, TIOCSPTLCK, &on), ENOTTY);
    ok(isatty(master) && isatty(slave), "both are terminals");
    close(slave);
    close(peer);
    close(master);
    is_errno(stat(name, &st), ENOENT);
    done();
}
