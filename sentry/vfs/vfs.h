/*
 * The virtual file system: inodes, dentries, mounts, path walking.
 *
 * References: a dentry holds its parent, its inode and its superblock's lifetime; a mount holds its
 * root dentry; struct path holds one of each. Unused dentries stay cached (positive and negative)
 * in their parent until memory or coherency drops them.
 */
#ifndef NV_SENTRY_VFS_VFS_H
#define NV_SENTRY_VFS_VFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/types.h>
#include <time.h>

#include "base/hash.h"
#include "base/list.h"

struct ckpt_reader;
struct ckpt_type;
struct ckpt_writer;
struct cred;
struct dentry;
struct file;
struct inode;
struct superblock;
struct task;
struct user_ns;

struct strbuf;

struct path;
struct mount_ns;

struct ktime {
    int64_t sec;
    uint32_t nsec;
};

struct kstat {
    uint64_t dev, ino, rdev, blocks;
    mode_t mode;
    uint32_t nlink;
    uid_t uid;
    gid_t gid;
    loff_t size;
    uint32_t blksize;
    struct ktime atime, mtime, ctime, btime;
    uint64_t mnt_unique; /* of its mount, with the other id: statx(2) */
    int mnt_id;
    bool is_mount;
};

#define SETATTR_MODE 1u
#define SETATTR_UID 2u
#define SETATTR_GID 4u
#define SETATTR_SIZE 8u
#define SETATTR_ATIME 16u
#define SETATTR_MTIME 32u
#define SETATTR_CTIME 64u

struct setattr {
    uint32_t mask;
    mode_t mode;
    uid_t uid;
    gid_t gid;
    loff_t size;
    struct ktime atime, mtime, ctime;
    struct file *file; /* ftruncate, may be NULL */
};

/*
 * Operations of a file system on its inodes. dir operations get the dentry to fill: lookup sets
 * d->inode through dentry_set_inode(), or leaves it NULL for a negative entry; create, mkdir... do
 * the same for the new object. Permission checks were made by the caller. All may park. NULL ops
 * give EPERM (mutations on file systems that have none: EPERM/EROFS), EINVAL or EOPNOTSUPP as
 * Linux.
 */
struct inode_ops {
    int (*lookup)(struct task *t, struct inode *dir, struct dentry *d);
    int (*create)(struct task *t, struct inode *dir, struct dentry *d, mode_t mode);
    int (*mkdir)(struct task *t, struct inode *dir, struct dentry *d, mode_t mode);
    int (*mknod)(struct task *t, struct inode *dir, struct dentry *d, mode_t mode, dev_t rdev);
    int (*symlink)(struct task *t, struct inode *dir, struct dentry *d, const char *target);
    int (*link)(struct task *t, struct dentry *old, struct inode *dir, struct dentry *d);
    int (*unlink)(struct task *t, struct inode *dir, struct dentry *d);
    int (*rmdir)(struct task *t, struct inode *dir, struct dentry *d);
    /* Targets were checked; flags are RENAME_*. The caller moves the dentries afterwards. */
    int (*rename)(struct task *t, struct inode *odir, struct dentry *od, struct inode *ndir,
                  struct dentry *nd, unsigned int flags);
    /* malloc'ed target in *out. */
    int (*readlink)(struct task *t, struct inode *i, char **out);
    /* Magic links of /proc: jumps straight to a path (references taken) instead of readlink. */
    int (*follow)(struct task *t, struct inode *i, struct path *out);
    int (*getattr)(struct task *t, struct inode *i, struct kstat *st); /* NULL: from the inode */
    int (*setattr)(struct task *t, struct dentry *d, const struct setattr *a);
    int (*permission)(struct task *t, struct inode *i, int mask); /* NULL: generic */
    /* Opens: returns a file with one reference in *out. d is the dentry opened. */
    int (*open)(struct task *t, struct inode *i, const struct path *p, int flags,
                struct file **out);
    int (*tmpfile)(struct task *t, struct inode *dir, mode_t mode, struct inode **out);
    ssize_t (*getxattr)(struct task *t, struct inode *i, const char *name, void *buf, size_t size);
    int (*setxattr)(struct task *t, struct dentry *d, const char *name, const void *v, size_t n,
                    int flags);
    ssize_t (*listxattr)(struct task *t, struct inode *i, char *buf, size_t size);
    int (*removexattr)(struct task *t, struct dentry *d, const char *name);
    /* The access control list, or the default one of a directory: the value of its attribute, which
     * stays the file system's; NULL: none. May park. NULL op: no lists. */
    void *(*acl)(const struct inode *i, bool dflt, size_t *size);
};

