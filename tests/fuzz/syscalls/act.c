/* Runs a program: what its processes begin with, and what each call needs around it. */
#include "program.h"
#include "counts.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STACK_SIZE 0x10000
#define STACKS 16
#define PART ((size_t)PLAY_PAGES * 4096 / 4)
#define TICK_US 20000 /* interrupts calls that wait */

static volatile long results[CALLS_MAX];
static int own_process;
static pid_t own_pid, victim_pid;
static uint64_t own_seed;
static char **kept; /* the arguments of the guest: which calls are made */
static char keep[CALLS_MAX];
static unsigned char stacks[STACKS][STACK_SIZE] __attribute__((aligned(4096)));
static struct io_uring_params ring;

static __thread sigjmp_buf touching;
static __thread volatile sig_atomic_t touches;

static void run_from(int thread, int first);
static int sharer(void *arg);

static void on_fault(int sig)
{
    if (touches)
        siglongjmp(touching, 1);
    signal(sig, SIG_DFL);
}

static void on_tick(int sig)
{
    (void)sig;
}

static void handlers(void)
{
    struct sigaction fault = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
    struct sigaction tick = {.sa_handler = on_tick, .sa_flags = own_seed % 2 ? SA_RESTART : 0};
    struct itimerval every = {{0, TICK_US}, {0, TICK_US}};

    for (int i = 1; i < 32; i++)
        signal(i, i % 2 ? SIG_IGN : SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    sigaction(SIGSEGV, &fault, NULL);
    sigaction(SIGBUS, &fault, NULL);
    sigaction(SIGALRM, &tick, NULL);
    sigaction(SIGUSR1, &tick, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
}

/* Whom a program may signal and trace: not the guest that runs it. */
static long of_the_program(long pid)
{
    long first = counts->first_pid;

    if (own_pids || pid == 0 || (pid >= first && pid < first + 2000) ||
        (-pid >= first && -pid < first + 2000))
        return pid;
    return own_pid;
}

/* What would end or lift the bounds of the fuzzer itself is made harmless, or left out. */
static int permitted(int nr, long a[6])
{
    switch (nr) {
    case SYS_kill:
    case SYS_tkill:
    case SYS_tgkill:
    case SYS_rt_sigqueueinfo:
    case SYS_rt_tgsigqueueinfo:
    case SYS_process_vm_writev:
    case SYS_pidfd_open:
        a[0] = of_the_program(a[0]);
        return 1;
    case SYS_ptrace:
        a[1] = of_the_program(a[1]);
        return 1;
    case SYS_fcntl:
        if (a[1] == F_SETOWN)
            a[2] = of_the_program(a[2]);
        return a[1] != 15; /* F_SETOWN_EX */
    case SYS_setrlimit:
    case SYS_prlimit64:
        if (nr == SYS_prlimit64)
            a[0] = of_the_program(a[0]);
        a[nr == SYS_prlimit64] &= 15;
        return !strchr("\1\2\4\6\11", (int)a[nr == SYS_prlimit64]);
    case SYS_reboot:
        return own_pids;
    case SYS_exit:
    case SYS_exit_group:
    case SYS_rt_sigreturn:
        return a[0] % 16 == 1;
    default:
        return 1;
    }
}

static long counted(const struct row *row, long r)
{
    static const int classes[] = {EINVAL, EBADF, EFAULT, EPERM};
    struct count *n = &counts->of[row - rows];
    int err = errno;

    n->made++;
    if (r != -1) {
        n->ok++;
        return r;
    }
    for (int i = 0; i < 4; i++)
        n->errors[i] += err == classes[i];
    return r;
}

static long call(const struct row *row, const long a[6])
{
    return counted(row, syscall(row->nr, a[0], a[1], a[2], a[3], a[4], a[5]));
}

/* NOLINTNEXTLINE(misc-no-recursion): in the child, at most FORKS_MAX deep */
static long fork_act(int k, long a[6])
{
    long r;

    if (__atomic_fetch_add(&counts->forks, 1, __ATOMIC_RELAXED) >= FORKS_MAX)
        return -1;
    if (calls[k].row->nr == SYS_clone) {
        a[0] &= ~(long)(CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_VFORK | CLONE_SETTLS);
        a[1] = 0;
    }
    r = calls[k].row->nr == SYS_vfork ? fork() : call(calls[k].row, a);
    if (r)
        return r;
    own_pid = getpid();
    touches = 0;
    run_from(calls[k].thread, k + 1);
    _exit(0);
}

static long thread_act(int k, const long a[6])
{
    static const int kinds[] = {CLONE_VM | CLONE_VFORK | SIGCHLD, CLONE_VM | SIGCHLD,
                                CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD |
                                    CLONE_SYSVSEM,
                                CLONE_VM | CLONE_FILES | CLONE_PARENT | SIGUSR1};
    unsigned int n = __atomic_fetch_add(&counts->forks, 1, __ATOMIC_RELAXED);

    if (n >= FORKS_MAX)
        return -1;
    return counted(calls[k].row, clone(sharer, stacks[n % STACKS] + STACK_SIZE,
                                       kinds[(unsigned long)a[0] % 4], (void *)(long)k));
}

static long exec_act(int k, const long a[6])
{
    char seed[24], place[40];
    char *self[8 + CALLS_MAX] = {"guest", "--go-on", seed, place}, *plain[] = {"true", NULL};
    int n = 4;

    if (__atomic_fetch_add(&counts->execs, 1, __ATOMIC_RELAXED) >= EXECS_MAX)
        return -1;
    if (a[2] % 64 < 16)
        return counted(calls[k].row, execv("/bin/true", plain));
    snprintf(seed, sizeof(seed), "%lu", own_seed);
    snprintf(place, sizeof(place), "%d.%d.%d", own_process, calls[k].thread, k);
    for (char **v = kept; *v && n < CALLS_MAX; v++)
        self[n++] = *v;
    return counted(calls[k].row, execv("/proc/self/exe", self));
}

static void touch_act(const long a[6])
{
    for (int i = 0; i < 4; i++) {
        volatile char *page = (volatile char *)PLAY + ((a[0] + i) & (PLAY_PAGES - 1)) * 4096;
        touches = 1;
        if (!sigsetjmp(touching, 1)) {
            if ((a[1] + i) % 2)
                *page = 1;
            else
                (void)*page;
        }
        touches = 0;
    }
}

/* Puts the entry at a[4] into the ring first. */
static long ring_act(int k, const long a[6])
{
    unsigned char *sq = (unsigned char *)RING;

    if (ring.sq_entries && (a[4] & ~(MEMORY_SIZE - 1)) == MEMORY) {
        unsigned int *tail = (unsigned int *)(sq + ring.sq_off.tail);
        unsigned int at = *tail & (ring.sq_entries - 1);
        memcpy((char *)RING + 0x100000 + at * 64, (void *)a[4], 64);
        ((unsigned int *)(sq + ring.sq_off.array))[at] = at;
        __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
    }
    return call(calls[k].row, (long[6]){a[0], a[1], a[2], a[3], 0, 0});
}

static long source(const struct call *c, int i)
{
    switch (c->from[i]) {
    case S_VALUE:
        return c->arg[i];
    case S_SELF:
        return own_pid;
    case S_VICTIM:
        return victim_pid;
    case S_MEMORY:
        return *(long *)c->arg[i];
    default:
        return results[c->from[i]];
    }
}

static bool arguments(const struct call *c, long a[6])
{
    for (int i = 0; i < 6; i++)
        a[i] = source(c, i);
    return permitted(c->row->nr, a);
}

/* A task in the memory of its maker, by which no more than a few plain calls are made. */
static int sharer(void *arg)
{
    int k = (int)(long)arg;
    long a[6];

    for (int j = k + 1; j < ncalls && j < k + 8; j++)
        if (keep[j] && calls[j].act == A_CALL && arguments(&calls[j], a))
            syscall(calls[j].row->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
    syscall(SYS_exit, 0);
    return 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): see fork_act() */
static void make(int k)
{
    const struct call *c = &calls[k];
    long a[6], r = -1;

    if (!arguments(c, a))
        return;
    switch (c->act) {
    case A_FORK:
        r = fork_act(k, a);
        break;
    case A_THREAD:
        r = thread_act(k, a);
        break;
    case A_EXEC:
        r = exec_act(k, a);
        break;
    case A_TOUCH:
        touch_act(a);
        break;
    case A_RING:
        r = ring_act(k, a);
        break;
    case A_CALL:
        r = call(c->row, a);
        break;
    }
    results[k] = r;
}

/* NOLINTNEXTLINE(misc-no-recursion): see fork_act() */
static void run_from(int thread, int first)
{
    for (int k = first; k < ncalls; k++)
        if (calls[k].process == own_process && calls[k].thread == thread && keep[k])
            make(k);
}

static void *run_thread(void *arg)
{
    run_from((int)(long)arg, 0);
    return NULL;
}

static void at(int fd, int number)
{
    if (fd >= 0 && fd != number) {
        dup2(fd, number);
        close(fd);
    }
}

static void sockets(void)
{
    struct sockaddr_un un = {AF_UNIX, "s"};
    int p[2];

    for (int i = 0; i < 3; i++) {
        static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
        if (socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK, 0, p))
            continue;
        at(p[0], FX_STREAM0 + 2 * i);
        at(p[1], FX_STREAM1 + 2 * i);
    }
    at(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), FX_LISTEN);
    if (!bind(FX_LISTEN, (struct sockaddr *)&un, sizeof(un)))
        listen(FX_LISTEN, 5);
    at(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), FX_CLIENT);
}

