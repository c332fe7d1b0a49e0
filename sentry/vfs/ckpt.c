/*
 * Checkpoints of names: superblocks, inodes, dentries, working directories. Mounts: ckpt_mount.c.
 *
 * Dentries are a cache: only those that something holds are saved. What a file system keeps in an
 * inode is part of the inode's record (super_ops.save_inode).
 *
 * An image may say anything. Superblocks are not counted by what is in them, and operations take
 * for granted what an inode is. So link() checks that all objects of a superblock are reached
 * through it or its mounts, and that operations go by superblock and mode.
 */
#include "sentry/vfs/ckpt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/vfs/vfs_internal.h"

#define FSTYPE_MAX 32
#define FSTYPES_MAX 32

/* --- paths --- */
enum path_kind { PATH_NONE, PATH_MOUNT, PATH_ANON, PATH_BARE };

void ckpt_put_path(struct ckpt_writer *w, const struct path *p)
{
    enum path_kind kind = !p->dentry        ? PATH_NONE
                          : path_is_anon(p) ? PATH_ANON
                          : p->mnt          ? PATH_MOUNT
                                            : PATH_BARE;

    ckpt_put_u8(w, (uint8_t)kind);
    if (kind == PATH_NONE)
        return;
    ckpt_put_ref(w, &ckpt_dentry, p->dentry);
    if (kind == PATH_MOUNT)
        ckpt_put_ref(w, &ckpt_mount, p->mnt);
}

void ckpt_get_path(struct ckpt_reader *r, struct path *p)
{
    uint8_t kind = ckpt_get_u8(r);

    *p = (struct path){0};
    if (kind > PATH_BARE)
        ckpt_bad(r, "a path of kind %u", kind);
    if (kind == PATH_NONE || ckpt_failed(r))
        return;
    ckpt_get_ref(r, &ckpt_dentry, &p->dentry);
    if (kind == PATH_MOUNT)
        ckpt_get_ref(r, &ckpt_mount, &p->mnt);
    else if (kind == PATH_ANON)
        p->mnt = anon_mount_get();
}

bool ckpt_path_ok(struct ckpt_reader *r, const struct path *p)
{
    const struct dentry *d = p->dentry;
    bool ok = d && d->inode && d->sb && d->inode->sb == d->sb;

    if (ok && path_is_anon(p))
        ok = d->sb->ops == &anon_super_ops && d->sb->pinned;
    else if (ok && p->mnt)
        ok = p->mnt->sb == d->sb;
    else if (ok)
        ok = d->sb->pinned;
    if (!ok)
        ckpt_bad(r, "a path that leads nowhere");
    return ok;
}

/* --- superblocks --- */
static const struct ckpt_field super_fields[] = {
    CKPT_SYM(struct superblock, ops, "super_ops"),
    CKPT_STRING(struct superblock, source, 4096),
    CKPT_UINT(struct superblock, magic),
    CKPT_UINT_MAX(struct superblock, dev, INT32_MAX),
    CKPT_BOOL(struct superblock, readonly),
    CKPT_BOOL(struct superblock, pinned),
    CKPT_UINT(struct superblock, next_ino),
    CKPT_REF(struct superblock, root, &ckpt_dentry),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct superblock, flags, .max = INT32_MAX),
    CKPT_SINCE(3, CKPT_KIND_REF, struct superblock, user_ns, .type = &ckpt_user_ns),
};

static void super_save(struct ckpt_writer *w, void *obj)
{
    const struct superblock *sb = obj;

    ckpt_put_string(w, sb->fstype);
    ckpt_put_u8(w, sb->priv != NULL);
    if (sb->priv && sb->ops && !sb->ops->priv_type)
        ckpt_refuse(w, sb->fstype, "file systems of this kind cannot be saved");
    if (sb->priv && sb->ops && sb->ops->priv_type)
        ckpt_put_ref(w, sb->ops->priv_type, sb->priv);
}

/* Stays for ever, as the literal that it was. */
static const char *fstype_load(struct ckpt_reader *r)
{
    static char *known[FSTYPES_MAX];
    char *name = ckpt_get_string(r, FSTYPE_MAX);
    int i = 0;

    while (name && i < FSTYPES_MAX && known[i] && strcmp(known[i], name) != 0)
        i++;
    if (!name || i == FSTYPES_MAX) {
        free(name);
        return NULL;
    }
    if (known[i])
        free(name);
    else
        known[i] = name;
    return known[i];
}

