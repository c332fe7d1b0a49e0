/* sched_setaffinity(2): the thread, and its children, run on a CPU of the mask at once. */
#include "../process/child.h"
#include <sched.h>

static int cpu;

static void child(void)
{
    check(sched_getcpu() == cpu, 1);
}

int main(void)
{
    cpu_set_t all, one;
    int bad = 0;

    is_eq(sched_getaffinity(0, sizeof(all), &all), 0);
    for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &all))
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        bad += sched_setaffinity(0, sizeof(one), &one) != 0;
        bad += sched_getcpu() != cpu;
        bad += in_child(child) != 0;
    }
    is_eq(bad, 0);
    done();
}
