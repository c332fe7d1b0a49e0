/*
 * Random programs over sentry/syscalls.def, run inside the sandbox one after the other.
 * usage: guest SEED COUNT [KEEP...]   KEEP: numbers of the calls to be made, of all when there are
 * none
 *
 * A program is a list of calls that its seed decides: which thread of which process makes it, which
 * call, which arguments. Descriptors and other numbers that earlier calls returned are arguments of
 * later ones; a call that is left out changes nothing of the others, so that a list can be reduced.
 * A canary answers all the while. Speaks with run.py: "start SEED", "done SEED", "quiet N" (nothing
 * runs; goes on after a line of input), "hang" when the canary is silent.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sentry/argkinds.h"

#define CALLS_MAX 160
#define PROCESSES 2
#define THREADS 3
#define PROGRAM_MS 400
#define CANARY_MS 20000
#define BATCH 64
#define MEMORY 0x30000000L
#define MEMORY_SIZE 0x40000L

struct row {
    int nr;
    const char *name;
    uint32_t kind[6];
};
static const struct row rows[] = {
#define SYS(nr, name, handler, flags, ...) {nr, #name, {__VA_ARGS__}},
#include "sentry/syscalls.def"
#undef SYS
};
#define NROWS (sizeof(rows) / sizeof(*rows))

/* Ends or stops the fuzzer itself, lifts its bounds, or waits for ever and teaches nothing. */
static const int never[] = {SYS_exit,          SYS_exit_group, SYS_reboot,    SYS_vfork,
                            SYS_rt_sigreturn,  SYS_pause,      SYS_setrlimit, SYS_prlimit64,
                            SYS_rt_sigsuspend, SYS_fork,       SYS_clone,     SYS_clone3};

struct call {
    const struct row *row;
    int process, thread;
    long arg[6];
    int from[6]; /* the call whose result this argument is, -1: none */
};
static struct call calls[CALLS_MAX];
static int ncalls;
static char keep[CALLS_MAX];
static volatile long results[CALLS_MAX];
static int own_process;
static pid_t own_pid;

static uint64_t rng;
static uint64_t rnd(void)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return rng;
}
#define PICK(table) (table)[rnd() % (sizeof(table) / sizeof(*table))]

static const char *const names[] = {"f",
                                    "g",
                                    "d",
                                    "d/f",
                                    "d/g",
                                    "l",
                                    "..",
                                    ".",
                                    "/proc/self",
                                    "/dev/ptmx",
                                    "/dev/null",
                                    "/dev/zero",
                                    "p",
                                    "/dev/shm/x",
                                    "s",
                                    "",
                                    "/proc/self/fd/3",
                                    "/proc/self/maps",
                                    "/proc/self/mem",
                                    "/proc/self/task",
                                    "d/../f",
                                    "user.a",
                                    "tmpfs",
                                    "/dev/pts",
                                    "/etc/passwd",
                                    "/proc/self/ns/mnt",
                                    "m",
                                    "proc",
                                    "overlay",
                                    "/proc/sys/kernel"};
static const unsigned int ioctls[] = {
    0x5401, 0x5402, 0x5403, 0x5409,     0x540a,     0x540b, 0x540e, 0x540f, 0x5410, 0x5411,
    0x5412, 0x5413, 0x5414, 0x541b,     0x5420,     0x5421, 0x5422, 0x5430, 0x5431, 0x5438,
    0x5450, 0x5451, 0x5452, 0x80045430, 0x40045431, 0x5441, 0xb701, 0xb703};
static const int fcntls[] = {0,  1,  2,  3,  4,    5,    6,    7,    8,    9,    10,   11,  15,
                             16, 36, 37, 38, 1024, 1025, 1026, 1030, 1031, 1032, 1033, 1034};
static const long odd[] = {
    0,        1,     2,          7,        8,          16,       63,
    64,       511,   4095,       4096,     4097,       65536,    1 << 20,
    -1,       -2,    0x7fffffff, 1L << 31, 0xffffffff, 1L << 47, 0x7fffffffffffffff,
    LONG_MIN, -4096, -100};

static int is_never(int nr)
{
    for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
        if (never[i] == nr)
            return 1;
    return 0;
}

