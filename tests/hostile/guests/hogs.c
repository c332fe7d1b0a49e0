/*
 * Guests that never rest. hogs: each kind beside ordinary work, which must go on. hogs KIND: this
 * kind alone, for ever; the test outside ends, stops or saves it.
 */
#include "guest.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/timerfd.h>

#define THREADS 6

static void spin(long me)
{
    for (;;)
        __asm__ volatile("");
}

static void calls(long me)
{
    for (;;)
        syscall(SYS_getppid);
}

static void stats(long me)
{
    char b[144];

    for (;;)
        syscall(SYS_stat, "/usr/lib/../lib/../lib/../lib", b);
}

static void faults(long me)
{
    for (;;) {
        char *p = mmap(NULL, 1 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (int i = 0; p != MAP_FAILED && i < 1 << 20; i += 4096)
            p[i] = 1;
        munmap(p, 1 << 20);
    }
}

static void on_fault_again(int sig)
{
}

static void bad_faults(long me)
{
    signal(SIGSEGV, on_fault_again);
    for (;;)
        *(volatile char *)16 = 1; /* the handler returns to it */
}

static void signals(long me)
{
    signal(SIGUSR1, on_fault_again);
    for (;;)
        kill(getpid(), SIGUSR1);
}

static void queue(long me)
{
    sigset_t s;

    sigemptyset(&s);
    sigaddset(&s, SIGRTMIN);
    for (;;)
        if (sigqueue(getpid(), SIGRTMIN, (union sigval){0}))
            sigtimedwait(&s, NULL, &(struct timespec){0});
}

static int pipes[THREADS][2];

static void pipe_pong(long me)
{
    long next = (me + 1) % THREADS;
    char c = 'x';

    if (me == 0 && write(pipes[0][1], &c, 1) != 1)
        return;
    for (;;)
        if (read(pipes[me][0], &c, 1) == 1 && write(pipes[next][1], &c, 1) != 1)
            return;
}

static void futexes(long me)
{
    static unsigned int word;

    for (;;) { /* of the sentry: not private */
        word++;
        syscall(SYS_futex, &word, 1, INT32_MAX, NULL, NULL, 0);
        syscall(SYS_futex, &word, 0, word, &(struct timespec){0, 1}, NULL, 0);
    }
}

static void timers(long me)
{
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
    struct itimerspec fast = {{0, 1}, {0, 1}};
    timer_t id;

    signal(SIGRTMIN + 1, on_fault_again);
    for (int i = 0; i < 100; i++) {
        if (timer_create(CLOCK_MONOTONIC, &ev, &id) == 0)
            timer_settime(id, 0, &fast, NULL);
        timerfd_settime(timerfd_create(CLOCK_MONOTONIC, 0), 0, &fast, NULL);
    }
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 1}, {0, 1}}, NULL);
    signal(SIGALRM, on_fault_again);
    for (;;)
        pause();
}

static void sleeps(long me)
{
    for (;;)
        nanosleep(&(struct timespec){0, 1}, NULL);
}

static void processes(long me)
{
    for (;;) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        waitpid(pid, NULL, 0);
    }
}

static void yields(long me)
{
    for (;;)
        sched_yield();
}

static void big_writes(long me)
{
    static char block[8 << 20];
    int fd = open("/dev/shm/hog", O_RDWR | O_CREAT, 0600);

    for (;;)
        if (pwrite(fd, block, sizeof(block), 0) < 0)
            sched_yield();
}

static void walks(long me)
{
    static char path[4000];

    for (int i = 0; i + 6 < 3900; i += 5)
        memcpy(path + i, "/usr/..", 8), i += 2;
    for (;;)
        access(path, F_OK);
}

static const struct {
    const char *name;
    void (*fn)(long me);
} kinds[] = {{"spin", spin},     {"calls", calls},           {"stats", stats},
             {"faults", faults}, {"bad-faults", bad_faults}, {"signals", signals},
             {"queue", queue},   {"pipes", pipe_pong},       {"futexes", futexes},
             {"timers", timers}, {"sleeps", sleeps},         {"processes", processes},
             {"yields", yields}, {"writes", big_writes},     {"walks", walks}};
#define KINDS (int)(sizeof(kinds) / sizeof(kinds[0]))

struct job {
    void (*fn)(long me);
    long me;
};

static void *begin(void *arg)
{
    struct job *j = arg;

    j->fn(j->me);
    return NULL;
}

static void hog(long kind)
{
    static struct job jobs[THREADS];
    pthread_t th;

    for (int i = 0; i < THREADS; i++)
        if (pipe(pipes[i]))
            return;
    for (long i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){kinds[kind].fn, i};
        pthread_create(&th, NULL, begin, &jobs[i]);
    }
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    sigset_t s;

    sigemptyset(&s);
    sigaddset(&s, SIGRTMIN); /* that of queue(), in all threads */
    sigprocmask(SIG_BLOCK, &s, NULL);
    for (int i = 0; i < KINDS; i++) {
        if (argc > 1 && strcmp(argv[1], kinds[i].name))
            continue;
        if (argc > 1) {
            printf("on\n");
            fflush(stdout);
            hog(i);
            return 1;
        }
        pid_t pid = fork();
        if (pid == 0) {
            setpgid(0, 0);
            hog(i);
        }
        setpgid(pid, pid);
        uint64_t from = now_ms();
        for (int k = 0; k < 5; k++)
            still_sane();
        uint64_t took = now_ms() - from;
        from = now_ms();
        kill(-pid, SIGKILL);
        waitpid(pid, NULL, 0);
        printf("%s: work %lu ms, its end %lu ms\n", kinds[i].name, took, now_ms() - from);
        fflush(stdout);
        if (took + now_ms() - from > 20000)
            FAIL("%s starves others", kinds[i].name);
    }
    return finish();
}
