/* Shared by the files of sentry/vfs. */
#ifndef NV_SENTRY_VFS_VFS_INTERNAL_H
#define NV_SENTRY_VFS_VFS_INTERNAL_H

#include "sentry/vfs/file.h"
#include "sentry/vfs/vfs.h"

#define NAME_MAX_LEN 255
#define PATH_MAX_LEN 4096

struct dentry *dentry_alloc(struct dentry *parent, const char *name, size_t len);
void dentry_hash(struct dentry *d);
void dentry_drop_unused(struct superblock *sb);
int dentry_exchange(struct dentry *a, struct dentry *b);
void locks_free(struct inode *i);
/* close(2) of any descriptor drops the process's POSIX locks on the file: fcntl(2). */
void locks_closed(struct task *t, struct file *f);
void locks_released(struct file *f); /* last reference: flock and OFD locks go */
/* vfs_walk_parent() from an explicit start. */
int vfs_walk_parent_from(struct task *t, const struct path *start, const char *name,
                         unsigned int flags, struct path *parent, char **last, bool *trailing);
bool path_is_anon(const struct path *p);
/* The mount that sits on (mnt, d), or NULL. No reference. */
struct mount *mount_at(struct mount *mnt, struct dentry *d);
struct mount *mount_get(struct mount *m);
void mount_put(struct mount *m);
/* Is the mount, or its file system, read-only? */
bool path_readonly(const struct path *p);
/* Opens what path names after all checks of names: kinds of inode, O_TRUNC. */
int open_inode(struct task *t, const struct path *p, int flags, struct file **out);
int do_setattr(struct task *t, const struct path *p, struct setattr *a);
int fd_path(struct task *t, int fd, struct path *out); /* of an open file, O_PATH too */
extern const struct file_ops opath_ops;

#endif
