/*
 * Checkpoints of the overlay: an inode is its two dentries. Those of its inodes that only the
 * cache has are found again by looking their names up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/fs/overlay/overlay.h"
#include "sentry/fs/tmpfs/tmpfs.h"

#define NAMES_MAX (1U << 24)

/* --- superblocks --- */
static const struct ckpt_field super_fields[] = {
    CKPT_REF(struct ovl_super, lower, &ckpt_superblock),
    CKPT_REF(struct ovl_super, upper, &ckpt_superblock),
    CKPT_REF(struct ovl_super, whiteout, &ckpt_dentry),
};

static void super_link(struct ckpt_reader *r, void *obj)
{
    const struct ovl_super *s = obj;

    if (!s->lower || !s->upper || s->upper->ops != &tmpfs_super_ops || !s->upper->root ||
        !s->lower->root || s->lower->ops == &ovl_super_ops)
        ckpt_bad(r, "an overlay without its layers");
    else if (s->whiteout && (s->whiteout->sb != s->upper || !s->whiteout->inode ||
                             !ovl_is_whiteout(s->whiteout->inode)))
        ckpt_bad(r, "a whiteout that is none");
}

const struct ckpt_type ckpt_overlay = {
    .name = "overlay",
    .id = CT_OVERLAY,
    .version = 1,
    .size = sizeof(struct ovl_super),
    CKPT_TABLE(super_fields),
    .link = super_link,
};
CKPT_TYPE_REGISTER(ckpt_overlay);
CKPT_SYMBOL("super_ops", "overlay", ovl_super_ops);
CKPT_SYMBOL("file_ops", "overlay directory", ovl_dir_ops);

/* --- inodes --- */
static const struct ckpt_field inode_fields[] = {
    CKPT_REF(struct ovl_inode, upper, &ckpt_dentry),
    CKPT_REF(struct ovl_inode, lower, &ckpt_dentry),
};

void ovl_save_inode(struct ckpt_writer *w, struct inode *i)
{
    ckpt_put_fields(w, inode_fields, ARRAY_SIZE(inode_fields), OVL_I(i));
}

void ovl_load_inode(struct ckpt_reader *r, struct inode *i, unsigned int version)
{
    struct ovl_inode *oi = calloc(1, sizeof(*oi));

    i->priv = oi;
    if (oi)
        ckpt_get_fields(r, inode_fields, ARRAY_SIZE(inode_fields), oi, version);
    else
        ckpt_bad(r, "out of memory");
}

/* A real object is of its layer, and of the kind that the overlay shows. */
static bool layer_ok(const struct dentry *d, const struct superblock *layer, mode_t mode)
{
    return !d || (d->inode && d->sb == layer && d->inode->sb == layer &&
                  !((d->inode->mode ^ mode) & S_IFMT));
}

void ovl_restore_inode(struct ckpt_reader *r, struct inode *i)
{
    const struct ovl_inode *oi = OVL_I(i);
    const struct ovl_super *s = OVL_S(i->sb);

    if ((!oi->upper && !oi->lower) || !layer_ok(oi->upper, s->upper, i->mode) ||
        !layer_ok(oi->lower, s->lower, i->mode))
        ckpt_bad(r, "a file of an overlay that is in no layer");
    else if (oi->upper && ovl_restored_upper(i))
        ckpt_bad(r, "two files of an overlay are one in its upper layer");
}

bool ovl_has_layer(const struct superblock *sb, const struct inode *real)
{
    return real->sb == OVL_S(sb)->upper || real->sb == OVL_S(sb)->lower;
}

/* --- directories that are being read --- */
static const struct ckpt_field dir_fields[] = {
    CKPT_BOOL(struct ovl_dir, started),
    CKPT_BOOL(struct ovl_dir, is_upper),
};

static void dir_save(struct ckpt_writer *w, void *obj)
{
    const struct ovl_dir *g = obj;

    ckpt_put_u8(w, g->one != NULL);
    ckpt_put_u32(w, (uint32_t)g->both.n);
    for (int k = 0; k < g->both.n; k++) {
        const struct ovl_name *e = &g->both.v[k];
        ckpt_put_u64(w, e->ino);
        ckpt_put_u8(w, e->type);
        ckpt_put_u8(w, (uint8_t)(e->whiteout | e->lower << 1));
        ckpt_put_string(w, e->name);
    }
}

static void dir_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct ovl_dir *g = obj;
    g->reopen = ckpt_get_u8(r);
    uint32_t n = ckpt_get_count(r, NAMES_MAX, 14);

    for (; n && !ckpt_failed(r); n--) {
        struct ovl_name e = {.ino = ckpt_get_u64(r)};
        e.type = ckpt_get_u8(r);
        uint8_t flags = ckpt_get_u8(r);
        e.whiteout = flags & 1;
        e.lower = flags & 2;
        char *name = ckpt_get_string(r, UINT8_MAX);
        if (!name || !*name || strchr(name, '/'))
            ckpt_bad(r, "a name that is none");
        else {
            e.len = (unsigned char)strlen(name);
            if (!ovl_names_add(&g->both, &e, name))
                ckpt_bad(r, "out of memory");
        }
        free(name);
    }
}

const struct ckpt_type ckpt_overlay_dir = {
    .name = "open directory of an overlay",
    .id = CT_OVERLAY_FILE,
    .version = 1,
    .size = sizeof(struct ovl_dir),
    CKPT_TABLE(dir_fields),
    .save = dir_save,
    .load = dir_load,
};
CKPT_TYPE_REGISTER(ckpt_overlay_dir);

/* A directory of one layer is opened again; where its reader is, is in the file's position. */
int ovl_restore_dir(struct file *f)
{
    struct ovl_dir *g = f->priv;
    const struct inode *i = f->inode;

    if (i->ops != &ovl_ops || !i->sb || i->sb->ops != &ovl_super_ops || !S_ISDIR(i->mode))
        return -EINVAL;
    if (!g->started || !g->reopen)
        return 0;
    struct path p = {NULL, g->is_upper ? OVL_I(i)->upper : OVL_I(i)->lower};
    if (!p.dentry || !p.dentry->inode || !S_ISDIR(p.dentry->inode->mode) ||
        !p.dentry->inode->ops->open || p.dentry->inode->sb != p.dentry->sb || g->one)
        return -EINVAL;
    return p.dentry->inode->ops->open(NULL, p.dentry->inode, &p, O_RDONLY | O_DIRECTORY, &g->one);
}
