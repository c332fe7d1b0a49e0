/*
 * Checkpoints of the overlay: its layers, and inodes as their dentries in them. Those of its inodes
 * that only the cache has are found again by looking their names up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/fs/overlay/overlay.h"
#include "sentry/fs/tmpfs/tmpfs.h"
#include "sentry/kernel/task.h"

#define NAMES_MAX (1U << 24)
#define OPTION_MAX 4096

/* --- superblocks --- */
struct restored_super {
    struct ovl_super s;
    struct superblock *old_lower, *old_upper; /* version 1: the sandbox's root */
};

static const struct ckpt_field super_fields[] = {
    {.name = "lower",
     .kind = CKPT_KIND_REF,
     .since = 1,
     .until = 2,
     .offset = offsetof(struct restored_super, old_lower),
     .size = sizeof(void *),
     .type = &ckpt_superblock},
    {.name = "upper",
     .kind = CKPT_KIND_REF,
     .since = 1,
     .until = 2,
     .offset = offsetof(struct restored_super, old_upper),
     .size = sizeof(void *),
     .type = &ckpt_superblock},
    CKPT_REF(struct ovl_super, whiteout, &ckpt_dentry),
    CKPT_SINCE(2, CKPT_KIND_REF, struct ovl_super, work, .type = &ckpt_dentry),
    CKPT_SINCE(2, CKPT_KIND_REF, struct ovl_super, mounter, .type = &ckpt_cred),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct ovl_super, depth, .max = OVL_DEPTH_MAX),
    CKPT_SINCE(2, CKPT_KIND_BOOL, struct ovl_super, own_dir_inos),
    CKPT_SINCE(2, CKPT_KIND_BOOL, struct ovl_super, remote),
    CKPT_SINCE(2, CKPT_KIND_BOOL, struct ovl_super, no_attrs),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct ovl_super, config.redirect, .max = OVL_REDIRECT_ON),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct ovl_super, config.xino, .max = OVL_XINO_ON),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct ovl_super, config.uuid, .max = OVL_UUID_ON),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct ovl_super, config.fsync, .max = OVL_FSYNC_VOLATILE),
    CKPT_SINCE(2, CKPT_KIND_BOOL, struct ovl_super, config.userxattr),
    CKPT_SINCE(2, CKPT_KIND_BOOL, struct ovl_super, config.default_permissions),
    CKPT_SINCE(2, CKPT_KIND_BOOL, struct ovl_super, config.is_root),
    CKPT_SINCE(2, CKPT_KIND_BOOL, struct ovl_super, config.lowers_added),
    CKPT_SINCE(2, CKPT_KIND_STRING, struct ovl_super, config.upper, .max = OPTION_MAX),
    CKPT_SINCE(2, CKPT_KIND_STRING, struct ovl_super, config.work, .max = OPTION_MAX),
};

void ovl_lowers_save(struct ckpt_writer *w, const struct ovl_config *c)
{
    uint32_t n = 0;

    for (const char *l = c->lowers; l && *l; l += strlen(l) + 1)
        n++;
    ckpt_put_u32(w, n);
    for (const char *l = c->lowers; l && *l; l += strlen(l) + 1)
        ckpt_put_string(w, l);
}

static void super_save(struct ckpt_writer *w, void *obj)
{
    const struct ovl_super *s = obj;

    ckpt_put_u32(w, s->nlayers);
    for (unsigned int k = 0; k < s->nlayers; k++) {
        const struct ovl_layer *l = &s->layers[k];
        ckpt_put_ref(w, &ckpt_superblock, l->sb);
        ckpt_put_ref(w, &ckpt_dentry, l->root);
        ckpt_put_u32(w, l->fs);
        ckpt_put_u8(w, l->xwhiteouts);
    }
    ckpt_put_u32(w, s->nfs);
    for (unsigned int k = 0; k < s->nfs; k++) {
        ckpt_put_u64(w, s->fs[k].dev);
        ckpt_put_u64(w, s->fs[k].ino_bits);
    }
    ovl_lowers_save(w, &s->config);
}

static void *super_create(struct ckpt_reader *r)
{
    struct restored_super *rs = calloc(1, sizeof(*rs));

    if (rs)
        list_init(&rs->s.node);
    return rs;
}

static bool make_tables(struct ckpt_reader *r, struct ovl_super *s, uint32_t nlayers)
{
    s->layers = calloc(nlayers, sizeof(s->layers[0]));
    s->fs = calloc(nlayers, sizeof(s->fs[0]));
    s->nlayers = (uint16_t)nlayers;
    if (!s->layers || !s->fs)
        ckpt_bad(r, "out of memory");
    return s->layers && s->fs;
}

