/* Descriptors, files, watches, locks, pipes, sockets, terminals, attributes. */
#include "exhaust.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/xattr.h>

/* --- descriptors --- */
static int make_fd(int kind)
{
    static const struct sockaddr_storage none;
    int p[2];
    sigset_t set;

    (void)none;
    sigemptyset(&set);
    switch (kind) {
    case 0:
        return open("/etc/passwd", O_RDONLY);
    case 1:
        return pipe(p) ? -1 : p[0];
    case 2:
        return socketpair(AF_UNIX, SOCK_STREAM, 0, p) ? -1 : p[0];
    case 3:
        return socket(AF_UNIX, SOCK_DGRAM, 0);
    case 4:
        return eventfd(0, 0);
    case 5:
        return timerfd_create(CLOCK_MONOTONIC, 0);
    case 6:
        return epoll_create1(0);
    case 7:
        return signalfd(-1, &set, 0);
    case 8:
        return (int)syscall(SYS_memfd_create, "m", 0);
    case 9:
        return dup(1);
    case 10:
        return (int)syscall(SYS_pidfd_open, getpid(), 0);
    case 11:
        return open("/tmp/exhaust-new", O_RDWR | O_CREAT, 0600);
    case 12:
        return open("/", O_PATH);
    case 13:
        return (int)syscall(SYS_inotify_init1, 0);
    default:
        return open("/dev/ptmx", O_RDWR | O_NOCTTY);
    }
}
#define KINDS 15

static void emfile(long kind)
{
    struct stat st;
    long n = 0;

    limit(RLIMIT_NOFILE, 100);
    unlink("/tmp/exhaust-new");
    while (n < 200 && make_fd(kind == 11 ? 9 : (int)kind) >= 0)
        n++;
    if (kind == 11) {
        CHECK(make_fd(11) < 0 && errno == EMFILE);
        CHECK(stat("/tmp/exhaust-new", &st) < 0); /* the descriptor comes first */
        errno = EMFILE;
    }
    ENDED("descriptors of a process", n, 100, EMFILE);
    CHECK(fcntl(1, F_DUPFD, 100) < 0 && errno == EINVAL);
    CHECK(dup2(1, 100) < 0 && errno == EBADF);
    close(50);
    CHECK(dup(1) == 50);
}

/* Who receives more than fits gets what fits: unix(7). */
static void received(long x)
{
    int sv[2], fds[64];
    union {
        struct cmsghdr h;
        char b[CMSG_SPACE(sizeof(fds))];
    } c = {.h = {CMSG_LEN(sizeof(fds)), SOL_SOCKET, SCM_RIGHTS}};
    char byte = 'x';
    struct iovec v = {&byte, 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};

    for (int i = 0; i < 64; i++)
        fds[i] = 1;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
    memcpy(CMSG_DATA(&c.h), fds, sizeof(fds));
    CHECK(sendmsg(sv[0], &m, 0) == 1);
    limit(RLIMIT_NOFILE, 20);
    CHECK(recvmsg(sv[1], &m, 0) == 1);
    CHECK(m.msg_flags & MSG_CTRUNC);
    CHECK(dup(1) < 0 && errno == EMFILE);
}

static void enfile(long x)
{
    long max = sysctl("fs/file-max"), n = 0;
    int done[2];

    if (max < 1000 || max > 200000) {
        FAIL("file-max is %ld", max);
        return;
    }
    CHECK(pipe(done) == 0);
    limit(RLIMIT_NOFILE, 4096);
    int last = 0;
    for (int child = 0; child < max / 1000 && !last; child++) {
        if (fork() == 0) {
            int k = 0, got[2] = {0, 0};
            while (make_fd(child % 2 ? 4 : 0) >= 0)
                k++;
            got[0] = k;
            got[1] = errno;
            write(done[1], got, sizeof(got));
            pause();
        }
        int got[2];
        CHECK(read(done[0], got, sizeof(got)) == sizeof(got));
        n += got[0];
        last = got[1] != EMFILE ? got[1] : 0;
    }
    errno = last;
    ENDED("files of the sandbox", n, max + 1, ENFILE);
    CHECK(n > max - 1000);
    int p[2];
    CHECK(pipe(p) < 0 && errno == ENFILE);
    CHECK(dup(1) >= 0); /* no new file */
    fflush(stdout);
    kill(0, SIGKILL);
}

