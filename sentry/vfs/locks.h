/* File locks: flock(2), POSIX and open-file-description locks of fcntl(2). */
#ifndef NV_SENTRY_VFS_LOCKS_H
#define NV_SENTRY_VFS_LOCKS_H

#include <stdint.h>

struct file;
struct task;

long fcntl_lock(struct task *t, struct file *f, int cmd, uint64_t addr);

#endif