void ovl_lowers_load(struct ckpt_reader *r, struct ovl_config *c)
{
    uint32_t n = ckpt_get_count(r, OVL_LAYERS_MAX, 1);
    size_t used = 0;

    for (; n && !ckpt_failed(r); n--) {
        char *name = ckpt_get_string(r, OPTION_MAX);
        size_t len = name ? strlen(name) : 0;
        char *all = len ? realloc(c->lowers, used + len + 2) : NULL;
        if (!all) {
            ckpt_bad(r, "a layer without a name");
            free(name);
            return;
        }
        memcpy(all + used, name, len + 1);
        used += len + 1;
        all[used] = 0;
        c->lowers = all;
        free(name);
    }
}

static void super_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct ovl_super *s = obj;

    if (version < 2) {
        make_tables(r, s, 2);
        return;
    }
    uint32_t n = ckpt_get_count(r, OVL_LAYERS_MAX + 1, 13);
    if (n < 2 || !make_tables(r, s, n)) {
        ckpt_bad(r, "an overlay without layers");
        return;
    }
    for (uint32_t k = 0; k < n; k++) {
        struct ovl_layer *l = &s->layers[k];
        ckpt_get_ref(r, &ckpt_superblock, &l->sb);
        ckpt_get_ref(r, &ckpt_dentry, &l->root);
        l->fs = (uint16_t)MIN(ckpt_get_u32(r), (uint32_t)UINT16_MAX);
        l->xwhiteouts = ckpt_get_u8(r);
    }
    s->nfs = (uint16_t)ckpt_get_count(r, n, 16);
    for (uint32_t k = 0; k < s->nfs; k++) {
        s->fs[k].dev = ckpt_get_u64(r);
        s->fs[k].ino_bits = ckpt_get_u64(r);
        if (s->fs[k].dev > INT32_MAX)
            ckpt_bad(r, "device %lu", (unsigned long)s->fs[k].dev);
    }
    ovl_lowers_load(r, &s->config);
}

/* The root of a sandbox, as version 1 knew it; by whatever is linked first and asks for layers. */
static void complete_old(struct restored_super *rs)
{
    struct ovl_super *s = &rs->s;

    if (s->nfs || !rs->old_lower || !rs->old_upper || !rs->old_lower->root || !rs->old_upper->root)
        return;
    s->layers[0] = (struct ovl_layer){rs->old_upper, dentry_get(rs->old_upper->root), 0, false};
    s->layers[1] = (struct ovl_layer){rs->old_lower, dentry_get(rs->old_lower->root), 1, false};
    s->nfs = 2;
    s->fs[0].ino_bits = 1ULL << 50;
    s->depth = 1;
    s->config.is_root = true;
    s->config.redirect = OVL_NOFOLLOW;
    s->config.xino = OVL_XINO_ON;
}

/* Layers are not as deep as what is on top of them: so none is in a circle. */
static bool layer_fits(const struct ovl_super *s, unsigned int k)
{
    const struct ovl_layer *l = &s->layers[k];
    bool is_overlay = l->sb && l->sb->ops == &ovl_super_ops;

    if (!k && !l->sb && !l->root)
        return true;
    return l->sb && l->root && l->root->sb == l->sb && l->root->inode &&
           l->root->inode->sb == l->sb && S_ISDIR(l->root->inode->mode) && l->fs < s->nfs &&
           (k || (l->sb->ops == &tmpfs_super_ops && !l->fs)) &&
           (!is_overlay || (l->sb->priv && OVL_S(l->sb)->depth < s->depth));
}

static bool of_upper(const struct ovl_super *s, const struct dentry *d)
{
    return !d || (d->inode && d->sb == s->layers[0].sb && d->inode->sb == d->sb);
}

static void super_link(struct ckpt_reader *r, void *obj)
{
    struct ovl_super *s = obj;

    complete_old(obj);
    for (unsigned int k = 0; k < s->nlayers; k++)
        if (!s->nfs || !layer_fits(s, k))
            ckpt_bad(r, "an overlay without its layers");
    if (ckpt_failed(r))
        return;
    if (!of_upper(s, s->whiteout) || (s->whiteout && !ovl_is_whiteout(s->whiteout->inode)) ||
        !of_upper(s, s->work) || (s->work && !S_ISDIR(s->work->inode->mode)))
        ckpt_bad(r, "a whiteout that is none");
    if (s->layers[0].root)
        ovl_super_listed(s);
    for (unsigned int k = 0; k < s->nlayers; k++)
        s->fs[s->layers[k].fs].sb = s->layers[k].sb;
    for (unsigned int k = 0; k < s->nfs; k++)
        super_dev_restored(s->fs[k].dev);
}

