/* sched_setaffinity(2), sched_getaffinity(2): a mask of CPUs per thread, inherited; the call
 * returns how many bytes the kernel's mask has; empty masks are EINVAL. */
#include "../process/child.h"
#include <pthread.h>
#include <sched.h>

static cpu_set_t all, one;
static int first;

static void child_inherits(void)
{
    cpu_set_t s;

    check(sched_getaffinity(0, sizeof(s), &s) == 0, 1);
    check(CPU_EQUAL(&s, &one), 2);
}

static void *thread_sets(void *arg)
{
    return (void *)(long)sched_setaffinity(0, sizeof(all), &all);
}

int main(void)
{
    cpu_set_t s;
    unsigned long words[128] = {0};
    void *r;

    is_eq(sched_getaffinity(0, sizeof(all), &all), 0);
    ok(CPU_COUNT(&all) >= 1 && CPU_COUNT(&all) == sysconf(_SC_NPROCESSORS_ONLN), "online CPUs");
    long bytes = syscall(SYS_sched_getaffinity, 0, sizeof(words), words);
    ok(bytes >= 8 && bytes <= 1024 && bytes % 8 == 0, "whole words");
    is_errno(syscall(SYS_sched_getaffinity, 0, 7, words), EINVAL);
    is_errno(syscall(SYS_sched_getaffinity, 0, 9, words), EINVAL);
    is_errno(syscall(SYS_sched_getaffinity, 0, sizeof(words), BAD_PTR), EFAULT);
    is_errno(sched_getaffinity(0x3fffffff, sizeof(s), &s), ESRCH);
    while (!CPU_ISSET(first, &all))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    is_eq(sched_setaffinity(0, sizeof(one), &one), 0);
    is_eq(sched_getaffinity(0, sizeof(s), &s), 0);
    ok(CPU_EQUAL(&s, &one), "what was set");
    ok(exited_with(in_child(child_inherits), 0), "inherited by fork");
    pthread_t th;
    pthread_create(&th, NULL, thread_sets, NULL);
    pthread_join(th, &r);
    is_eq((long)r, 0);
    ok(sched_getaffinity(0, sizeof(s), &s) == 0 && CPU_EQUAL(&s, &one), "each thread has its own");
    CPU_ZERO(&s);
    is_errno(sched_setaffinity(0, sizeof(s), &s), EINVAL);
    CPU_SET(1023, &s);
    is_errno(sched_setaffinity(0, sizeof(s), &s), EINVAL);
    CPU_SET(first, &s); /* what is not there is left out */
    is_eq(sched_setaffinity(0, sizeof(s), &s), 0);
    is_eq(sched_getaffinity(0, sizeof(s), &s), 0);
    ok(CPU_EQUAL(&s, &one), "only CPUs that exist");
    is_errno(sched_setaffinity(0x3fffffff, sizeof(all), &all), ESRCH);
    is_errno(syscall(SYS_sched_setaffinity, 0, sizeof(words), BAD_PTR), EFAULT);
    is_eq(syscall(SYS_sched_setaffinity, getpid(), sizeof(all), &all), 0);
    done();
}
