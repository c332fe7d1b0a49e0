/*
 * Pipes, sockets, timers, terminals and what waits for them, before and after a checkpoint:
 * checkpoint_ipc.sh runs this, saves it while it waits for SHARED/go, and reads what it prints
 * afterwards. usage: ipc SHARED
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int failures;

#define expect(cond)                                                                               \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            printf("line %d: %s (errno %s)\n", __LINE__, #cond, strerror(errno));                  \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

static int64_t now_ns(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int64_t call_ns(clockid_t clock)
{
    struct timespec ts;

    syscall(SYS_clock_gettime, clock, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int revents(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};

    poll(&p, 1, 0);
    return p.revents;
}

static bool reads(int fd, const char *text)
{
    char buf[256];
    ssize_t n = read(fd, buf, sizeof(buf));

    return n == (ssize_t)strlen(text) && !memcmp(buf, text, (size_t)n);
}

#define writes(fd, text) (write(fd, text, strlen(text)) == (ssize_t)strlen(text))

/* --- pipes --- */
static int plain[2], packets[2], large[2], fifo;

static void pipes_make(void)
{
    static char block[200000];

    expect(!pipe(plain) && writes(plain[1], "abcdef") && reads(plain[0], "abcdef"));
    expect(writes(plain[1], "ghi"));
    expect(!pipe2(packets, O_DIRECT | O_NONBLOCK));
    expect(writes(packets[1], "one") && writes(packets[1], "three"));
    expect(!pipe(large) && fcntl(large[1], F_SETPIPE_SZ, 262144) == 262144);
    memset(block, 'x', sizeof(block));
    block[199999] = 'y';
    expect(write(large[1], block, sizeof(block)) == sizeof(block));
    expect(!mkfifo("/tmp/fifo", 0600));
    fifo = open("/tmp/fifo", O_RDWR);
    expect(fifo >= 0 && writes(fifo, "first in"));
}

static void pipes_check(void)
{
    static char block[200001];

    expect(reads(plain[0], "ghi"));
    close(plain[1]);
    expect(reads(plain[0], "") && (revents(plain[0]) & POLLHUP));
    expect(reads(packets[0], "one") && reads(packets[0], "three"));
    expect(read(packets[0], block, 1) == -1 && errno == EAGAIN);
    expect(fcntl(large[0], F_GETPIPE_SZ) == 262144);
    expect(read(large[0], block, sizeof(block)) == 200000 && block[0] == 'x' &&
           block[199999] == 'y');
    int again = open("/tmp/fifo", O_RDONLY | O_NONBLOCK);
    expect(reads(again, "first in"));
    close(fifo);
    expect(reads(again, ""));
}

/* --- eventfd, signalfd, epoll --- */
static int event, semaphore, signals, set, outer, edge_pipe[2], once;
static void ignore(int sig)
{
}

static void watch(int ep, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event e = {.events = events, .data.u64 = data};

    expect(!epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
}

static uint64_t waits(int ep, uint32_t *events)
{
    struct epoll_event e;

    if (epoll_wait(ep, &e, 1, 0) != 1)
        return 0;
    if (events)
        *events = e.events;
    return e.data.u64;
}

static void events_make(void)
{
    sigset_t mask;

    event = eventfd(7, EFD_NONBLOCK);
    semaphore = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    signals = signalfd(-1, &mask, SFD_NONBLOCK);
    set = epoll_create1(0);
    outer = epoll_create1(0);
    once = eventfd(1, 0);
    expect(!pipe(edge_pipe) && writes(edge_pipe[1], "edge"));
    watch(set, edge_pipe[0], EPOLLIN | EPOLLET, 100);
    expect(waits(set, NULL) == 100 && waits(set, NULL) == 0);
    watch(set, once, EPOLLIN | EPOLLONESHOT, 200);
    expect(waits(set, NULL) == 200 && waits(set, NULL) == 0);
    watch(set, signals, EPOLLIN, 0xfeedfacecafebeef);
    watch(outer, set, EPOLLIN, 400);
    expect(waits(outer, NULL) == 0);
}

static void events_check(void)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = 201};
    struct signalfd_siginfo si;
    uint64_t v;

    expect(waits(outer, NULL) == 0 && waits(set, NULL) == 0);
    expect(writes(edge_pipe[1], "more") && waits(outer, NULL) == 400);
    expect(waits(set, NULL) == 100 && waits(set, NULL) == 0);
    kill(getpid(), SIGUSR2);
    expect(waits(outer, NULL) == 400 && waits(set, NULL) == 0xfeedfacecafebeef);
    expect(read(signals, &si, sizeof(si)) == sizeof(si) && si.ssi_signo == SIGUSR2);
    expect(!epoll_ctl(set, EPOLL_CTL_MOD, once, &e) && waits(set, NULL) == 201);
    expect(read(event, &v, 8) == 8 && v == 7 && read(event, &v, 8) == -1 && errno == EAGAIN);
    expect(read(semaphore, &v, 8) == 8 && v == 1 && read(semaphore, &v, 8) == 8 && v == 1);
}

