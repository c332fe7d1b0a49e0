/*
 * Names in the overlay: what a name is in each layer, from the top downwards, until something
 * hides what is below. Linux's ovl_lookup(), fs/overlayfs/namei.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/fs/overlay/overlay.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/vfs_internal.h"

/* --- children of a layer's directory --- */
/*
 * The directory is not locked: its names are a tmpfs's, whose lookup is atomic, and those who hold
 * the lock look the name up (again) when they have it.
 */
int ovl_upper_child(struct task *t, struct dentry *dir, const char *name, size_t len,
                    struct dentry **out)
{
    struct path p = {NULL, dir};

    return lookup_locked(t, &p, name, len, out);
}

int ovl_layer_child(struct task *t, unsigned int k, struct dentry *dir, const char *name,
                    size_t len, struct dentry **out)
{
    struct path p = {NULL, dir};

    *out = NULL;
    if (!dir || !dir->inode || !S_ISDIR(dir->inode->mode))
        return 0;
    int err = k ? vfs_lookup(t, &p, name, len, out) : ovl_upper_child(t, dir, name, len, out);
    if (!err && !(*out)->inode) {
        dentry_put(*out);
        *out = NULL;
    }
    return err == -ENOENT || err == -ENOTDIR || err == -ENAMETOOLONG ? 0 : err;
}

/* Files with the attribute are whiteouts in lower layers that have directories marked x. */
bool ovl_hides(const struct ovl_super *s, unsigned int layer, struct dentry *d)
{
    const struct inode *i = d->inode;

    if (ovl_is_whiteout(i))
        return true;
    return s->layers[layer].xwhiteouts && S_ISREG(i->mode) && !i->size &&
           ovl_get_attr(s, d, OVL_WHITEOUT, NULL, 0) >= 0;
}

char ovl_opaque_mark(const struct ovl_super *s, struct dentry *d)
{
    char c = 0;

    if (ovl_get_attr(s, d, OVL_OPAQUE, &c, 1) != 1)
        return 0;
    return c;
}

int ovl_lower_has(struct task *t, struct inode *dir, const struct dentry *d, bool *has)
{
    const struct ovl_super *s = OVL_S(dir->sb);
    int err = 0;

    *has = false;
    for (unsigned int k = 0; !err && k < ovl_nlowers(dir); k++) {
        struct ovl_lower l = ovl_lower_at(dir, k);
        struct dentry *ld;
        err = ovl_layer_child(t, l.layer, l.d, d->name, d->name_len, &ld);
        if (!ld)
            continue;
        *has = !ovl_hides(s, l.layer, ld);
        dentry_put(ld);
        break;
    }
    return err;
}

/* --- one layer --- */
struct search {
    struct task *t;
    struct ovl_super *s;
    const char *name; /* here; a redirect from the layer above may have changed it */
    size_t len;
    unsigned int layer;
    bool last; /* no layer beneath is of interest */
    bool is_dir, opaque, stop, metacopy;
    char *redirect; /* owned */
};

/* "/a/b", or a name without slashes. */
static bool redirect_valid(const char *r)
{
    if (*r != '/')
        return *r && !strchr(r, '/');
    for (const char *c = r; *c;) {
        size_t len = strcspn(c + 1, "/");
        if (!len || (len <= 2 && !strncmp(c + 1, "..", len)))
            return false;
        c += 1 + len;
    }
    return true;
}

/* In the layers beneath, what d leads to is called otherwise; pre: before this element, post: after
 */
static int follow_redirect(struct search *q, struct dentry *d, size_t pre, const char *post)
{
    char value[OVL_REDIRECT_MAX + 1];
    ssize_t n = ovl_get_attr(q->s, d, OVL_REDIRECT, value, OVL_REDIRECT_MAX);

    if (n < 0)
        return n == -ENODATA || n == -EOPNOTSUPP ? 0 : n == -ERANGE ? -EINVAL : (int)n;
    value[n] = 0;
    if (strlen(value) != (size_t)n || !redirect_valid(value))
        return -EINVAL;
    bool absolute = value[0] == '/';
    size_t before = absolute ? 0 : pre, after = strlen(post);
    if (pre + (size_t)n + after + 1 > PATH_MAX_LEN)
        return -EINVAL;
    size_t len = before + (size_t)n + after;
    char *name = malloc(len + 1);
    if (!name)
        return -ENOMEM;
    /* What was opaque on the way does not matter for an absolute one: it leads elsewhere. */
    if (absolute)
        q->stop = false;
    memcpy(name, q->name, before);
    memcpy(name + before, value, (size_t)n);
    memcpy(name + before + n, post, after + 1);
    free(q->redirect);
    q->redirect = name;
    q->name = name;
    q->len = len;
    return 0;
}

/* What a directory says about those beneath it. */
static int look_below(struct search *q, struct dentry *d, size_t pre, const char *post, bool end)
{
    char mark = ovl_opaque_mark(q->s, d);

    if (mark == 'y') {
        q->stop = true;
        q->opaque |= end;
        return 0;
    }
    if (mark == 'x' && end && q->layer)
        q->s->layers[q->layer].xwhiteouts = true;
    return follow_redirect(q, d, pre, post);
}