static int signals(int nr)
{
    return nr == SYS_kill || nr == SYS_tkill || nr == SYS_tgkill || nr == SYS_rt_sigqueueinfo ||
           nr == SYS_rt_tgsigqueueinfo || nr == SYS_ptrace || nr == SYS_process_vm_writev;
}

/* --- making a program --- */
static long place(void)
{
    long at = MEMORY + (long)(rnd() % MEMORY_SIZE);

    return rnd() % 8 ? at & ~15L : rnd() % 4 ? at : PICK(odd);
}

static long number(const struct row *r, int i)
{
    switch (argkind_kind(r->kind[i])) {
    case AK_ENUM:
    case AK_HEX:
    case AK_INT:
    case AK_UINT:
        if (r->nr == SYS_ioctl && i == 1)
            return PICK(ioctls);
        if (r->nr == SYS_fcntl && i == 1)
            return PICK(fcntls);
        if (r->nr == SYS_socket || r->nr == SYS_socketpair)
            return i == 0   ? (rnd() % 4 ? 1 : (long)(rnd() % 45))
                   : i == 1 ? (long)(1 + rnd() % 5) | (rnd() % 2 ? 0x80800 : 0)
                            : 0;
        if (r->nr == SYS_poll || r->nr == SYS_epoll_wait || r->nr == SYS_epoll_pwait)
            return (long)(rnd() % 4);
        return rnd() % 8 ? (long)(rnd() % 40) : PICK(odd);
    case AK_SIZE:
    case AK_LONG:
    case AK_OFF:
        return rnd() % 4 ? (long)(rnd() % 300) : PICK(odd);
    case AK_FLAGS:
        if (rnd() % 3 == 0)
            return 0;
        return (long)(1UL << rnd() % (rnd() % 8 ? 22 : 33)) |
               (rnd() % 2 ? (long)(1UL << rnd() % 12) : 0);
    case AK_SIG:
        return (long)(rnd() % 66);
    case AK_MODE:
        return rnd() % 4 ? 0777 : (long)(rnd() % 0x20000);
    case AK_UID:
        return rnd() % 2 ? 0 : (long)(rnd() % 3) - 1;
    default:
        return PICK(odd);
    }
}

static void make_argument(struct call *c, int k, int i)
{
    uint32_t kind = argkind_kind(c->row->kind[i]);

    c->from[i] = -1;
    c->arg[i] = 0;
    if (kind == AK_FD || kind == AK_DIRFD ||
        ((kind == AK_INT || kind == AK_HEX) && k && rnd() % 6 == 0)) {
        if (kind == AK_DIRFD && rnd() % 2)
            c->arg[i] = AT_FDCWD;
        else if (k && rnd() % 2)
            c->from[i] = (int)(rnd() % (unsigned int)k);
        else
            c->arg[i] = (long)(rnd() % 40);
    } else if (kind == AK_PID) {
        c->from[i] = rnd() % 4 || signals(c->row->nr) ? -2 : -1; /* -2: the own process */
        c->arg[i] = rnd() % 2 ? 0 : 0x3ffffff0;
    } else if (kind == AK_IN_STR) {
        c->arg[i] = rnd() % 16 ? (long)PICK(names) : place();
    } else if (kind >= AK_IN_STR || kind == AK_PTR) {
        c->arg[i] = rnd() % 10 ? place() : 0;
    } else if (kind != AK_NONE) {
        c->arg[i] = number(c->row, i);
    }
}

static void make_program(uint64_t seed)
{
    static const int openers[] = {
        SYS_openat,        SYS_socket,       SYS_epoll_create1, SYS_eventfd2,   SYS_timerfd_create,
        SYS_inotify_init1, SYS_memfd_create, SYS_dup,           SYS_pidfd_open, SYS_open,
        SYS_accept4,       SYS_signalfd4,    SYS_mmap};

    rng = seed * 0x9e3779b97f4a7c15ULL + 1;
    for (int i = 0; i < 8; i++)
        rnd();
    ncalls = 40 + (int)(rnd() % (CALLS_MAX - 40));
    int processes = 1 + (int)(rnd() % PROCESSES), threads = 1 + (int)(rnd() % THREADS);
    const struct row *favourite = &rows[rnd() % NROWS];
    for (int k = 0; k < ncalls; k++) {
        struct call *c = &calls[k];
        const struct row *r = rnd() % 8 ? &rows[rnd() % NROWS] : favourite;
        if (rnd() % 5 == 0) {
            int nr = PICK(openers);
            for (r = rows; r->nr != nr; r++)
                ;
        }
        c->row = r;
        c->process = (int)(rnd() % (unsigned int)processes);
        c->thread = (int)(rnd() % (unsigned int)threads);
        for (int i = 0; i < 6; i++)
            make_argument(c, k, i);
    }
}

