/* See filter.h. */
#include "runsc-cli/filter.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/ioctl.h>

#include "base/sanitize.h"

int sentry_filter_install(struct error *e)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int err = ctx ? 0 : -ENOMEM;

#define HOSTCALL(name, reason)                                                                     \
    if (!err)                                                                                      \
        err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(name), 0);
#include "sentry/hostcalls.def"
#if NV_ASAN
#include "base/sanitize.def"
#endif
#undef HOSTCALL
    /* Of ioctls, sizes and terminal modes of the standard streams. */
    const unsigned long ioctls[] = {FIONREAD, TIOCGWINSZ};
    for (unsigned int i = 0; !err && i < 2; i++)
        err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                               SCMP_A1(SCMP_CMP_EQ, ioctls[i], 0));
    if (!err)
        err = seccomp_load(ctx);
    if (ctx)
        seccomp_release(ctx);
    return err ? error_set(e, err, "installing the sentry's system call filter") : 0;
}
