/* See filter.h. */
#include "base/filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

int filter_install(const struct sock_filter *insns, size_t n, const char *whose, struct error *e)
{
    const struct sock_fprog prog = {.len = (unsigned short)n,
                                    .filter = (struct sock_filter *)(uintptr_t)insns};

    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog))
        return error_set(e, -errno, "installing the %s's system call filter", whose);
    return 0;
}