static void super_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct superblock *sb = obj;

    sb->fstype = fstype_load(r);
    if (!sb->ops || !sb->fstype) {
        ckpt_bad(r, "a file system of no kind");
        return;
    }
    bool has_priv = version >= 2 ? ckpt_get_u8(r) : sb->ops->priv_type && !sb->ops->priv_optional;
    if (has_priv && sb->ops->priv_type)
        ckpt_get_ref(r, sb->ops->priv_type, &sb->priv);
}

static bool priv_fits(const struct superblock *sb)
{
    return sb->priv ? sb->ops->priv_type != NULL : !sb->ops->priv_type || sb->ops->priv_optional;
}

static void super_link(struct ckpt_reader *r, void *obj)
{
    struct superblock *sb = obj;
    const struct dentry *root = sb->root;

    if (!sb->ops->inode_ops || !priv_fits(sb))
        ckpt_bad(r, "%s is incomplete", sb->fstype);
    else if (root ? root->sb != sb || root->parent != root || !root->inode
                  : sb->ops != &anon_super_ops)
        ckpt_bad(r, "%s has no root", sb->fstype);
    if (ckpt_failed(r))
        return;
    super_dev_restored(sb->dev);
    if (!sb->pinned)
        return;
    if (!sb->ops->adopt) {
        ckpt_bad(r, "%s is not for files without a mount", sb->fstype);
        return;
    }
    sb->refs++;
    sb->ops->adopt(sb);
}

static void super_hold(void *obj)
{
    ((struct superblock *)obj)->refs++;
}

const struct ckpt_type ckpt_superblock = {
    .name = "superblock",
    .id = CT_SUPERBLOCK,
    .version = 3, /* 3: of a user namespace */
    .size = sizeof(struct superblock),
    CKPT_TABLE(super_fields),
    .save = super_save,
    .load = super_load,
    .link = super_link,
    .hold = super_hold,
};
CKPT_TYPE_REGISTER(ckpt_superblock);

/* --- inodes --- */
static const struct ckpt_field inode_fields[] = {
    CKPT_WEAK(struct inode, sb, &ckpt_superblock),
    CKPT_UINT(struct inode, ino),
    CKPT_UINT_MAX(struct inode, mode, 0177777),
    CKPT_UINT(struct inode, nlink),
    CKPT_UINT(struct inode, uid),
    CKPT_UINT(struct inode, gid),
    CKPT_UINT(struct inode, rdev),
    CKPT_UINT_MAX(struct inode, size, INT64_MAX),
    CKPT_UINT(struct inode, blocks),
    CKPT_UINT(struct inode, atime.sec),
    CKPT_UINT_MAX(struct inode, atime.nsec, 999999999),
    CKPT_UINT(struct inode, mtime.sec),
    CKPT_UINT_MAX(struct inode, mtime.nsec, 999999999),
    CKPT_UINT(struct inode, ctime.sec),
    CKPT_UINT_MAX(struct inode, ctime.nsec, 999999999),
    CKPT_UINT(struct inode, btime.sec),
    CKPT_UINT_MAX(struct inode, btime.nsec, 999999999),
    CKPT_BOOL(struct inode, may_link),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct inode, write_hint, .max = 5),
};

static void inode_save(struct ckpt_writer *w, void *obj)
{
    struct inode *i = obj;

    ckpt_put_symbol(w, "super_ops", i->sb->ops);
    locks_save(w, i);
    if (i->sb->ops->save_inode)
        i->sb->ops->save_inode(w, i);
}

static void *inode_create(struct ckpt_reader *r)
{
    struct inode *i = calloc(1, sizeof(*i));

    if (i) {
        list_init(&i->names);
        list_init(&i->watches);
    }
    return i;
}

static void inode_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    const struct super_ops *sops = ckpt_get_symbol(r, "super_ops");
    struct inode *i = obj;

    locks_load(r, i);
    if (!sops || !sops->inode_ops) {
        ckpt_bad(r, "an inode of no file system");
        return;
    }
    if (ckpt_failed(r))
        return;
    i->ops = sops->inode_ops(i->mode);
    if (!i->ops)
        ckpt_bad(r, "mode %o in such a file system", i->mode);
    else if (sops->load_inode)
        sops->load_inode(r, i, version);
}

