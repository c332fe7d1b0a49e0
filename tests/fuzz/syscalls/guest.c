/*
 * Random programs over sentry/syscalls.def, run inside the sandbox one after the other.
 * usage: guest SEED COUNT [KEEP...]   KEEP: numbers of the calls to be made, of all when there are
 * none
 *
 * A program is a list of calls that its seed decides: which thread of which process makes it, which
 * call, which arguments. Descriptors and other numbers that earlier calls returned are arguments of
 * later ones; a call that is left out changes nothing of the others, so that a list can be reduced.
 * A canary answers all the while. Speaks with run.py: "start SEED", "done SEED", "quiet N" after
 * lines "count CALL MADE OK EINVAL EBADF EFAULT EPERM" (nothing runs; goes on after a line of
 * input), "hang" when the canary is silent.
 */
#include "program.h"
#include "counts.h"
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM_MS 400
#define CANARY_MS 20000
#define BATCH 64

struct counts *counts;

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

static void one(uint64_t seed, char **keep)
{
    printf("start %lu\n", seed);
    fflush(stdout);
    counts->forks = counts->execs = 0;
    pid_t pid = fork();
    if (pid == 0)
        run_program(seed, keep);
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

static void list(uint64_t seed)
{
    static const char *const acts[] = {"",        " (fork)",  " (thread)",
                                       " (exec)", " (touch)", " (ring)"};

    make_program(seed);
    for (int k = 0; k < ncalls; k++) {
        printf("%d %d.%d %s%s", k, calls[k].process, calls[k].thread, calls[k].row->name,
               acts[calls[k].act]);
        for (int i = 0; i < 6; i++)
            if (calls[k].row->kind[i])
                printf(calls[k].from[i] == S_VALUE ? " %#lx" : " [%ld]",
                       calls[k].from[i] == S_VALUE ? calls[k].arg[i] : calls[k].from[i]);
        printf("\n");
    }
}

static void print_counts(void)
{
    for (int i = 0; i < nrows; i++) {
        const struct count *n = &counts->of[i];
        if (n->made)
            printf("count %s %u %u %u %u %u %u\n", rows[i].name, n->made, n->ok, n->errors[0],
                   n->errors[1], n->errors[2], n->errors[3]);
    }
    memset(counts->of, 0, sizeof(counts->of));
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "--go-on"))
        return go_on(argc, argv);
    char *end = NULL;
    uint64_t seed = argc > 1 ? strtoull(argv[1], &end, 0) : 0;
    if (!seed || *end) /* a program may execute it anyhow, and is not to begin a campaign inside */
        return 2;
    long n = argc > 2 ? atol(argv[2]) : 1;
    char line[16];
    sigset_t all;

    if (getenv("LIST")) { /* what the program is, for people */
        list(seed);
        return 0;
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    int fd = memfd_create("counts", 0);
    if (ftruncate(fd, sizeof(struct counts)) || dup2(fd, FX_COUNTS) < 0 || !counts_open(fd))
        return 2;
    close(fd);
    fd = open("/dev/null", O_RDWR);
    if (dup2(fd, FX_NOTHING) < 0)
        return 2;
    close(fd);
    start_canary();
    for (long i = 0; i < n; i++) {
        one(seed + (uint64_t)i, argc > 3 ? argv + 3 : argv + argc);
        if ((i + 1) % BATCH == 0) {
            print_counts();
            printf("quiet %ld\n", i + 1);
            fflush(stdout);
            if (!fgets(line, sizeof(line), stdin))
                break;
        }
    }
    printf("end\n");
    return 0;
}
