/* System call trace of `nv run --strace`, decoded by the argument kinds of syscalls.def. */
#ifndef NV_SENTRY_STRACE_STRACE_H
#define NV_SENTRY_STRACE_STRACE_H

#include <stdbool.h>

struct sysargs;
struct task;

extern bool strace_enabled;

/* filter: NULL or "" for all, or a comma-separated list of names. -EINVAL names none. */
int strace_init(const char *filter, int fd);
void strace_enter(struct task *t, const struct sysargs *a);
/* ret: value or negative errno, restart codes included. Not called for calls that do not return. */
void strace_exit(struct task *t, const struct sysargs *a, long ret);

#endif
