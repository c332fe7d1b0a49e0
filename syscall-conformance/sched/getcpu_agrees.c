/* getcpu(2): a thread that is bound to one CPU is there, whomever it asks. */
#include "../process/child.h"
#include <sched.h>
#include <sys/auxv.h>

int main(void)
{
    cpu_set_t all, one;
    int n = 0;

    is_eq(sched_getaffinity(0, sizeof(all), &all), 0);
    for (int cpu = 0; cpu < CPU_SETSIZE && n < 2; cpu++) {
        unsigned int is = 999, node = 999;
        if (!CPU_ISSET(cpu, &all))
            continue;
        n++;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        sched_setaffinity(0, sizeof(one), &one);
        int err = (int)syscall(SYS_getcpu, &is, &node, NULL);
        ok(!err && (int)is == sched_getcpu(), "the call and the library agree");
        ok(node == 0, "on the first node");
    }
    is_eq(syscall(SYS_getcpu, NULL, NULL, NULL), 0);
    is_errno(syscall(SYS_getcpu, 8, NULL, NULL), EFAULT);
    is_errno(syscall(SYS_getcpu, NULL, 1UL << 63, NULL), EFAULT);
    done();
}
