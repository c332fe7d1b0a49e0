/*
 * Directories of the overlay. What exists in one layer only is listed from there; where several
 * have a part, the names are collected when reading begins, and positions count them. Who reads at
 * the same time shares them, until the directory changes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/fs/overlay/overlay.h"
#include "sentry/kernel/task.h"

#define DT_DIR_ 4
#define DT_CHR_ 2
#define DT_REG_ 8
/* Guests choose how many directories of how many names they hold open. */
#define NAMES_BYTES_MAX (128UL << 20)

/* --- sets of names --- */
static size_t booked; /* by all */

static bool book(struct ovl_names *s, size_t more)
{
    if (booked + more > NAMES_BYTES_MAX)
        return false;
    booked += more;
    s->booked += more;
    return true;
}

struct ovl_names *ovl_names_new(void)
{
    struct ovl_names *s = calloc(1, sizeof(*s));

    if (s)
        s->refs = 1;
    return s;
}

void ovl_names_put(struct ovl_names *s)
{
    if (!s || --s->refs)
        return;
    if (s->slot)
        *s->slot = NULL;
    booked -= s->booked;
    free(s->v);
    free(s->order);
    free(s->index);
    free(s->text);
    free(s);
}

void ovl_dir_changed(struct inode *dir)
{
    struct ovl_more *m = OVL_I(dir)->more;

    if (m)
        m->changes++;
    if (!m || !m->names)
        return;
    m->names->slot = NULL;
    m->names = NULL;
}

static uint32_t hash_name(const char *name, size_t len)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)name[i]) * 16777619u;
    return h;
}

static void index_add(struct ovl_names *s, int pos)
{
    uint32_t h = hash_name(ovl_name_text(s, &s->v[pos]), s->v[pos].len);

    while (s->index[h % (uint32_t)s->buckets])
        h++;
    s->index[h % (uint32_t)s->buckets] = pos + 1;
}

static bool grow_index(struct ovl_names *s)
{
    int buckets = s->buckets ? s->buckets * 2 : 64;
    int *index = book(s, (size_t)(buckets - s->buckets) * sizeof(int))
                     ? calloc((size_t)buckets, sizeof(int))
                     : NULL;

    if (!index)
        return false;
    free(s->index);
    s->index = index;
    s->buckets = buckets;
    for (int i = 0; i < s->n; i++)
        index_add(s, i);
    return true;
}

struct ovl_name *ovl_names_find(struct ovl_names *s, const char *name, size_t len)
{
    if (!s->buckets)
        return NULL;
    for (uint32_t h = hash_name(name, len);; h++) {
        int i = s->index[h % (uint32_t)s->buckets];
        if (!i)
            return NULL;
        if (s->v[i - 1].len == len && !memcmp(ovl_name_text(s, &s->v[i - 1]), name, len))
            return &s->v[i - 1];
    }
}

/* Doubles an array until it has room for so many items. */
static void *grow(struct ovl_names *s, void *v, size_t size, size_t *cap, size_t need)
{
    size_t n = *cap ? *cap : 32;

    while (n < need)
        n *= 2;
    if (n == *cap)
        return v;
    void *bigger = book(s, (n - *cap) * size) ? realloc(v, n * size) : NULL;
    if (bigger)
        *cap = n;
    return bigger;
}

static bool make_room(struct ovl_names *s, size_t len)
{
    size_t cap = (size_t)s->cap, room = s->room;
    struct ovl_name *v = grow(s, s->v, sizeof(*v), &cap, (size_t)s->n + 1);

    if (!v)
        return false;
    s->v = v;
    if (cap != (size_t)s->cap) {
        int *order = book(s, (cap - (size_t)s->cap) * sizeof(int))
                         ? realloc(s->order, cap * sizeof(int))
                         : NULL;
        if (!order)
            return false;
        s->order = order;
        s->cap = (int)cap;
    }
    char *text = grow(s, s->text, 1, &room, s->used + len + 1);
    if (!text)
        return false;
    s->text = text;
    s->room = (uint32_t)room;
    return (s->n + 1) * 2 < s->buckets || grow_index(s);
}

bool ovl_names_add(struct ovl_names *s, const struct ovl_name *proto, const char *name)
{
    if (!make_room(s, proto->len))
        return false;
    s->v[s->n] = *proto;
    s->v[s->n].at = s->used;
    memcpy(s->text + s->used, name, proto->len);
    s->text[s->used + proto->len] = 0;
    s->used += proto->len + 1U;
    index_add(s, s->n++);
    return true;
}

/* --- one layer's names --- */
struct collect {
    struct dir_context ctx;
    const struct ovl_super *sb;
    struct ovl_names *s;
    unsigned int layer;
    int first, norder; /* the first name that is new here; how many have their place in order */
    bool lowest, failed;
};

