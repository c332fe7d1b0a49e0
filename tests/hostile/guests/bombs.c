/* As much of everything as can be had: processes, threads, descriptors, names, memory of files. */
#include "guest.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

static void fork_bomb(long max)
{
    int n = 0;

    for (; n < max; n++) {
        pid_t pid = fork();
        if (pid < 0)
            break;
        if (pid == 0) {
            sleep(20);
            _exit(0);
        }
    }
    printf("%d processes\n", n);
    fflush(stdout);
    kill(0, SIGKILL);
}

static void bomb_group(long max)
{
    setpgid(0, 0);
    fork_bomb(max);
}

static void fork_limit(long max)
{
    struct rlimit r = {(rlim_t)max, (rlim_t)max};

    if (setgid(1234) || setuid(1234))
        _exit(1);
    setrlimit(RLIMIT_NPROC, &r);
    setpgid(0, 0);
    for (int n = 0;; n++) {
        pid_t pid = fork();
        if (pid < 0) {
            if (errno != EAGAIN || n > max)
                FAIL("%d processes with a limit of %ld", n, max);
            break;
        }
        if (pid == 0) {
            sleep(20);
            _exit(0);
        }
        if (n > max + 10) {
            FAIL("limit of %ld processes is not kept", max);
            break;
        }
    }
    fflush(stdout);
    kill(0, SIGKILL);
}

static void forks_of_forks(long x)
{
    setpgid(0, 0);
    uint64_t end = now_ms() + 700;
    while (now_ms() < end) {
        if (fork() < 0)
            usleep(1000);
    }
    kill(0, SIGKILL);
}

static void *idle(void *arg)
{
    pause();
    return NULL;
}
static void *nothing(void *arg)
{
    return NULL;
}

static void threads(long max)
{
    pthread_attr_t at;
    pthread_t th;
    int n = 0;

    pthread_attr_init(&at);
    pthread_attr_setstacksize(&at, 16384);
    for (; n < max; n++)
        if (pthread_create(&th, &at, idle, NULL))
            break;
    printf("%d threads\n", n);
}

static void thread_storm(long max)
{
    pthread_t th[16];

    for (long i = 0; i < max / 16; i++) {
        int n = 0;
        for (; n < 16; n++)
            if (pthread_create(&th[n], NULL, nothing, NULL))
                break;
        while (n--)
            pthread_join(th[n], NULL);
    }
}

static void descriptors(long kind)
{
    struct rlimit r = {1 << 20, 1 << 20};
    int n = 0, last = -1, sv[2];

    if (setrlimit(RLIMIT_NOFILE, &r))
        getrlimit(RLIMIT_NOFILE, &r);
    for (uint64_t end = now_ms() + 1500; now_ms() < end; n++) {
        int fd = -1;
        switch (kind) {
        case 0:
            fd = open("/etc/passwd", O_RDONLY);
            break;
        case 1:
            fd = pipe(sv) ? -1 : sv[0];
            break;
        case 2:
            fd = socketpair(AF_UNIX, SOCK_STREAM, 0, sv) ? -1 : sv[0];
            break;
        case 3:
            fd = eventfd(0, 0);
            break;
        case 4:
            fd = timerfd_create(CLOCK_MONOTONIC, 0);
            timerfd_settime(fd, 0, &(struct itimerspec){{0, 50000000}, {0, 1}}, NULL);
            break;
        case 5:
            fd = epoll_create1(0);
            if (last >= 0)
                epoll_ctl(fd, EPOLL_CTL_ADD, last, &(struct epoll_event){.events = EPOLLIN});
            break;
        case 6:
            fd = inotify_init1(0);
            inotify_add_watch(fd, "/tmp", IN_ALL_EVENTS);
            break;
        case 7:
            fd = (int)syscall(SYS_memfd_create, "m", 0);
            if (ftruncate(fd, 1L << 40) || write(fd, "x", 1) != 1)
                fd = -1;
            break;
        case 8:
            fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);
            break;
        case 9:
            fd = dup(0);
            break;
        }
        if (fd < 0)
            break;
        last = fd;
    }
    printf("kind %ld: %d descriptors\n", kind, n);
    close(open("/tmp/x", O_RDWR | O_CREAT, 0600));
}

/* Sockets in flight that hold each other. */
static void flights(long x)
{
    for (int i = 0; i < 400; i++) {
        int sv[2];
        union {
            struct cmsghdr h;
            char b[CMSG_SPACE(sizeof(int) * 2)];
        } c = {.h = {CMSG_LEN(sizeof(int) * 2), SOL_SOCKET, SCM_RIGHTS}};
        struct iovec v = {"x", 1};
        struct msghdr m = {
            .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};
        if (socketpair(AF_UNIX, i % 2 ? SOCK_STREAM : SOCK_DGRAM, 0, sv))
            break;
        memcpy(CMSG_DATA(&c.h), sv, sizeof(sv));
        for (int k = 0; k < 3; k++) {
            sendmsg(sv[0], &m, MSG_DONTWAIT);
            sendmsg(sv[1], &m, MSG_DONTWAIT);
        }
        close(sv[0]);
        close(sv[1]);
    }
    /* A chain: each socket carries the one before. */
    int prev = -1;
    for (int i = 0; i < 2000; i++) {
        int sv[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv))
            break;
        if (prev >= 0) {
            union {
                struct cmsghdr h;
                char b[CMSG_SPACE(sizeof(int))];
            } c = {.h = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
            struct iovec v = {"x", 1};
            struct msghdr m = {
                .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};
            memcpy(CMSG_DATA(&c.h), &prev, sizeof(prev));
            if (sendmsg(sv[0], &m, MSG_DONTWAIT) < 0)
                break;
            close(prev);
        }
        close(sv[0]);
        prev = sv[1];
    }
    close(prev);
}

