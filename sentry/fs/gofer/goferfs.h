/* Internals of the gofer's client file system: inodes, descriptors, listings. */
#ifndef NV_SENTRY_FS_GOFER_GOFERFS_H
#define NV_SENTRY_FS_GOFER_GOFERFS_H

#include "base/list.h"
#include "sentry/fs/gofer/rpc.h"
#include "sentry/vfs/file.h"

#define GOFER_MAX_AGE_NS (1 * NSEC_PER_SEC) /* names and attributes of writable exports */

/* A donated host descriptor, shared by the open files of an inode. */
struct gofer_fd {
    unsigned int refs;
    int fd;
    uint64_t id;               /* of struct uio_fd */
    struct inode *inode;       /* weak: whoever has the descriptor holds it */
    struct list node;          /* in its fds */
    uint8_t acc;               /* O_RDONLY, O_WRONLY, O_RDWR: what it allows */
    bool no_nowait;            /* the host's file system does not know RWF_NOWAIT */
    loff_t warm_from, warm_to; /* what a worker has read of it */
};

/* One directory, or a part of it, as the gofer listed it: struct gofer_dirent, checked. */
struct gofer_listing {
    unsigned int refs;
    uint32_t len, entries;
    bool complete;   /* nothing comes after it */
    bool attrs;      /* of all entries, unless these could not be read */
    bool ahead;      /* nobody has asked for it yet */
    uint32_t hits;   /* entries whose attributes served a lookup */
    uint32_t mask;   /* of index */
    uint32_t *index; /* open hash by name: offset + 1; NULL: not needed so far */
    struct list lru;
    struct gofer_inode *owner; /* weak: who keeps it */
    char data[] __attribute__((aligned(8)));
};

struct gofer_super {
    unsigned int export_index;
    bool readonly;     /* nobody changes it: cached for good */
    uint64_t root_dev; /* of the host */
    /* Listings fetched ahead of their time, see ahead.c. */
    unsigned int window, unused, pause, pause_next;
};