static bool map_at(long addr, size_t len, int flags, int fd, off_t off)
{
    return mmap((void *)addr, len, 3, flags | MAP_FIXED, fd, off) != MAP_FAILED;
}

static void io_ring(void)
{
    int fd = (int)syscall(SYS_io_uring_setup, 8, &ring);

    if (fd < 0 || !map_at(RING, 0x10000, MAP_SHARED, fd, IORING_OFF_SQ_RING) ||
        !map_at(RING + 0x100000, 0x1000, MAP_SHARED, fd, IORING_OFF_SQES))
        memset(&ring, 0, sizeof(ring));
    at(fd, FX_RING);
}

/* Somebody to be traced, signalled and killed. */
static pid_t victim(void)
{
    signal(SIGUSR2, SIG_IGN);
    victim_pid = fork();
    while (victim_pid == 0) {
        raise(SIGUSR2);
        usleep(1000);
    }
    return victim_pid;
}

static void fixture(void)
{
    sigset_t set;
    char pts[32];
    int p[2];

    if (pipe2(p, O_NONBLOCK))
        return;
    at(p[0], FX_PIPE_R);
    at(p[1], FX_PIPE_W);
    sockets();
    at(epoll_create1(0), FX_EPOLL);
    at(epoll_create1(0), FX_EPOLL2);
    at(eventfd(1, EFD_NONBLOCK), FX_EVENT);
    at(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), FX_TIMER);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    at(signalfd(-1, &set, SFD_NONBLOCK), FX_SIGNAL);
    at(inotify_init1(IN_NONBLOCK), FX_INOTIFY);
    at(memfd_create("m", MFD_ALLOW_SEALING), FX_MEMFD);
    at(open("f", O_RDWR | O_CREAT, 0644), FX_FILE);
    at(open("g", O_RDWR | O_CREAT | O_APPEND, 0644), FX_APPEND);
    at(open("f", O_RDONLY), FX_RDONLY);
    at(open(".", O_RDWR | O_TMPFILE, 0600), FX_TMPFILE);
    at(open("d", O_RDONLY | O_DIRECTORY), FX_DIR);
    at(open("d", O_PATH), FX_PATH);
    at(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK), FX_PTMX);
    unlockpt(FX_PTMX);
    if (!ptsname_r(FX_PTMX, pts, sizeof(pts)))
        at(open(pts, O_RDWR | O_NOCTTY | O_NONBLOCK), FX_PTS);
    at((int)syscall(SYS_pidfd_open, own_process ? getppid() : victim(), 0), FX_PIDFD);
    at(open("/proc/self/ns/mnt", O_RDONLY), FX_NS_MNT);
    at(open("/proc/self/ns/uts", O_RDONLY), FX_NS_UTS);
    at(open("/proc/self/ns/ipc", O_RDONLY), FX_NS_IPC);
    at(open("/proc/self/ns/pid", O_RDONLY), FX_NS_PID);
    at(open("/proc/self/ns/net", O_RDONLY), FX_NS_NET);
    at(open("p", O_RDWR | O_NONBLOCK), FX_FIFO);
    at(mq_open("/q", O_RDWR | O_CREAT | O_NONBLOCK, 0600, NULL), FX_MQ);
    io_ring();
    at(open("/proc/self/mem", O_RDWR), FX_MEM);
    at(open("/proc/self", O_RDONLY | O_DIRECTORY), FX_PROC);
    at((int)syscall(SYS_fsopen, "tmpfs", 0), FX_FSCONTEXT);
    at((int)syscall(SYS_open_tree, AT_FDCWD, "d", 1), FX_TREE);
    at(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, 0), FX_NETLINK);
    at(open("/dev/null", O_RDWR), FX_NULL);
    at(open("/dev/zero", O_RDWR), FX_ZERO);
    syscall(SYS_fsconfig, FX_FSCONTEXT, 6, NULL, NULL, 0);
    if (ftruncate(FX_FILE, 3 * 4096 + 100) || ftruncate(FX_MEMFD, 1 << 20) ||
        !map_at(PLAY + 3 * PART, PART, MAP_SHARED, FX_MEMFD, 0))
        _exit(2);
}

