/* clock_getcpuclockid(3): clocks of the CPU time of processes and threads, of others too; they
 * advance with work and hardly with sleep. */
#include "../process/child.h"
#include <pthread.h>

static void burn(clockid_t clock, int64_t ns)
{
    int64_t end = now_ns(clock) + ns;

    while (now_ns(clock) < end)
        for (volatile int i = 0; i < 10000; i++)
            ;
}

int main(void)
{
    clockid_t self, child;
    struct timespec ts;

    int64_t p = now_ns(CLOCK_PROCESS_CPUTIME_ID), t = now_ns(CLOCK_THREAD_CPUTIME_ID);
    burn(CLOCK_THREAD_CPUTIME_ID, 20000000);
    ok(now_ns(CLOCK_PROCESS_CPUTIME_ID) - p >= 20000000, "the process clock ran");
    ok(now_ns(CLOCK_THREAD_CPUTIME_ID) - t >= 20000000, "the thread clock ran");
    p = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    nap_ms(100);
    ok(now_ns(CLOCK_PROCESS_CPUTIME_ID) - p < 80000000, "but not while sleeping");
    is_eq(clock_getcpuclockid(getpid(), &self), 0);
    is_eq(clock_gettime(self, &ts), 0);
    ok(llabs(ts.tv_sec * 1000000000LL + ts.tv_nsec - now_ns(CLOCK_PROCESS_CPUTIME_ID)) < 100000000,
       "the clock of a pid");
    pid_t pid = fork();
    if (pid == 0) {
        burn(CLOCK_PROCESS_CPUTIME_ID, 30000000);
        for (;;)
            pause();
    }
    is_eq(clock_getcpuclockid(pid, &child), 0);
    while (clock_gettime(child, &ts) == 0 && ts.tv_sec == 0 && ts.tv_nsec < 30000000)
        nap_ms(5);
    ok(ts.tv_nsec >= 30000000, "a child's clock");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    is_errno(clock_gettime(child, &ts), EINVAL);
    clockid_t thread;
    is_eq(pthread_getcpuclockid(pthread_self(), &thread), 0);
    is_eq(clock_gettime(thread, &ts), 0);
    is_eq(clock_getcpuclockid(0x7ffffff, &child), ESRCH);
    done();
}