/* Structures of all kinds side by side: whatever is pointed to, something of it makes sense. */
static void fill_memory(void)
{
    uint64_t *w = (uint64_t *)MEMORY;

    for (long i = 0; i < MEMORY_SIZE / 8; i++) {
        uint64_t r = rnd();
        switch (r % 8) {
        case 0:
        case 1:
            w[i] = (uint64_t)MEMORY + r / 8 % MEMORY_SIZE;
            break;
        case 2:
        case 3:
            w[i] = r / 8 % 40;
            break;
        case 4:
            w[i] = 1 | (r & 0xff00);
            break;
        case 5:
            w[i] = r;
            break;
        default:
            w[i] = 0;
        }
    }
    for (int i = 0; i < 64; i++) {
        struct iovec v = {(void *)(MEMORY + (long)(rnd() % MEMORY_SIZE & ~15UL)), rnd() % 5000};
        struct sockaddr_un un = {AF_UNIX, "s"};
        memcpy((char *)MEMORY + (rnd() % (MEMORY_SIZE - 256) & ~15UL), &v, sizeof(v));
        memcpy((char *)MEMORY + (rnd() % (MEMORY_SIZE - 256) & ~15UL), &un, 16);
    }
}

/* --- running it --- */
static void *run_thread(void *arg)
{
    int thread = (int)(long)arg;

    for (int k = 0; k < ncalls; k++) {
        const struct call *c = &calls[k];
        long a[6];
        if (c->process != own_process || c->thread != thread || !keep[k] || is_never(c->row->nr))
            continue;
        for (int i = 0; i < 6; i++)
            a[i] = c->from[i] == -2 ? own_pid : c->from[i] >= 0 ? results[c->from[i]] : c->arg[i];
        if (signals(c->row->nr))
            a[c->row->nr == SYS_ptrace] = own_pid;
        if (c->row->nr == SYS_unshare)
            a[0] &= ~0x100L;
        results[k] = syscall(c->row->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    return NULL;
}

static void fixture(void)
{
    int p[2];

    if (pipe2(p, O_NONBLOCK) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p) ||
        socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, p))
        return;
    epoll_create1(0);
    eventfd(1, EFD_NONBLOCK);
    timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    inotify_init1(IN_NONBLOCK);
    memfd_create("m", MFD_ALLOW_SEALING);
    open("f", O_RDWR | O_CREAT, 0644);
    open("d", O_RDONLY | O_DIRECTORY);
    open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
}

static void run_process(int process)
{
    pthread_t th[THREADS];

    own_process = process;
    own_pid = getpid();
    fixture();
    for (long i = 1; i < THREADS; i++)
        pthread_create(&th[i], NULL, run_thread, (void *)i);
    run_thread(NULL);
    for (int i = 1; i < THREADS; i++)
        pthread_join(th[i], NULL);
    _exit(0);
}

static void run_program(uint64_t seed)
{
    struct rlimit as = {1 << 29, 1 << 29}, np = {300, 300}, fs = {8 << 20, 8 << 20}, core = {0, 0};

    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("w", "/tmp", "tmpfs", 0, "size=16m") || chdir("/tmp"))
        _exit(2);
    mkdir("d", 0777);
    if (symlink("f", "l") || mkfifo("p", 0666))
        _exit(2);
    setrlimit(RLIMIT_AS, &as);
    setrlimit(RLIMIT_NPROC, &np);
    setrlimit(RLIMIT_FSIZE, &fs);
    setrlimit(RLIMIT_CORE, &core);
    for (int i = 1; i < 32; i++)
        signal(i, i % 2 ? SIG_IGN : SIG_DFL);
    close_range(3, ~0U, 0);
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    mmap((void *)MEMORY, MEMORY_SIZE, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    make_program(seed);
    fill_memory();
    for (int p = 1; p < PROCESSES; p++)
        if (fork() == 0)
            run_process(p);
    run_process(0);
}

