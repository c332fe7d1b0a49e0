/* A pseudo-terminal, and what passes between its two sides. */
#ifndef CONFORMANCE_PTY_H
#define CONFORMANCE_PTY_H

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include "../process/child.h"

#define PATIENCE_MS 10000 /* for what has to come */

static int master, slave;
static char slave_name[64];

/* Opens both sides; neither becomes a controlling terminal. */
UNUSED_FN static void open_pty(void)
{
    master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || unlockpt(master) || ptsname_r(master, slave_name, sizeof(slave_name))) {
        perror("pty");
        exit(2);
    }
    slave = open(slave_name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) {
        perror(slave_name);
        exit(2);
    }
}

/* In a child: leads a session whose controlling terminal is the slave. */
UNUSED_FN static void take_terminal(void)
{
    check(setsid() == getpid(), 110);
    check(ioctl(slave, TIOCSCTTY, 0) == 0, 111);
}

/* Runs fn in a background group of a session; the child's wait status. */
UNUSED_FN static int in_background(void (*fn)(void), int options)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        setpgid(0, 0);
        fn();
        _exit(0);
    }
    setpgid(pid, pid);
    waitpid(pid, &status, options);
    kill(pid, SIGKILL);
    return status;
}

UNUSED_FN static void set_flags(tcflag_t input, tcflag_t output, tcflag_t local)
{
    struct termios t;

    tcgetattr(slave, &t);
    t.c_iflag = input;
    t.c_oflag = output;
    t.c_lflag = local;
    tcsetattr(slave, TCSANOW, &t);
}

UNUSED_FN static void set_cc(int which, cc_t value)
{
    struct termios t;

    tcgetattr(slave, &t);
    t.c_cc[which] = value;
    tcsetattr(slave, TCSANOW, &t);
}

UNUSED_FN static bool comes(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};

    return poll(&p, 1, PATIENCE_MS) == 1 && (p.revents & events);
}

UNUSED_FN static void type_bytes(const char *text, size_t n)
{
    if (write(master, text, n) != (ssize_t)n) {
        perror("typing");
        exit(2);
    }
}

UNUSED_FN static void type(const char *text)
{
    type_bytes(text, strlen(text));
}

/* One read(2), of at most max bytes, is exactly want. */
UNUSED_FN static bool reads_n(int fd, const char *want, size_t max)
{
    char buf[8192];
    ssize_t n = comes(fd, POLLIN) ? read(fd, buf, max) : -2;
    bool same = n == (ssize_t)strlen(want) && !memcmp(buf, want, (size_t)n);

    if (!same) {
        printf("# read %zd:", n);
        for (ssize_t i = 0; i < n; i++)
            printf(" %02x", (unsigned char)buf[i]);
        printf("\n");
    }
    return same;
}

UNUSED_FN static bool reads(int fd, const char *want)
{
    return reads_n(fd, want, 4096);
}

/* The next bytes, in however many reads, are want. */
UNUSED_FN static bool shows_on(int fd, const char *want)
{
    char buf[8192] = {0};
    size_t len = strlen(want), have = 0;

    while (have < len && comes(fd, POLLIN)) {
        ssize_t n = read(fd, buf + have, len - have);
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    bool same = have == len && !memcmp(buf, want, len);
    if (!same) {
        printf("# shown:");
        for (size_t i = 0; i < have; i++)
            printf(" %02x", (unsigned char)buf[i]);
        printf("\n");
    }
    return same;
}

UNUSED_FN static bool shows(const char *want)
{
    return shows_on(master, want);
}

/* The number of bytes that a reader of fd would find, once it is want. */
UNUSED_FN static bool has_ready(int fd, int want)
{
    int n = -1;

    for (int i = 0; i < PATIENCE_MS; i++) {
        ioctl(fd, FIONREAD, &n);
        if (n == want)
            return true;
        nap_ms(1);
    }
    printf("# %d ready\n", n);
    return false;
}

#endif
