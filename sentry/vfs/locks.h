/* File locks: flock(2), POSIX and open-file-description locks of fcntl(2). */
#ifndef NV_SENTRY_VFS_LOCKS_H
#define NV_SENTRY_VFS_LOCKS_H

#include <stdint.h>

struct fdtable;
struct file;
struct pid_ns;
struct strbuf;
struct task;

/* Lines of /proc/PID/fdinfo/N: what f holds, and what ft holds by it. */
void locks_fdinfo(const struct file *f, const struct fdtable *ft, const struct pid_ns *ns,
                  struct strbuf *out);
/* /proc/locks */
void locks_print(const struct pid_ns *ns, struct strbuf *out);

long fcntl_lock(struct task *t, struct file *f, int cmd, uint64_t addr);

#endif
