/* Internals of the EROFS file system: its superblocks and inodes over reader.h. */
#ifndef NV_SENTRY_FS_EROFS_EROFS_H
#define NV_SENTRY_FS_EROFS_EROFS_H

#include "base/hash.h"
#include "sentry/fs/erofs/reader.h"
#include "sentry/vfs/file.h"

#define EROFS_STACK_MAX 2 /* images in images in images: FILESYSTEM_MAX_STACK_DEPTH */

struct erofs_super {
    struct erofs_image im;
    bool opened;           /* restored ones are read again when they are needed */
    int fd;                /* the CLI's, borrowed; -1: the image is */
    struct file *file;     /* this file of a guest */
    uint16_t export_index; /* the CLI's: 0 the root, or that of a mount */
    /* What the CLI's image was when it was mounted. */
    uint64_t size, mtime_sec;
    uint32_t mtime_nsec;
    uint8_t uuid[16];
    uint32_t checksum;
    bool noacl;        /* an option: the mode says it all */
    struct hash nodes; /* inodes by nid: several names are one inode */
    enum { PUBLIC_UNKNOWN, PUBLIC_YES, PUBLIC_NO } is_public;
};

struct erofs_inode {
    struct erofs_node node;
    bool loaded; /* node is what the image says; not so after a restore */
    struct hash_node by_nid;
    struct inode *inode; /* whose this is */
    /* The part of it, from its beginning, that is in one piece in the image, in whole pages. */
    bool direct_known;
    uint64_t direct_pos, direct_len;
    struct file *whole, *tail; /* in memory for mappings: all of it, or what is behind that */
    /* Access control lists, the default one second: as they are in the image, owned. */
    void *acl[2];
    uint32_t acl_size[2];
    bool acls_known;
};

static inline struct erofs_super *EROFS_S(const struct superblock *sb)
{
    return sb->priv;
}

static inline struct erofs_inode *EROFS_I(const struct inode *i)
{
    return i->priv;
}

extern const struct super_ops erofs_super_ops;
extern const struct inode_ops erofs_inode_ops;
extern const struct file_ops erofs_file_ops, erofs_dir_ops;
extern const struct ckpt_type ckpt_erofs;

/* super.c */
void erofs_attach_source(struct erofs_super *s);
/* How many images are below one that is in f. */
int erofs_depth(const struct file *f);
/* Before anything is read of the image, of the inode: 0 or negative errno. Parks. */
int erofs_ready(struct erofs_super *s);
int erofs_load(struct inode *i);
int erofs_iget(struct superblock *sb, uint64_t nid, struct inode **out);
void erofs_remember(struct inode *i);
struct inode *erofs_known(struct superblock *sb, uint64_t nid);

/* acl.c */
void *erofs_acl(const struct inode *i, bool dflt, size_t *size);
void erofs_acls_free(struct erofs_inode *ei);

/* direct.c: what of a file the host may map straight from the image, and who may have that. */
int erofs_direct(struct inode *i);
bool erofs_maps_directly(const struct file *f);
struct file *erofs_map_as(struct task *t, struct file *f);

/* file.c */
int erofs_mmap(struct task *t, struct file *f, uint64_t off, uint64_t len, int prot, int flags,
               int *host_fd, uint64_t *host_off);
int erofs_open_inode(struct task *t, struct inode *i, const struct path *p, int flags,
                     struct file **out);

/* ckpt.c */
const struct inode_ops *erofs_ops_of(mode_t mode);
void erofs_load_inode(struct ckpt_reader *r, struct inode *i, unsigned int version);
void erofs_restore_inode(struct ckpt_reader *r, struct inode *i);

#endif