static void inode_link(struct ckpt_reader *r, void *obj)
{
    struct inode *i = obj;
    const struct super_ops *sops = i->sb ? i->sb->ops : NULL;

    /* The operations that load() chose are those of this superblock: so priv is what they expect.
     */
    if (!sops || !sops->inode_ops || sops->inode_ops(i->mode) != i->ops || !priv_fits(i->sb))
        ckpt_bad(r, "an inode of another file system");
    else if (!locks_valid(i))
        ckpt_bad(r, "a lock that nobody has");
    else if (sops->restore_inode)
        sops->restore_inode(r, i);
}

static void inode_hold(void *obj)
{
    inode_get(obj);
}

const struct ckpt_type ckpt_inode = {
    .name = "inode",
    .id = CT_INODE,
    .version = 2,
    CKPT_TABLE(inode_fields),
    .save = inode_save,
    .create = inode_create,
    .load = inode_load,
    .link = inode_link,
    .hold = inode_hold,
};
CKPT_TYPE_REGISTER(ckpt_inode);

/* --- dentries --- */
static const struct ckpt_field dentry_fields[] = {
    CKPT_STRING(struct dentry, name, NAME_MAX_LEN),
    CKPT_BOOL(struct dentry, hashed),
    CKPT_WEAK(struct dentry, sb, &ckpt_superblock),
    CKPT_REF(struct dentry, inode, &ckpt_inode),
};

static size_t ndentries; /* that were made from images */

static void dentry_save(struct ckpt_writer *w, void *obj)
{
    const struct dentry *d = obj;

    ckpt_put_u8(w, d->parent == d);
    if (d->parent != d)
        ckpt_put_ref(w, &ckpt_dentry, d->parent);
}

static void *dentry_create(struct ckpt_reader *r)
{
    struct dentry *d = calloc(1, sizeof(*d) + 1);

    if (!d)
        return NULL;
    list_init(&d->child_node);
    list_init(&d->children);
    list_init(&d->lru);
    list_init(&d->alias);
    ndentries++;
    return d;
}

static bool plain_name(const char *name)
{
    return *name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..");
}

static void dentry_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct dentry *d = obj;

    if (!d->name || !*d->name)
        ckpt_bad(r, "without a name");
    else
        d->name_len = (uint8_t)strlen(d->name);
    if (ckpt_get_u8(r))
        d->parent = d;
    else
        ckpt_get_ref(r, &ckpt_dentry, &d->parent);
}

static void dentry_link(struct ckpt_reader *r, void *obj)
{
    struct dentry *d = obj;

    if (d->parent != d && !plain_name(d->name))
        ckpt_bad(r, "'%s' in a directory", d->name);
    if (!ckpt_failed(r) && dentry_restored(d, ndentries))
        ckpt_bad(r, "'%s' is in no tree", d->name);
}

static void dentry_hold(void *obj)
{
    ((struct dentry *)obj)->refs++;
}

const struct ckpt_type ckpt_dentry = {
    .name = "dentry",
    .id = CT_DENTRY,
    .version = 1,
    CKPT_TABLE(dentry_fields),
    .save = dentry_save,
    .create = dentry_create,
    .load = dentry_load,
    .link = dentry_link,
    .hold = dentry_hold,
};
CKPT_TYPE_REGISTER(ckpt_dentry);

/* --- roots and working directories --- */
static const struct ckpt_field context_fields[] = {
    CKPT_UINT_MAX(struct fs_context, umask, 0777),
};

static void context_save(struct ckpt_writer *w, void *obj)
{
    const struct fs_context *fs = obj;

    ckpt_put_path(w, &fs->root);
    ckpt_put_path(w, &fs->cwd);
}

static void context_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct fs_context *fs = obj;

    ckpt_get_path(r, &fs->root);
    ckpt_get_path(r, &fs->cwd);
}

static void context_link(struct ckpt_reader *r, void *obj)
{
    const struct fs_context *fs = obj;

    if (ckpt_path_ok(r, &fs->root) && ckpt_path_ok(r, &fs->cwd) &&
        (!fs->root.mnt || !fs->cwd.mnt || !S_ISDIR(fs->root.dentry->inode->mode) ||
         !S_ISDIR(fs->cwd.dentry->inode->mode)))
        ckpt_bad(r, "root or working directory is no directory");
}

static void context_hold(void *obj)
{
    fs_context_get(obj);
}

const struct ckpt_type ckpt_fs_context = {
    .name = "fs context",
    .id = CT_FS_CONTEXT,
    .version = 1,
    .size = sizeof(struct fs_context),
    CKPT_TABLE(context_fields),
    .save = context_save,
    .load = context_load,
    .link = context_link,
    .hold = context_hold,
};
CKPT_TYPE_REGISTER(ckpt_fs_context);