/* Two names of one host file that were looked up are two inodes with the same number. */
struct gofer_inode {
    char *link;                /* NULL: not asked yet */
    struct gofer_fd *rd;       /* O_RDONLY, kept for the next open */
    struct list lru;           /* inodes with rd */
    struct list fds;           /* all of its descriptors */
    struct gofer_fd *wr;       /* while open for writing */
    struct gofer_fd *nameless; /* O_TMPFILE: what it is linked and opened by */
    unsigned int writers;
    uint64_t fresh_ns; /* name and attributes are as of then */
    bool dirty;        /* attributes are not: ask before showing them */
    uint64_t host_dev, host_ino;
    struct gofer_resume *resume; /* restored, not yet found again: ckpt.c */
    bool orphan;                 /* restored without a name: contents, if any, in a memfd */
    bool no_xattrs;              /* read-only exports: known to have none */
    /* Directories. */
    uint64_t changes;              /* names made or removed by us */
    struct gofer_listing *listing; /* complete; of a read-only directory */
    uint64_t misses_ns;            /* writable: since when misses are counted */
    uint8_t misses;                /* names that the gofer was asked about one by one */
    uint8_t listed_below;          /* directories in it that somebody listed */
    bool big;                      /* too big for a listing to be had for some misses */
    bool wants_attrs;              /* most names in a directory below it were looked up */
    bool walked;                   /* somebody lists all directories in it */
    uint64_t next_below;           /* the position after the last one listed in it */
    bool fetching;                 /* its listing is on the way */
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
extern const struct super_ops gofer_super_ops;
extern const struct file_ops gofer_file_ops, gofer_dir_ops;
extern const struct ckpt_type ckpt_goferfs, ckpt_gofer_fd, ckpt_gofer_dir;

/* inode.c. Sends c about the path of d, or about the one that leads to i: -ESTALE if none does. */
int goferfs_call(struct dentry *d, struct gofer_call *c);
int goferfs_call_inode(const struct inode *i, struct gofer_call *c);
bool goferfs_has_name(const struct dentry *d);
char *goferfs_path(const struct dentry *d, char buf[GOFER_PATH_MAX]);
struct inode *goferfs_inode_new(struct superblock *sb, const struct gofer_attr *a);
/* Gives d an inode; link: a symlink's target, len bytes, or NULL. */
int goferfs_attach(struct dentry *d, const struct gofer_attr *a, const char *link, size_t len);
void goferfs_evict(struct inode *i);
void goferfs_apply(struct inode *i, const struct gofer_attr *a);
/* Brings the attributes up to date if others, or writes, may have changed them. */
void goferfs_refresh(struct inode *i);

void goferfs_dir_changes(struct inode *dir);

/* nameless.c: regular files that no path leads to, yet or any more. */
int goferfs_tmpfile(struct task *t, struct inode *dir, mode_t mode, struct inode **out);
int goferfs_link_nameless(struct inode *i, struct inode *dir, struct dentry *d);
/* c goes along with a descriptor of i: -ESTALE if there is none. */
int goferfs_call_nameless(const struct inode *i, struct gofer_call *c);
/* What an open for acc can share of those that are open. */
struct gofer_fd *goferfs_share_fd(struct inode *i, int acc);

/* xattr.c */
ssize_t goferfs_getxattr(struct task *t, struct inode *i, const char *name, void *buf, size_t size);
int goferfs_setxattr(struct task *t, struct dentry *d, const char *name, const void *v, size_t n,
                     int flags);
ssize_t goferfs_listxattr(struct task *t, struct inode *i, char *buf, size_t size);
int goferfs_removexattr(struct task *t, struct dentry *d, const char *name);

/* file.c */
struct gofer_fd *goferfs_fd_new(struct inode *i, int fd, int acc);
int goferfs_open_file(struct task *t, struct inode *i, const struct path *p, int flags,
                      struct file **out);
/* The host descriptor of an open file of ours, or -1. */
int goferfs_file_fd(struct file *f);
void goferfs_created(struct inode *i, int fd); /* takes over fd: the open that follows a create */
void goferfs_donated(struct inode *i, int fd); /* takes over fd: O_RDONLY, for an open to come */
void goferfs_forget_fds(struct inode *i);
void gofer_fd_put(struct gofer_fd *g);
void goferfs_keep_rd(struct gofer_inode *gi, struct gofer_fd *g);

/* ckpt.c */
const struct inode_ops *goferfs_ops_of(mode_t mode);
void goferfs_save_inode(struct ckpt_writer *w, struct inode *i);
void goferfs_load_inode(struct ckpt_reader *r, struct inode *i, unsigned int version);
void goferfs_restore_inode(struct ckpt_reader *r, struct inode *i);
int goferfs_restore_file(struct file *f);
int goferfs_restore_dir(struct file *f);

/* dir.c */
struct gofer_dir {              /* an open directory */
    struct gofer_listing *list; /* one reply */
    uint64_t from;              /* position the reply was read at */
};
int goferfs_open_dir(struct task *t, struct inode *i, const struct path *p, int flags,
                     struct file **out);

/* listing.c */
static inline const struct gofer_dirent *gofer_entry_at(const struct gofer_listing *l, uint32_t off)
{
    return off < l->len ? (const void *)(l->data + off) : NULL;
}

#define for_each_gofer_entry(e, l)                                                                 \
    for (uint32_t off_ = 0; ((e) = gofer_entry_at(l, off_)); off_ += (e)->reclen)

static inline const struct gofer_attr *gofer_entry_attr(const struct gofer_dirent *e)
{
    return e->has_attr ? (const void *)e->data : NULL;
}

static inline const char *gofer_entry_name(const struct gofer_dirent *e)
{
    return e->data + (e->has_attr ? sizeof(struct gofer_attr) : 0);
}

/* Are these well-formed entries? Counts them. */
bool gofer_entries_ok(const char *data, uint32_t len, uint32_t *n);
void gofer_listing_put(struct gofer_listing *l);
const struct gofer_dirent *gofer_listing_find(struct gofer_listing *l, const char *name,
                                              size_t len);
int goferfs_attach_entry(struct dentry *d, const struct gofer_dirent *e);
void goferfs_keep_listing(struct gofer_inode *gi, struct gofer_listing *l);
void goferfs_forget_listing(struct inode *i);
/* The kept listing of a directory that somebody needs now, borrowed; or NULL. */
struct gofer_listing *goferfs_use_listing(struct inode *dir);

/* ahead.c */
void goferfs_ahead_used(struct gofer_super *s);
struct gofer_fetch {
    uint64_t pos;
    uint32_t attrs;     /* of all entries if there are no more than so many */
    unsigned int flags; /* GOFER_LIST_* */
};
/*
 * Asks for entries of dir. What the reply tells goes into the dentry cache, or for read-only
 * directories into listings that are kept. Parks.
 */
int goferfs_fetch(struct dentry *dir, const struct gofer_fetch *how, struct gofer_listing **out);

/* lookup.c */
int goferfs_lookup(struct task *t, struct inode *dir, struct dentry *d);
int goferfs_revalidate(struct task *t, struct dentry *d);

#endif