/* --- watches, locks --- */
static void inotify_instances(long x)
{
    long n = 0;

    while (n < 1000 && inotify_init1(0) >= 0)
        n++;
    ENDED("inotify instances", n, sysctl("fs/inotify/max_user_instances") + 1, EMFILE);
    /* Those of another user are counted for themselves. */
    become(NOBODY);
    CHECK(inotify_init1(0) >= 0);
}

static void inotify_watches(long x)
{
    long max = sysctl("fs/inotify/max_user_watches"), n = 0;
    char name[64];
    int in = -1;

    mkdir("/dev/shm/w", 0777);
    CHECK(chdir("/dev/shm/w") == 0);
    for (int k = 0; k < 2000; k++) {
        snprintf(name, sizeof(name), "%d", k);
        mknod(name, S_IFREG | 0600, 0);
    }
    for (; n <= max; n++) {
        snprintf(name, sizeof(name), "%ld", n % 2000);
        if (n % 2000 == 0 && (in = inotify_init1(IN_NONBLOCK)) < 0)
            break;
        if (inotify_add_watch(in, name, IN_ALL_EVENTS) < 0)
            break;
    }
    ENDED("inotify watches", n, max + 1, ENOSPC);
    for (int k = 0; k < 2000; k++) {
        snprintf(name, sizeof(name), "%d", k);
        unlink(name);
    }
    rmdir("/dev/shm/w");
}

static void epoll_watches(long x)
{
    long max = sysctl("fs/epoll/max_user_watches"), n = 0;
    struct epoll_event ev = {.events = EPOLLIN};
    int fds[2000];

    limit(RLIMIT_NOFILE, 1 << 16);
    for (int i = 0; i < 2000; i++)
        fds[i] = dup(1);
    int ep = -1;
    for (; n <= max; n++) {
        if (n % 2000 == 0)
            ep = epoll_create1(0);
        if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fds[n % 2000], &ev))
            break;
    }
    ENDED("epoll watches", n, max + 1, ENOSPC);
}

static void epoll_depth(long x)
{
    struct epoll_event ev = {.events = EPOLLIN};
    int last = eventfd(0, 0);
    long n = 0;

    for (; n < 100; n++) {
        int ep = epoll_create1(0);
        if (epoll_ctl(ep, EPOLL_CTL_ADD, last, &ev))
            break;
        last = ep;
    }
    ENDED("epoll sets in epoll sets", n, 7, ELOOP);
}

static void locks(long x)
{
    int fd = open("/dev/shm/locks", O_RDWR | O_CREAT, 0600);
    long n = 0;

    for (; n < 1000000; n++) {
        struct flock f = {.l_type = F_WRLCK, .l_start = n * 2, .l_len = 1};
        if (fcntl(fd, F_SETLK, &f))
            break;
    }
    unlink("/dev/shm/locks");
    ENDED("locks", n, 20000, ENOLCK);
}

/* --- pipes and sockets --- */
static void pipe_pages(long x)
{
    long soft = sysctl("fs/pipe-user-pages-soft");
    int p[2] = {-1, -1}, size = 0;
    long n = 0;

    limit(RLIMIT_NOFILE, 4096);
    become(NOBODY);
    for (; n < 1900; n++) {
        if (pipe(p))
            break;
        size = fcntl(p[0], F_GETPIPE_SZ);
        if (size != 65536)
            break;
    }
    printf("pipes of 64 KiB: %ld, then of %d\n", n, size);
    CHECK(n <= soft / 16 && size == 8192);
    CHECK(fcntl(p[0], F_SETPIPE_SZ, 65536) < 0 && errno == EPERM);
    CHECK(fcntl(p[0], F_SETPIPE_SZ, 4096) == 4096);
}

