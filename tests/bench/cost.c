/*
 * cost RUNS CMD...: medians of a command's wall time and of the CPU time of all processes it was,
 * in milliseconds, on one line. Its own streams are /dev/null.
 *
 * CPU time is a control group's where one can be made, else what wait4(2) tells of children: we are
 * their subreaper and wait for every one, so whatever detached itself is counted too.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNS_MAX 1000

static char group[PATH_MAX]; /* directory of our own, "": none */
static const char *usage_file, *usage_format;
static double usage_ms; /* one unit of what the file says */

static double now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof(*v), by_value);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static void remove_group(void)
{
    for (int i = 0; *group && rmdir(group) && errno == EBUSY && i < 1000; i++)
        usleep(1000);
}

static int try_group(const char *root, const char *file, const char *format, double ms)
{
    char path[PATH_MAX + 64];

    snprintf(group, sizeof(group), "%s/nv-bench.%d", root, getpid());
    if (mkdir(group, 0755) && errno != EEXIST) {
        *group = 0;
        return 0;
    }
    snprintf(path, sizeof(path), "%s/%s", group, file);
    if (access(path, R_OK)) {
        remove_group();
        *group = 0;
        return 0;
    }
    usage_file = file;
    usage_format = format;
    usage_ms = ms;
    atexit(remove_group);
    return 1;
}

static double group_ms(void)
{
    char path[PATH_MAX + 64], line[128];
    unsigned long v = 0;

    snprintf(path, sizeof(path), "%s/%s", group, usage_file);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f) && sscanf(line, usage_format, &v) != 1)
        ;
    if (f)
        fclose(f);
    return (double)v * usage_ms;
}

static double cpu_ms(void)
{
    struct rusage r;

    if (*group)
        return group_ms();
    getrusage(RUSAGE_CHILDREN, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e3 +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e3;
}

static void enter_group(void)
{
    char path[PATH_MAX + 64];

    if (!*group)
        return;
    snprintf(path, sizeof(path), "%s/cgroup.procs", group);
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, "0", 1) != 1)
        _exit(127);
    close(fd);
}

static pid_t start(char **argv)
{
    pid_t pid = fork();

    if (pid)
        return pid;
    enter_group();
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    close(null);
    execvp(argv[0], argv);
    _exit(127);
}

/* 0, or the command's wait status if it failed. */
static int run(char **argv, double *wall, double *cpu)
{
    double before = cpu_ms(), since = now_ms();
    int status, result = -1;
    pid_t pid = start(argv), p;

    while ((p = wait(&status)) > 0) {
        if (p != pid)
            continue;
        *wall = now_ms() - since;
        result = status;
    }
    *cpu = cpu_ms() - before;
    return result;
}

int main(int argc, char **argv)
{
    static double wall[RUNS_MAX], cpu[RUNS_MAX];
    int runs = argc > 2 ? atoi(argv[1]) : 0;

    if (runs < 1 || runs > RUNS_MAX) {
        fprintf(stderr, "usage: cost RUNS CMD...\n");
        return 2;
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (!try_group("/sys/fs/cgroup/cpuacct", "cpuacct.usage", "%lu", 1e-6))
        try_group("/sys/fs/cgroup", "cpu.stat", "usage_usec %lu", 1e-3);
    for (int i = 0; i < runs; i++) {
        int status = run(argv + 2, &wall[i], &cpu[i]);
        if (status) {
            fprintf(stderr, "bench: status %d of %s\n", status, argv[2]);
            return 1;
        }
    }
    printf("%.1f %.1f\n", median(wall, runs), median(cpu, runs));
    return 0;
}