static void memory(void)
{
    if (!map_at(MEMORY, MEMORY_SIZE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ||
        !map_at(PLAY, 2 * PART, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ||
        !map_at(PLAY + 2 * PART, 2 * PART, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
        _exit(2);
    memcpy((void *)MEMORY, image, MEMORY_SIZE);
    syscall(SYS_io_setup, 4, CONTEXT);
}

/* Objects that have numbers of their own: 0 in a fresh namespace. */
static void numbered(void)
{
    struct sigevent none = {.sigev_notify = SIGEV_NONE};
    timer_t id;

    for (int i = 0; i < 2; i++)
        timer_create(CLOCK_MONOTONIC, i ? NULL : &none, &id);
    if (own_process)
        return;
    (void)!shmget(1, 1 << 16, IPC_CREAT | 0666);
    (void)!semget(1, 4, IPC_CREAT | 0666);
    (void)!msgget(1, IPC_CREAT | 0666);
}

static void run_process(int process)
{
    pthread_t th[THREADS];

    own_process = process;
    own_pid = getpid();
    memory();
    fixture();
    numbered();
    handlers();
    for (long i = 1; i < THREADS; i++)
        pthread_create(&th[i], NULL, run_thread, (void *)i);
    run_thread(NULL);
    for (int i = 1; i < THREADS; i++)
        pthread_join(th[i], NULL);
    _exit(0);
}

/* Nodes of its own: what a program does to them does not meet the next. */
static int devices(void)
{
    if (mount("dev", "/dev", "tmpfs", 0, "size=1m") || mkdir("/dev/shm", 0777) ||
        mkdir("/dev/pts", 0755) ||
        mount("pts", "/dev/pts", "devpts", 0, "newinstance,ptmxmode=666") ||
        symlink("pts/ptmx", "/dev/ptmx"))
        return -1;
    return mknod("/dev/null", S_IFCHR | 0666, makedev(1, 3)) ||
           mknod("/dev/zero", S_IFCHR | 0666, makedev(1, 5)) ||
           mknod("/dev/tty", S_IFCHR | 0666, makedev(5, 0));
}

static void confine(void)
{
    struct rlimit as = {1 << 29, 1 << 29}, np = {300, 300}, fs = {8 << 20, 8 << 20}, core = {0, 0};
    int ns = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;

    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < 3; i++)
        if (dup2(FX_NOTHING, i) < 0)
            _exit(2);
    close_range(3, FX_COUNTS - 1, 0);
    close_range(FX_COUNTS + 1, ~0U, 0);
    if (unshare(ns | (own_pids ? CLONE_NEWPID : 0)) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("w", "/tmp", "tmpfs", 0, "size=16m") || devices() || chdir("/tmp"))
        _exit(2);
    mkdir("d", 0777);
    mkdir("m", 0777);
    mkdir("w", 0777);
    mkdir("d/e", 0777);
    if (symlink("f", "l") || mkfifo("p", 0666))
        _exit(2);
    setrlimit(RLIMIT_AS, &as);
    setrlimit(RLIMIT_NPROC, &np);
    setrlimit(RLIMIT_FSIZE, &fs);
    setrlimit(RLIMIT_CORE, &core);
}

static void know(uint64_t seed, char **argv)
{
    own_seed = seed;
    kept = argv;
    memset(keep, !*argv, sizeof(keep));
    for (; *argv; argv++)
        if (atoi(*argv) >= 0 && atoi(*argv) < CALLS_MAX)
            keep[atoi(*argv)] = 1;
    make_program(seed);
}

void run_program(uint64_t seed, char **argv)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    know(seed, argv);
    counts->first_pid = getpid();
    confine();
    pid_t pid = own_pids ? fork() : 0;
    if (pid) {
        waitpid(pid, NULL, 0);
        _exit(0);
    }
    if (own_pids && mount("p", "/proc", "proc", 0, NULL))
        _exit(2);
    for (int p = 1; p < PROCESSES; p++)
        if (fork() == 0)
            run_process(p);
    run_process(0);
}

/* After exec: guest --go-on SEED PROCESS.THREAD.CALL [KEEP...] */
int go_on(int argc, char **argv)
{
    int thread, k;

    if (argc < 4 || sscanf(argv[3], "%d.%d.%d", &own_process, &thread, &k) != 3)
        return 2;
    if (!counts_open(FX_COUNTS))
        return 2;
    know(strtoull(argv[2], NULL, 0), argv + 4);
    counts->of[calls[k].row - rows].ok++;
    own_pid = getpid();
    memory();
    handlers();
    run_from(thread, k + 1);
    return 0;
}