/* --- inotify --- */
static int notify, wd_dir;

static void inotify_make(void)
{
    mkdir("/tmp/watched", 0700);
    notify = inotify_init1(IN_NONBLOCK);
    wd_dir = inotify_add_watch(notify, "/tmp/watched", IN_CREATE | IN_DELETE);
    close(open("/tmp/watched/before", O_CREAT | O_WRONLY, 0600));
}

static bool notified(uint32_t mask, const char *name)
{
    union {
        struct inotify_event e;
        char bytes[512];
    } u;
    char one[64];

    snprintf(one, sizeof(one), "%s", name);
    ssize_t n = read(notify, &u, sizeof(u.e) + 16);
    return n == (ssize_t)(sizeof(u.e) + 16) && u.e.wd == wd_dir && u.e.mask == mask &&
           !strcmp(u.e.name, one);
}

static void inotify_check(void)
{
    expect(notified(IN_CREATE, "before"));
    unlink("/tmp/watched/before");
    expect(notified(IN_DELETE, "before"));
    expect(inotify_add_watch(notify, "/tmp/watched", IN_CREATE) == wd_dir);
    expect(inotify_add_watch(notify, "/tmp", IN_CREATE) > wd_dir);
}

/* --- unix sockets --- */
static int stream[2], dgram[2], seq[2], listener, pending, named, abstract;
static struct sockaddr_un hidden = {.sun_family = AF_UNIX, .sun_path = "\0hidden"};
#define HIDDEN_LEN (offsetof(struct sockaddr_un, sun_path) + 7)

static int send_fds(int to, const char *text, const int *fds, int n)
{
    char control[CMSG_SPACE(4 * sizeof(int))] = {0};
    struct iovec iov = {(void *)text, strlen(text)};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = CMSG_SPACE((size_t)n * sizeof(int))};
    struct cmsghdr *c = CMSG_FIRSTHDR(&h);

    *c = (struct cmsghdr){CMSG_LEN((size_t)n * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(c), fds, (size_t)n * sizeof(int));
    return sendmsg(to, &h, 0) == (ssize_t)strlen(text) ? 0 : -1;
}

/* Receives a message with n descriptors. */
static int recv_fds(int from, const char *text, int *fds, int n, struct ucred *cred)
{
    char control[256], buf[256];
    struct iovec iov = {buf, sizeof(buf)};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};

    ssize_t len = recvmsg(from, &h, MSG_DONTWAIT);
    if (len != (ssize_t)strlen(text) || memcmp(buf, text, (size_t)len))
        return -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c)) {
        if (c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN((size_t)n * sizeof(int))) {
            memcpy(fds, CMSG_DATA(c), (size_t)n * sizeof(int));
            n = 0;
        } else if (c->cmsg_type == SCM_CREDENTIALS && cred) {
            memcpy(cred, CMSG_DATA(c), sizeof(*cred));
            cred = NULL;
        }
    }
    return n || cred ? -1 : 0;
}