struct inode {
    unsigned int refs;
    const struct inode_ops *ops;
    struct superblock *sb;
    uint64_t ino;
    mode_t mode;
    uint32_t nlink;
    uid_t uid;
    gid_t gid;
    dev_t rdev;
    loff_t size;
    uint64_t blocks; /* 512-byte units */
    struct ktime atime, mtime, ctime, btime;
    void *priv;
    struct list names;        /* of struct dentry.alias; weak, see inode_dentry() */
    struct list watches;      /* inotify */
    struct file_locks *locks; /* lazily made, sentry/vfs/locks.c */
    int write_count;          /* open for writing; <0: being executed (ETXTBSY) */
    uint8_t write_hint;       /* F_SET_RW_HINT */
    bool no_caps;             /* known to have no security.capability, which writing removes */
    bool may_link;            /* O_TMPFILE: link(2) may give it its first name */
    bool dir_busy;            /* directories: a lookup or change of names is parked, dir_lock() */
    /* FIFOs and bound unix sockets hang their object here. */
    struct pipe *pipe;
    struct sock *sock;
};

struct super_ops {
    void (*evict)(struct inode *i); /* last reference dropped; frees priv. No park. */
    int (*statfs)(struct task *t, struct superblock *sb, struct statfs *st);
    /* A cached dentry that may be stale: 1 still good, 0 drop it. NULL: always good. May park. */
    int (*revalidate)(struct task *t, struct dentry *d);
    void (*put_super)(struct superblock *sb);
    void (*show_options)(struct superblock *sb, struct strbuf *out); /* ",size=4k" */
    /*
     * Checkpoints: the type of sb->priv (NULL: there is none to save); what the operations of an
     * inode are, which goes by its mode (NULL: of no use here); and what an inode has in its priv,
     * as part of its record. restore_inode() is called when all objects of the restored sandbox
     * exist, checks and completes; may park. adopt(): this superblock is the one of files without
     * a mount.
     */
    const struct ckpt_type *priv_type;
    bool priv_optional; /* images of version 1 have none */
    const struct inode_ops *(*inode_ops)(mode_t mode);
    void (*save_inode)(struct ckpt_writer *w, struct inode *i);
    void (*load_inode)(struct ckpt_reader *r, struct inode *i, unsigned int version);
    void (*restore_inode)(struct ckpt_reader *r, struct inode *i);
    void (*adopt)(struct superblock *sb);
    /* Stacked: may a file whose name is in sb have this inode, of another file system? */
    bool (*has_layer)(const struct superblock *sb, const struct inode *real);
};

struct superblock {
    unsigned int refs;
    const struct super_ops *ops;
    const char *fstype; /* "tmpfs", ... for mountinfo */
    char *source;
    uint64_t magic;
    dev_t dev;
    bool readonly;
    unsigned long flags;     /* MS_SYNCHRONOUS, MS_DIRSYNC, MS_LAZYTIME: shown */
    bool pinned;             /* never goes: its files need no mount */
    bool constant;           /* names change by the sentry alone: no use in revalidate() */
    struct user_ns *user_ns; /* of who mounted it, NULL: the first; owned */
    bool bindable;           /* although its mounts are in no namespace: nsfs */
    struct dentry *root;
    uint64_t next_ino;
    void *priv;
};

struct dentry {
    unsigned int refs;
    struct dentry *parent; /* itself for roots and disconnected entries */
    struct inode *inode;   /* NULL: negative */
    struct superblock *sb;
    struct list child_node, children;
    struct list alias;        /* in inode->names */
    struct hash_node in_hash; /* by parent and name */
    bool hashed;              /* found by lookup; false after unlink: " (deleted)" */
    unsigned int mounted;     /* mounts that sit here, of all namespaces */
    bool checked;             /* restored: it is in no circle of parents */
    struct list lru;          /* while unused */
    uint8_t name_len;
    char *name; /* NUL terminated; changes when renamed */
    char inline_name[];
};

/* Mounts that get and give each other what is mounted and unmounted beneath: sentry/vfs/propagate.c
 */
struct peer_group {
    int id;
    struct list members; /* struct mount.peer_node */
    struct list slaves;  /* struct mount.slave_node: what their master group does happens to them */
    struct list queue;   /* propagation under way: */
    struct mount *source;
    uint64_t seen;
};

