/* ioctl_tty(2): TIOCSCTTY and TIOCNOTTY; /dev/tty is the terminal of one's session. */
#include "pty.h"

static void not_leader(void)
{
    check(setsid() == getpid(), 1);
    pid_t pid = fork();
    if (pid == 0)
        _exit(ioctl(slave, TIOCSCTTY, 0) == -1 && errno == EPERM ? 0 : 1);
    int status;
    waitpid(pid, &status, 0);
    check(exited_with(status, 0), 2);
}

static void has_and_gives_up(void)
{
    int id = -1;

    check(setsid() == getpid(), 1);
    check(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO, 2);
    check(ioctl(slave, TIOCGPGRP, &id) == -1 && errno == ENOTTY, 3);
    check(ioctl(slave, TIOCNOTTY) == -1 && errno == ENOTTY, 4);
    check(ioctl(slave, TIOCSCTTY, 0) == 0, 5);
    check(ioctl(slave, TIOCSCTTY, 0) == 0, 6);
    check(ioctl(slave, TIOCGSID, &id) == 0 && id == getpid(), 7);
    check(ioctl(slave, TIOCGPGRP, &id) == 0 && id == getpid(), 8);
    check(tcgetsid(slave) == getpid(), 9);
    int fd = open("/dev/tty", O_RDWR);
    check(fd >= 0, 10);
    struct stat st;
    check(fstat(fd, &st) == 0 && st.st_rdev == makedev(5, 0), 11);
    signal(SIGHUP, SIG_IGN);
    check(ioctl(fd, TIOCNOTTY) == 0, 12);
    check(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO, 13);
}

static void opened(void)
{
    check(setsid() == getpid(), 1);
    check(open(slave_name, O_RDWR) >= 0, 2);
    check(tcgetsid(slave) == getpid(), 3);
}

static void others(void)
{
    int ready[2];
    char c;

    check(pipe(ready) == 0, 1);
    pid_t pid = fork();
    if (pid == 0) {
        take_terminal();
        (void)!write(ready[1], "r", 1);
        for (;;)
            pause();
    }
    check(read(ready[0], &c, 1) == 1, 2);
    check(setsid() == getpid(), 3);
    check(ioctl(slave, TIOCSCTTY, 0) == -1 && errno == EPERM, 4);
    check(open(slave_name, O_RDWR) >= 0, 5);
    check(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO, 6);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

int main(void)
{
    open_pty();
    ok(exited_with(in_child(not_leader), 0), "only a leader may take a terminal");
    ok(exited_with(in_child(has_and_gives_up), 0), "taken, asked about, given up");
    ok(exited_with(in_child(opened), 0), "a leader without one that opens it has it");
    ok(exited_with(in_child(others), 0), "one of another session cannot be taken");
    done();
}