static void socket_buffers(long type)
{
    static char block[65536];
    long bytes = 0, n = 0;
    int sv[2], err = 0;

    limit(RLIMIT_NOFILE, 1 << 16);
    for (; n < 4000 && !err; n++) {
        if (socketpair(AF_UNIX, (int)type | SOCK_NONBLOCK, 0, sv))
            break;
        ssize_t k;
        while ((k = write(sv[0], block, sizeof(block))) > 0)
            bytes += k;
        err = errno != EAGAIN ? errno : 0;
    }
    errno = err ? err : errno;
    printf("%ld MiB in socket buffers\n", bytes >> 20);
    ENDED("full sockets", n, 4000, err == ENFILE ? ENFILE : ENOBUFS);
}

static void flights(long x)
{
    int sv[2];
    union {
        struct cmsghdr h;
        char b[CMSG_SPACE(sizeof(int))];
    } c = {.h = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    char byte = 'x';
    struct iovec v = {&byte, 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};
    long n = 0;
    int last = -1;

    become(NOBODY);
    limit(RLIMIT_NOFILE, 300);
    for (; n < 10000; n++) { /* each carries the one before */
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv))
            break;
        memcpy(CMSG_DATA(&c.h), &last, sizeof(int));
        if (last >= 0 && sendmsg(sv[0], &m, MSG_DONTWAIT) < 0)
            break;
        if (last >= 0)
            close(last);
        close(sv[0]);
        last = sv[1];
    }
    ENDED("sockets in sockets", n, 303, ETOOMANYREFS);
}

/* --- terminals, attributes --- */
static void terminals(long x)
{
    long n = 0;

    limit(RLIMIT_NOFILE, 8192);
    while (n < 8000 && open("/dev/ptmx", O_RDWR | O_NOCTTY) >= 0)
        n++;
    ENDED("terminals", n, sysctl("kernel/pty/max") + 1, ENOSPC);
}

static void attributes(long x)
{
    static char value[65537];
    char name[64];
    long n = 0, files = 0;
    int err = 0;

    mkdir("/dev/shm/a", 0700);
    for (; files < 100000 && !err; files++) {
        snprintf(name, sizeof(name), "/dev/shm/a/%ld", files);
        if (mknod(name, S_IFREG | 0600, 0)) {
            err = errno;
            break;
        }
        for (int k = 0; k < 10; k++, n++) {
            char attr[32];
            snprintf(attr, sizeof(attr), "user.%d", k);
            if (setxattr(name, attr, value, 65536, 0)) {
                if (k == 0)
                    err = errno;
                break;
            }
        }
    }
    CHECK(setxattr("/dev/shm/a/0", "user.x", value, 65537, 0) < 0 && errno == E2BIG);
    for (long i = 0; i <= files; i++) {
        snprintf(name, sizeof(name), "/dev/shm/a/%ld", i);
        unlink(name);
    }
    rmdir("/dev/shm/a");
    errno = err;
    ENDED("attributes of 64 KiB", n, 20000, ENOSPC);
}

static const struct exhaust_case cases[] = {
    {"descriptors: received", received, 0, 5000},
    {"files", enfile, 0, 40000},
    {"inotify instances", inotify_instances, 0, 5000},
    {"inotify watches", inotify_watches, 0, 60000},
    {"epoll watches", epoll_watches, 0, 60000},
    {"epoll depth", epoll_depth, 0, 5000},
    {"locks", locks, 0, 60000},
    {"pipes", pipe_pages, 0, 10000},
    {"stream sockets", socket_buffers, SOCK_STREAM, 30000},
    {"datagram sockets", socket_buffers, SOCK_DGRAM, 30000},
    {"flights", flights, 0, 10000},
    {"terminals", terminals, 0, 10000},
    {"attributes", attributes, 0, 30000},
};

int main(int argc, char **argv)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (int k = 0; k < KINDS && argc < 2; k++)
        run("descriptors", emfile, k, 5000);
    return exhaust_all(cases, sizeof(cases) / sizeof(cases[0]), argv[1]);
}
