/* sched_setattr(2), sched_getattr(2): a structure with its own size; unknown parts must be zero. */
#include "../process/child.h"
#include <sched.h>

struct attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
    uint64_t more;
};

int main(void)
{
    struct attr a;

    memset(&a, 0x55, sizeof(a));
    is_eq(syscall(SYS_sched_getattr, 0, &a, 56, 0), 0);
    ok(a.size >= 48 && a.size <= 56, "size");
    is_eq(a.policy, SCHED_OTHER);
    is_eq(a.nice, 0);
    is_eq(a.priority, 0);
    a.size = 48;
    a.flags = 0;
    a.policy = SCHED_BATCH;
    a.nice = 3;
    is_eq(syscall(SYS_sched_setattr, 0, &a, 0), 0);
    is_eq(sched_getscheduler(0), SCHED_BATCH);
    memset(&a, 0, sizeof(a));
    is_eq(syscall(SYS_sched_getattr, 0, &a, 48, 0), 0);
    is_eq(a.size, 48);
    is_eq(a.policy, SCHED_BATCH);
    is_eq(a.nice, 3);
    is_errno(syscall(SYS_sched_getattr, 0, &a, 47, 0), EINVAL);
    is_errno(syscall(SYS_sched_getattr, 0, &a, 48, 1), EINVAL);
    is_errno(syscall(SYS_sched_getattr, 0x3fffffff, &a, 48, 0), ESRCH);
    is_errno(syscall(SYS_sched_getattr, 0, NULL, 48, 0), EINVAL);
    is_errno(syscall(SYS_sched_getattr, 0, BAD_PTR, 48, 0), EFAULT);
    a.policy = 99;
    is_errno(syscall(SYS_sched_setattr, 0, &a, 0), EINVAL);
    a.policy = SCHED_OTHER;
    is_errno(syscall(SYS_sched_setattr, 0, &a, 1), EINVAL);
    a.size = 40;
    is_errno(syscall(SYS_sched_setattr, 0, &a, 0), E2BIG);
    a.size = 64;
    a.more = 1;
    is_errno(syscall(SYS_sched_setattr, 0, &a, 0), E2BIG);
    is_errno(syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL);
    is_errno(syscall(SYS_sched_setattr, 0, BAD_PTR, 0), EFAULT);
    done();
}
