/* getrusage(2) RUSAGE_THREAD, CLOCK_THREAD_CPUTIME_ID: a thread's own share of the process's time.
 */
#include "../process/child.h"
#include <pthread.h>
#include <sys/resource.h>

static int64_t in_thread, in_rusage;

static void *burn(void *arg)
{
    struct rusage r;

    while (now_ns(CLOCK_THREAD_CPUTIME_ID) < 100000000)
        for (volatile int i = 0; i < 20000; i++)
            ;
    in_thread = now_ns(CLOCK_THREAD_CPUTIME_ID);
    getrusage(RUSAGE_THREAD, &r);
    in_rusage = (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000000LL +
                (r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1000LL;
    return NULL;
}

int main(void)
{
    pthread_t th;

    pthread_create(&th, NULL, burn, NULL);
    pthread_join(th, NULL);
    ok(in_thread >= 100000000, "the thread's clock");
    ok(in_rusage >= 80000000, "its rusage");
    ok(now_ns(CLOCK_PROCESS_CPUTIME_ID) >= 100000000, "counts for the process");
    ok(now_ns(CLOCK_THREAD_CPUTIME_ID) < 80000000, "but not for another thread");
    done();
}
