/* See filter.h. */
#include "base/filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

const struct filter_hook *filter_hook;

int filter_install_now(const struct sock_filter *insns, size_t n, const char *whose,
                       struct error *e)
{
    const struct sock_fprog prog = {.len = (unsigned short)n,
                                    .filter = (struct sock_filter *)(uintptr_t)insns};

    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog))
        return error_set(e, -errno, "installing the %s's system call filter", whose);
    return 0;
}

int filter_install(const struct sock_filter *insns, size_t n, const char *whose, struct error *e)
{
    return filter_hook ? filter_hook->install(insns, n, whose, e)
                       : filter_install_now(insns, n, whose, e);
}

int filter_copy(struct sock_filter *to, size_t max, const struct sock_filter *insns, size_t n,
                const char *whose)
{
    if (n > max)
        return -E2BIG;
    memcpy(to, insns, n * sizeof(*insns));
    return filter_hook ? filter_hook->copied(to, max, n, whose) : (int)n;
}
