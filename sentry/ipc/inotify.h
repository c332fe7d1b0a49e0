/* inotify(7) masks for callers of fsnotify(). */
#ifndef NV_SENTRY_IPC_INOTIFY_H
#define NV_SENTRY_IPC_INOTIFY_H

#include <stdint.h>
#include <sys/inotify.h>

struct dentry;
struct inode;
struct superblock;

/* The inode goes away: its watches report IN_IGNORED. */
void inotify_inode_gone(struct inode *i);
/*
 * d has lost its name, and its inode all: once nobody but watches (and the caller, with so many
 * references) uses it, they are told that it is gone.
 */
void inotify_unused(struct dentry *d, unsigned int ours);
/* Its file system does: IN_UNMOUNT for all watches in it. */
void inotify_super_gone(const struct superblock *sb);

/* What a user may have: fs/inotify. */
#define INOTIFY_INSTANCES_MAX 128
uint64_t inotify_watches_max(void);

#endif
