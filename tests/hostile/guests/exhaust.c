/*
 * Objects of the kernel until there are no more: each must end in Linux's errno, within its bound,
 * and leave the kernel able to do everything again once their owner is gone. Run with --memory,
 * from which some bounds follow.
 */
#include "guest.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/xattr.h>

#define NOBODY 1234
#define ENDED(what, n, max, err)                                                                   \
    do {                                                                                           \
        int e_ = errno;                                                                            \
        printf("%s: %ld, then %s\n", what, (long)(n), strerrorname_np(e_));                        \
        fflush(stdout);                                                                            \
        errno = e_;                                                                                \
        if ((n) >= (max) || e_ != (err))                                                           \
            FAIL("%s: %ld of less than %ld, wanted %s", what, (long)(n), (long)(max),              \
                 strerrorname_np(err));                                                            \
    } while (0)

static long sysctl(const char *name)
{
    char path[128], text[64] = "";

    snprintf(path, sizeof(path), "/proc/sys/%s", name);
    int fd = open(path, O_RDONLY);
    long n = fd < 0 || read(fd, text, sizeof(text) - 1) < 1 ? -1 : atol(text);
    if (n < 0)
        FAIL("%s", path);
    close(fd);
    return n;
}

static void limit(int what, rlim_t value)
{
    struct rlimit r = {value, value};

    if (setrlimit((__rlimit_resource_t)what, &r))
        FAIL("setrlimit %d", what);
}

static void become(uid_t uid)
{
    if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
        FAIL("setresuid");
}

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

/* --- tasks --- */
static void zombies(long x)
{
    volatile long n = 0;

    for (; n < 40000; n++) {
        pid_t pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */
        if (pid < 0)
            break;
        if (pid == 0)
            _exit(0);
    }
    ENDED("zombies", n, sysctl("kernel/threads-max") + 1, EAGAIN);
    long left = n;
    while (waitpid(-1, NULL, 0) > 0)
        left--;
    CHECK(left == 0);
}

static void *wait_word(void *word)
{
    syscall(SYS_futex, word, 0 /* FUTEX_WAIT, not private */, 0, NULL, NULL, 0);
    return NULL;
}

static void thread_bomb(long x)
{
    static int word;
    pthread_attr_t at;
    pthread_t th;
    long n = 0;

    pthread_attr_init(&at);
    pthread_attr_setstacksize(&at, 16384);
    for (; n < 40000; n++) {
        int err = pthread_create(&th, &at, wait_word, &word);
        errno = err;
        if (err)
            break;
    }
    ENDED("threads that wait for a futex", n, sysctl("kernel/threads-max"), EAGAIN);
    CHECK(fork() < 0 && errno == EAGAIN);
    word = 1;
    CHECK(syscall(SYS_futex, &word, 1, INT32_MAX, NULL, NULL, 0) >= 0);
}

static void nproc(long use_vfork)
{
    volatile long n = 0;

    limit(RLIMIT_NPROC, 30);
    become(NOBODY);
    for (; n < 100; n++) {
        /* NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork) */
        pid_t pid = use_vfork ? vfork() : fork();
        if (pid < 0)
            break;
        if (pid == 0)
            use_vfork ? _exit(0) : pause();
    }
    ENDED("processes of a user", n, 31, EAGAIN);
    fflush(stdout);
    kill(0, SIGKILL);
}

