/* sysfs(2): numbers and names of file systems lead to each other. */
#include "../tmp.h"

int main(void)
{
    char name[64] = "";
    long n = syscall(SYS_sysfs, 3);

    ok(n > 0, "there are some");
    long proc = syscall(SYS_sysfs, 1, "proc");
    ok(proc >= 0 && proc < n, "proc is one");
    is_eq(syscall(SYS_sysfs, 2, proc, name), 0);
    ok(!strcmp(name, "proc"), "by this name");
    is_errno(syscall(SYS_sysfs, 1, "nosuchfs"), EINVAL);
    is_errno(syscall(SYS_sysfs, 1, 8), EFAULT);
    is_errno(syscall(SYS_sysfs, 2, n, name), EINVAL);
    is_errno(syscall(SYS_sysfs, 2, -1, name), EINVAL);
    is_errno(syscall(SYS_sysfs, 2, proc, 8), EFAULT);
    is_errno(syscall(SYS_sysfs, 0), EINVAL);
    is_errno(syscall(SYS_sysfs, 4), EINVAL);
    done();
}