static bool is_dots(const char *name, size_t len)
{
    return (len == 1 && name[0] == '.') || (len == 2 && !memcmp(name, "..", 2));
}

/* As Linux, so that positions change little: names of the lowest layer come first. */
static void place(struct collect *k, struct ovl_name *e)
{
    if (!k->lowest || e->listed)
        return;
    e->listed = true;
    k->s->order[k->norder++] = (int)(e - k->s->v);
}

static bool collect(struct dir_context *c, const char *name, size_t len, loff_t off, uint64_t ino,
                    unsigned char type)
{
    struct collect *k = container_of(c, struct collect, ctx);
    struct ovl_name *e = is_dots(name, len) ? NULL : ovl_names_find(k->s, name, len);

    c->pos = off;
    if (is_dots(name, len) || len > UINT8_MAX)
        return true;
    if (!e) {
        const struct ovl_name n = {
            .ino = ino, .type = type, .len = (unsigned char)len, .layer = (uint16_t)k->layer};
        if (!ovl_names_add(k->s, &n, name)) {
            k->failed = true;
            return false;
        }
        e = &k->s->v[k->s->n - 1];
    }
    place(k, e);
    return true;
}

/* What looks like a whiteout: character devices of any number, in marked directories files. */
static int find_whiteouts(struct task *t, const struct collect *k, struct dentry *dir)
{
    bool files = k->layer && ovl_opaque_mark(k->sb, dir) == 'x';
    int err = 0;

    for (int i = k->first; !err && i < k->s->n; i++) {
        struct ovl_name *e = &k->s->v[i];
        struct dentry *d;
        if (e->type != DT_CHR_ && !(files && e->type == DT_REG_))
            continue;
        err = ovl_layer_child(t, k->layer, dir, ovl_name_text(k->s, e), e->len, &d);
        if (err || !d)
            continue;
        e->whiteout =
            ovl_is_whiteout(d->inode) || (files && S_ISREG(d->inode->mode) && !d->inode->size &&
                                          ovl_get_attr(k->sb, d, OVL_WHITEOUT, NULL, 0) >= 0);
        dentry_put(d);
    }
    return err;
}

int ovl_list_layer(struct task *t, const struct ovl_super *sb, struct ovl_lower dir,
                   struct ovl_names *s, bool lowest)
{
    struct inode *i = dir.d->inode;
    struct path p = {NULL, dir.d};
    struct collect k = {.ctx = {.emit = collect},
                        .sb = sb,
                        .s = s,
                        .layer = dir.layer,
                        .first = s->n,
                        .lowest = lowest};
    struct file *f;
    loff_t before = -1;

    int err = ovl_mounter_may(t, sb, i, MAY_READ | MAY_EXEC);
    if (!err)
        err = i->ops->open ? i->ops->open(t, i, &p, O_RDONLY | O_DIRECTORY, &f) : -ENOTDIR;
    if (err)
        return err;
    while (!err && !k.failed && k.ctx.pos != before) {
        before = k.ctx.pos;
        err = f->ops->readdir ? f->ops->readdir(t, f, &k.ctx) : -ENOTDIR;
    }
    file_put(f);
    if (!err && !k.failed)
        err = find_whiteouts(t, &k, dir.d);
    if (!lowest)
        return k.failed ? -ENOMEM : err;
    for (int n = 0; n < s->n; n++)
        if (!s->v[n].listed)
            s->order[k.norder++] = n;
    return k.failed ? -ENOMEM : err;
}

/* --- open directories --- */
/* The number that stat(2) gives for what the real directory calls ino. */
static uint64_t shown_ino(struct dentry *dir, unsigned int layer, const char *name, size_t len,
                          uint64_t ino)
{
    const struct ovl_super *s = OVL_S(dir->sb);
    struct dentry *d = NULL, *up = NULL;
    uint16_t fs = s->layers[layer].fs;

    if (!layer || s->own_dir_inos)
        d = dentry_cached(dir, name, len);
    if (d && d->inode) {
        ino = d->inode->ino;
    } else {
        if (!layer && OVL_I(dir->inode)->upper &&
            ovl_get_attr(s, OVL_I(dir->inode)->upper, OVL_IMPURE, NULL, 0) >= 0)
            ovl_layer_child(NULL, 0, OVL_I(dir->inode)->upper, name, len, &up);
        ino = up ? ovl_upper_ino(s, up, &fs) : ovl_shown_ino(s, fs, ino);
    }
    dentry_put(up);
    dentry_put(d);
    return ino;
}

struct pass { /* hands on what a single layer emits */
    struct dir_context ctx;
    struct dir_context *outer;
    struct file *f;
    unsigned int layer;
};

