/* Internals of the overlay: inodes over several layers, copy-up, names, merged listings. */
#ifndef NV_SENTRY_FS_OVERLAY_OVERLAY_H
#define NV_SENTRY_FS_OVERLAY_OVERLAY_H

#include <sys/sysmacros.h>

#include "base/hash.h"
#include "sentry/vfs/file.h"

#define OVL_LAYERS_MAX 500 /* lower ones */
#define OVL_DEPTH_MAX 2    /* of file systems on top of each other: FILESYSTEM_MAX_STACK_DEPTH */
#define OVL_REDIRECT_MAX 256

/* Attributes of ours in the layers: "trusted.overlay." or "user.overlay." and a word. */
enum ovl_attr {
    OVL_OPAQUE,   /* y: hides what is below; x: whiteouts in it may be files with OVL_WHITEOUT */
    OVL_REDIRECT, /* the name, or path from the root, that a directory has below */
    OVL_ORIGIN,   /* what it was copied up from: struct ovl_origin */
    OVL_IMPURE,   /* things with an OVL_ORIGIN are in the directory */
    OVL_METACOPY, /* contents are below */
    OVL_WHITEOUT,
    OVL_UUID,
};

struct ovl_layer {
    struct superblock *sb;
    struct dentry *root;
    uint16_t fs; /* index of struct ovl_super.fs */
    bool xwhiteouts;
};

/* Where numbers of inodes are unique: layers of one file system have one. The first is the upper's.
 */
struct ovl_fs {
    struct superblock *sb;
    dev_t dev;         /* shown for files */
    uint64_t ino_bits; /* that keep its numbers apart from others' */
};

enum ovl_redirect_dir { OVL_FOLLOW, OVL_NOFOLLOW, OVL_REDIRECT_ON };
enum ovl_xino { OVL_XINO_OFF, OVL_XINO_AUTO, OVL_XINO_ON };
enum ovl_uuid { OVL_UUID_AUTO, OVL_UUID_OFF, OVL_UUID_NULL, OVL_UUID_ON };
enum ovl_fsync { OVL_FSYNC_AUTO, OVL_FSYNC_STRICT, OVL_FSYNC_VOLATILE };

struct ovl_config {
    uint8_t redirect, xino, uuid, fsync;
    bool userxattr, index, nfs_export, default_permissions;
    bool is_root;      /* the sandbox's: nobody has named its layers */
    bool lowers_added; /* one by one: lowerdir+ */
    /* As they were named; each of lowers ended by NUL, all by another. */
    char *lowers, *upper, *work;
};

struct ovl_super {
    struct ovl_layer *layers; /* the first is the upper one, without root: there is none */
    struct ovl_fs *fs;
    uint16_t nlayers, nfs;
    uint8_t depth;
    bool own_dir_inos;       /* numbers of directories are not the layers' */
    bool remote;             /* names in lower layers may change by others' hands */
    bool no_attrs;           /* the mounter may not have attributes of ours */
    struct dentry *work;     /* the upper layer's "work", to be no part of anything */
    struct dentry *whiteout; /* without a name: all whiteouts are hard links to it */
    struct hash by_upper;    /* overlay inodes, by their upper file */
    struct cred *mounter;    /* may less than everything: asked, too. NULL: needs not be */
    struct list node;        /* of all overlays with an upper layer */
    struct ovl_config config;
};

struct ovl_lower {
    struct dentry *d;
    uint16_t layer;
};

struct ovl_names;

struct ovl_more {            /* what few inodes have, all directories */
    struct ovl_names *names; /* current, of who reads it; weak */
    char *redirect;          /* of the upper directory */
    uint32_t changes;        /* of its names */
    uint16_t n;
    struct ovl_lower v[]; /* the second lower one and those beneath */
};

