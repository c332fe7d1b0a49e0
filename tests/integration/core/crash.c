/*
 * Ends with a core file, with threads that wait and one that runs, areas that are to be dumped and
 * some that are not. usage: crash [segv | abort | limit BYTES | private | dontdump | filter HEX]
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define THREADS 3

static char global_text[64] = "Global text of the program";
static volatile double seen_by_debuggers;
static pthread_barrier_t ready;
static volatile unsigned long spins;
static char *anonymous, *hidden, *shared, *guarded;

static void *waiter(void *arg)
{
    int number = (int)(long)arg;

    pthread_barrier_wait(&ready);
    for (;;)
        pause();
    return (char *)arg + number;
}

static void *spinner(void *arg)
{
    pthread_barrier_wait(&ready);
    for (;;)
        spins++;
    return arg;
}

/* NOLINTNEXTLINE(misc-no-recursion): a stack for the core */
static int deeper(int depth, const char *message)
{
    char *heap = strdup(message);
    int r = 0;

    if (!depth) {
        seen_by_debuggers = 3.25;
        *(volatile int *)(unsigned long)(depth + 16) = 42;
    }
    r = deeper(depth - 1, heap) + 1;
    free(heap);
    return r;
}

/* Put together here: the program's file does not have the text, of which pages are in the core. */
static void put(char *area, const char *where)
{
    snprintf(area + 500000, 64, "text %s", where);
}

static void prepare(void)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;

    anonymous = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, flags, -1, 0);
    hidden = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, flags, -1, 0);
    guarded = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, flags, -1, 0);
    shared = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    put(anonymous, "in anonymous memory");
    put(hidden, "in hidden memory");
    put(shared, "in shared memory");
    put(guarded, "behind PROT_NONE");
    mprotect(guarded, 1 << 20, PROT_NONE);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "segv";
    pthread_t t;

    prepare();
    pthread_barrier_init(&ready, NULL, THREADS + 1);
    for (long i = 1; i < THREADS; i++)
        pthread_create(&t, NULL, waiter, (void *)i);
    pthread_create(&t, NULL, spinner, NULL);
    pthread_barrier_wait(&ready);
    while (!spins)
        sched_yield();
    if (!strcmp(how, "abort"))
        abort();
    if (!strcmp(how, "private"))
        prctl(PR_SET_DUMPABLE, 0);
    if (!strcmp(how, "dontdump"))
        madvise(hidden, 1 << 20, MADV_DONTDUMP);
    if (argc > 2 && !strcmp(how, "limit"))
        setrlimit(RLIMIT_CORE, &(struct rlimit){strtoul(argv[2], NULL, 0), RLIM_INFINITY});
    if (argc > 2 && !strcmp(how, "filter")) {
        int fd = open("/proc/self/coredump_filter", O_WRONLY);
        if (fd < 0 || write(fd, argv[2], strlen(argv[2])) < 0)
            return 3;
    }
    return deeper(3, global_text[0] ? "a message on the heap" : "none");
}
