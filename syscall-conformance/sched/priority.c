/* setpriority(2), getpriority(2), nice(2): -20 to 19, clamped; a user may only make it worse,
 * EACCES, nice: EPERM; the system call returns 20 - nice. */
#include "../process/child.h"
#include <sys/resource.h>

static void user(void)
{
    become_nobody();
    check(setpriority(PRIO_PROCESS, 0, 7) == 0, 1);
    check(setpriority(PRIO_PROCESS, 0, 6) == -1 && errno == EACCES, 2);
    check(setpriority(PRIO_PROCESS, 0, 7) == 0, 3);
    errno = 0;
    check(nice(-1) == -1 && (errno == EPERM || errno == EACCES), 4);
    check(nice(2) == 9, 5);
}

static void inherits(void)
{
    check(getpriority(PRIO_PROCESS, 0) == 5, 1);
}

int main(void)
{
    is_eq(getpriority(PRIO_PROCESS, 0), 0);
    is_eq(syscall(SYS_getpriority, PRIO_PROCESS, 0), 20);
    is_eq(setpriority(PRIO_PROCESS, 0, 5), 0);
    is_eq(syscall(SYS_getpriority, PRIO_PROCESS, 0), 15);
    is_eq(getpriority(PRIO_PROCESS, (id_t)getpid()), 5);
    ok(exited_with(in_child(inherits), 0), "fork inherits it");
    ok(exited_with(in_child(user), 0), "a user may make it worse only");
    if (geteuid() == 0) {
        is_eq(setpriority(PRIO_PROCESS, 0, -100), 0);
        is_eq(getpriority(PRIO_PROCESS, 0), -20);
    } else {
        skip("needs root");
        skip("needs root");
    }
    is_eq(setpriority(PRIO_PROCESS, 0, 100), 0);
    is_eq(getpriority(PRIO_PROCESS, 0), 19);
    is_eq(setpriority(PRIO_PGRP, 0, 19), 0);
    is_eq(getpriority(PRIO_PGRP, 0), 19);
    is_errno(setpriority(7, 0, 0), EINVAL);
    is_errno(syscall(SYS_getpriority, -1, 0), EINVAL);
    is_errno(setpriority(PRIO_PROCESS, 0x3fffffff, 0), ESRCH);
    is_errno(syscall(SYS_getpriority, PRIO_PROCESS, 0x3fffffff), ESRCH);
    is_errno(setpriority(PRIO_PGRP, 0x3fffffff, 0), ESRCH);
    is_errno(setpriority(PRIO_USER, 0x3ffffff, 0), ESRCH);
    done();
}
