/* One of each kind of file, ready to be read (side 0) or written (side 1) without waiting. */
#ifndef CONFORMANCE_KINDS_H
#define CONFORMANCE_KINDS_H

#include "../tmp.h"
#include <mqueue.h>
#include <poll.h>
#include <pty.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <termios.h>

#define TEXT "abcdefghijkl"
#define LEN 8
#define EXTRA_MAX 8

static int extra[EXTRA_MAX], nextra;

/* Kept open until the pair is done. */
static int keep(int fd)
{
    if (fd < 0 || nextra == EXTRA_MAX)
        bail("keep");
    extra[nextra++] = fd;
    return fd;
}

static int with_text(int fd)
{
    if (pwrite(fd, TEXT, 12, 0) != 12)
        bail("pwrite");
    return fd;
}

static int file_flags(int flags)
{
    close(keep(with_text((int)must(open("f", O_RDWR | O_CREAT | O_TRUNC, 0600)))));
    nextra--;
    return (int)must(open("f", flags));
}

static int file_rw(int side)
{
    return file_flags(O_RDWR);
}

static int file_rdonly(int side)
{
    return file_flags(O_RDONLY);
}

static int file_append(int side)
{
    return file_flags(O_RDWR | O_APPEND);
}

static int file_path(int side)
{
    return file_flags(O_PATH);
}

static int shm_file(int side)
{
    int fd = (int)must(open("/dev/shm", O_TMPFILE | O_RDWR, 0600));

    return with_text(fd);
}

static int memory(int side)
{
    return with_text((int)must(memfd_create("m", 0)));
}

static int sealed(int side)
{
    int fd = with_text((int)must(memfd_create("m", MFD_ALLOW_SEALING)));

    must(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    return fd;
}

static int directory(int side)
{
    return (int)must(open(".", O_RDONLY | O_DIRECTORY));
}

/* Side 0 reads: it has text; side 1 writes. */
static int a_pipe(int side)
{
    int p[2];

    must(pipe2(p, O_NONBLOCK));
    must(write(p[1], TEXT, 12));
    keep(p[!side]);
    return p[side];
}

static int wrong_end(int side)
{
    int p[2];

    must(pipe2(p, O_NONBLOCK));
    keep(p[side]);
    return p[!side];
}

static int empty_pipe(int side)
{
    int p[2];

    must(pipe2(p, O_NONBLOCK));
    keep(p[!side]);
    return p[side];
}

static int broken_pipe(int side)
{
    int p[2];

    must(pipe2(p, O_NONBLOCK));
    close(p[!side]);
    return p[side];
}

static int full_pipe(int side)
{
    static char buf[65536];
    int p[2];

    must(pipe2(p, O_NONBLOCK));
    must(write(p[1], buf, sizeof(buf)));
    keep(p[!side]);
    return p[side];
}

static int fifo(int side)
{
    unlink("fifo");
    must(mkfifo("fifo", 0600));
    int fd = (int)must(open("fifo", O_RDWR | O_NONBLOCK));
    must(write(fd, TEXT, 12));
    return fd;
}

static int sock_pair(int type)
{
    int s[2];

    must(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, s));
    must(write(s[1], TEXT, 12));
    keep(s[1]);
    return s[0];
}

static int stream(int side)
{
    return sock_pair(SOCK_STREAM);
}

static int dgram(int side)
{
    return sock_pair(SOCK_DGRAM);
}

static int seqpacket(int side)
{
    return sock_pair(SOCK_SEQPACKET);
}

