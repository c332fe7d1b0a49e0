/* proc_pid_fdinfo(5): pos, flags, mnt_id and ino of every descriptor, and the lines of its kind. */
#include <linux/io_uring.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "shape.h"

static const char *info_of(int fd)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    return text_of(path);
}

/* pos and flags exactly, the kind's own lines behind the four as a pattern. */
static void check_info(const char *what, int fd, const char *pos_flags, const char *own)
{
    char pattern[2048];

    snprintf(pattern, sizeof(pattern), "%smnt_id:\t#\nino:\t#\n%s", pos_flags, own);
    if (ok(fd >= 0, "%s is there", what))
        is_shape(what, info_of(fd), pattern);
}

static void check_ino(const char *what, int fd)
{
    const char *at = strstr(info_of(fd), "\nino:\t");
    struct stat st;

    ok(at && !fstat(fd, &st) && strtoul(at + 6, NULL, 10) == st.st_ino, "%s: ino is st_ino", what);
}

static void check_plain(void)
{
    int dir = open(".", O_RDONLY | O_DIRECTORY);
    int file = open("f", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int p[2];

    check_info("directory", dir, "pos:\t0\nflags:\t0300000\n", "");
    ok(write(file, "12345", 5) == 5, "write");
    check_info("file", file, "pos:\t5\nflags:\t02102002\n", "");
    check_ino("file", file);
    check_ino("directory", dir);
    check_info("read only", open("f", O_RDONLY), "pos:\t0\nflags:\t0100000\n", "");
    check_info("O_PATH", open("f", O_PATH), "pos:\t0\nflags:\t010000000\n", "");
    ok(!pipe2(p, O_NONBLOCK), "pipe2");
    check_info("pipe", p[0], "pos:\t0\nflags:\t04000\n", "");
    check_info("pipe's other end", p[1], "pos:\t0\nflags:\t04001\n", "");
    check_ino("pipe", p[0]);
    check_info("memfd", memfd_create("x", MFD_CLOEXEC), "pos:\t0\nflags:\t02100002\n", "");
    check_info("null", open("/dev/null", O_WRONLY), "pos:\t0\nflags:\t0100001\n", "");
    check_info("ptmx", open("/dev/ptmx", O_RDWR | O_NOCTTY), "pos:\t0\nflags:\t0100002\n",
               "tty-index:\t#\n");
}

static void check_events(void)
{
    int ep = epoll_create1(EPOLL_CLOEXEC), ev = eventfd(5, EFD_SEMAPHORE), in = inotify_init1(0);
    struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.u64 = 0xabcd};
    struct itimerspec when = {.it_value.tv_sec = 1000, .it_interval.tv_sec = 7};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    check_info("eventfd", ev, "pos:\t0\nflags:\t02\n",
               "eventfd-count:                5\neventfd-id: #\neventfd-semaphore: 1\n");
    check_info("signalfd", signalfd(-1, &set, SFD_NONBLOCK), "pos:\t0\nflags:\t04002\n",
               "sigmask:\t0000000000000200\n");
    ok(!epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e), "EPOLL_CTL_ADD");
    char line[128];
    snprintf(line, sizeof(line),
             "tfd: %8d events: 80000019 data:             abcd  pos:0 ino:@ sdev:@\n", ev);
    check_info("epoll", ep, "pos:\t0\nflags:\t02000002\n", line);
    int tfd = timerfd_create(CLOCK_MONOTONIC, 0);
    timerfd_settime(tfd, 0, &when, NULL);
    check_info("timerfd", tfd, "pos:\t0\nflags:\t02\n",
               "clockid: 1\nticks: 0\nsettime flags: 00\nit_value: (#, #)\nit_interval: (7, 0)\n");
    ok(inotify_add_watch(in, ".", IN_CREATE | IN_ONLYDIR) == 1, "a watch");
    ok(inotify_add_watch(in, "f", IN_ALL_EVENTS | IN_ONESHOT) == 2, "another");
    check_info("inotify", in, "pos:\t0\nflags:\t00\n",
               "inotify wd:2 ino:@ sdev:@ mask:80000fff ignored_mask:0 ~\n"
               "inotify wd:1 ino:@ sdev:@ mask:100 ignored_mask:0 ~\n");
}

static void check_sockets(void)
{
    char c = 'x', control[CMSG_SPACE(2 * sizeof(int))] = {0};
    struct iovec iov = {&c, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    struct cmsghdr *k = CMSG_FIRSTHDR(&m);
    int s[2];

    k->cmsg_level = SOL_SOCKET;
    k->cmsg_type = SCM_RIGHTS;
    k->cmsg_len = CMSG_LEN(2 * sizeof(int));
    memcpy(CMSG_DATA(k), (int[2]){0, 1}, 2 * sizeof(int));
    ok(!socketpair(AF_UNIX, SOCK_STREAM, 0, s), "socketpair");
    ok(sendmsg(s[0], &m, 0) == 1, "two descriptors are sent");
    check_info("socket", s[0], "pos:\t0\nflags:\t02\n", "scm_fds: 0\n");
    check_info("socket with descriptors", s[1], "pos:\t0\nflags:\t02\n", "scm_fds: 2\n");
    check_ino("socket", s[0]);
    ok(read(s[1], &c, 1) == 1, "they are read over");
    check_info("socket that was read", s[1], "pos:\t0\nflags:\t02\n", "scm_fds: 0\n");
}

static void check_ring(void)
{
    struct io_uring_params p = {0};
    int fd = (int)syscall(SYS_io_uring_setup, 4, &p);

    check_info("io_uring", fd, "pos:\t0\nflags:\t02000002\n",
               "SqMask:\t0x3\nSqHead:\t0\nSqTail:\t0\nCachedSqHead:\t0\nCqMask:\t0x7\nCqHead:\t0\n"
               "CqTail:\t0\nCachedCqTail:\t0\nSQEs:\t0\nCQEs:\t0\nSqThread:\t-1\nSqThreadCpu:\t-1\n"
               "SqTotalTime:\t0\nSqWorkTime:\t0\nUserFiles:\t0\nUserBufs:\t0\nPollList:\n"
               "CqOverflowList:\nNAPI:\tdisabled\n");
}

int main(void)
{
    enter_scratch();
    check_plain();
    check_events();
    check_sockets();
    check_info("pidfd", (int)syscall(SYS_pidfd_open, getpid(), 0), "pos:\t0\nflags:\t02000002\n",
               "Pid:\t#\nNSpid:\t#\n");
    check_ring();
    done();
}
