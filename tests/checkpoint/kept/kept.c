/*
 * The program of a kept image: one object of each kind that a small program can have, made before
 * its checkpoint and looked at after it. The image is restored by every later build (see
 * README.md), so what this program says about itself must not depend on the machine: it runs from
 * a copy of itself in a tmpfs, and its libc chooses nothing by the CPU.
 */
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier): features of libc */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int failures;

#define expect(cond)                                                                               \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            printf("line %d: %s (errno %d)\n", __LINE__, #cond, errno);                            \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

static int64_t mono_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void put(char *to, const char *text)
{
    memcpy(to, text, strlen(text) + 1);
}

static bool reads(int fd, const char *text)
{
    char buf[256];
    ssize_t n = read(fd, buf, sizeof(buf));

    return n == (ssize_t)strlen(text) && !memcmp(buf, text, (size_t)n);
}

#define writes(fd, text) (write(fd, text, strlen(text)) == (ssize_t)strlen(text))

/* --- files, directories, the overlay's upper layer --- */
static int file, appended, deleted, directory, locked, tmpfs;

static void files_make(void)
{
    expect(!mkdir("/tmp/dir", 0751) && !mkdir("/tmp/dir/sub", 0700));
    file = open("/tmp/dir/file", O_RDWR | O_CREAT, 0640);
    expect(writes(file, "0123456789") && pwrite(file, "end", 3, 1 << 20) == 3);
    expect(lseek(file, 4, SEEK_SET) == 4);
    expect(!link("/tmp/dir/file", "/tmp/dir/second") && !symlink("file", "/tmp/dir/symbolic"));
    appended = open("/tmp/dir/log", O_WRONLY | O_CREAT | O_APPEND, 0600);
    expect(writes(appended, "one,"));
    deleted = open("/tmp/dir/gone", O_RDWR | O_CREAT, 0600);
    expect(writes(deleted, "still here") && !unlink("/tmp/dir/gone"));
    directory = open("/tmp/dir", O_RDONLY | O_DIRECTORY);
    int upper = open("/upper", O_WRONLY | O_CREAT, 0600);
    expect(upper >= 0 && writes(upper, "of the upper layer") && !close(upper));
    tmpfs = open("/dev/shm/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    expect(writes(tmpfs, "of a tmpfs") && !lseek(tmpfs, 0, SEEK_SET));
    locked = open("/tmp/dir/second", O_RDWR);
    expect(!flock(locked, LOCK_EX));
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 3};
    expect(!fcntl(file, F_SETLK, &l));
    expect(!chdir("/tmp/dir/sub"));
    umask(027);
}