static int unconnected(int side)
{
    return (int)must(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
}

static int unconnected_dgram(int side)
{
    return (int)must(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
}

static int listener(int side)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = unconnected(side);

    must(bind(fd, (void *)&a, sizeof(a.sun_family)));
    must(listen(fd, 1));
    return fd;
}

static int hung_up(int side)
{
    int fd = stream(side);

    close(extra[--nextra]);
    return fd;
}

static int dev(const char *name)
{
    return (int)must(open(name, O_RDWR));
}

static int dev_null(int side)
{
    return dev("/dev/null");
}

static int dev_zero(int side)
{
    return dev("/dev/zero");
}

static int dev_full(int side)
{
    return dev("/dev/full");
}

static int dev_random(int side)
{
    return dev("/dev/urandom");
}

static int terminal(int side, int master)
{
    struct termios tio;
    int fd[2];

    must(openpty(&fd[0], &fd[1], NULL, NULL, NULL));
    must(tcgetattr(fd[1], &tio));
    cfmakeraw(&tio);
    must(tcsetattr(fd[1], TCSANOW, &tio));
    must(write(fd[!master], TEXT, 12));
    keep(fd[!master]);
    must(fcntl(fd[master], F_SETFL, O_NONBLOCK));
    return fd[master];
}

static int tty(int side)
{
    struct pollfd p = {.fd = terminal(side, 1), .events = POLLIN};

    must(poll(&p, 1, 1000)); /* input goes through a work queue */
    return p.fd;
}

static int ptmx(int side)
{
    struct pollfd p = {.fd = terminal(side, 0), .events = POLLIN};

    must(poll(&p, 1, 1000));
    return p.fd;
}

static int event(int side)
{
    return (int)must(eventfd(1, EFD_NONBLOCK));
}

static int timer(int side)
{
    return (int)must(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
}

static int signals(int side)
{
    sigset_t set;

    sigemptyset(&set);
    return (int)must(signalfd(-1, &set, SFD_NONBLOCK));
}

static int inotify(int side)
{
    return (int)must(inotify_init1(IN_NONBLOCK));
}

static int epoll(int side)
{
    return (int)must(epoll_create1(0));
}

static int pidfd(int side)
{
    return (int)must(syscall(SYS_pidfd_open, getpid(), 0));
}

static int mqueue(int side)
{
    int fd = (int)must(mq_open("/conf.splice", O_RDWR | O_CREAT | O_NONBLOCK, 0600, NULL));

    mq_unlink("/conf.splice");
    return fd;
}

static int proc_file(const char *name, int side)
{
    return (int)must(open(name, side ? O_WRONLY : O_RDONLY));
}

static int proc_comm(int side)
{
    return proc_file("/proc/self/comm", side);
}

static int proc_uptime(int side)
{
    return proc_file("/proc/uptime", 0);
}

static int proc_status(int side)
{
    return proc_file("/proc/self/status", 0);
}

static int proc_maps(int side)
{
    return proc_file("/proc/self/maps", 0);
}

static int proc_mounts(int side)
{
    return proc_file("/proc/self/mountinfo", 0);
}

static int proc_environ(int side)
{
    return proc_file("/proc/self/environ", 0);
}

static int proc_mem(int side)
{
    return proc_file("/proc/self/mem", side);
}

static int proc_sys(int side)
{
    return proc_file("/proc/sys/kernel/ostype", 0);
}

static int sys_file(int side)
{
    return proc_file("/sys/devices/system/cpu/online", 0);
}

static int closed(int side)
{
    return 999;
}

static const struct kind {
    const char *name;
    int (*make)(int side);
} kinds[] = {
    {"file", file_rw},
    {"read-only file", file_rdonly},
    {"append file", file_append},
    {"O_PATH", file_path},
    {"tmpfs file", shm_file},
    {"memfd", memory},
    {"sealed memfd", sealed},
    {"directory", directory},
    {"pipe", a_pipe},
    {"wrong end", wrong_end},
    {"empty pipe", empty_pipe},
    {"broken pipe", broken_pipe},
    {"full pipe", full_pipe},
    {"fifo", fifo},
    {"stream", stream},
    {"dgram", dgram},
    {"seqpacket", seqpacket},
    {"unconnected", unconnected},
    {"unconnected dgram", unconnected_dgram},
    {"listener", listener},
    {"hung up", hung_up},
    {"/dev/null", dev_null},
    {"/dev/zero", dev_zero},
    {"/dev/full", dev_full},
    {"/dev/urandom", dev_random},
    {"tty", tty},
    {"ptmx", ptmx},
    {"eventfd", event},
    {"timerfd", timer},
    {"signalfd", signals},
    {"inotify", inotify},
    {"epoll", epoll},
    {"pidfd", pidfd},
    {"mqueue", mqueue},
    {"comm", proc_comm},
    {"uptime", proc_uptime},
    {"status", proc_status},
    {"maps", proc_maps},
    {"mountinfo", proc_mounts},
    {"environ", proc_environ},
    {"mem", proc_mem},
    {"sysctl", proc_sys},
    {"sysfs", sys_file},
    {"closed", closed},
};
#define KINDS (int)(sizeof(kinds) / sizeof(kinds[0]))

static void drop(int fd)
{
    close(fd);
    while (nextra)
        close(extra[--nextra]);
}

static char line[1024];

/* Adds " what=number" or the name of the errno to the line; off: where the offset went. */
static void result(const char *what, long r, const loff_t *off)
{
    size_t at = strlen(line);

    if (r >= 0)
        snprintf(line + at, sizeof(line) - at, " %s=%ld", what, r);
    else
        snprintf(line + at, sizeof(line) - at, " %s=%s", what, strerrorname_np(errno));
    at = strlen(line);
    if (off && r > 0)
        snprintf(line + at, sizeof(line) - at, "@%ld", (long)*off);
}

#endif
