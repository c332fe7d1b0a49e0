/* fanotify(7) needs CAP_SYS_ADMIN over the whole file system, which no sandbox has: EPERM. */
#include <errno.h>

#include "sentry/kernel/task.h"

long sys_fanotify_init(struct task *t, const struct sysargs *a)
{
    explain_missing("syscall", "fanotify_init");
    return -EPERM;
}

long sys_fanotify_mark(struct task *t, const struct sysargs *a)
{
    return -EBADF; /* there is no fanotify descriptor */
}
