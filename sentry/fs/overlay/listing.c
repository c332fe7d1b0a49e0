/*
 * Directories of the overlay. What exists in one layer only is listed from there; where both have
 * a part, the names are collected when reading begins, and positions count them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/fs/overlay/overlay.h"
#include "sentry/kernel/task.h"

/* --- sets of names --- */
static uint32_t hash_name(const char *name, size_t len)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)name[i]) * 16777619u;
    return h;
}

static void index_add(struct ovl_names *s, int pos)
{
    uint32_t h = hash_name(s->v[pos].name, s->v[pos].len);

    while (s->index[h % (uint32_t)s->buckets])
        h++;
    s->index[h % (uint32_t)s->buckets] = pos + 1;
}

static bool grow_index(struct ovl_names *s)
{
    int buckets = s->buckets ? s->buckets * 2 : 256;
    int *index = calloc((size_t)buckets, sizeof(int));

    if (!index)
        return false;
    free(s->index);
    s->index = index;
    s->buckets = buckets;
    for (int i = 0; i < s->n; i++)
        index_add(s, i);
    return true;
}

static struct ovl_name *find_name(struct ovl_names *s, const char *name, size_t len)
{
    if (!s->buckets)
        return NULL;
    for (uint32_t h = hash_name(name, len);; h++) {
        int i = s->index[h % (uint32_t)s->buckets];
        if (!i)
            return NULL;
        if (s->v[i - 1].len == len && !memcmp(s->v[i - 1].name, name, len))
            return &s->v[i - 1];
    }
}

bool ovl_names_add(struct ovl_names *s, const struct ovl_name *proto, const char *name)
{
    if (s->n == s->cap) {
        int cap = s->cap ? s->cap * 2 : 64;
        struct ovl_name *v = realloc(s->v, (size_t)cap * sizeof(*v));
        if (!v)
            return false;
        s->v = v;
        s->cap = cap;
    }
    if ((s->n + 1) * 2 >= s->buckets && !grow_index(s))
        return false;
    s->v[s->n] = *proto;
    s->v[s->n].name = strndup(name, proto->len);
    if (!s->v[s->n].name)
        return false;
    index_add(s, s->n++);
    return true;
}

static bool is_dots(const char *name, size_t len)
{
    return (len == 1 && name[0] == '.') || (len == 2 && !memcmp(name, "..", 2));
}

static bool collect(struct dir_context *c, const char *name, size_t len, loff_t off, uint64_t ino,
                    unsigned char type)
{
    struct ovl_names *s = container_of(c, struct ovl_names, ctx);
    struct ovl_name *e = is_dots(name, len) ? NULL : find_name(s, name, len);

    c->pos = off;
    if (is_dots(name, len))
        return true;
    if (e) { /* above: hidden, merged or copied up */
        e->lower = true;
        if (e->type == type)
            e->ino = ino;
        return true;
    }
    struct ovl_name n = {.ino = ino,
                         .type = type,
                         .len = (unsigned char)len,
                         .whiteout = s->upper_layer && type == 2 /* DT_CHR */,
                         .lower = !s->upper_layer};
    if (!ovl_names_add(s, &n, name))
        s->failed = true;
    return !s->failed;
}

void ovl_names_free(struct ovl_names *s)
{
    for (int i = 0; i < s->n; i++)
        free(s->v[i].name);
    free(s->v);
    free(s->index);
}

static int list_layer(struct task *t, struct dentry *dir, struct ovl_names *s)
{
    struct path p = {NULL, dir};
    struct file *f;
    loff_t before = -1;

    int err = dir->inode->ops->open(t, dir->inode, &p, O_RDONLY | O_DIRECTORY, &f);
    if (err)
        return err;
    s->ctx = (struct dir_context){.emit = collect};
    while (!err && !s->failed && s->ctx.pos != before) {
        before = s->ctx.pos;
        err = f->ops->readdir(t, f, &s->ctx);
    }
    file_put(f);
    return s->failed ? -ENOMEM : err;
}

int ovl_list_lower(struct task *t, struct dentry *lower, struct ovl_names *s)
{
    s->upper_layer = false;
    return list_layer(t, lower, s);
}

/* A character device in the upper layer is a whiteout only if its number is 0/0. */
int ovl_list_upper(struct task *t, struct dentry *upper, struct ovl_names *s)
{
    struct path p = {NULL, upper};

    s->upper_layer = true;
    int err = list_layer(t, upper, s);
    for (int i = 0; !err && i < s->n; i++) {
        struct dentry *d;
        if (!s->v[i].whiteout)
            continue;
        err = vfs_lookup(t, &p, s->v[i].name, s->v[i].len, &d);
        if (err)
            break;
        s->v[i].whiteout = d->inode && ovl_is_whiteout(d->inode);
        dentry_put(d);
    }
    return err;
}

/* --- open directories --- */
struct pass { /* hands on what a single layer emits */
    struct dir_context ctx;
    struct dir_context *outer;
    struct file *f;
    bool is_upper;
};

/* The number that stat(2) gives, for what the upper layer calls ino. */
static uint64_t shown_ino(struct dentry *dir, const char *name, size_t len, uint64_t ino)
{
    struct dentry *d = dentry_cached(dir, name, len);
    const struct inode fake = {.ino = ino};
    uint64_t shown = d && d->inode ? d->inode->ino : ovl_upper_ino(&fake);

    dentry_put(d);
    return shown;
}

static bool pass_on(struct dir_context *c, const char *name, size_t len, loff_t off, uint64_t ino,
                    unsigned char type)
{
    struct pass *p = container_of(c, struct pass, ctx);
    struct dentry *dir = p->f->path.dentry;

    if (len == 1 && name[0] == '.')
        ino = p->f->inode->ino;
    else if (is_dots(name, len))
        ino = dir->parent->inode->ino;
    else if (p->is_upper)
        ino = shown_ino(dir, name, len, ino);
    if (!p->outer->emit(p->outer, name, len, off, ino, type))
        return false;
    c->pos = off;
    return true;
}

static void reset(struct ovl_dir *g)
{
    if (g->one)
        file_put(g->one);
    ovl_names_free(&g->both);
    *g = (struct ovl_dir){0};
}

static int start(struct task *t, struct inode *i, struct ovl_dir *g)
{
    struct ovl_inode *oi = OVL_I(i);
    int err;

    if (oi->upper && oi->lower) {
        err = ovl_list_upper(t, oi->upper, &g->both);
        if (!err)
            err = ovl_list_lower(t, oi->lower, &g->both);
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

static int emit_both(struct file *f, struct ovl_dir *g, struct dir_context *c)
{
    struct dentry *dir = f->path.dentry;

    if (c->pos == 0 && !c->emit(c, ".", 1, 1, f->inode->ino, 4))
        return 0;
    if (c->pos == 1 && !c->emit(c, "..", 2, 2, dir->parent->inode->ino, 4))
        return 0;
    for (loff_t k = c->pos - 2; k >= 0 && k < g->both.n; k++) {
        const struct ovl_name *e = &g->both.v[k];
        if (e->whiteout)
            continue;
        uint64_t ino = e->lower ? e->ino : shown_ino(dir, e->name, e->len, e->ino);
        if (!c->emit(c, e->name, e->len, k + 3, ino, e->type))
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
        return emit_both(f, g, c);
    struct pass p = {
        .ctx = {.pos = c->pos, .emit = pass_on}, .outer = c, .f = f, .is_upper = g->is_upper};
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
