/* sigaltstack(2): ENOMEM for a stack below MINSIGSTKSZ, EINVAL for flags, EFAULT for pointers. */
#include "sig.h"

int main(void)
{
    static char alt[65536];
    stack_t ss = {.ss_sp = alt, .ss_size = 100}, old;

    is_errno(sigaltstack(&ss, NULL), ENOMEM);
    ss.ss_size = sizeof(alt);
    ss.ss_flags = 0x10;
    is_errno(sigaltstack(&ss, NULL), EINVAL);
    is_errno(syscall(SYS_sigaltstack, 8, NULL), EFAULT);
    is_errno(syscall(SYS_sigaltstack, NULL, 8), EFAULT);
    is_eq(sigaltstack(NULL, &old), 0);
    is_eq(old.ss_flags, SS_DISABLE);
    ss.ss_flags = SS_ONSTACK;
    is_eq(sigaltstack(&ss, NULL), 0);
    ss.ss_flags = SS_DISABLE;
    ss.ss_size = 0;
    is_eq(sigaltstack(&ss, &old), 0);
    ok(old.ss_sp == alt, "the old stack is returned");
    is_eq(sigaltstack(NULL, &old), 0);
    is_eq(old.ss_flags, SS_DISABLE);
    done();
}