/* --- memory --- */
static void mappings(long how)
{
    long max = sysctl("vm/max_map_count"), n = 0;
    char *p = mmap(NULL, 1L << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    CHECK(p != MAP_FAILED);
    for (; n <= max; n++) {
        char *at = p + n * 8192;
        if (how == 0 ? mprotect(at, 4096, PROT_READ)
                     : mmap(at, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) ==
                           MAP_FAILED)
            break;
    }
    ENDED("mappings", 2 * n, max, ENOMEM);
    CHECK(munmap(p, 1L << 30) == 0);
}

static void limits_of_memory(long x)
{
    char *p;

    limit(RLIMIT_MEMLOCK, 8192);
    limit(RLIMIT_DATA, 64 << 20);
    limit(RLIMIT_AS, 256 << 20);
    CHECK(mmap(NULL, 512 << 20, 1, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
          errno == ENOMEM);
    CHECK(mmap(NULL, 128 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
          errno == ENOMEM);
    CHECK(sbrk(128 << 20) == (void *)-1 && errno == ENOMEM);
    p = mmap(NULL, 1 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    become(NOBODY);
    CHECK(mlock(p, 1 << 20) < 0 && errno == ENOMEM);
    CHECK(mlock(p, 4096) == 0);
}

/* NOLINTNEXTLINE(misc-no-recursion): what it is for */
static int deeper(volatile char *from)
{
    volatile char here[4096];

    here[0] = from[0];
    return here[0] == 77 ? 0 : deeper(here) + here[0];
}

static void stack_overflow(long x)
{
    char c = 1;

    if (fork() == 0) {
        limit(RLIMIT_CORE, 0);
        limit(RLIMIT_STACK, 1 << 20);
        _exit(deeper(&c));
    }
    int status = 0;
    wait(&status);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void cpu_limit(long x)
{
    struct rlimit r = {1, 2};

    if (fork() == 0) {
        signal(SIGXCPU, SIG_IGN);
        setrlimit(RLIMIT_CPU, &r);
        for (;;)
            ;
    }
    int status = 0;
    wait(&status);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* --- watches, timers, signals, locks --- */
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

static void posix_timers(long x)
{
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    timer_t id;
    long n = 0;

    limit(RLIMIT_SIGPENDING, 500);
    become(NOBODY);
    while (n < 100000 && timer_create(CLOCK_MONOTONIC, &ev, &id) == 0)
        n++;
    ENDED("timers", n, 501, EAGAIN);
}

static void queued_signals(long x)
{
    sigset_t set;
    long n = 0;

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    limit(RLIMIT_SIGPENDING, 1000);
    while (n < 100000 && sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == 0)
        n++;
    ENDED("queued signals", n, 1001, EAGAIN);
    CHECK(kill(getpid(), SIGUSR1 - SIGUSR1) == 0);
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

/* --- System V IPC, message queues --- */
static void sysv(long kind)
{
    static const int types[] = {'m', 's', 'q'};
    long n = 0;
    static int ids[40000];

    for (; n < 40000; n++) {
        ids[n] = kind == 0   ? shmget(IPC_PRIVATE, 4096, 0600)
                 : kind == 1 ? semget(IPC_PRIVATE, 1, 0600)
                             : msgget(IPC_PRIVATE, 0600);
        if (ids[n] < 0)
            break;
    }
    int err = errno;
    for (long i = 0; i < n; i++)
        kind == 0   ? shmctl(ids[i], IPC_RMID, NULL)
        : kind == 1 ? semctl(ids[i], 0, IPC_RMID)
                    : msgctl(ids[i], IPC_RMID, NULL);
    errno = err;
    printf("%c ", types[kind]);
    ENDED("System V objects", n, 33000, ENOSPC);
}

static void message_queues(long x)
{
    char name[32];
    long n = 0;

    limit(RLIMIT_MSGQUEUE, 100000);
    become(NOBODY);
    for (; n < 1000; n++) {
        snprintf(name, sizeof(name), "/exhaust%ld", n);
        if (mq_open(name, O_RDWR | O_CREAT, 0600, NULL) == (mqd_t)-1)
            break;
    }
    int err = errno;
    for (long i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "/exhaust%ld", i);
        mq_unlink(name);
    }
    errno = err;
    ENDED("message queues", n, 10, EMFILE);
}

/* --- namespaces, filters, contexts, terminals, attributes --- */
static void namespaces(long kind)
{
    static const int flags[] = {CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNS};
    char path[64];
    long n = 0;

    limit(RLIMIT_NOFILE, 8192);
    snprintf(path, sizeof(path), "/proc/self/ns/%s", kind == 0 ? "uts" : kind == 1 ? "ipc" : "mnt");
    for (; n < 5000; n++)
        if (unshare(flags[kind]) || open(path, O_RDONLY) < 0)
            break;
    ENDED("namespaces", n, sysctl("user/max_uts_namespaces") + 1, ENOSPC);
}

static void filters(long x)
{
    static struct sock_filter code[4096];
    struct sock_fprog p = {4096, code};
    long n = 0;

    for (int i = 0; i < 4095; i++)
        code[i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, 1);
    code[4095] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    while (n < 100 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) == 0)
        n++;
    ENDED("filters of 4096 instructions", n, 9, ENOMEM);
}

static void aio_contexts(long x)
{
    aio_context_t c = 0;
    long n = 0;

    while (n < 100000 && syscall(SYS_io_setup, 1000, &c) == 0) {
        c = 0;
        n++;
    }
    ENDED("AIO contexts", n, sysctl("fs/aio-max-nr") / 1000 + 1, EAGAIN);
}

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

/* --- arguments --- */
static void arguments(long x)
{
    static char big[131073];
    static char *many[4000000];

    memset(big, 'a', sizeof(big) - 1);
    CHECK(execl("/bin/true", "true", big, NULL) < 0 && errno == E2BIG);
    for (int i = 0; i < 3999999; i++)
        many[i] = "";
    CHECK(execv("/bin/true", many) < 0 && errno == E2BIG);
    CHECK(execve("/bin/true", (char *[]){"true", NULL}, many) < 0 && errno == E2BIG);
    big[131071] = 0; /* exactly MAX_ARG_STRLEN */
    for (int i = 0; i < 100; i++)
        many[i] = big;
    many[100] = NULL;
    CHECK(execv("/bin/true", many) < 0 && errno == E2BIG);
}

static const struct {
    const char *name;
    void (*fn)(long);
    long arg;
    int ms;
} cases[] = {
    {"descriptors: received", received, 0, 5000},
    {"files", enfile, 0, 40000},
    {"zombies", zombies, 0, 60000},
    {"threads", thread_bomb, 0, 60000},
    {"processes of a user", nproc, 0, 10000},
    {"vforks of a user", nproc, 1, 10000},
    {"mappings: mprotect", mappings, 0, 60000},
    {"mappings: mmap", mappings, 1, 60000},
    {"memory limits", limits_of_memory, 0, 5000},
    {"stack", stack_overflow, 0, 5000},
    {"CPU", cpu_limit, 0, 30000},
    {"inotify instances", inotify_instances, 0, 5000},
    {"inotify watches", inotify_watches, 0, 60000},
    {"epoll watches", epoll_watches, 0, 60000},
    {"epoll depth", epoll_depth, 0, 5000},
    {"timers", posix_timers, 0, 10000},
    {"signals", queued_signals, 0, 10000},
    {"locks", locks, 0, 60000},
    {"pipes", pipe_pages, 0, 10000},
    {"stream sockets", socket_buffers, SOCK_STREAM, 30000},
    {"datagram sockets", socket_buffers, SOCK_DGRAM, 30000},
    {"flights", flights, 0, 10000},
    {"shared memory", sysv, 0, 20000},
    {"semaphores", sysv, 1, 40000},
    {"messages", sysv, 2, 40000},
    {"message queues", message_queues, 0, 5000},
    {"UTS namespaces", namespaces, 0, 10000},
    {"IPC namespaces", namespaces, 1, 10000},
    {"mount namespaces", namespaces, 2, 20000},
    {"filters", filters, 0, 5000},
    {"AIO", aio_contexts, 0, 5000},
    {"terminals", terminals, 0, 10000},
    {"attributes", attributes, 0, 30000},
    {"arguments", arguments, 0, 20000},
};

static void run(const char *name, void (*fn)(long), long arg, int ms)
{
    uint64_t from = now_ms();
    pid_t pid = fork();

    if (pid == 0) {
        failures = 0;
        setpgid(0, 0);
        fn(arg);
        fflush(NULL);
        _exit(failures ? 1 : 0);
    }
    int s = reap(pid, ms);
    kill(-pid, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    printf("%s: %lu ms\n", name, now_ms() - from);
    fflush(stdout);
    if (now_ms() - from >= (uint64_t)ms)
        FAIL("%s does not end: %#x", name, (unsigned int)s);
    else if (WIFEXITED(s) ? WEXITSTATUS(s) != 0 : WTERMSIG(s) != SIGKILL)
        FAIL("%s: wait status %#x", name, (unsigned int)s);
    still_sane();
}

int main(int argc, char **argv)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (int k = 0; k < KINDS && argc < 2; k++)
        run("descriptors", emfile, k, 5000);
    for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (argc < 2 || !strcmp(argv[1], cases[i].name))
            run(cases[i].name, cases[i].fn, cases[i].arg, cases[i].ms);
    return finish();
}