static int bound(int type, const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type, 0);

    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    expect(!bind(fd, (struct sockaddr *)&a, sizeof(a)));
    return fd;
}

static int connected(int type, const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type, 0);

    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    expect(!connect(fd, (struct sockaddr *)&a, sizeof(a)));
    return fd;
}

static void cycle_make(void)
{
    int a[2], b[2];

    expect(!socketpair(AF_UNIX, SOCK_STREAM, 0, a) && !socketpair(AF_UNIX, SOCK_DGRAM, 0, b));
    expect(!send_fds(a[0], "cycle", (int[]){a[1], b[1]}, 2));
    expect(!send_fds(b[0], "cycle", (int[]){a[1], a[0]}, 2));
    close(a[0]);
    close(a[1]);
    close(b[0]);
    close(b[1]);
}

static void unix_make(void)
{
    struct timeval tv = {.tv_usec = 250000};
    int on = 1, size = 50000, inner[2];

    expect(!socketpair(AF_UNIX, SOCK_STREAM, 0, stream));
    expect(!setsockopt(stream[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
    expect(!setsockopt(stream[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
    expect(!pipe(inner) && writes(inner[1], "in flight"));
    expect(writes(stream[0], "plain") && !send_fds(stream[0], "files", inner, 2));
    expect(writes(stream[0], "after"));
    close(inner[0]);
    close(inner[1]);
    expect(!socketpair(AF_UNIX, SOCK_DGRAM, 0, dgram));
    expect(!setsockopt(dgram[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
    expect(writes(dgram[0], "d1") && writes(dgram[0], "") && writes(dgram[0], "d333"));
    expect(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, seq));
    expect(writes(seq[0], "s1") && writes(seq[0], "s22") && !shutdown(seq[0], SHUT_WR));
    listener = bound(SOCK_STREAM, "/tmp/listener");
    expect(!listen(listener, 5));
    pending = connected(SOCK_STREAM, "/tmp/listener");
    expect(writes(pending, "hello"));
    named = bound(SOCK_DGRAM, "/tmp/named");
    abstract = socket(AF_UNIX, SOCK_STREAM, 0);
    expect(!bind(abstract, (struct sockaddr *)&hidden, HIDDEN_LEN) && !listen(abstract, 1));
    cycle_make();
}

static void unix_check(void)
{
    int fds[2], size = 0;
    socklen_t len = sizeof(size);
    struct ucred cred;
    char buf[64];

    expect(read(stream[1], buf, 5) == 5 && !memcmp(buf, "plain", 5));
    expect(!recv_fds(stream[1], "files", fds, 2, NULL) && reads(fds[0], "in flight"));
    expect(reads(stream[1], "after"));
    expect(!getsockopt(stream[1], SOL_SOCKET, SO_SNDBUF, &size, &len) && size == 100000);
    int64_t start = now_ns(CLOCK_MONOTONIC);
    expect(read(stream[1], buf, 1) == -1 && errno == EAGAIN);
    expect(now_ns(CLOCK_MONOTONIC) - start > 240000000);
    expect(writes(stream[1], "back") && reads(stream[0], "back"));
    expect(!recv_fds(dgram[1], "d1", NULL, 0, &cred) && cred.pid == getpid());
    expect(!recv_fds(dgram[1], "", NULL, 0, &cred) && !recv_fds(dgram[1], "d333", NULL, 0, &cred));
    expect(reads(seq[1], "s1") && reads(seq[1], "s22") && reads(seq[1], ""));
    expect(write(seq[0], "x", 1) == -1 && errno == EPIPE && writes(seq[1], "way back"));
    expect(reads(seq[0], "way back"));
    int conn = accept(listener, NULL, NULL);
    expect(conn >= 0 && reads(conn, "hello") && writes(conn, "there") && reads(pending, "there"));
    len = sizeof(cred);
    expect(!getsockopt(conn, SOL_SOCKET, SO_PEERCRED, &cred, &len) && cred.pid == getpid());
    int late = connected(SOCK_STREAM, "/tmp/listener");
    expect(accept(listener, NULL, NULL) >= 0 && late >= 0);
    int sender = connected(SOCK_DGRAM, "/tmp/named");
    expect(writes(sender, "by name") && reads(named, "by name"));
    int finder = socket(AF_UNIX, SOCK_STREAM, 0);
    expect(!connect(finder, (struct sockaddr *)&hidden, HIDDEN_LEN));
    expect(accept(abstract, NULL, NULL) >= 0);
    close(pending);
    expect(reads(conn, ""));
}

/* --- netlink --- */
static int netlink;

static void netlink_make(void)
{
    struct {
        struct nlmsghdr h;
        struct rtgenmsg g;
    } req = {.h = {.nlmsg_len = sizeof(req),
                   .nlmsg_type = RTM_GETLINK,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                   .nlmsg_seq = 77}};

    netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    expect(netlink >= 0 && send(netlink, &req, sizeof(req), 0) == sizeof(req));
}

static void netlink_check(void)
{
    struct sockaddr_nl a;
    socklen_t len = sizeof(a);
    union {
        struct nlmsghdr h;
        char bytes[8192];
    } u;

    expect(recv(netlink, &u, sizeof(u), MSG_DONTWAIT) > 0 && u.h.nlmsg_seq == 77);
    expect(!getsockname(netlink, (struct sockaddr *)&a, &len) && a.nl_pid == (uint32_t)getpid());
}

/* --- timers and clocks --- */
static int timer_rel, timer_abs, timer_wall;
static timer_t posix_timer;
static int64_t mono_before, wall_before, boot_before;
static struct sysinfo info_before;

static void arm(int fd, clockid_t clock, int64_t in_ns, int64_t every_ns, bool absolute)
{
    int64_t at = in_ns + (absolute ? now_ns(clock) : 0);
    struct itimerspec v = {{every_ns / 1000000000, every_ns % 1000000000},
                           {at / 1000000000, at % 1000000000}};

    expect(!timerfd_settime(fd, absolute ? TFD_TIMER_ABSTIME : 0, &v, NULL));
}

static int64_t left_ns(int fd)
{
    struct itimerspec v;

    timerfd_gettime(fd, &v);
    return v.it_value.tv_sec * 1000000000LL + v.it_value.tv_nsec;
}

static void timers_make(void)
{
    struct itimerspec v = {{0, 0}, {100, 0}};
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
    struct itimerval it = {{0, 0}, {100, 0}}, prof = {{0, 0}, {50, 0}};

    ev.sigev_value.sival_int = 4711;
    timer_rel = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    timer_abs = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK);
    timer_wall = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    arm(timer_rel, CLOCK_MONOTONIC, 100000000000, 3000000000, false);
    arm(timer_abs, CLOCK_BOOTTIME, 100000000000, 0, true);
    arm(timer_wall, CLOCK_REALTIME, 100000000000, 0, true);
    expect(!timer_create(CLOCK_MONOTONIC, &ev, &posix_timer));
    expect(!timer_settime(posix_timer, 0, &v, NULL));
    expect(!setitimer(ITIMER_REAL, &it, NULL) && !setitimer(ITIMER_PROF, &prof, NULL));
    mono_before = now_ns(CLOCK_MONOTONIC);
    boot_before = now_ns(CLOCK_BOOTTIME);
    wall_before = now_ns(CLOCK_REALTIME);
    sysinfo(&info_before);
}

static bool ordered(clockid_t clock)
{
    for (int i = 0; i < 1000; i++) {
        int64_t a = now_ns(clock), b = call_ns(clock), c = now_ns(clock);
        if (a > b || b > c || c - a > 1000000000)
            return false;
    }
    return true;
}

static int64_t since(clockid_t clock, int64_t before)
{
    return now_ns(clock) - before;
}

/* The sandbox slept for at least two seconds of the wall clock between save and restore. */
static void timers_check(void)
{
    int64_t mono = now_ns(CLOCK_MONOTONIC) - mono_before;
    int64_t boot = now_ns(CLOCK_BOOTTIME) - boot_before;
    int64_t wall = now_ns(CLOCK_REALTIME) - wall_before;
    struct itimerspec v;
    struct itimerval it;
    struct sysinfo info;

    expect(mono > 0 && boot - mono < 100000000 && mono - boot < 100000000);
    expect(wall - mono > 2000000000 && wall - mono < 60000000000);
    expect(ordered(CLOCK_MONOTONIC) && ordered(CLOCK_BOOTTIME) && ordered(CLOCK_MONOTONIC_RAW) &&
           ordered(CLOCK_REALTIME));
    int64_t coarse = now_ns(CLOCK_MONOTONIC_COARSE), fine = now_ns(CLOCK_MONOTONIC);
    expect(coarse <= fine && fine - coarse < 1000000000);
    expect(llabs(left_ns(timer_rel) - (100000000000 - since(CLOCK_MONOTONIC, mono_before))) <
           1000000000);
    expect(llabs(left_ns(timer_abs) - (100000000000 - since(CLOCK_MONOTONIC, mono_before))) <
           1000000000);
    expect(llabs(left_ns(timer_wall) - (100000000000 - since(CLOCK_REALTIME, wall_before))) <
           1000000000);
    expect(!timer_gettime(posix_timer, &v) &&
           llabs(v.it_value.tv_sec * 1000000000LL + v.it_value.tv_nsec -
                 (100000000000 - since(CLOCK_MONOTONIC, mono_before))) < 1000000000);
    expect(!getitimer(ITIMER_REAL, &it) &&
           llabs(it.it_value.tv_sec - (100 - since(CLOCK_MONOTONIC, mono_before) / 1000000000)) <
               3);
    expect(!getitimer(ITIMER_PROF, &it) && it.it_value.tv_sec >= 45 && it.it_value.tv_sec <= 50);
    sysinfo(&info);
    expect(llabs(info.uptime - info_before.uptime -
                 since(CLOCK_MONOTONIC, mono_before) / 1000000000) < 3);
    arm(timer_abs, CLOCK_MONOTONIC, 20000000, 0, true);
    struct pollfd p = {.fd = timer_abs, .events = POLLIN};
    int64_t start = now_ns(CLOCK_MONOTONIC);
    expect(poll(&p, 1, 5000) == 1 && now_ns(CLOCK_MONOTONIC) - start >= 19000000);
    struct timespec at = {(start + 200000000) / 1000000000, (start + 200000000) % 1000000000};
    expect(!clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL));
    int64_t slept = now_ns(CLOCK_MONOTONIC) - start;
    expect(slept >= 200000000 && slept < 3000000000);
    static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    pthread_condattr_t attr;
    pthread_cond_t cond;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&cond, &attr);
    start = now_ns(CLOCK_MONOTONIC);
    at = (struct timespec){(start + 50000000) / 1000000000, (start + 50000000) % 1000000000};
    pthread_mutex_lock(&m);
    expect(pthread_cond_timedwait(&cond, &m, &at) == ETIMEDOUT);
    slept = now_ns(CLOCK_MONOTONIC) - start;
    expect(slept >= 50000000 && slept < 3000000000);
}

/* --- processes, terminals --- */
static int alive_fd, zombie_fd, reaped_fd, master, slave;
static pid_t alive, zombie;

static pid_t child(int code)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (code < 0)
            for (;;)
                pause();
        _exit(code);
    }
    return pid;
}

static void processes_make(void)
{
    struct termios tio;
    struct winsize size = {33, 77, 0, 0};

    alive = child(-1);
    zombie = child(9);
    pid_t reaped = child(3);
    alive_fd = (int)syscall(SYS_pidfd_open, alive, 0);
    zombie_fd = (int)syscall(SYS_pidfd_open, zombie, 0);
    reaped_fd = (int)syscall(SYS_pidfd_open, reaped, 0);
    struct pollfd p = {.fd = zombie_fd, .events = POLLIN};
    expect(poll(&p, 1, 5000) == 1 && waitpid(reaped, NULL, 0) == reaped);
    master = posix_openpt(O_RDWR | O_NOCTTY);
    expect(master >= 0 && !grantpt(master) && !unlockpt(master));
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    expect(slave >= 0 && !tcgetattr(slave, &tio));
    tio.c_lflag &= ~(tcflag_t)ECHO;
    tio.c_cc[VINTR] = 7;
    expect(!tcsetattr(slave, TCSANOW, &tio) && !ioctl(slave, TIOCSWINSZ, &size));
    expect(writes(master, "line\nrest") && writes(slave, "out"));
}

static void processes_check(void)
{
    struct termios tio;
    struct winsize size;
    siginfo_t info;
    int status;

    expect(revents(alive_fd) == 0 && (revents(zombie_fd) & POLLIN) &&
           (revents(reaped_fd) & POLLIN));
    expect(syscall(SYS_pidfd_send_signal, reaped_fd, 0, NULL, 0) == -1 && errno == ESRCH);
    expect(!syscall(SYS_pidfd_send_signal, alive_fd, SIGKILL, NULL, 0));
    expect(waitpid(alive, &status, 0) == alive && WTERMSIG(status) == SIGKILL);
    expect(!waitid((idtype_t)3 /* P_PIDFD */, (id_t)zombie_fd, &info, WEXITED) &&
           info.si_status == 9);
    expect(!tcgetattr(slave, &tio) && !(tio.c_lflag & ECHO) && tio.c_cc[VINTR] == 7);
    expect(!ioctl(master, TIOCGWINSZ, &size) && size.ws_row == 33 && size.ws_col == 77);
    expect(reads(slave, "line\n") && writes(master, "\n") && reads(slave, "rest\n"));
    expect(reads(master, "out"));
    close(slave);
    expect(revents(master) & POLLHUP);
}

/* --- threads that wait while they are saved --- */
static int wait_pipe[2], wait_set;
static int64_t sleeper_end;

static void *reader(void *arg)
{
    return reads(wait_pipe[0], "woken") ? "ok" : NULL;
}

static void *poller(void *arg)
{
    struct epoll_event e;

    return epoll_wait(wait_set, &e, 1, -1) == 1 && e.data.u64 == 9 ? "ok" : NULL;
}

static void *sleeper(void *arg)
{
    int64_t start = now_ns(CLOCK_MONOTONIC);
    struct timespec ts = {4, 0};

    while (nanosleep(&ts, &ts))
        ;
    sleeper_end = now_ns(CLOCK_MONOTONIC) - start;
    return "ok";
}

int main(int argc, char **argv)
{
    void *(*const threads[])(void *) = {reader, poller, sleeper};
    pthread_t ids[3];
    struct stat st;
    void *result;

    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGALRM, ignore);
    if (argc != 2 || chdir(argv[1]))
        return 2;
    processes_make(); /* first: children have no other's descriptors */
    pipes_make();
    events_make();
    inotify_make();
    unix_make();
    netlink_make();
    timers_make();
    wait_set = epoll_create1(0);
    int wake = eventfd(0, 0);
    expect(!pipe(wait_pipe));
    watch(wait_set, wake, EPOLLIN | EPOLLET, 9);
    for (int i = 0; i < 3; i++)
        expect(!pthread_create(&ids[i], NULL, threads[i], NULL));
    printf("ready %d\n", failures);
    while (stat("go", &st))
        nanosleep(&(struct timespec){0, 20000000}, NULL);
    expect(writes(wait_pipe[1], "woken") && write(wake, &(uint64_t){1}, 8) == 8);
    pipes_check();
    events_check();
    inotify_check();
    unix_check();
    netlink_check();
    processes_check();
    timers_check();
    for (int i = 0; i < 3; i++)
        expect(!pthread_join(ids[i], &result) && result);
    expect(sleeper_end >= 4000000000 && sleeper_end < 8000000000);
    printf("done %d\n", failures);
    return failures != 0;
}
