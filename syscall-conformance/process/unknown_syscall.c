/* syscall(2): numbers the kernel does not have give ENOSYS. */
#include "child.h"

int main(void)
{
    is_errno(syscall(1000), ENOSYS);
    is_errno(syscall(1000000), ENOSYS);
    is_errno(syscall(-2), ENOSYS);
    is_errno(syscall(SYS_afs_syscall), ENOSYS);
    is_errno(syscall(SYS_tuxcall), ENOSYS);
    is_errno(syscall(SYS_create_module), ENOSYS);
    done();
}
