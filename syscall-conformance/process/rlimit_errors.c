/* setrlimit(2): EINVAL for a bad resource or soft > hard, EPERM for raising hard without privilege.
 */
#include "child.h"
#include <sys/resource.h>

static void unprivileged(void)
{
    struct rlimit lim;

    become_nobody();
    check(getrlimit(RLIMIT_NOFILE, &lim) == 0, 1);
    lim.rlim_cur = lim.rlim_max = 100;
    check(setrlimit(RLIMIT_NOFILE, &lim) == 0, 2);
    lim.rlim_max = 101;
    check(setrlimit(RLIMIT_NOFILE, &lim) == -1 && errno == EPERM, 3);
    lim.rlim_max = 100;
    lim.rlim_cur = 50;
    check(setrlimit(RLIMIT_NOFILE, &lim) == 0, 4);
    lim.rlim_cur = 100;
    check(setrlimit(RLIMIT_NOFILE, &lim) == 0, 5);
}

int main(void)
{
    struct rlimit lim = {10, 5};

    is_errno(syscall(SYS_getrlimit, 16, &lim), EINVAL);
    is_errno(syscall(SYS_setrlimit, -1, &lim), EINVAL);
    is_errno(syscall(SYS_setrlimit, RLIMIT_CORE, &lim), EINVAL);
    is_errno(syscall(SYS_getrlimit, RLIMIT_CORE, 8), EFAULT);
    is_errno(syscall(SYS_setrlimit, RLIMIT_CORE, 8), EFAULT);
    is_eq(in_child(unprivileged), 0);
    done();
}
