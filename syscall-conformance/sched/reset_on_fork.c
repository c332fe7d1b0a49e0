/*
 * SCHED_RESET_ON_FORK, sched_setattr(2): the flag is told back, is not a child's, and a child of it
 * has no negative nice value; unknown flags and policies with priorities not theirs are EINVAL.
 */
#include "../rows.h"
#include <sched.h>
#include <sys/resource.h>

struct attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static const char *set(uint32_t policy, uint64_t flags, int nice, uint32_t priority)
{
    struct attr a = {48, policy, flags, nice, priority, 0, 0, 0};

    return says(syscall(SYS_sched_setattr, 0, &a, 0));
}

static unsigned long flags_now(void)
{
    struct attr a;

    syscall(SYS_sched_getattr, 0, &a, 48, 0);
    return a.flags;
}

static void child(void *arg)
{
    row_add("child: %d %d %lx\n", sched_getscheduler(0), getpriority(PRIO_PROCESS, 0), flags_now());
}

int main(void)
{
    struct sched_param none = {0};

    for (int bit = 0; bit < 12; bit++) {
        row_add("%s", set(0, 1UL << bit, 0, 0));
        row_add(" %lx ", flags_now());
    }
    row_end();
    for (unsigned int p = 0; p < 9; p++) /* not those that real time would be */
        row_add(" %s %s", p == 1 || p == 2 ? "" : set(p, 0, 0, 0), set(p, 0, 0, 100));
    row_add(" %s %s", set(-1U, 0, 0, 0), set(-1U, 8, 0, 0));
    row_end();
    is_eq(sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &none), 0);
    is_eq(sched_getscheduler(0), SCHED_BATCH | SCHED_RESET_ON_FORK);
    rows_of_child(child, NULL);
    is_eq(setpriority(PRIO_PROCESS, 0, -5), 0);
    rows_of_child(child, NULL);
    is_eq(flags_now(), 1);
    row_add("%s", set(SCHED_OTHER, 16, 7, 0));
    row_add(" %d", getpriority(PRIO_PROCESS, 0));
    row_end();
    done();
}
