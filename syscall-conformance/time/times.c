/* times(2), getrusage(2): CPU time of the process and of children that were waited for; the result
 * counts clock ticks. */
#include "../process/child.h"
#include <sys/resource.h>
#include <sys/times.h>

static int64_t tv_ns(struct timeval tv)
{
    return tv.tv_sec * 1000000000LL + tv.tv_usec * 1000LL;
}

static void burn_80ms(void)
{
    int64_t end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + 80000000;

    while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end)
        for (volatile int i = 0; i < 20000; i++)
            ;
}

int main(void)
{
    struct tms a, b;
    struct rusage r;
    long hz = sysconf(_SC_CLK_TCK);

    is_eq(hz, 100);
    clock_t t0 = times(&a);
    nap_ms(50);
    clock_t t1 = times(NULL);
    ok(t1 - t0 >= 4 && t1 - t0 < 500, "ticks of real time");
    burn_80ms();
    times(&b);
    ok(b.tms_utime + b.tms_stime - a.tms_utime - a.tms_stime >= 5, "own work");
    is_eq(b.tms_cutime + b.tms_cstime, 0);
    is_errno(syscall(SYS_times, BAD_PTR), EFAULT);
    in_child(burn_80ms);
    times(&b);
    ok(b.tms_cutime + b.tms_cstime >= 5, "work of a child, once waited for");
    is_eq(getrusage(RUSAGE_CHILDREN, &r), 0);
    ok(tv_ns(r.ru_utime) + tv_ns(r.ru_stime) >= 60000000, "the same in getrusage");
    is_eq(getrusage(RUSAGE_SELF, &r), 0);
    ok(tv_ns(r.ru_utime) + tv_ns(r.ru_stime) >= 60000000, "RUSAGE_SELF");
    ok(r.ru_maxrss > 0, "maxrss");
    is_eq(getrusage(RUSAGE_THREAD, &r), 0);
    is_errno(getrusage(5, &r), EINVAL);
    is_errno(getrusage(RUSAGE_SELF, BAD_PTR), EFAULT);
    done();
}
