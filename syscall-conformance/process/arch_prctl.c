/* arch_prctl(2): ARCH_GET_FS returns the thread pointer, a non-canonical base gives EPERM. */
#include "child.h"
#include <asm/prctl.h>

int main(void)
{
    unsigned long fs = 0, self;

    is_eq(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs), 0);
    __asm__("mov %%fs:0, %0" : "=r"(self));
    ok(fs == self, "the thread pointer");
    is_errno(syscall(SYS_arch_prctl, ARCH_SET_FS, 1UL << 63), EPERM);
    is_errno(syscall(SYS_arch_prctl, ARCH_GET_FS, 8), EFAULT);
    is_errno(syscall(SYS_arch_prctl, 0x9999, 0), EINVAL);
    is_eq(syscall(SYS_arch_prctl, ARCH_SET_FS, fs), 0);
    done();
}