static void files_check(void)
{
    char buf[64] = "";
    struct stat st, named;

    expect(lseek(file, 0, SEEK_CUR) == 4);
    expect(pread(file, buf, 10, 0) == 10 && !memcmp(buf, "0123456789", 10));
    expect(pread(file, buf, 3, 1 << 20) == 3 && !memcmp(buf, "end", 3));
    expect(!fstat(file, &st) && st.st_nlink == 2 && (st.st_mode & 07777) == 0640);
    expect(st.st_size == (1 << 20) + 3 && st.st_blocks < 100);
    expect(readlink("/tmp/dir/symbolic", buf, sizeof(buf)) == 4 && !memcmp(buf, "file", 4));
    expect(writes(appended, "two"));
    int log = open("../log", O_RDONLY);
    expect(log >= 0 && reads(log, "one,two"));
    expect(pread(deleted, buf, 64, 0) == 10 && !memcmp(buf, "still here", 10));
    expect(!fstat(deleted, &st) && st.st_nlink == 0);
    expect(!fstatat(directory, "sub", &st, 0) && S_ISDIR(st.st_mode));
    int upper = open("/upper", O_RDONLY);
    expect(upper >= 0 && reads(upper, "of the upper layer"));
    expect(reads(tmpfs, "of a tmpfs") && fcntl(tmpfs, F_GETFD) == FD_CLOEXEC);
    expect(!fstat(tmpfs, &st) && !stat("/dev/shm/file", &named) && st.st_ino == named.st_ino);
    int other = open("/tmp/dir/file", O_RDWR);
    expect(flock(other, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK);
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
    expect(!fcntl(other, F_OFD_GETLK, &l) && l.l_type == F_WRLCK && l.l_start == 2);
    expect(getcwd(buf, sizeof(buf)) && !strcmp(buf, "/tmp/dir/sub"));
    expect(umask(0) == 027);
}

/* --- pipes and unix sockets --- */
static int pipe_fds[2], sockets[2], listener, pending;

static int send_fd(int to, const char *text, int fd)
{
    union {
        struct cmsghdr h;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {
        {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof(control)};

    memcpy(CMSG_DATA(&control.h), &fd, sizeof(fd));
    return sendmsg(to, &h, 0) == (ssize_t)strlen(text) ? 0 : -1;
}

static int receive_fd(int from, const char *text)
{
    union {
        struct cmsghdr h;
        char bytes[256];
    } control = {.h = {.cmsg_len = 0}};
    char buf[64];
    struct iovec iov = {buf, sizeof(buf)};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof(control)};
    int fd = -1;

    ssize_t n = recvmsg(from, &h, MSG_DONTWAIT);
    if (n == (ssize_t)strlen(text) && !memcmp(buf, text, (size_t)n) &&
        control.h.cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(&control.h), sizeof(fd));
    return fd;
}

static struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/tmp/listener"};

static void streams_make(void)
{
    int inner[2];

    expect(!pipe(pipe_fds) && writes(pipe_fds[1], "in the pipe"));
    expect(!socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
    expect(writes(sockets[0], "first"));
    expect(!pipe(inner) && writes(inner[1], "in flight"));
    expect(!send_fd(sockets[0], "a pipe", inner[0]));
    close(inner[0]);
    close(inner[1]);
    listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    expect(!bind(listener, (struct sockaddr *)&address, sizeof(address)) && !listen(listener, 2));
    pending = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    expect(!connect(pending, (struct sockaddr *)&address, sizeof(address)));
    expect(writes(pending, "hello") && writes(pending, "again"));
}

static void streams_check(void)
{
    char buf[8];

    expect(reads(pipe_fds[0], "in the pipe"));
    expect(read(sockets[1], buf, 5) == 5 && !memcmp(buf, "first", 5));
    int fd = receive_fd(sockets[1], "a pipe");
    expect(fd >= 0 && reads(fd, "in flight") && reads(fd, ""));
    int conn = accept(listener, NULL, NULL);
    expect(conn >= 0 && reads(conn, "hello") && reads(conn, "again"));
    expect(writes(conn, "welcome") && reads(pending, "welcome"));
}

/* --- events, timers, inotify --- */
static int event, ep, timer_fd, signal_fd, notify;
static timer_t timer;
static int64_t armed_at;

static void watch(int fd, uint32_t events, uint64_t data)
{
    struct epoll_event e = {.events = events, .data.u64 = data};

    expect(!epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
}

static void events_make(void)
{
    struct itimerspec in_100s = {.it_value = {100, 0}}, in_50s = {.it_value = {50, 0}};
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2};
    sigset_t set;

    event = eventfd(41, EFD_NONBLOCK);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    armed_at = mono_ns();
    expect(!timerfd_settime(timer_fd, 0, &in_100s, NULL));
    expect(!timer_create(CLOCK_MONOTONIC, &ev, &timer) && !timer_settime(timer, 0, &in_50s, NULL));
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    expect(!sigprocmask(SIG_BLOCK, &set, NULL));
    signal_fd = signalfd(-1, &set, SFD_NONBLOCK);
    notify = inotify_init1(IN_NONBLOCK);
    expect(inotify_add_watch(notify, "/tmp/dir", IN_CREATE) == 1);
    close(open("/tmp/dir/watched", O_CREAT | O_WRONLY, 0600));
    ep = epoll_create1(0);
    watch(event, EPOLLIN | EPOLLET, 1);
    watch(signal_fd, EPOLLIN, 2);
    struct epoll_event e;
    expect(epoll_wait(ep, &e, 1, 0) == 1 && e.data.u64 == 1 && epoll_wait(ep, &e, 1, 0) == 0);
}

static void events_check(void)
{
    struct signalfd_siginfo si;
    struct itimerspec left;
    struct epoll_event e;
    char buf[256];
    uint64_t v;

    expect(epoll_wait(ep, &e, 1, 0) == 0);
    expect(!kill(getpid(), SIGUSR2) && epoll_wait(ep, &e, 1, 1000) == 1 && e.data.u64 == 2);
    expect(read(signal_fd, &si, sizeof(si)) == sizeof(si) && si.ssi_signo == SIGUSR2);
    expect(read(event, &v, 8) == 8 && v == 41);
    int64_t passed = (mono_ns() - armed_at) / 1000000000;
    expect(passed >= 0 && passed < 40); /* monotonic time went on where it stopped */
    expect(!timerfd_gettime(timer_fd, &left) && llabs(left.it_value.tv_sec + passed - 100) <= 2);
    expect(!timer_gettime(timer, &left) && llabs(left.it_value.tv_sec + passed - 50) <= 2);
    expect(read(notify, buf, sizeof(buf)) > 0 && strstr(buf + sizeof(struct inotify_event), "wat"));
}

/* --- a terminal --- */
static int master, slave;

static void terminal_make(void)
{
    struct winsize size = {.ws_row = 33, .ws_col = 77};
    struct termios t;
    char name[32];
    int number = 0, unlock = 0;

    master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    expect(!ioctl(master, TIOCSPTLCK, &unlock) && !ioctl(master, TIOCGPTN, &number));
    snprintf(name, sizeof(name), "/dev/pts/%d", number);
    slave = open(name, O_RDWR | O_NOCTTY);
    expect(!tcgetattr(slave, &t));
    t.c_lflag &= ~(tcflag_t)ECHO;
    expect(!tcsetattr(slave, TCSANOW, &t) && !ioctl(slave, TIOCSWINSZ, &size));
    expect(writes(master, "line\nrest"));
}

static void terminal_check(void)
{
    struct winsize size;

    expect(!ioctl(master, TIOCGWINSZ, &size) && size.ws_row == 33 && size.ws_col == 77);
    expect(reads(slave, "line\n") && writes(master, "\n") && reads(slave, "rest\n"));
}

/* --- memory --- */
static char *heap, *shared, *mapped, *readonly;

static void memory_make(void)
{
    heap = malloc(300000);
    memset(heap, 'h', 300000);
    shared = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    put(shared + 5000, "shared");
    int fd = memfd_create("memory", MFD_ALLOW_SEALING);
    expect(fd >= 0 && !ftruncate(fd, 8192) && !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    mapped = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    put(mapped + 4096, "of a memfd");
    readonly = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    put(readonly, "read only");
    expect(!mprotect(readonly, 4096, PROT_READ) && !mprotect(readonly + 4096, 4096, PROT_NONE));
}

static int fault_signal(char *at)
{
    pid_t pid = fork();
    int status;

    if (!pid) {
        struct rlimit none = {0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGSEGV, SIG_DFL);
        *(volatile char *)at = 1;
        _exit(0);
    }
    return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void memory_check(void)
{
    for (int i = 0; i < 300000; i++)
        if (heap[i] != 'h') {
            expect(heap[i] == 'h');
            break;
        }
    expect(!strcmp(mapped + 4096, "of a memfd") && !strcmp(readonly, "read only"));
    expect(fault_signal(readonly) == SIGSEGV && fault_signal(readonly + 4096) == SIGSEGV);
    free(heap);
    heap = malloc(1 << 20);
    memset(heap, 1, 1 << 20);
}

/* --- signals --- */
static volatile sig_atomic_t handled, value, on_stack;
static char alternate[32768];

static void handler(int sig, siginfo_t *si, void *context)
{
    char here;

    handled = sig;
    value = si->si_value.sival_int;
    on_stack = (uintptr_t)&here - (uintptr_t)alternate < sizeof(alternate);
}

static void signals_make(void)
{
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    stack_t ss = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 3);
    expect(!sigaltstack(&ss, NULL) && !sigaction(SIGRTMIN + 3, &sa, NULL));
    expect(!sigprocmask(SIG_BLOCK, &set, NULL));
    expect(!sigqueue(getpid(), SIGRTMIN + 3, (union sigval){4711}));
    signal(SIGHUP, SIG_IGN);
}

static void signals_check(void)
{
    struct sigaction sa;
    sigset_t set;

    expect(!handled);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 3);
    expect(!sigprocmask(SIG_UNBLOCK, &set, NULL));
    expect(handled == SIGRTMIN + 3 && value == 4711 && on_stack);
    expect(!sigaction(SIGHUP, NULL, &sa) && sa.sa_handler == SIG_IGN);
}

/* --- processes --- */
static pid_t child, zombie;
static int child_fd, to_child[2], from_child[2];

/* Waits in a read; has the shared memory, and a private page that is its own. */
static void child_main(void)
{
    static char own[4096] = "parent's";

    put(own, "child's");
    close(to_child[1]);
    setsid();
    bool ok = reads(to_child[0], "go") && !strcmp(own, "child's") &&
              !strcmp(shared + 5000, "shared") && getsid(0) == getpid();
    put(shared, ok ? "child saw all" : "child missed something");
    expect(writes(from_child[1], "done"));
    _exit(ok ? 7 : 8);
}

static void processes_make(void)
{
    expect(!pipe(to_child) && !pipe(from_child));
    child = fork();
    if (!child)
        child_main();
    close(to_child[0]);
    close(from_child[1]);
    zombie = fork();
    if (!zombie)
        _exit(5);
    child_fd = (int)syscall(SYS_pidfd_open, child, 0);
    siginfo_t si = {0};
    expect(!waitid(P_PID, (id_t)zombie, &si, WEXITED | WNOWAIT) && si.si_status == 5);
}

static void processes_check(void)
{
    struct pollfd p = {.fd = child_fd, .events = POLLIN};
    int status = 0;

    expect(poll(&p, 1, 0) == 0 && getpgid(child) == child);
    expect(writes(to_child[1], "go") && reads(from_child[0], "done"));
    expect(!strcmp(shared, "child saw all"));
    expect(poll(&p, 1, 5000) == 1 && waitpid(child, &status, 0) == child);
    expect(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    expect(waitpid(zombie, &status, 0) == zombie && WEXITSTATUS(status) == 5);
}

/* --- threads that wait --- */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static bool released;
static volatile bool stop;

static void *waits(void *arg)
{
    pthread_mutex_lock(&lock);
    while (!released)
        pthread_cond_wait(&cond, &lock);
    pthread_mutex_unlock(&lock);
    return arg;
}

/* Computes all the time: registers of both kinds have to be the same afterwards. */
static void *computes(void *arg)
{
    double x = 0.5;
    uint64_t ok = 1;

    while (!stop && ok) {
        uint64_t copy, number = 0x1122334455667788;
        __asm__ volatile("movq %2, %%xmm7\n\t"
                         "mov $20000, %%ecx\n"
                         "1:\tdec %%ecx\n\t"
                         "jnz 1b\n\t"
                         "movq %%xmm7, %0"
                         : "=r"(copy), "+x"(x)
                         : "r"(number)
                         : "rcx", "xmm7");
        ok = copy == number && x == 0.5;
    }
    return ok ? arg : NULL;
}

static void *sleeps(void *arg)
{
    struct timespec ts = {.tv_sec = 1};

    nanosleep(&ts, NULL);
    return arg;
}

/* --- all of it --- */
static void self_check(void)
{
    struct rlimit limit;
    char name[17] = "";

    expect(!prctl(PR_GET_NAME, name) && !strcmp(name, "of an image"));
    expect(!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur == 123);
    expect(getppid() == 0 && getpid() == 1 && getpriority(PRIO_PROCESS, 0) == 3);
    const char *kept = getenv("KEPT");
    expect(kept && !strcmp(kept, "yes"));
}

/* Runs again from a tmpfs, so that nothing in the image is of a file of the host. */
static void move(char **argv)
{
    char *const envp[] = {"KEPT=yes", NULL};
    int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int out = open("/tmp/kept", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

    while (sendfile(out, in, NULL, 1 << 20) > 0)
        ;
    close(out);
    execve("/tmp/kept", argv, envp);
    perror("exec");
    exit(2);
}

static bool checkpoint(void)
{
    char text[64] = "";
    int fd = open("/proc/nv/checkpoint", O_RDWR);

    if (fd < 0 || write(fd, "1", 1) != 1 || read(fd, text, sizeof(text) - 1) <= 0) {
        perror("checkpoint");
        exit(2);
    }
    close(fd);
    return !strncmp(text, "restored", 8);
}

int main(int argc, char **argv)
{
    void *(*const threads[])(void *) = {waits, computes, sleeps};
    struct rlimit limit = {123, 456};
    pthread_t ids[3];
    void *result;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!getenv("KEPT"))
        move(argv);
    prctl(PR_SET_NAME, "of an image");
    expect(!setrlimit(RLIMIT_NOFILE, &limit) && !setpriority(PRIO_PROCESS, 0, 3));
    memory_make();
    processes_make(); /* before the rest: children have no other's descriptors */
    files_make();
    streams_make();
    events_make();
    terminal_make();
    signals_make();
    for (int i = 0; i < 3; i++)
        expect(!pthread_create(&ids[i], NULL, threads[i], "ok"));
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    if (!checkpoint()) {
        printf("saved %d\n", failures);
        exit(failures != 0);
    }
    self_check();
    files_check();
    streams_check();
    events_check();
    terminal_check();
    signals_check();
    memory_check();
    processes_check();
    pthread_mutex_lock(&lock);
    released = stop = true;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < 3; i++)
        expect(!pthread_join(ids[i], &result) && result);
    printf("done %d\n", failures);
    return failures != 0;
}