/* One element of the name; *out NULL: the layer has nothing there. */
static int find_element(struct search *q, struct dentry *base, const char *name, size_t len,
                        size_t pre, const char *post, struct dentry **out)
{
    struct dentry *d;
    bool end = !*post;

    int err = ovl_layer_child(q->t, q->layer, base, name, len, &d);
    *out = NULL;
    if (err || !d)
        return err;
    if (ovl_hides(q->s, q->layer, d)) {
        q->stop = q->opaque = true;
    } else if (end && q->metacopy && !S_ISREG(d->inode->mode)) {
        q->stop = true;
    } else if (!S_ISDIR(d->inode->mode)) {
        bool wrong = q->is_dir || !end;
        q->metacopy =
            !wrong && S_ISREG(d->inode->mode) && ovl_get_attr(q->s, d, OVL_METACOPY, NULL, 0) >= 0;
        q->stop = !q->metacopy;
        *out = wrong ? NULL : d;
    } else if (ovl_is_trap(q->s, d)) {
        err = -ELOOP; /* a layer was moved into another one */
    } else {
        q->is_dir |= end;
        if (!q->last)
            err = look_below(q, d, pre, post, end);
        *out = err ? NULL : d;
    }
    if (!*out)
        dentry_put(d);
    return err;
}

/* The whole name, which after an absolute redirect is a path: then base is the layer's root. */
static int find_in_layer(struct search *q, struct dentry *base, struct dentry **out)
{
    if (q->name[0] != '/')
        return find_element(q, base, q->name, q->len, 0, "", out);
    /* Counted from the end: a redirect on the way changes what is in front. */
    size_t rest = q->len - 1;
    struct dentry *at = dentry_get(base), *next;
    int err = 0;
    *out = NULL;
    while (at) {
        const char *name = q->name + q->len - rest, *end = strchrnul(name, '/');
        size_t len = (size_t)(end - name);
        err = find_element(q, at, name, len, (size_t)(name - q->name), end, &next);
        dentry_put(at);
        at = next;
        if (err || len == rest)
            break;
        rest -= len + 1;
    }
    *out = at;
    return err;
}

/* --- all layers --- */
struct found {
    struct dentry *upper;
    char *redirect; /* the upper one's */
    struct ovl_lower *v;
    unsigned int n;
};

static int find_upper(struct search *q, const struct inode *dir, struct found *f)
{
    struct dentry *base = OVL_I(dir)->upper;

    if (!base)
        return 0;
    int err = find_in_layer(q, base, &f->upper);
    if (!err && f->upper && q->redirect) {
        f->redirect = strdup(q->redirect);
        err = f->redirect ? 0 : -ENOMEM;
    }
    return err;
}

/* Layers come one after another, from above: there is room for all. */
static int add_lower(const struct search *q, struct found *f, struct dentry *d)
{
    if (!f->v)
        f->v = malloc(q->s->nlayers * sizeof(*f->v));
    if (!f->v) {
        dentry_put(d);
        return -ENOMEM;
    }
    f->v[f->n++] = (struct ovl_lower){d, (uint16_t)q->layer};
    return 0;
}

/*
 * Where the name is looked for: beneath the directory's parts in the lower layers, and after an
 * absolute redirect beneath the roots of the layers that come then.
 */
static int find_lowers(struct search *q, const struct inode *dir, struct found *f)
{
    const struct ovl_super *s = q->s;
    const struct inode *root = dir->sb->root->inode;
    int err = 0;

    if (q->redirect && q->redirect[0] == '/')
        dir = root;
    for (unsigned int k = 0; !err && !q->stop && k < ovl_nlowers(dir); k++) {
        struct ovl_lower base = ovl_lower_at(dir, k);
        struct dentry *d;
        bool follows = s->config.redirect != OVL_NOFOLLOW;
        q->last = follows ? base.layer == ovl_nlowers(root) : k == ovl_nlowers(dir) - 1;
        q->layer = base.layer;
        bool had_metacopy = q->metacopy;
        err = find_in_layer(q, base.d, &d);
        if (err || !d)
            continue;
        /* Contents that are in another file than the attributes are not followed. */
        if (had_metacopy || q->metacopy || (q->redirect && !follows)) {
            dentry_put(d);
            return -EPERM;
        }
        err = add_lower(q, f, d);
        if (q->redirect && q->redirect[0] == '/' && dir != root) {
            dir = root;
            k = base.layer - 1U; /* the next one */
        }
    }
    return err;
}

static int attach(struct dentry *d, const struct search *q, struct found *f)
{
    bool dir = f->upper ? S_ISDIR(f->upper->inode->mode) : q->is_dir;
    unsigned int n = dir ? f->n : MIN(f->n, 1U);
    struct inode *i = ovl_inode_get(d->sb, f->upper, f->v, n);

    if (!i)
        return -ENOMEM;
    if (f->redirect && S_ISDIR(i->mode) && ovl_more(i) && !OVL_I(i)->more->redirect) {
        OVL_I(i)->more->redirect = f->redirect;
        f->redirect = NULL;
    }
    dentry_set_inode(d, i);
    return 0;
}

int ovl_lookup(struct task *t, struct inode *dir, struct dentry *d)
{
    struct search q = {.t = t, .s = OVL_S(dir->sb), .name = d->name, .len = d->name_len};
    struct found f = {0};

    q.last = q.s->config.redirect == OVL_NOFOLLOW && !ovl_nlowers(dir);
    int err = find_upper(&q, dir, &f);
    if (!err && !q.stop)
        err = find_lowers(&q, dir, &f);
    if (!err && q.metacopy) /* nowhere are its contents */
        err = f.upper || f.n ? -EIO : 0;
    if (!err && (f.upper || f.n))
        err = attach(d, &q, &f);
    dentry_put(f.upper);
    for (unsigned int k = 0; k < f.n; k++)
        dentry_put(f.v[k].d);
    free(f.v);
    free(f.redirect);
    free(q.redirect);
    return err;
}