static bool pass_on(struct dir_context *c, const char *name, size_t len, loff_t off, uint64_t ino,
                    unsigned char type)
{
    struct pass *p = container_of(c, struct pass, ctx);
    struct dentry *dir = p->f->path.dentry;
    const struct ovl_super *s = OVL_S(dir->sb);

    if (len == 1 && name[0] == '.')
        ino = p->f->inode->ino;
    else if (is_dots(name, len))
        ino = dir->parent->inode->ino;
    else if (!p->layer || s->fs[s->layers[p->layer].fs].ino_bits || s->own_dir_inos)
        ino = shown_ino(dir, p->layer, name, len, ino);
    if (!p->outer->emit(p->outer, name, len, off, ino, type))
        return false;
    c->pos = off;
    return true;
}

static void reset(struct ovl_dir *g)
{
    if (g->one)
        file_put(g->one);
    ovl_names_put(g->names);
    *g = (struct ovl_dir){0};
}

/* What changes while it parks makes a listing that is not shared. */
static int collect_all(struct task *t, struct inode *i, struct ovl_dir *g)
{
    struct ovl_more *m = ovl_more(i);
    unsigned int n = ovl_nlowers(i);
    struct dentry *upper = OVL_I(i)->upper;
    int err = 0;

    if (!m)
        return -ENOMEM;
    if (m->names) {
        g->names = m->names;
        g->names->refs++;
        return 0;
    }
    struct ovl_names *s = g->names = ovl_names_new();
    if (!s)
        return -ENOMEM;
    uint32_t changes = m->changes;
    if (upper)
        err = ovl_list_layer(t, OVL_S(i->sb), (struct ovl_lower){upper, 0}, s, !n);
    for (unsigned int k = 0; !err && k < n; k++)
        err = ovl_list_layer(t, OVL_S(i->sb), ovl_lower_at(i, k), s, k == n - 1);
    if (!err && m->changes == changes && !m->names) {
        m->names = s;
        s->slot = &m->names;
    }
    return err;
}

static int start(struct task *t, struct inode *i, struct ovl_dir *g)
{
    struct ovl_inode *oi = OVL_I(i);
    int err;

    if (ovl_is_merged(i) || oi->whiteouts) {
        err = collect_all(t, i, g);
    } else {
        struct path p = {NULL, ovl_real_dentry(i)};
        g->is_upper = oi->upper;
        err = p.dentry->inode->ops->open(t, p.dentry->inode, &p, O_RDONLY | O_DIRECTORY, &g->one);
    }
    if (err)
        reset(g);
    else
        g->started = true;
    return err;
}

static int emit_all(struct file *f, const struct ovl_names *s, struct dir_context *c)
{
    struct dentry *dir = f->path.dentry;

    if (c->pos == 0 && !c->emit(c, ".", 1, 1, f->inode->ino, DT_DIR_))
        return 0;
    if (c->pos <= 1 && !c->emit(c, "..", 2, 2, dir->parent->inode->ino, DT_DIR_))
        return 0;
    for (loff_t k = MAX(c->pos, (loff_t)2) - 2; k < s->n; k++) {
        const struct ovl_name *e = &s->v[s->order[k]];
        const char *name = ovl_name_text(s, e);
        if (e->whiteout)
            continue;
        uint64_t ino = shown_ino(dir, e->layer, name, e->len, e->ino);
        if (!c->emit(c, name, e->len, k + 3, ino, e->type))
            return 0;
    }
    return 0;
}

static int ovl_readdir(struct task *t, struct file *f, struct dir_context *c)
{
    struct ovl_dir *g = f->priv;

    if (c->pos == 0 && g->started)
        reset(g);
    if (!g->started) {
        int err = start(t, f->inode, g);
        if (err)
            return err;
    }
    if (!g->one)
        return emit_all(f, g->names, c);
    struct pass p = {.ctx = {.pos = c->pos, .emit = pass_on},
                     .outer = c,
                     .f = f,
                     .layer = g->is_upper ? 0 : OVL_I(f->inode)->layer};
    return g->one->ops->readdir(t, g->one, &p.ctx);
}

static void ovl_dir_release(struct file *f)
{
    reset(f->priv);
    free(f->priv);
}

const struct file_ops ovl_dir_ops = {
    .kind = "overlay directory",
    .readdir = ovl_readdir,
    .llseek = dir_llseek,
    .release = ovl_dir_release,
    .priv_type = &ckpt_overlay_dir,
    .restore = ovl_restore_dir,
};

int ovl_open_dir(struct task *t, struct inode *i, const struct path *p, int flags,
                 struct file **out)
{
    struct ovl_dir *g = calloc(1, sizeof(*g));

    *out = g ? file_new(&ovl_dir_ops, i, p, flags) : NULL;
    if (!*out) {
        free(g);
        return file_new_error();
    }
    (*out)->priv = g;
    return 0;
}
