/* Internals of tmpfs: names, data, extended attributes. */
#ifndef NV_SENTRY_FS_TMPFS_TMPFS_H
#define NV_SENTRY_FS_TMPFS_TMPFS_H

#include "base/hash.h"
#include "base/list.h"
#include "sentry/ckpt/contents.h"
#include "sentry/fs/fs.h"
#include "sentry/vfs/file.h"

#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20 /* Linux 6.3 */
#endif

struct tmpfs_super {
    uint64_t max_pages, pages; /* 0: no limit */
    uint64_t max_inodes, inodes;
    uint32_t root_mode; /* as it was mounted */
};

struct tmpfs_entry { /* a name in a directory; holds the inode */
    struct list node;
    struct hash_node in_hash; /* by directory and name */
    struct inode *dir, *inode;
    uint64_t cookie; /* position in the directory: grows with every new name */
    uint8_t len;
    char name[];
};

struct tmpfs_xattr {
    struct list node;
    size_t size;
    char *name, value[];
};

struct tmpfs_inode {
    char *data; /* small files; NULL when memfd is used or empty */
    size_t cap;
    struct ckpt_contents *image; /* restored, not changed or mapped since: the only contents */
    bool to_memfd;               /* which had been in one */
    int memfd;                   /* -1 until needed */
    char *map; /* of the whole memfd as it was when map_len was its length, or NULL */
    size_t map_len;
    uint64_t memfd_id;  /* of struct uio_fd */
    uint8_t small;      /* transfers that a mapping would have served */
    uint8_t large;      /* transfers so far that the guest could have made itself */
    unsigned int seals; /* memfd_create(2) */
    bool sealing;
    char *link;
    struct list entries; /* directories */
    uint64_t next_cookie;
    int nentries;
    struct inode *parent;
    struct list xattrs;
};

static inline struct tmpfs_inode *TMPFS_I(const struct inode *i)
{
    return i->priv;
}
static inline struct tmpfs_super *TMPFS_S(const struct superblock *sb)
{
    return sb->priv;
}

extern const struct inode_ops tmpfs_dir_ops, tmpfs_file_ops_inode, tmpfs_link_ops, tmpfs_node_ops;
extern const struct file_ops tmpfs_file_ops;

extern const struct file_ops tmpfs_dir_file_ops;
extern const struct super_ops tmpfs_super_ops;
extern const struct ckpt_type ckpt_tmpfs;

struct inode *tmpfs_inode_new(struct superblock *sb, mode_t mode, dev_t rdev);
void tmpfs_data_free(struct inode *i);
/* space.c: pages are booked before or after the fact; -ENOSPC when more do not fit. */
uint64_t tmpfs_used_pages(void); /* of all together */
uint64_t tmpfs_free_pages(const struct tmpfs_super *s);
int tmpfs_room(const struct inode *i, uint64_t more);
void tmpfs_book(struct inode *i, uint64_t pages);
void tmpfs_settle(struct inode *i);
uint64_t tmpfs_cached(struct file *f, uint64_t first, uint64_t last); /* file_ops.cached */
bool tmpfs_inode_book(struct tmpfs_super *s);
void tmpfs_inode_unbook(struct tmpfs_super *s);
int tmpfs_truncate(struct inode *i, loff_t size);
/* tmpfs.c, for restoring: a name with its inode, -EEXIST; an inode counts, whatever the limits. */
int tmpfs_entry_restored(struct tmpfs_entry *e);
void tmpfs_inode_book_always(struct tmpfs_super *s);
/* data.c: contents as they are wherever they are, into buf; len bytes or -errno. */
ssize_t tmpfs_peek(const struct inode *i, void *buf, size_t len, loff_t pos);
void tmpfs_anon_adopt(struct superblock *sb);
/* ckpt.c: an inode's part of its record. */
const struct inode_ops *tmpfs_ops_of(mode_t mode);
void tmpfs_save_inode(struct ckpt_writer *w, struct inode *i);
void tmpfs_load_inode(struct ckpt_reader *r, struct inode *i, unsigned int version);
void tmpfs_restore_inode(struct ckpt_reader *r, struct inode *i);
int tmpfs_open(struct task *t, struct inode *i, const struct path *p, int flags, struct file **out);
int tmpfs_setattr(struct task *t, struct dentry *d, const struct setattr *a);
ssize_t tmpfs_getxattr(struct task *t, struct inode *i, const char *name, void *buf, size_t size);
int tmpfs_setxattr(struct task *t, struct dentry *d, const char *name, const void *v, size_t n,
                   int flags);
ssize_t tmpfs_listxattr(struct task *t, struct inode *i, char *buf, size_t size);
int tmpfs_removexattr(struct task *t, struct dentry *d, const char *name);
/* Takes name over, also when it fails: NULL, no memory or no room. The value is not yet set. */
struct tmpfs_xattr *tmpfs_xattr_new(char *name, size_t size);
void *tmpfs_acl(const struct inode *i, bool dflt, size_t *size);
void tmpfs_xattrs_free(struct inode *i);

#endif