struct ovl_inode {
    struct dentry *upper, *lower; /* references, held for the inode's life */
    struct hash_node in_hash;
    struct inode *inode; /* whose this is */
    struct ovl_more *more;
    uint16_t layer;  /* lower's */
    uint16_t ino_fs; /* where the number is from */
    bool copying;    /* somebody is copying it up */
    bool whiteouts;  /* a directory of one layer that may have some */
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

static inline unsigned int ovl_nlowers(const struct inode *i)
{
    const struct ovl_inode *oi = OVL_I(i);

    return !oi->lower ? 0 : oi->more ? 1u + oi->more->n : 1;
}

static inline struct ovl_lower ovl_lower_at(const struct inode *i, unsigned int k)
{
    const struct ovl_inode *oi = OVL_I(i);

    return k ? oi->more->v[k - 1] : (struct ovl_lower){oi->lower, oi->layer};
}

/* Of more than one layer. */
static inline bool ovl_is_merged(const struct inode *i)
{
    const struct ovl_inode *oi = OVL_I(i);

    return (oi->upper && oi->lower) || (oi->more && oi->more->n);
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
/* An inode over these, or the one that upper (may be NULL) already has; takes references. */
struct inode *ovl_inode_get(struct superblock *sb, struct dentry *upper,
                            const struct ovl_lower *lowers, unsigned int n);
struct ovl_more *ovl_more(struct inode *i); /* NULL: out of memory */
void ovl_set_upper(struct inode *i, struct dentry *upper);
uint64_t ovl_shown_ino(const struct ovl_super *s, unsigned int fs, uint64_t ino);
/* The number that an upper file will have, in which file system. */
uint64_t ovl_upper_ino(const struct ovl_super *s, struct dentry *upper, uint16_t *fs);
/* The attributes that the VFS looks at directly. */
void ovl_sync_attr(struct inode *i);
/* The names in a directory have changed. */
void ovl_dir_changed(struct inode *dir);
int ovl_want_write(const struct superblock *sb); /* 0 or -EROFS */
int ovl_mounter_may(struct task *t, const struct ovl_super *s, struct inode *real, int mask);

/* lookup.c */
int ovl_lookup(struct task *t, struct inode *dir, struct dentry *d);
/* The child of an upper directory, maybe negative. Does not park. */
int ovl_upper_child(struct task *t, struct dentry *dir, const char *name, size_t len,
                    struct dentry **out);
/* The child of a directory of layer k; *out NULL: there is none. Parks unless it is the upper one.
 */
int ovl_layer_child(struct task *t, unsigned int k, struct dentry *dir, const char *name,
                    size_t len, struct dentry **out);
/* Would the lower layers show the name if nothing above hid it? */
int ovl_lower_has(struct task *t, struct inode *dir, const struct dentry *d, bool *has);
bool ovl_hides(const struct ovl_super *s, unsigned int layer, struct dentry *d); /* a whiteout? */
char ovl_opaque_mark(const struct ovl_super *s, struct dentry *d);

/* layers.c */
/* Takes references on layers (upper one first, its root may be NULL) and work, and over what config
 * has. ndata: so many at the end are not shown. */
struct ovl_plan {
    struct ovl_layer *layers;
    unsigned int nlayers, ndata;
    struct dentry *work;
    struct cred *mounter; /* NULL: the sentry itself */
    struct ovl_config config;
};
int ovl_super_new(struct ovl_plan *p, struct superblock **out);
void ovl_super_free(struct ovl_super *s);
unsigned int ovl_depth_of(const struct superblock *sb);
bool ovl_in_use(const struct dentry *d); /* as an upper layer or its work */
bool ovl_is_trap(const struct ovl_super *s, const struct dentry *d);
void ovl_show_options(struct superblock *sb, struct strbuf *out);
void ovl_free_config(struct ovl_config *c);
/* Names of lower layers in images. */
void ovl_lowers_save(struct ckpt_writer *w, const struct ovl_config *c);
void ovl_lowers_load(struct ckpt_reader *r, struct ovl_config *c);
void ovl_super_listed(struct ovl_super *s); /* it has an upper layer that is in use now */

/* workdir.c: base/work, empty. *out NULL: it cannot be had, and the overlay will be read-only. */
struct fs_setup;
int ovl_make_work(struct fs_setup *s, struct dentry *base, struct dentry **out);
int ovl_mark_volatile(struct task *t, struct dentry *work);

/* attrs.c: ours, and the others' view of extended attributes. */
#define OVL_ATTR_NAME 32
ssize_t ovl_get_attr(const struct ovl_super *s, struct dentry *d, enum ovl_attr a, void *buf,
                     size_t size);
int ovl_set_attr(struct task *t, const struct ovl_super *s, struct dentry *upper, enum ovl_attr a,
                 const void *value, size_t size);
bool ovl_is_private(const struct ovl_super *s, const char *name);
ssize_t ovl_getxattr(struct task *t, struct inode *i, const char *name, void *buf, size_t size);
int ovl_setxattr(struct task *t, struct dentry *d, const char *name, const void *v, size_t n,
                 int flags);
ssize_t ovl_listxattr(struct task *t, struct inode *i, char *buf, size_t size);
int ovl_removexattr(struct task *t, struct dentry *d, const char *name);

/* As Linux's file handle, but of what the sentry knows files by. */
struct ovl_origin {
    uint8_t version, magic, len, flags;
    uint32_t dev; /* of the lower file system */
    uint64_t ino;
};
#define OVL_ORIGIN_MAGIC 0xfb
int ovl_set_origin(struct task *t, const struct ovl_super *s, struct dentry *upper,
                   const struct dentry *lower);
bool ovl_get_origin(const struct ovl_super *s, struct dentry *upper, uint64_t *ino, uint16_t *fs);
int ovl_set_impure(struct task *t, const struct ovl_super *s, struct dentry *upper_dir);

/* copyup.c: afterwards i has an upper object; of a file's data at least keep bytes. Parks. */
int ovl_copy_up(struct task *t, struct inode *i, loff_t keep);
#define OVL_KEEP_ALL INT64_MAX

/* moved.c: files that were opened before i was copied up read the upper one now. */
void ovl_move_open_files(struct task *t, struct inode *i);

/* names.c, rename.c */
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
int ovl_put_whiteout(struct task *t, struct inode *dir, const struct dentry *d);
/* Removes a whiteout in the way, so that ud is free; *was tells. */
int ovl_clear_whiteout(struct task *t, struct inode *updir, struct dentry *ud, bool *was);
int ovl_set_opaque(struct task *t, const struct ovl_super *s, struct dentry *upper);
/* The names of victim's lower directories, for ovl_empty_upper(). */
int ovl_list_below(struct task *t, struct inode *victim, struct ovl_names *s);
int ovl_empty_upper(struct task *t, struct inode *victim, struct ovl_names *below);

/* listing.c */
struct ovl_name {
    uint64_t ino;
    uint32_t at;    /* in text */
    uint16_t layer; /* the topmost that has it */
    unsigned char type, len;
    bool whiteout, listed; /* maybe; listed: order has it */
};

struct ovl_names { /* of a directory; shared by who reads it meanwhile */
    unsigned int refs;
    struct ovl_names **slot; /* in the inode while up to date, NULL: it is not */
    struct ovl_name *v;
    int n, cap;
    int *order;          /* of being listed: the lowest layer's names first */
    int *index, buckets; /* open hash: position + 1 */
    char *text;
    uint32_t used, room;
    size_t booked;
};

struct ovl_dir { /* an open directory */
    bool started;
    bool reopen;             /* restored: one is to be opened again */
    struct file *one;        /* the directory of the only layer, */
    bool is_upper;           /* the upper one; */
    struct ovl_names *names; /* or the names of all */
};

struct ovl_names *ovl_names_new(void);
void ovl_names_put(struct ovl_names *s);
bool ovl_names_add(struct ovl_names *s, const struct ovl_name *proto, const char *name);
static inline const char *ovl_name_text(const struct ovl_names *s, const struct ovl_name *e)
{
    return s->text + e->at;
}
struct ovl_name *ovl_names_find(struct ovl_names *s, const char *name, size_t len);
/* Adds the names of one layer's directory; from the top downwards. The upper's does not park. */
int ovl_list_layer(struct task *t, const struct ovl_super *sb, struct ovl_lower dir,
                   struct ovl_names *s, bool lowest);
int ovl_open_dir(struct task *t, struct inode *i, const struct path *p, int flags,
                 struct file **out);

/* ckpt.c */
void ovl_save_inode(struct ckpt_writer *w, struct inode *i);
void ovl_load_inode(struct ckpt_reader *r, struct inode *i, unsigned int version);
void ovl_restore_inode(struct ckpt_reader *r, struct inode *i);
bool ovl_has_layer(const struct superblock *sb, const struct inode *real);
int ovl_restore_dir(struct file *f);

#endif
