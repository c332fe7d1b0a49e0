/* sched_setscheduler(2), sched_getscheduler(2): policies and the priorities they take; EINVAL for
 * others, ESRCH, EFAULT; a user cannot ask for real time. */
#include "../process/child.h"
#include <sched.h>
#include <sys/resource.h>

static void user(void)
{
    struct sched_param p = {1};
    struct rlimit none = {0, 0};

    setrlimit(RLIMIT_RTPRIO, &none);
    become_nobody();
    check(sched_setscheduler(0, SCHED_FIFO, &p) == -1 && errno == EPERM, 1);
    check(sched_setscheduler(0, SCHED_RR, &p) == -1 && errno == EPERM, 2);
    p.sched_priority = 0;
    check(sched_setscheduler(0, SCHED_BATCH, &p) == 0, 3);
    check(sched_setscheduler(0, SCHED_IDLE, &p) == 0, 4);
}

static void inherits(void)
{
    check(sched_getscheduler(0) == SCHED_BATCH, 1);
}

int main(void)
{
    struct sched_param p = {77};
    struct timespec ts;

    is_eq(sched_getscheduler(0), SCHED_OTHER);
    is_eq(sched_getparam(0, &p), 0);
    is_eq(p.sched_priority, 0);
    is_eq(sched_setscheduler(0, SCHED_BATCH, &p), 0);
    is_eq(sched_getscheduler(0), SCHED_BATCH);
    ok(exited_with(in_child(inherits), 0), "fork inherits it");
    p.sched_priority = 1;
    is_errno(sched_setscheduler(0, SCHED_OTHER, &p), EINVAL);
    is_errno(sched_setparam(0, &p), EINVAL);
    p.sched_priority = 0;
    is_errno(sched_setscheduler(0, SCHED_FIFO, &p), EINVAL);
    p.sched_priority = 100;
    is_errno(sched_setscheduler(0, SCHED_RR, &p), EINVAL);
    p.sched_priority = 0;
    is_errno(sched_setscheduler(0, 99, &p), EINVAL);
    is_errno(sched_setscheduler(0, -1, &p), EINVAL);
    is_errno(sched_setscheduler(-1, SCHED_OTHER, &p), EINVAL);
    is_errno(sched_setscheduler(0x3fffffff, SCHED_OTHER, &p), ESRCH);
    is_errno(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NULL), EINVAL);
    is_errno(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, BAD_PTR), EFAULT);
    is_errno(sched_getscheduler(-1), EINVAL);
    is_errno(sched_getscheduler(0x3fffffff), ESRCH);
    is_errno(syscall(SYS_sched_getparam, 0, NULL), EINVAL);
    is_errno(syscall(SYS_sched_getparam, 0, BAD_PTR), EFAULT);
    is_errno(sched_getparam(0x3fffffff, &p), ESRCH);
    is_eq(sched_setscheduler(0, SCHED_OTHER, &p), 0);
    is_eq(sched_get_priority_max(SCHED_FIFO), 99);
    is_eq(sched_get_priority_min(SCHED_RR), 1);
    is_eq(sched_get_priority_max(SCHED_OTHER), 0);
    is_eq(sched_get_priority_min(SCHED_IDLE), 0);
    is_errno(sched_get_priority_max(99), EINVAL);
    is_errno(sched_get_priority_min(-1), EINVAL);
    is_eq(sched_rr_get_interval(0, &ts), 0);
    is_errno(sched_rr_get_interval(-1, &ts), EINVAL);
    is_errno(sched_rr_get_interval(0x3fffffff, &ts), ESRCH);
    is_errno(syscall(SYS_sched_rr_get_interval, 0, BAD_PTR), EFAULT);
    ok(exited_with(in_child(user), 0), "a user");
    done();
}
