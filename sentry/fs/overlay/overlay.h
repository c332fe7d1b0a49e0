/* Internals of the overlay: inodes over two layers, copy-up, names, merged listings. */
#ifndef NV_SENTRY_FS_OVERLAY_OVERLAY_H
#define NV_SENTRY_FS_OVERLAY_OVERLAY_H

#include <sys/sysmacros.h>

#include "base/hash.h"
#include "sentry/vfs/file.h"

#define OVL_PRIVATE "trusted.overlay." /* attributes of ours in the upper layer */
#define OVL_OPAQUE "trusted.overlay.opaque"
#define OVL_ORIGIN "trusted.overlay.origin"

struct ovl_super {
    struct superblock *lower, *upper;
    struct dentry *whiteout; /* without a name: all whiteouts are hard links to it */
    struct hash by_upper;    /* overlay inodes, by their upper file */
};

struct ovl_inode {
    struct dentry *upper, *lower; /* references, held for the inode's life */
    struct hash_node in_hash;
    struct inode *inode; /* whose this is */
    bool copying;        /* somebody is copying it up */
};

static inline struct ovl_inode *OVL_I(const struct inode *i)
{
    return i->priv;
}

static inline struct ovl_super *OVL_S(const struct superblock *sb)
{
    return sb->priv;
}

static inline struct dentry *ovl_real_dentry(const struct inode *i)
{
    return OVL_I(i)->upper ? OVL_I(i)->upper : OVL_I(i)->lower;
}

static inline struct inode *ovl_real(const struct inode *i)
{
    return ovl_real_dentry(i)->inode;
}

static inline bool ovl_is_whiteout(const struct inode *i)
{
    return S_ISCHR(i->mode) && i->rdev == makedev(0, 0);
}

/* overlay.c */
extern const struct inode_ops ovl_ops;
extern const struct super_ops ovl_super_ops;
extern const struct file_ops ovl_dir_ops;
extern const struct ckpt_type ckpt_overlay, ckpt_overlay_dir;
/* A restored inode is found by its upper file from now on. -EEXIST: another is. */
int ovl_restored_upper(struct inode *i);
/* An inode over these (either may be NULL), or the one that upper already has; takes references. */
struct inode *ovl_inode_get(struct superblock *sb, struct dentry *upper, struct dentry *lower);
void ovl_set_upper(struct inode *i, struct dentry *upper);
uint64_t ovl_upper_ino(const struct inode *upper);
/* The attributes that the VFS looks at directly. */
void ovl_sync_attr(struct inode *i);
/* The child of a layer's directory named as d; *out NULL: none. Upper layers do not park here. */
int ovl_child(struct task *t, struct dentry *dir, const struct dentry *d, struct dentry **out);

/* copyup.c: afterwards i has an upper object; of a file's data at least keep bytes. Parks. */
int ovl_copy_up(struct task *t, struct inode *i, loff_t keep);
#define OVL_KEEP_ALL INT64_MAX

/* names.c */
int ovl_create(struct task *t, struct inode *dir, struct dentry *d, mode_t mode);
int ovl_mkdir(struct task *t, struct inode *dir, struct dentry *d, mode_t mode);
int ovl_mknod(struct task *t, struct inode *dir, struct dentry *d, mode_t mode, dev_t rdev);
int ovl_symlink(struct task *t, struct inode *dir, struct dentry *d, const char *target);
int ovl_link(struct task *t, struct dentry *old, struct inode *dir, struct dentry *d);
int ovl_unlink(struct task *t, struct inode *dir, struct dentry *d);
int ovl_rmdir(struct task *t, struct inode *dir, struct dentry *d);
int ovl_rename(struct task *t, struct inode *odir, struct dentry *od, struct inode *ndir,
               struct dentry *nd, unsigned int flags);
int ovl_tmpfile(struct task *t, struct inode *dir, mode_t mode, struct inode **out);

/* listing.c */
struct ovl_name {
    uint64_t ino;
    unsigned char type, len;
    bool whiteout, lower; /* lower: the layer below has it (too) */
    char *name;
};

struct ovl_names {
    struct dir_context ctx;
    struct ovl_name *v;
    int n, cap;
    int *index, buckets; /* open hash: position + 1 */
    bool failed, upper_layer;
};

struct ovl_dir { /* an open directory */
    bool started;
    bool reopen;           /* restored: one is to be opened again */
    struct file *one;      /* one layer's directory, */
    bool is_upper;         /* the upper one's; */
    struct ovl_names both; /* or the names of both */
};

bool ovl_names_add(struct ovl_names *s, const struct ovl_name *proto, const char *name);
/* Adds the names of one layer's directory. The upper one must come first, and does not park. */
int ovl_list_upper(struct task *t, struct dentry *upper, struct ovl_names *s);
int ovl_list_lower(struct task *t, struct dentry *lower, struct ovl_names *s);
void ovl_names_free(struct ovl_names *s);
int ovl_open_dir(struct task *t, struct inode *i, const struct path *p, int flags,
                 struct file **out);

/* ckpt.c */
void ovl_save_inode(struct ckpt_writer *w, struct inode *i);
void ovl_load_inode(struct ckpt_reader *r, struct inode *i, unsigned int version);
void ovl_restore_inode(struct ckpt_reader *r, struct inode *i);
bool ovl_has_layer(const struct superblock *sb, const struct inode *real);
int ovl_restore_dir(struct file *f);

#endif
