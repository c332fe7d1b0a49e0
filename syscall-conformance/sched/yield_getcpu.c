/* sched_yield(2) always succeeds and lets others run; getcpu(2) names a CPU that exists. */
#include "../process/child.h"
#include <pthread.h>
#include <sched.h>

static volatile int turn;

static void *other(void *arg)
{
    for (int i = 0; i < 200; i++) {
        while (turn != 1)
            sched_yield();
        turn = 0;
    }
    return NULL;
}

int main(void)
{
    unsigned int cpu = 9999, node = 9999;
    cpu_set_t set;
    pthread_t th;

    is_eq(sched_yield(), 0);
    pthread_create(&th, NULL, other, NULL);
    for (int i = 0; i < 200; i++) {
        turn = 1;
        while (turn != 0)
            sched_yield();
    }
    pthread_join(th, NULL);
    ok(1, "threads take turns by yielding");
    is_eq(syscall(SYS_getcpu, &cpu, &node, NULL), 0);
    is_eq(sched_getaffinity(0, sizeof(set), &set), 0);
    ok(cpu < CPU_SETSIZE && CPU_ISSET(cpu, &set), "one of ours");
    ok(node < 1024, "a node");
    is_eq(syscall(SYS_getcpu, NULL, NULL, NULL), 0);
    is_errno(syscall(SYS_getcpu, BAD_PTR, NULL, NULL), EFAULT);
    is_errno(syscall(SYS_getcpu, NULL, BAD_PTR, NULL), EFAULT);
    done();
}