static void deep_dirs(long x)
{
    char cwd[65536];
    int n = 0;

    mkdir("/tmp/deep", 0777);
    CHECK(chdir("/tmp/deep") == 0);
    for (; n < 6000; n++)
        if (mkdir("d", 0777) || chdir("d"))
            break;
    printf("%d directories deep\n", n);
    if (getcwd(cwd, sizeof(cwd)) == NULL)
        printf("getcwd: %d\n", errno);
    fflush(stdout);
    rename("/tmp/deep", "/tmp/deeper");
    access("../../../../..", F_OK);
    for (int i = 0; i < n; i++)
        if (chdir("..") || rmdir("d"))
            break;
}

static void links(long x)
{
    char name[64], target[64], path[4096] = "/tmp/loop";

    CHECK(mkdir("/tmp/loop", 0777) == 0);
    CHECK(chdir("/tmp/loop") == 0);
    CHECK(symlink("a", "b") == 0 && symlink("b", "a") == 0 && symlink("self", "self") == 0);
    CHECK(open("a", O_RDONLY) < 0 && errno == ELOOP);
    CHECK(open("self/self/self", O_RDONLY) < 0 && errno == ELOOP);
    CHECK(symlink(".", "dot") == 0);
    for (int i = 0; i < 900; i++)
        strcat(path, "/dot");
    CHECK(open(path, O_RDONLY) < 0 && errno == ELOOP);
    for (int i = 0; i < 60; i++) { /* each one twice the length of the one before */
        snprintf(name, sizeof(name), "l%d", i + 1);
        snprintf(target, sizeof(target), "l%d/l%d", i, i);
        symlink(target, name);
    }
    symlink(".", "l0");
    CHECK(open("l60", O_RDONLY) < 0 && errno == ELOOP);
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        if (link("self", name))
            break;
    }
}

static void many_names(long x)
{
    char name[300];
    uint64_t end = now_ms() + 1500;

    mkdir("/tmp/many", 0777);
    for (long i = 0; now_ms() < end; i++) {
        snprintf(name, sizeof(name), "/tmp/many/%0200ld", i);
        int fd = open(name, O_RDWR | O_CREAT, 0600);
        if (fd < 0)
            break;
        close(fd);
    }
}

static void timers(long x)
{
    timer_t id;
    int n = 0;
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};

    signal(SIGRTMIN, SIG_IGN);
    for (uint64_t end = now_ms() + 3000; n < 100000 && now_ms() < end; n++) {
        if (timer_create(CLOCK_MONOTONIC, &ev, &id))
            break;
        timer_settime(id, 0, &(struct itimerspec){{0, 1}, {0, 1}}, NULL);
    }
    printf("%d timers\n", n);
    fflush(stdout);
    usleep(200000);
}

static void mappings(long x)
{
    char *p = mmap(NULL, 1L << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    long n = 0;
    uint64_t end = now_ms() + 1500;

    CHECK(p != MAP_FAILED);
    for (; n < 100000 && now_ms() < end; n++)
        if (mprotect(p + n * 8192, 4096, PROT_READ))
            break;
    printf("%ld mappings\n", n);
    fflush(stdout);
    CHECK(mmap(NULL, 1UL << 46, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED || 1);
}

static void locks(long x)
{
    int fd = open("/tmp/locks", O_RDWR | O_CREAT, 0600);
    uint64_t end = now_ms() + 1000;

    for (long i = 0; now_ms() < end; i++) {
        struct flock f = {.l_type = F_WRLCK, .l_start = i * 2, .l_len = 1};
        if (fcntl(fd, F_SETLK, &f))
            break;
    }
}

static const struct {
    const char *name;
    void (*fn)(long);
    long arg;
    int ms;
} bombs[] = {{"fork limit", fork_limit, 20, 5000},
             {"fork bomb", bomb_group, 200, 15000},
             {"forks of forks", forks_of_forks, 0, 15000},
             {"threads", threads, 500, 15000},
             {"thread storm", thread_storm, 1600, 15000},
             {"files", descriptors, 0, 8000},
             {"pipes", descriptors, 1, 8000},
             {"socket pairs", descriptors, 2, 8000},
             {"eventfds", descriptors, 3, 8000},
             {"timerfds", descriptors, 4, 8000},
             {"epolls in epolls", descriptors, 5, 8000},
             {"inotify", descriptors, 6, 8000},
             {"memfds", descriptors, 7, 8000},
             {"ptys", descriptors, 8, 8000},
             {"dups", descriptors, 9, 8000},
             {"flights", flights, 0, 8000},
             {"deep directories", deep_dirs, 0, 20000},
             {"links", links, 0, 8000},
             {"names", many_names, 0, 8000},
             {"timers", timers, 0, 8000},
             {"mappings", mappings, 0, 8000},
             {"locks", locks, 0, 8000}};

int main(int argc, char **argv)
{
    for (unsigned int i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
        if (argc > 1 && strcmp(argv[1], bombs[i].name))
            continue;
        uint64_t from = now_ms();
        int s = attempt(bombs[i].fn, bombs[i].arg, bombs[i].ms);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        printf("%s: %lu ms\n", bombs[i].name, now_ms() - from);
        if (now_ms() - from >= (uint64_t)bombs[i].ms)
            FAIL("%s does not end: %#x", bombs[i].name, s);
        still_sane();
    }
    return finish();
}