const struct ckpt_type ckpt_overlay = {
    .name = "overlay",
    .id = CT_OVERLAY,
    .version = 2,
    CKPT_TABLE(super_fields),
    .save = super_save,
    .create = super_create,
    .load = super_load,
    .link = super_link,
};
CKPT_TYPE_REGISTER(ckpt_overlay);
CKPT_SYMBOL("super_ops", "overlay", ovl_super_ops);
CKPT_SYMBOL("file_ops", "overlay directory", ovl_dir_ops);

/* --- inodes --- */
static const struct ckpt_field inode_fields[] = {
    CKPT_REF(struct ovl_inode, upper, &ckpt_dentry),
    CKPT_REF(struct ovl_inode, lower, &ckpt_dentry),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct ovl_inode, layer),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct ovl_inode, ino_fs),
    CKPT_SINCE(2, CKPT_KIND_BOOL, struct ovl_inode, whiteouts),
};

void ovl_save_inode(struct ckpt_writer *w, struct inode *i)
{
    const struct ovl_more *m = OVL_I(i)->more;

    ckpt_put_fields(w, inode_fields, ARRAY_SIZE(inode_fields), OVL_I(i));
    ckpt_put_u32(w, m ? m->n : 0);
    for (unsigned int k = 0; m && k < m->n; k++) {
        ckpt_put_ref(w, &ckpt_dentry, m->v[k].d);
        ckpt_put_u32(w, m->v[k].layer);
    }
    ckpt_put_string(w, m ? m->redirect : NULL);
}

static void load_more(struct ckpt_reader *r, struct ovl_inode *oi)
{
    uint32_t n = ckpt_get_count(r, OVL_LAYERS_MAX, 8);
    struct ovl_more *m = calloc(1, sizeof(*m) + n * sizeof(m->v[0]));

    if (!m) {
        ckpt_bad(r, "out of memory");
        return;
    }
    m->n = (uint16_t)n;
    oi->more = m;
    for (uint32_t k = 0; k < n; k++) {
        ckpt_get_ref(r, &ckpt_dentry, &m->v[k].d);
        m->v[k].layer = (uint16_t)MIN(ckpt_get_u32(r), (uint32_t)UINT16_MAX);
    }
    m->redirect = ckpt_get_string(r, OVL_REDIRECT_MAX);
    if (!n && !m->redirect) {
        free(m);
        oi->more = NULL;
    }
}

void ovl_load_inode(struct ckpt_reader *r, struct inode *i, unsigned int version)
{
    struct ovl_inode *oi = calloc(1, sizeof(*oi));

    i->priv = oi;
    if (!oi) {
        ckpt_bad(r, "out of memory");
        return;
    }
    ckpt_get_fields(r, inode_fields, ARRAY_SIZE(inode_fields), oi, version);
    if (version >= 2)
        load_more(r, oi);
}

/* A real object is of its layer, and of the kind that the overlay shows. */
static bool layer_ok(const struct ovl_super *s, const struct dentry *d, unsigned int layer,
                     mode_t mode)
{
    if (!d)
        return true;
    return layer < s->nlayers && d->inode && d->sb == s->layers[layer].sb &&
           d->inode->sb == d->sb && !((d->inode->mode ^ mode) & S_IFMT);
}

void ovl_restore_inode(struct ckpt_reader *r, struct inode *i)
{
    struct ovl_inode *oi = OVL_I(i);
    const struct ovl_super *s = OVL_S(i->sb);
    struct restored_super *rs = i->sb->priv;

    if (s) {
        complete_old(rs);
        if (rs->old_lower && oi && oi->lower)
            oi->layer = oi->ino_fs = 1;
        i->sb->constant = !s->remote;
    }
    bool ok = s && s->layers && oi && (oi->upper || oi->lower) && oi->ino_fs < s->nlayers &&
              layer_ok(s, oi->upper, 0, i->mode);

    if (oi && oi->more && oi->more->n && !oi->lower)
        ok = false;
    /* One after another, from above: so there are not more than the overlay has. */
    unsigned int above = 0;
    for (unsigned int k = 0; ok && k < ovl_nlowers(i); k++) {
        struct ovl_lower l = ovl_lower_at(i, k);
        ok = l.d && l.layer > above && layer_ok(s, l.d, l.layer, i->mode);
        above = l.layer;
    }
    if (!ok)
        ckpt_bad(r, "a file of an overlay that is in no layer");
    else if (oi->upper && ovl_restored_upper(i))
        ckpt_bad(r, "two files of an overlay are one in its upper layer");
}

