/* ioprio_set(2), ioprio_get(2): a class and a level; EINVAL for others, ESRCH. */
#include "../process/child.h"

#define WHO_PROCESS 1
#define PRIO(class, level) ((class) << 13 | (level))

static void user(void)
{
    become_nobody();
    check(syscall(SYS_ioprio_set, WHO_PROCESS, 0, PRIO(2, 7)) == 0, 1);
    check(syscall(SYS_ioprio_set, WHO_PROCESS, 0, PRIO(3, 0)) == 0, 2);
    check(syscall(SYS_ioprio_set, WHO_PROCESS, 0, PRIO(1, 0)) == -1 && errno == EPERM, 3);
}

int main(void)
{
    is_eq(syscall(SYS_ioprio_set, WHO_PROCESS, 0, PRIO(2, 5)), 0);
    is_eq(syscall(SYS_ioprio_get, WHO_PROCESS, 0), PRIO(2, 5));
    is_eq(syscall(SYS_ioprio_set, WHO_PROCESS, getpid(), PRIO(3, 0)), 0);
    is_eq(syscall(SYS_ioprio_get, WHO_PROCESS, getpid()), PRIO(3, 0));
    is_errno(syscall(SYS_ioprio_set, 9, 0, PRIO(2, 5)), EINVAL);
    is_errno(syscall(SYS_ioprio_set, WHO_PROCESS, 0, PRIO(5, 0)), EINVAL);
    is_errno(syscall(SYS_ioprio_get, 9, 0), EINVAL);
    is_errno(syscall(SYS_ioprio_set, WHO_PROCESS, 0x3fffffff, PRIO(2, 5)), ESRCH);
    is_errno(syscall(SYS_ioprio_get, WHO_PROCESS, 0x3fffffff), ESRCH);
    ok(exited_with(in_child(user), 0), "real time is for the privileged");
    done();
}
