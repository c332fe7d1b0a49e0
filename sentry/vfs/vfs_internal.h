/* Shared by the files of sentry/vfs. */
#ifndef NV_SENTRY_VFS_VFS_INTERNAL_H
#define NV_SENTRY_VFS_VFS_INTERNAL_H

#include "sentry/vfs/file.h"
#include "sentry/vfs/mount.h"
#include "sentry/vfs/vfs.h"

struct ckpt_reader;
struct ckpt_writer;

#define NAME_MAX_LEN 255
#define PATH_MAX_LEN 4096

struct dentry *dentry_alloc(struct dentry *parent, const char *name, size_t len);
void dentry_hash(struct dentry *d);
bool dentry_is_beneath(const struct dentry *d, const struct dentry *top); /* or is top */
/*
 * Held across whatever parks between looking a name up and changing it. The dentry of a name that
 * was found in the cache may be used without. -EINTR: the task is being killed.
 */
int dir_lock(struct task *t, struct inode *dir);
void dir_unlock(struct inode *dir);
int dir_lock_rename(struct task *t, struct inode *a, struct inode *b);
void dir_unlock_rename(struct inode *a, struct inode *b);
/* vfs_lookup() with the directory locked. */
int lookup_locked(struct task *t, const struct path *dir, const char *name, size_t len,
                  struct dentry **out);
/* RESOLVE_CACHED: what is known without asking anybody. -EAGAIN: not this. */
int lookup_cached(const struct path *dir, const char *name, size_t len, struct dentry **out);
bool path_same(const struct path *a, const struct path *b);
void locks_free(struct inode *i);
/*
 * close(2) of any descriptor drops the process's POSIX locks on the file: fcntl(2). As on Linux a
 * descriptor table stands for the process.
 */
void locks_closed(const struct fdtable *ft, struct file *f);
bool fdtable_has(const struct fdtable *ft, const struct file *f);
void locks_released(struct file *f); /* last reference: flock and OFD locks go */
/*
 * For O_CREAT: follows symlinks at the end too (unless WALK_NOFOLLOW). Gives *parent and *d, maybe
 * negative, in it; or *obj when the end has no name of its own ("/", "..", magic links), *d NULL.
 */
int walk_for_create(struct task *t, int dirfd, const char *name, unsigned int flags,
                    struct path *parent, struct dentry **d, struct path *obj);
void file_restored(void); /* counts one that file_new() has not made */
bool path_is_anon(const struct path *p);
/* Is the mount, or its file system, read-only? */
bool path_readonly(const struct path *p);
/* Opens what path names after all checks of names: kinds of inode, O_TRUNC. */
int open_inode(struct task *t, const struct path *p, int flags, struct file **out);
int do_setattr(struct task *t, const struct path *p, struct setattr *a);
int do_setattr_quietly(struct task *t, const struct path *p, struct setattr *a); /* no events */
/* A user of f->pos: reads and writes without a position, lseek, getdents. -EINTR: being killed. */
int file_pos_lock(struct task *t, struct file *f);
void file_pos_unlock(struct file *f);
/* O_ASYNC. -ENOTTY: not for this kind of file. */
int file_async_arm(struct file *f, int fd);
void file_async_disarm(struct file *f);
int fsize_exceeded(struct task *t); /* -EFBIG with SIGXFSZ */
/* May the file grow to size? */
int check_fsize(struct task *t, const struct inode *i, loff_t size);
/* Set-id bits do not survive a change of the contents by others: write(2), truncate(2). */
int strip_setid(struct task *t, const struct path *p);
int drop_file_caps(struct task *t, const struct path *p);
int fd_available(struct task *t);                      /* -EMFILE */
int fd_path(struct task *t, int fd, struct path *out); /* of an open file, O_PATH too */
extern const struct file_ops opath_ops;

struct fdtable {
    unsigned int refs;
    int cap, first_free; /* no free number below first_free */
    struct file **files;
    uint64_t *cloexec; /* bit per number */
};
#define NR_OPEN 1048576 /* fs.nr_open: no limit allows more */
int fdtable_grow(struct fdtable *ft, int fd);

/* Checkpoints: what is restored takes its place. All check what they are given: -EINVAL. */
extern const struct super_ops anon_super_ops;
struct mount *anon_mount_get(void);
int dentry_restored(struct dentry *d, size_t ndentries);
void locks_save(struct ckpt_writer *w, const struct inode *i);
void locks_load(struct ckpt_reader *r, struct inode *i);
bool locks_valid(const struct inode *i);
int file_async_fd(const struct file *f); /* that it was armed through, -1: it is not armed */

#endif