/* Layers are at most one overlay deep, which layer_fits() has seen to. */
bool ovl_has_layer(const struct superblock *sb, const struct inode *real)
{
    const struct ovl_super *s = OVL_S(sb);

    complete_old(sb->priv);
    for (unsigned int k = 0; k < s->nlayers; k++) {
        const struct superblock *l = s->layers[k].sb;
        if (!l)
            continue;
        if (l == real->sb)
            return true;
        for (unsigned int j = 0; l->ops == &ovl_super_ops && j < OVL_S(l)->nlayers; j++)
            if (OVL_S(l)->layers[j].sb == real->sb)
                return true;
    }
    return false;
}

/* --- directories that are being read --- */
static const struct ckpt_field dir_fields[] = {
    CKPT_BOOL(struct ovl_dir, started),
    CKPT_BOOL(struct ovl_dir, is_upper),
};

static void dir_save(struct ckpt_writer *w, void *obj)
{
    const struct ovl_dir *g = obj;
    const struct ovl_names *s = g->names;

    ckpt_put_u8(w, g->one != NULL);
    ckpt_put_u32(w, s ? (uint32_t)s->n : 0);
    for (int k = 0; s && k < s->n; k++) {
        const struct ovl_name *e = &s->v[s->order[k]];
        ckpt_put_u64(w, e->ino);
        ckpt_put_u8(w, e->type);
        ckpt_put_u8(w, (uint8_t)(e->whiteout | (e->layer ? 2 : 0)));
        ckpt_put_string(w, ovl_name_text(s, e));
        ckpt_put_u32(w, e->layer);
    }
}

static void add_restored(struct ckpt_reader *r, struct ovl_names *s, struct ovl_name *e,
                         const char *name)
{
    e->len = (unsigned char)strlen(name);
    e->listed = true;
    if (ovl_names_add(s, e, name))
        s->order[s->n - 1] = s->n - 1;
    else
        ckpt_bad(r, "out of memory");
}

static void dir_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct ovl_dir *g = obj;
    g->reopen = ckpt_get_u8(r);
    uint32_t n = ckpt_get_count(r, NAMES_MAX, 14);

    if (!g->started || g->reopen) {
        if (n)
            ckpt_bad(r, "names of a directory that is not merged, or not read");
        return;
    }
    g->names = ovl_names_new();
    if (!g->names) {
        ckpt_bad(r, "out of memory");
        return;
    }
    for (; n && !ckpt_failed(r); n--) {
        struct ovl_name e = {.ino = ckpt_get_u64(r)};
        e.type = ckpt_get_u8(r);
        uint8_t flags = ckpt_get_u8(r);
        e.whiteout = flags & 1;
        e.layer = flags & 2 ? 1 : 0;
        char *name = ckpt_get_string(r, UINT8_MAX);
        if (version >= 2)
            e.layer = (uint16_t)MIN(ckpt_get_u32(r), (uint32_t)UINT16_MAX);
        if (!name || !*name || strchr(name, '/'))
            ckpt_bad(r, "a name that is none");
        else
            add_restored(r, g->names, &e, name);
        free(name);
    }
}

const struct ckpt_type ckpt_overlay_dir = {
    .name = "open directory of an overlay",
    .id = CT_OVERLAY_FILE,
    .version = 2,
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
    for (int k = 0; g->names && k < g->names->n; k++)
        if (g->names->v[k].layer >= OVL_S(i->sb)->nlayers)
            return -EINVAL;
    if (!g->started || !g->reopen)
        return 0;
    struct path p = {NULL, g->is_upper ? OVL_I(i)->upper : OVL_I(i)->lower};
    if (!p.dentry || !p.dentry->inode || !S_ISDIR(p.dentry->inode->mode) ||
        !p.dentry->inode->ops->open || p.dentry->inode->sb != p.dentry->sb || g->one)
        return -EINVAL;
    return p.dentry->inode->ops->open(NULL, p.dentry->inode, &p, O_RDONLY | O_DIRECTORY, &g->one);
}
