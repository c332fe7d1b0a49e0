/* wait4(2): rusage is that of the reaped child; RUSAGE_CHILDREN sums those waited for. */
#include "child.h"
#include <sys/resource.h>

static long cpu_us(const struct rusage *ru)
{
    return (ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * 1000000L + ru->ru_utime.tv_usec +
           ru->ru_stime.tv_usec;
}

int main(void)
{
    struct rusage child, all;
    int status;

    getrusage(RUSAGE_CHILDREN, &all);
    is_eq(cpu_us(&all), 0);
    pid_t pid = fork();
    if (pid == 0) {
        while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < 60000000)
            ;
        _exit(0);
    }
    ok(wait4(pid, &status, 0, &child) == pid, "reaped");
    ok(cpu_us(&child) >= 40000, "the child's CPU time is reported");
    ok(cpu_us(&child) < 20000000, "and plausible");
    getrusage(RUSAGE_CHILDREN, &all);
    ok(cpu_us(&all) >= 40000, "and added to the children's time");
    done();
}