struct mount {
    unsigned int refs; /* one is that of being in a tree */
    int id;            /* used again as on Linux; the next is not */
    uint64_t unique_id;
    struct superblock *sb;
    struct dentry *root;
    struct mount *parent; /* NULL for the root of a tree */
    struct dentry *mountpoint;
    struct list children, child_node;
    unsigned long flags;  /* MS_RDONLY, MS_NOSUID... of this mount alone: MOUNT_FLAGS */
    unsigned long locked; /* those that its namespace may not clear */
    bool is_locked;       /* its namespace may not uncover what is beneath */
    bool unbindable;
    bool expiring;           /* umount2(MNT_EXPIRE): not used since */
    bool going;              /* found by an umount */
    unsigned int writers;    /* open files */
    struct mount_ns *ns;     /* NULL: in none, any more or yet */
    struct list node;        /* in ns->mounts, by unique_id */
    struct mount *hash_next; /* by parent and mountpoint, newest first */
    struct peer_group *group, *master;
    struct list peer_node, slave_node;
    struct list prop_node;  /* propagation under way */
    struct list along_node; /* goes along with an umount elsewhere, as it looks so far */
};

struct path {
    struct mount *mnt;
    struct dentry *dentry;
};

struct fs_context { /* CLONE_FS shares it */
    unsigned int refs;
    struct path root, cwd;
    mode_t umask;
};

/* --- objects --- */
struct superblock *super_new(const struct super_ops *ops, const char *fstype, uint64_t magic,
                             void *priv);
void super_put(struct superblock *sb);
dev_t super_anon_dev(void);         /* a device number that nobody has */
void super_dev_restored(dev_t dev); /* it is taken */
struct inode *inode_new(struct superblock *sb, const struct inode_ops *ops, mode_t mode);
struct inode *inode_get(struct inode *i);
void inode_put(struct inode *i);
/* A name of the inode, one that lookup finds if there is any; borrowed. NULL: it has none left. */
struct dentry *inode_dentry(const struct inode *i);
struct dentry *dentry_new_root(struct superblock *sb, struct inode *root);
/* A dentry outside any directory, for files without a name; takes its own reference on i. */
struct dentry *dentry_new_detached(struct superblock *sb, const char *name, struct inode *i);
/* For file systems that learn of children without being asked: make one, give it an inode, add. */
struct dentry *dentry_new_child(struct dentry *dir, const char *name, size_t len);
void dentry_add(struct dentry *d);
/* Stacked file systems: od, one of a lower layer's, now has nd's place. */
int dentry_rename_done(struct dentry *od, struct dentry *nd);
/* RENAME_EXCHANGE: both stay, each under the other's name. */
int dentry_exchange(struct dentry *a, struct dentry *b);
struct dentry *dentry_get(struct dentry *d);
/* What the cache keeps of sb and nobody holds. */
void dentry_drop_unused(struct superblock *sb);
void dentry_put(struct dentry *d);
void dentry_set_inode(struct dentry *d, struct inode *i); /* takes over the reference */
void dentry_drop(struct dentry *d);                       /* no longer found by lookup */
struct dentry *dentry_cached(struct dentry *dir, const char *name,
                             size_t len); /* referenced or NULL */
struct mount *mount_get(struct mount *m);
static inline struct path path_get(const struct path *p)
{
    if (p->mnt)
        mount_get(p->mnt);
    if (p->dentry)
        dentry_get(p->dentry);
    return *p;
}
void path_put(struct path *p);
#define cleanup_path __attribute__((cleanup(path_put)))
struct fs_context *fs_context_new(const struct path *root);
struct fs_context *fs_context_copy(struct fs_context *fs);
struct fs_context *fs_context_get(struct fs_context *fs);
void fs_context_put(struct fs_context *fs);
void fs_context_set(struct fs_context *fs, const struct path *root); /* and working directory */

/* --- walking --- */
#define WALK_NOFOLLOW 1u   /* a final symlink is the result */
#define WALK_DIRECTORY 2u  /* ENOTDIR otherwise */
#define WALK_CREATE 4u     /* the last component may be missing: negative dentry is the result */
#define WALK_EMPTY_PATH 8u /* "" means dirfd itself */
#define WALK_BENEATH 16u   /* openat2 RESOLVE_* */
#define WALK_IN_ROOT 32u
#define WALK_NO_SYMLINKS 64u
#define WALK_NO_MAGICLINKS 128u
#define WALK_NO_XDEV 256u
#define WALK_NOMOUNT 512u     /* do not cross a mount on the last component */
#define WALK_MOUNTPOINT 2048u /* to what is mounted on the result, also for "." and ".." */
#define WALK_READ 1024u       /* what is found will be opened for reading */
#define WALK_CACHED 4096u     /* EAGAIN where a file system would be asked */

/*
 * Resolves name relative to dirfd (AT_FDCWD, or a descriptor of t). 0 with references in *out, or
 * negative errno in Linux's order. For WALK_CREATE see vfs_walk_parent().
 */