/* --- the canary --- */
static int ask, answer;
static pid_t canary_pid;

static void canary(int in, int out)
{
    char c;

    while (read(in, &c, 1) == 1) {
        char *m = mmap(NULL, 8192, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        int fd = open("/proc/self/stat", O_RDONLY);
        if (m == MAP_FAILED || fd < 0 || read(fd, m, 64) != 64)
            _exit(1);
        close(fd);
        munmap(m, 8192);
        if (write(out, &c, 1) != 1)
            break;
    }
    _exit(1);
}

static void start_canary(void)
{
    int to[2], from[2];

    if (pipe(to) || pipe(from))
        exit(2);
    canary_pid = fork();
    if (canary_pid == 0) {
        close(to[1]);
        close(from[0]);
        canary(to[0], from[1]);
    }
    ask = to[1];
    answer = from[0];
}

/* A program may kill it, by a signal it chose for the owner of a file: then another sings. */
static void check_canary(void)
{
    struct pollfd p = {answer, POLLIN, 0};
    char c = 0;

    if (write(ask, &c, 1) == 1 && poll(&p, 1, CANARY_MS) != 1) {
        printf("hang: the canary does not answer\n");
        fflush(stdout);
        exit(3);
    }
    if (p.revents && read(answer, &c, 1) == 1)
        return;
    close(ask);
    close(answer);
    kill(canary_pid, SIGKILL);
    start_canary();
}

static long now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Kills everybody but this process and the canary; how many there were. */
static int kill_others(void)
{
    DIR *proc = opendir("/proc");
    struct dirent *d;
    int n = 0;

    while (proc && (d = readdir(proc))) {
        int pid = atoi(d->d_name);
        if (pid > 0 && pid != getpid() && pid != canary_pid && !kill(pid, SIGKILL))
            n++;
    }
    if (proc)
        closedir(proc);
    return n;
}

/* As their subreaper. */
static void end_all(void)
{
    int n;

    for (long end = now_ms() + CANARY_MS; (n = kill_others()); usleep(1000)) {
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        if (now_ms() > end) {
            printf("hang: %d processes survive SIGKILL\n", n);
            fflush(stdout);
            exit(3);
        }
    }
}

static void one(uint64_t seed)
{
    printf("start %lu\n", seed);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        run_program(seed);
    for (long end = now_ms() + PROGRAM_MS; now_ms() < end;) {
        if (waitpid(pid, NULL, WNOHANG))
            break;
        check_canary();
        usleep(2000);
    }
    end_all();
    check_canary();
    printf("done %lu\n", seed);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    long count = argc > 2 ? atol(argv[2]) : 1;
    char line[16];

    memset(keep, argc <= 3, sizeof(keep));
    for (int i = 3; i < argc; i++)
        if (atoi(argv[i]) >= 0 && atoi(argv[i]) < CALLS_MAX)
            keep[atoi(argv[i])] = 1;
    if (getenv("LIST")) { /* what the program is, for people */
        make_program(seed);
        for (int k = 0; k < ncalls; k++) {
            printf("%d %d.%d %s", k, calls[k].process, calls[k].thread, calls[k].row->name);
            for (int i = 0; i < 6; i++)
                if (calls[k].row->kind[i])
                    printf(calls[k].from[i] == -1 ? " %#lx" : " [%ld]",
                           calls[k].from[i] == -1 ? calls[k].arg[i] : calls[k].from[i]);
            printf("\n");
        }
        return 0;
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGPIPE, SIG_IGN);
    start_canary();
    for (long i = 0; i < count; i++) {
        one(seed + (uint64_t)i);
        if ((i + 1) % BATCH == 0) {
            printf("quiet %ld\n", i + 1);
            fflush(stdout);
            if (!fgets(line, sizeof(line), stdin))
                break;
        }
    }
    printf("end\n");
    return 0;
}
