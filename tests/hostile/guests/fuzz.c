/* Random system calls with random arguments for a while. usage: fuzz SEED SECONDS */
#include "guest.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

static char *memory; /* 64 KiB, then nothing */
static pid_t self;

/* Ends the fuzzer itself, or only waits. */
static int skip(long nr)
{
    switch (nr) {
    case SYS_exit:
    case SYS_exit_group:
    case SYS_pause:
    case SYS_rt_sigsuspend:
    case SYS_vfork:
    case SYS_rt_sigreturn:
    case SYS_ptrace: /* a thread that asks to be traced stays until its tracer has waited for it */
    case SYS_setrlimit: /* the bound on memory stays */
    case SYS_prlimit64:
        return 1;
    }
    return 0;
}

static long argument(void)
{
    static const long odd[] = {0,
                               1,
                               2,
                               3,
                               -1,
                               -2,
                               4095,
                               4096,
                               -4096,
                               0x7fffffff,
                               -0x80000000L,
                               1L << 47,
                               1L << 62,
                               -0x7fffffffffffffff - 1,
                               AT_FDCWD,
                               (long)STUB_TEXT,
                               (long)STUB_SLOTS};
    static const char *const names[] = {
        "/proc/self/mem", "/tmp/f",     "/dev/ptmx", "/proc/self/fd/3", "/", ".", "..", "f",
        "/etc/passwd",    "/dev/shm/f", ""};

    switch (rnd() % 8) {
    case 0:
        return (long)(rnd() % 20);
    case 1:
        return odd[rnd() % (sizeof(odd) / sizeof(odd[0]))];
    case 2:
    case 3:
        return (long)(memory + (rnd() % 0x10010 & ~(rnd() % 4 ? 7UL : 0)));
    case 4:
        return (long)names[rnd() % (sizeof(names) / sizeof(names[0]))];
    case 5:
        return 1L << rnd() % 20;
    case 6:
        return (long)(rnd() % 4096);
    default:
        return (long)rnd();
    }
}

static void fill(void)
{
    uint64_t *p = (uint64_t *)memory;

    for (int i = 0; i < 8192; i++) {
        uint64_t r = rnd();
        p[i] = r % 4 == 0   ? (uint64_t)(memory + r % 65536)
               : r % 4 == 1 ? r % 64
               : r % 4 == 2 ? r
                            : 0;
    }
}

static void *hammer(void *arg)
{
    for (int i = 0; i < 400; i++) {
        long nr = (long)(rnd() % 464), a[6];
        if (nr >= 336 && nr < 424)
            nr = (long)(rnd() % 335);
        for (int k = 0; k < 6; k++)
            a[k] = argument();
        if (skip(nr))
            continue;
        if (nr == SYS_kill || nr == SYS_tkill || nr == SYS_tgkill || nr == SYS_rt_sigqueueinfo ||
            nr == SYS_rt_tgsigqueueinfo || nr == SYS_ptrace)
            a[nr == SYS_ptrace] = self; /* nobody else */
        if ((nr == SYS_mmap || nr == SYS_munmap || nr == SYS_mremap) && rnd() % 4)
            a[0] = (long)memory + 0x100000;
        if (nr == SYS_clone || nr == SYS_clone3 || nr == SYS_fork) {
            if (rnd() % 4)
                continue;
            if (nr == SYS_clone)
                a[0] &= ~0x4100L; /* not VFORK, not VM */
            if (nr == SYS_clone3)
                continue;
        }
        if (nr == SYS_setpgid || nr == SYS_setsid)
            continue;
        long r = syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
        if (r == 0 && (nr == SYS_clone || nr == SYS_fork))
            _exit(0);
        if (i % 50 == 0)
            fill();
    }
    return NULL;
}

static void child(uint64_t s)
{
    struct rlimit as = {1 << 29, 1 << 29}, np = {200, 200}, fs = {16 << 20, 16 << 20};
    pthread_t th;
    int sv[2];

    self = getpid();
    setrlimit(RLIMIT_AS, &as);
    setrlimit(RLIMIT_NPROC, &np);
    setrlimit(RLIMIT_FSIZE, &fs);
    for (int i = 1; i < 32; i++)
        signal(i, i % 2 ? SIG_IGN : SIG_DFL);
    memory = mmap((void *)0x30000000, 0x10000, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    seed(s);
    fill();
    socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, sv);
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv);
    if (pipe(sv))
        _exit(1);
    epoll_create1(0);
    eventfd(3, 0);
    open("/tmp/fz", O_RDWR | O_CREAT, 0666);
    open("/dev/ptmx", O_RDWR | O_NOCTTY);
    open("/proc/self", O_RDONLY);
    if (s % 3 == 0)
        pthread_create(&th, NULL, hammer, NULL);
    hammer(NULL);
    _exit(0);
}

int main(int argc, char **argv)
{
    uint64_t s = argc > 1 ? strtoull(argv[1], NULL, 0) : 1, rounds = 0;
    uint64_t end = now_ms() + (argc > 2 ? strtoull(argv[2], NULL, 0) : 3) * 1000;

    while (now_ms() < end && !failures) {
        pid_t pids[4];
        for (int i = 0; i < 4; i++) {
            uint64_t mine = s * 100000 + rounds++;
            pids[i] = fork();
            if (pids[i] == 0)
                child(mine);
            CHECK(pids[i] > 0);
        }
        for (int i = 0; i < 4; i++)
            if (pids[i] > 0)
                reap(pids[i], i ? 1 : 150);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
    printf("seed %lu, %lu rounds\n", s, rounds);
    return finish();
}
