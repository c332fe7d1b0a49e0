/* getrusage(2): SELF, CHILDREN and THREAD are known, others EINVAL; times grow with work. */
#include "child.h"
#include <sys/resource.h>

static long cpu_us(const struct rusage *ru)
{
    return (ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * 1000000L + ru->ru_utime.tv_usec +
           ru->ru_stime.tv_usec;
}

int main(void)
{
    struct rusage a, b;

    is_eq(getrusage(RUSAGE_SELF, &a), 0);
    while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < 60000000)
        ;
    is_eq(getrusage(RUSAGE_SELF, &b), 0);
    ok(cpu_us(&b) >= 40000 && cpu_us(&b) > cpu_us(&a), "CPU time grows");
    ok(b.ru_maxrss > 0, "maxrss");
    is_eq(getrusage(RUSAGE_THREAD, &b), 0);
    ok(cpu_us(&b) >= 40000, "thread time");
    is_errno(getrusage(2, &a), EINVAL);
    is_errno(getrusage(-2, &a), EINVAL);
    is_errno(syscall(SYS_getrusage, RUSAGE_SELF, 8), EFAULT);
    done();
}
