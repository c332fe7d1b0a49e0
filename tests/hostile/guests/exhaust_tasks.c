/* Tasks, memory, timers, signals, arguments. */
#include "exhaust.h"

#include <pthread.h>

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

/* --- timers, signals --- */
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

static const struct exhaust_case cases[] = {
    {"zombies", zombies, 0, 60000},
    {"threads", thread_bomb, 0, 60000},
    {"processes of a user", nproc, 0, 10000},
    {"vforks of a user", nproc, 1, 10000},
    {"mappings: mprotect", mappings, 0, 60000},
    {"mappings: mmap", mappings, 1, 60000},
    {"memory limits", limits_of_memory, 0, 5000},
    {"stack", stack_overflow, 0, 5000},
    {"CPU", cpu_limit, 0, 30000},
    {"timers", posix_timers, 0, 10000},
    {"signals", queued_signals, 0, 10000},
    {"arguments", arguments, 0, 20000},
};

int main(int argc, char **argv)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return exhaust_all(cases, sizeof(cases) / sizeof(cases[0]), argv[1]);
}