int vfs_walk(struct task *t, int dirfd, const char *name, unsigned int flags, struct path *out);
/* From an explicit start, e.g. exec's interpreter or binding a unix socket. */
int vfs_walk_from(struct task *t, const struct path *start, const char *name, unsigned int flags,
                  struct path *out);
/*
 * Resolves all but the last component: *parent is the directory, *last (malloc'ed) the name without
 * trailing slashes; *trailing_slash tells of them. "." and ".." and "/" give last "." etc. and the
 * caller decides (EEXIST, EBUSY, EINVAL...).
 */
int vfs_walk_parent(struct task *t, int dirfd, const char *name, unsigned int flags,
                    struct path *parent, char **last, bool *trailing_slash);
/* Fetches the path string from the guest: -EFAULT, -ENAMETOOLONG, (-ENOENT if empty, unless
 * allowed). */
int vfs_get_name(struct task *t, uint64_t addr, unsigned int walk_flags, char **out);
/* One step: the child (referenced, maybe negative) of a directory; checks no permission. */
int vfs_lookup(struct task *t, const struct path *dir, const char *name, size_t len,
               struct dentry **out);

/*
 * For a file system's lookup: what its caller's walk will want next. The rest of the path, "" at
 * its end; and whether a file there will be opened for reading.
 */
struct walk_ahead {
    const char *rest;
    bool read;
};
struct walk_ahead vfs_walk_ahead(const struct task *t);

#define MAY_EXEC 1
#define MAY_WRITE 2
#define MAY_READ 4
int inode_permission(struct task *t, struct inode *i, int mask);
int generic_permission(struct task *t, struct inode *i, int mask); /* mode bits and lists */
/* As access(2) does it: with real ids. */
int path_permission(struct task *t, const struct path *p, int mask); /* adds EROFS of mounts */

/* --- operations on names used by other parts (syscalls, proc, sockets, boot) --- */
int vfs_open(struct task *t, int dirfd, const char *name, int flags, mode_t mode,
             unsigned int resolve, struct file **out);
int vfs_open_path(struct task *t, const struct path *p, int flags, struct file **out);
int vfs_mknod(struct task *t, int dirfd, const char *name, mode_t mode, dev_t rdev,
              struct path *out /* may be NULL */);
int vfs_mkdir(struct task *t, const char *name, mode_t mode);
int vfs_getattr(struct task *t, const struct path *p, struct kstat *st);
/*
 * The absolute path as seen from t's root, malloc'ed; " (deleted)" appended. Of what cannot be seen
 * from there, the path from the top of its tree, as d_path() has it.
 */
int vfs_path_string(struct task *t, const struct path *p, char **out);
/* As /proc/PID/maps names a file that is mapped; malloc'ed, or NULL. */
char *file_map_name(struct task *t, const struct file *f);
/* The same from root, NULL: the top; *seen tells whether it was met. */
int vfs_path_seen(const struct path *root, const struct path *p, char **out, bool *seen);
struct ktime ktime_now(void);
void inode_touch(struct inode *i, bool mtime, bool atime); /* ctime is set with mtime */
/* Mode and owner, as far as a asks for them; times and size are the file system's matter. */
void inode_apply_mode(struct inode *i, const struct setattr *a);

/* --- mounts: more in sentry/vfs/mount.h --- */
extern struct mount_ns *root_mount_ns;
int mount_ns_init(struct superblock *root_sb, unsigned long flags);
/* Mounts sb on path (which may be any directory, or file for file roots). Takes over sb. */
int vfs_mount(const struct path *at, struct superblock *sb, unsigned long flags,
              struct mount **out);
int vfs_bind(const struct path *at, const struct path *from, bool recursive);
int vfs_umount(struct task *t, const struct path *at, int umount_flags);
/* A mount in no tree, for the sentry itself; takes over sb. NULL: out of memory. */
struct mount *vfs_private_mount(struct superblock *sb);
void vfs_private_umount(struct mount *m);

/* Device numbers: open of a character special inode goes here (sentry/fs/devtmpfs). */
typedef int (*chrdev_open_fn)(struct task *t, struct inode *i, const struct path *p, int flags,
                              struct file **out);
int chrdev_register(unsigned int major, unsigned int minor, chrdev_open_fn open);
chrdev_open_fn chrdev_lookup(dev_t rdev);

/* inotify hooks (sentry/ipc/inotify.c); mask IN_*; name NULL for the inode itself. */
void fsnotify(struct inode *i, struct dentry *d, uint32_t mask, uint32_t cookie);

#endif
