/* Internals of the gofer's client file system: inodes, descriptors, listings. */
#ifndef NV_SENTRY_FS_GOFER_GOFERFS_H
#define NV_SENTRY_FS_GOFER_GOFERFS_H

#include "base/list.h"
#include "sentry/fs/gofer/rpc.h"
#include "sentry/vfs/file.h"

/* A donated host descriptor, shared by the open files of an inode. */
struct gofer_fd {
    unsigned int refs;
    int fd;
    uint64_t id;               /* of uio_from_file() */
    bool rdonly;               /* it allows no more than reading */
    bool no_nowait;            /* the host's file system does not know RWF_NOWAIT */
    loff_t warm_from, warm_to; /* what a worker has read of it */
};

/* One directory as the gofer listed it: struct gofer_dirent, checked. */
struct gofer_listing {
    unsigned int refs;
    uint32_t len;
    bool complete; /* nothing comes after it */
    char *data;
};

struct gofer_super {
    unsigned int export_index;
    bool readonly;     /* nobody changes it: cached for good */
    uint64_t root_dev; /* of the host */
};

/* Two names of one host file that were looked up are two inodes with the same number. */
struct gofer_inode {
    char *link;          /* NULL: not asked yet */
    struct gofer_fd *rd; /* O_RDONLY, kept for the next open */
    struct list lru;     /* inodes with rd */
    struct gofer_fd *wr; /* while open for writing */
    unsigned int writers;
    uint64_t fresh_ns; /* name and attributes are as of then */
    bool dirty;        /* attributes are not: ask before showing them */
    uint64_t host_dev, host_ino;
    uint64_t changes;              /* directories: names made or removed by us */
    struct gofer_listing *listing; /* of a read-only directory */
    uint8_t misses;
};

static inline struct gofer_inode *GOFER_I(const struct inode *i)
{
    return i->priv;
}

static inline struct gofer_super *GOFER_S(const struct superblock *sb)
{
    return sb->priv;
}

extern const struct inode_ops goferfs_ops;

/* inode.c. Sends c about the path of d, or about the one that leads to i: -ESTALE if none does. */
int goferfs_call(struct dentry *d, struct gofer_call *c);
int goferfs_call_inode(const struct inode *i, struct gofer_call *c);
char *goferfs_path(const struct dentry *d, char buf[GOFER_PATH_MAX]);
struct inode *goferfs_inode_new(struct superblock *sb, const struct gofer_attr *a);
int goferfs_attach(struct dentry *d, const struct gofer_attr *a, char **link);
void goferfs_apply(struct inode *i, const struct gofer_attr *a);
/* Brings the attributes up to date if others, or writes, may have changed them. */
void goferfs_refresh(struct inode *i);

/* file.c */
int goferfs_open_file(struct task *t, struct inode *i, const struct path *p, int flags,
                      struct file **out);
/* The host descriptor of an open file of ours, or -1. */
int goferfs_file_fd(struct file *f);
void goferfs_created(struct inode *i, int fd); /* takes over fd: the open that follows a create */
void goferfs_forget_fds(struct inode *i);
void gofer_fd_put(struct gofer_fd *g);

/* dir.c */
int goferfs_open_dir(struct task *t, struct inode *i, const struct path *p, int flags,
                     struct file **out);
void goferfs_forget_listing(struct inode *i);
/*
 * Looks for d in the listing of its directory, fetching that after some misses. 1: found, and
 * d filled unless it needs asking; 0: certainly not there; -EAGAIN: ask the gofer.
 */
int goferfs_listed(struct inode *dir, struct dentry *d);

#endif
