/* inotify(7) masks for callers of fsnotify(). */
#ifndef NV_SENTRY_IPC_INOTIFY_H
#define NV_SENTRY_IPC_INOTIFY_H

#include <stdint.h>
#include <sys/inotify.h>

struct inode;
struct superblock;

/* The inode goes away: its watches report IN_IGNORED. */
void inotify_inode_gone(struct inode *i);
/* Its file system does: IN_UNMOUNT for all watches in it. */
void inotify_super_gone(const struct superblock *sb);

/* What a user may have: fs/inotify. */
#define INOTIFY_INSTANCES_MAX 128
uint64_t inotify_watches_max(void);

#endif
