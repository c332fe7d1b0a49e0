/*
 * overlay: a writable tmpfs over a read-only file system; semantics of Linux's overlayfs.
 *
 * An overlay inode points at the dentries of the real objects: upper (may be NULL) and lower (may
 * be NULL). What is changed is copied up first. Whiteouts are character devices 0/0 in the upper
 * layer; a directory that hides what is below has the attribute OPAQUE. Open files are the real
 * ones: reading and writing cost nothing extra. A directory that exists below cannot be renamed
 * (EXDEV), as on Linux without redirect_dir.
 */
#include <errno.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/fs/fs.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/file.h"

#define OPAQUE "trusted.overlay.opaque"

struct ovl_super {
    struct superblock *lower, *upper;
};

struct ovl_inode {
    struct dentry *upper, *lower; /* references */
    struct inode *parent;         /* weak: the directory's overlay inode, alive while we are named */
    struct dentry *self;          /* weak: the overlay dentry it was found under */
};

static const struct inode_ops ovl_ops;

static struct ovl_inode *OVL_I(const struct inode *i)
{
    return i->priv;
}

static struct dentry *real_dentry(const struct inode *i)
{
    return OVL_I(i)->upper ? OVL_I(i)->upper : OVL_I(i)->lower;
}

static struct inode *real_inode(const struct inode *i)
{
    return real_dentry(i)->inode;
}

static bool is_whiteout(const struct inode *i)
{
    return S_ISCHR(i->mode) && i->rdev == makedev(0, 0);
}

/* The attributes that the VFS looks at directly. */
static void sync_attr(struct inode *i)
{
    const struct inode *r = real_inode(i);

    i->mode = r->mode;
    i->uid = r->uid;
    i->gid = r->gid;
    i->rdev = r->rdev;
    i->size = r->size;
    i->nlink = r->nlink;
}

static struct inode *ovl_inode_new(struct superblock *sb, struct dentry *upper,
                                   struct dentry *lower, struct dentry *self)
{
    struct ovl_inode *oi = calloc(1, sizeof(*oi));
    struct inode *i = oi ? inode_new(sb, &ovl_ops, 0) : NULL;

    if (!i) {
        free(oi);
        return NULL;
    }
    i->priv = oi;
    oi->upper = upper ? dentry_get(upper) : NULL;
    oi->lower = lower ? dentry_get(lower) : NULL;
    oi->self = self;
    oi->parent = self && self->parent != self ? self->parent->inode : NULL;
    i->ino = (lower ? lower : upper)->inode->ino;
    sync_attr(i);
    return i;
}

static void ovl_evict(struct inode *i)
{
    dentry_put(OVL_I(i)->upper);
    dentry_put(OVL_I(i)->lower);
    free(i->priv);
}

static int child(struct task *t, struct dentry *dir, const struct dentry *d, struct dentry **out)
{
    struct path p = {NULL, dir};

    *out = NULL;
    if (!dir || !S_ISDIR(dir->inode->mode))
        return 0;
    int err = vfs_lookup(t, &p, d->name, d->name_len, out);
    if (!err && !(*out)->inode) {
        dentry_put(*out);
        *out = NULL;
    }
    return err == -ENOTDIR ? 0 : err;
}

static bool is_opaque(struct task *t, struct dentry *upper)
{
    const struct inode_ops *ops = upper->inode->ops;

    return ops->getxattr && ops->getxattr(t, upper->inode, OPAQUE, NULL, 0) >= 0;
}

static int ovl_lookup(struct task *t, struct inode *dir, struct dentry *d)
{
    struct ovl_inode *oi = OVL_I(dir);
    struct dentry *upper = NULL, *lower = NULL;
    int err = child(t, oi->upper, d, &upper);

    if (err)
        return err;
    bool hide = upper && (is_whiteout(upper->inode) || !S_ISDIR(upper->inode->mode) ||
                          is_opaque(t, upper));
    if (!hide && oi->lower)
        err = child(t, oi->lower, d, &lower);
    /* A file below is hidden by a directory above and the other way round. */
    if (!err && upper && lower && !S_ISDIR(lower->inode->mode)) {
        dentry_put(lower);
        lower = NULL;
    }
    if (!err && upper && is_whiteout(upper->inode)) {
        dentry_put(upper);
        upper = NULL;
    }
    if (!err && (upper || lower)) {
        struct inode *i = ovl_inode_new(d->sb, upper, lower, d);
        if (i)
            dentry_set_inode(d, i);
        else
            err = -ENOMEM;
    }
    dentry_put(upper);
    dentry_put(lower);
    return err;
}

/* --- copy-up --- */
static int copy_data(struct task *t, struct dentry *from, struct dentry *to)
{
    struct path lp = {NULL, from}, up = {NULL, to};
    struct file *in = NULL, *out = NULL;
    loff_t ipos = 0, opos = 0, size = from->inode->size;

    if (!size)
        return 0;
    int err = from->inode->ops->open(t, from->inode, &lp, O_RDONLY, &in);
    if (!err)
        err = to->inode->ops->open(t, to->inode, &up, O_RDWR, &out);
    while (!err && opos < size) {
        ssize_t n = file_copy(t, in, &ipos, out, &opos, (size_t)(size - opos));
        err = n < 0 ? (int)n : 0;
        if (n == 0)
            break;
    }
    if (in)
        file_put(in);
    if (out)
        file_put(out);
    return err;
}

static int copy_attr(struct task *t, const struct inode *from, struct dentry *to)
{
    struct setattr a = {.mask = SETATTR_UID | SETATTR_GID | SETATTR_ATIME | SETATTR_MTIME |
                                (S_ISLNK(from->mode) ? 0 : SETATTR_MODE),
                        .mode = from->mode & 07777,
                        .uid = from->uid,
                        .gid = from->gid,
                        .atime = from->atime,
                        .mtime = from->mtime};

    return to->inode->ops->setattr(t, to, &a);
}

static int make_upper(struct task *t, struct dentry *updir, struct dentry *from, struct dentry *ud)
{
    struct inode *ui = updir->inode, *fi = from->inode;
    cleanup_free char *target = NULL;
    int err;

    switch (fi->mode & S_IFMT) {
    case S_IFREG:
        return ui->ops->create(t, ui, ud, S_IFREG | 0600);
    case S_IFDIR:
        return ui->ops->mkdir(t, ui, ud, S_IFDIR | 0700);
    case S_IFLNK:
        err = fi->ops->readlink(t, fi, &target);
        return err ? err : ui->ops->symlink(t, ui, ud, target);
    default:
        return ui->ops->mknod(t, ui, ud, fi->mode, fi->rdev);
    }
}

/* Afterwards i has an upper object. Parents first, from the top down. */
static int copy_up_one(struct task *t, struct inode *i, struct dentry *self)
{
    struct ovl_inode *oi = OVL_I(i), *pi = OVL_I(self->parent->inode);
    struct path updir = {NULL, pi->upper};
    struct dentry *ud;

    int err = vfs_lookup(t, &updir, self->name, self->name_len, &ud);
    if (err)
        return err;
    if (ud->inode) { /* another fiber was faster */
        oi->upper = oi->upper ? oi->upper : dentry_get(ud);
        dentry_put(ud);
        return 0;
    }
    err = make_upper(t, pi->upper, oi->lower, ud);
    if (!err && S_ISREG(i->mode))
        err = copy_data(t, oi->lower, ud);
    if (!err)
        err = copy_attr(t, oi->lower->inode, ud);
    if (err) {
        if (ud->inode && !S_ISDIR(ud->inode->mode)) {
            updir.dentry->inode->ops->unlink(t, updir.dentry->inode, ud);
            dentry_drop(ud);
        }
    } else if (!oi->upper) {
        oi->upper = dentry_get(ud);
        sync_attr(i);
    }
    dentry_put(ud);
    return err;
}

static int copy_up(struct task *t, struct dentry *d)
{
    for (;;) {
        struct dentry *top = d;
        if (OVL_I(d->inode)->upper)
            return 0;
        while (top->parent != top && !OVL_I(top->parent->inode)->upper)
            top = top->parent;
        int err = copy_up_one(t, top->inode, top);
        if (err)
            return err;
    }
}

/* The dentry an inode is known under, for calls that only get the inode. */
static int copy_up_inode(struct task *t, struct inode *i)
{
    return OVL_I(i)->upper ? 0 : OVL_I(i)->self ? copy_up(t, OVL_I(i)->self) : -EIO;
}

/* --- making things --- */
typedef int (*maker)(struct task *t, struct inode *updir, struct dentry *ud, const void *arg);

struct make_arg {
    mode_t mode;
    dev_t rdev;
    const char *target;
};

/* Removes a whiteout that is in the way; true if there was one. */
static int clear_whiteout(struct task *t, struct inode *updir, struct dentry **ud, bool *was)
{
    *was = (*ud)->inode && is_whiteout((*ud)->inode);
    if (!*was)
        return 0;
    int err = updir->ops->unlink(t, updir, *ud);
    if (!err)
        dentry_set_inode(*ud, NULL);
    return err;
}

static int ovl_make(struct task *t, struct inode *dir, struct dentry *d, maker make,
                    const struct make_arg *arg)
{
    int err = copy_up_inode(t, dir);
    bool whiteout;
    struct dentry *ud;

    if (err)
        return err;
    struct path updir = {NULL, OVL_I(dir)->upper};
    err = vfs_lookup(t, &updir, d->name, d->name_len, &ud);
    if (err)
        return err;
    struct inode *ui = updir.dentry->inode;
    err = clear_whiteout(t, ui, &ud, &whiteout);
    if (!err)
        err = make(t, ui, ud, arg);
    /* A new directory over a removed one must not show the old contents. */
    if (!err && whiteout && S_ISDIR(ud->inode->mode))
        err = ud->inode->ops->setxattr(t, ud, OPAQUE, "y", 1, 0);
    if (!err) {
        struct inode *i = ovl_inode_new(d->sb, ud, NULL, d);
        if (i)
            dentry_set_inode(d, i);
        else
            err = -ENOMEM;
    }
    dentry_put(ud);
    sync_attr(dir);
    return err;
}

static int make_file(struct task *t, struct inode *ui, struct dentry *ud, const void *arg)
{
    return ui->ops->create(t, ui, ud, ((const struct make_arg *)arg)->mode);
}

static int make_dir(struct task *t, struct inode *ui, struct dentry *ud, const void *arg)
{
    return ui->ops->mkdir(t, ui, ud, ((const struct make_arg *)arg)->mode);
}

static int make_node(struct task *t, struct inode *ui, struct dentry *ud, const void *arg)
{
    const struct make_arg *m = arg;

    return ui->ops->mknod(t, ui, ud, m->mode, m->rdev);
}

static int make_link(struct task *t, struct inode *ui, struct dentry *ud, const void *arg)
{
    return ui->ops->symlink(t, ui, ud, ((const struct make_arg *)arg)->target);
}

static int ovl_create(struct task *t, struct inode *dir, struct dentry *d, mode_t mode)
{
    return ovl_make(t, dir, d, make_file, &(struct make_arg){.mode = mode});
}

static int ovl_mkdir(struct task *t, struct inode *dir, struct dentry *d, mode_t mode)
{
    return ovl_make(t, dir, d, make_dir, &(struct make_arg){.mode = mode});
}

static int ovl_mknod(struct task *t, struct inode *dir, struct dentry *d, mode_t mode, dev_t rdev)
{
    if (S_ISCHR(mode) && rdev == makedev(0, 0))
        return -EPERM; /* would be a whiteout */
    return ovl_make(t, dir, d, make_node, &(struct make_arg){.mode = mode, .rdev = rdev});
}

static int ovl_symlink(struct task *t, struct inode *dir, struct dentry *d, const char *target)
{
    return ovl_make(t, dir, d, make_link, &(struct make_arg){.target = target});
}

static int ovl_link(struct task *t, struct dentry *old, struct inode *dir, struct dentry *d)
{
    bool whiteout;
    struct dentry *ud;

    int err = copy_up(t, old);
    if (!err)
        err = copy_up_inode(t, dir);
    if (err)
        return err;
    struct path updir = {NULL, OVL_I(dir)->upper};
    err = vfs_lookup(t, &updir, d->name, d->name_len, &ud);
    if (err)
        return err;
    err = clear_whiteout(t, updir.dentry->inode, &ud, &whiteout);
    if (!err)
        err = updir.dentry->inode->ops->link(t, OVL_I(old->inode)->upper, updir.dentry->inode, ud);
    if (!err) {
        dentry_set_inode(d, inode_get(old->inode));
        sync_attr(old->inode);
    }
    dentry_put(ud);
    return err;
}

/* --- removing things --- */
static int put_whiteout(struct task *t, struct dentry *updir, const struct dentry *d)
{
    struct path up = {NULL, updir};
    struct dentry *ud;

    int err = vfs_lookup(t, &up, d->name, d->name_len, &ud);
    if (err)
        return err;
    if (!ud->inode)
        err = updir->inode->ops->mknod(t, updir->inode, ud, S_IFCHR, makedev(0, 0));
    dentry_put(ud);
    return err;
}

static bool lower_has(struct task *t, struct inode *dir, const struct dentry *d)
{
    struct dentry *ld = NULL;
    bool has = OVL_I(dir)->lower && !child(t, OVL_I(dir)->lower, d, &ld) && ld;

    dentry_put(ld);
    return has;
}

struct name_set;
static int merged_names(struct task *t, struct inode *dir, struct name_set *out);
static void names_free(struct name_set *s);

static int ovl_remove(struct task *t, struct inode *dir, struct dentry *d, bool is_dir)
{
    struct ovl_inode *oi = OVL_I(d->inode);
    int err = copy_up_inode(t, dir);

    if (err)
        return err;
    struct dentry *updir = OVL_I(dir)->upper, *ud = NULL;
    bool hide = lower_has(t, dir, d);
    /* By name: the inode may have several, and remembers only one of its upper dentries. */
    err = oi->upper ? child(t, updir, d, &ud) : 0;
    if (err)
        return err;
    if (ud) {
        const struct inode_ops *ops = updir->inode->ops;
        err = is_dir ? ops->rmdir(t, updir->inode, ud) : ops->unlink(t, updir->inode, ud);
        if (!err) {
            d->inode->nlink = ud->inode->nlink;
            dentry_drop(ud);
        }
        dentry_put(ud);
        if (err)
            return err;
    } else {
        d->inode->nlink = 0;
    }
    sync_attr(dir);
    return hide ? put_whiteout(t, updir, d) : 0;
}

static int ovl_unlink(struct task *t, struct inode *dir, struct dentry *d)
{
    return ovl_remove(t, dir, d, false);
}

/* --- merged listings --- */
struct name_entry {
    uint64_t ino;
    unsigned char type, len;
    bool whiteout;
    char *name;
};

struct name_set {
    struct dir_context ctx;
    struct name_entry *v;
    int n, cap;
    int *index, buckets; /* open hash: position + 1 */
    bool failed, upper_layer;
    struct inode *upper_dir;
    struct task *t;
};

static uint32_t hash_name(const char *name, size_t len)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)name[i]) * 16777619u;
    return h;
}

static bool grow_index(struct name_set *s)
{
    int buckets = s->buckets ? s->buckets * 2 : 256;
    int *index = calloc((size_t)buckets, sizeof(int));

    if (!index)
        return false;
    for (int i = 0; i < s->n; i++) {
        uint32_t h = hash_name(s->v[i].name, s->v[i].len);
        while (index[h % (uint32_t)buckets])
            h++;
        index[h % (uint32_t)buckets] = i + 1;
    }
    free(s->index);
    s->index = index;
    s->buckets = buckets;
    return true;
}

static bool known(struct name_set *s, const char *name, size_t len)
{
    if (!s->buckets)
        return false;
    for (uint32_t h = hash_name(name, len);; h++) {
        int i = s->index[h % (uint32_t)s->buckets];
        if (!i)
            return false;
        if (s->v[i - 1].len == len && !memcmp(s->v[i - 1].name, name, len))
            return true;
    }
}

static bool collect(struct dir_context *c, const char *name, size_t len, loff_t off, uint64_t ino,
                    unsigned char type)
{
    struct name_set *s = container_of(c, struct name_set, ctx);

    c->pos = off;
    if ((len == 1 && name[0] == '.') || (len == 2 && !memcmp(name, "..", 2)) ||
        known(s, name, len))
        return true;
    if (s->n == s->cap) {
        int cap = s->cap ? s->cap * 2 : 64;
        struct name_entry *v = realloc(s->v, (size_t)cap * sizeof(*v));
        if (!v)
            goto fail;
        s->v = v;
        s->cap = cap;
    }
    char *copy = strndup(name, len);
    if (!copy)
        goto fail;
    s->v[s->n++] = (struct name_entry){.ino = ino,
                                       .type = type,
                                       .len = (unsigned char)len,
                                       .whiteout = s->upper_layer && type == 2 /* DT_CHR */,
                                       .name = copy};
    if (s->n * 2 >= s->buckets) {
        if (!grow_index(s))
            goto fail;
    } else {
        uint32_t h = hash_name(name, len);
        while (s->index[h % (uint32_t)s->buckets])
            h++;
        s->index[h % (uint32_t)s->buckets] = s->n;
    }
    return true;
fail:
    s->failed = true;
    return false;
}

static void names_free(struct name_set *s)
{
    for (int i = 0; i < s->n; i++)
        free(s->v[i].name);
    free(s->v);
    free(s->index);
}

static int list_layer(struct task *t, struct dentry *dir, struct name_set *s)
{
    struct path p = {NULL, dir};
    struct file *f;
    loff_t before = -1;

    int err = dir->inode->ops->open(t, dir->inode, &p, O_RDONLY | O_DIRECTORY, &f);
    if (err)
        return err;
    s->ctx.pos = 0;
    while (!err && !s->failed && s->ctx.pos != before) {
        before = s->ctx.pos;
        err = f->ops->readdir(t, f, &s->ctx);
    }
    file_put(f);
    return s->failed ? -ENOMEM : err;
}

/* A character device in the upper layer is a whiteout only if its number is 0/0. */
static void check_whiteouts(struct task *t, struct dentry *upper, struct name_set *s)
{
    struct path p = {NULL, upper};

    for (int i = 0; i < s->n; i++) {
        struct dentry *d;
        if (!s->v[i].whiteout || vfs_lookup(t, &p, s->v[i].name, s->v[i].len, &d))
            continue;
        s->v[i].whiteout = d->inode && is_whiteout(d->inode);
        dentry_put(d);
    }
}

static int merged_names(struct task *t, struct inode *dir, struct name_set *s)
{
    struct ovl_inode *oi = OVL_I(dir);
    int err = 0;

    s->ctx.emit = collect;
    s->upper_layer = true;
    if (oi->upper) {
        err = list_layer(t, oi->upper, s);
        if (!err)
            check_whiteouts(t, oi->upper, s);
    }
    s->upper_layer = false;
    if (!err && oi->lower)
        err = list_layer(t, oi->lower, s);
    return err;
}

static int ovl_rmdir(struct task *t, struct inode *dir, struct dentry *d)
{
    struct name_set s = {0};
    int err = merged_names(t, d->inode, &s);

    for (int i = 0; !err && i < s.n; i++)
        if (!s.v[i].whiteout)
            err = -ENOTEMPTY;
    /* Whiteouts in a directory that goes away go with it. */
    struct dentry *ud = OVL_I(d->inode)->upper;
    for (int i = 0; !err && ud && i < s.n; i++) {
        struct path up = {NULL, ud};
        struct dentry *w;
        err = vfs_lookup(t, &up, s.v[i].name, s.v[i].len, &w);
        if (err)
            break;
        if (w->inode && is_whiteout(w->inode)) {
            err = ud->inode->ops->unlink(t, ud->inode, w);
            dentry_drop(w);
        }
        dentry_put(w);
    }
    names_free(&s);
    return err ? err : ovl_remove(t, dir, d, true);
}

static int ovl_readdir(struct task *t, struct file *f, struct dir_context *c)
{
    struct name_set *s = f->priv;
    struct inode *i = f->path.dentry->inode;

    if (c->pos == 0 || !s->ctx.emit) {
        names_free(s);
        *s = (struct name_set){0};
        int err = merged_names(t, i, s);
        if (err)
            return err;
    }
    if (c->pos == 0 && !c->emit(c, ".", 1, 1, i->ino, 4))
        return 0;
    if (c->pos <= 1 && !c->emit(c, "..", 2, 2, f->path.dentry->parent->inode->ino, 4))
        return 0;
    for (loff_t k = c->pos - 2; k < s->n; k++) {
        const struct name_entry *e = &s->v[k];
        if (!e->whiteout && !c->emit(c, e->name, e->len, k + 3, e->ino, e->type))
            return 0;
    }
    return 0;
}

static void ovl_dir_release(struct file *f)
{
    names_free(f->priv);
    free(f->priv);
}

static const struct file_ops ovl_dir_ops = {
    .kind = "overlay directory",
    .readdir = ovl_readdir,
    .llseek = dir_llseek,
    .release = ovl_dir_release,
};

/* --- rename --- */
static int ovl_rename(struct task *t, struct inode *odir, struct dentry *od, struct inode *ndir,
                      struct dentry *nd, unsigned int flags)
{
    struct dentry *uo = NULL, *un = NULL;

    if (flags & (RENAME_EXCHANGE | RENAME_WHITEOUT))
        return -EINVAL;
    if (S_ISDIR(od->inode->mode) && OVL_I(od->inode)->lower)
        return -EXDEV;
    if (nd->inode && S_ISDIR(nd->inode->mode)) {
        int err = ovl_rmdir(t, ndir, nd);
        if (err)
            return err;
    }
    int err = copy_up(t, od);
    if (!err)
        err = copy_up_inode(t, ndir);
    if (err)
        return err;
    bool hide_old = lower_has(t, odir, od);
    struct path updir_o = {NULL, OVL_I(odir)->upper}, updir_n = {NULL, OVL_I(ndir)->upper};
    err = vfs_lookup(t, &updir_o, od->name, od->name_len, &uo);
    if (!err)
        err = vfs_lookup(t, &updir_n, nd->name, nd->name_len, &un);
    if (!err && un->inode && is_whiteout(un->inode)) {
        bool was;
        err = clear_whiteout(t, updir_n.dentry->inode, &un, &was);
        if (!err && S_ISDIR(od->inode->mode))
            err = uo->inode->ops->setxattr(t, uo, OPAQUE, "y", 1, 0);
    }
    if (!err)
        err = updir_o.dentry->inode->ops->rename(t, updir_o.dentry->inode, uo,
                                                 updir_n.dentry->inode, un, 0);
    if (!err)
        err = dentry_rename_done(uo, un);
    if (!err) {
        OVL_I(od->inode)->parent = ndir;
        if (!S_ISDIR(od->inode->mode)) { /* what was below is another file now */
            dentry_put(OVL_I(od->inode)->lower);
            OVL_I(od->inode)->lower = NULL;
        }
        if (nd->inode && nd->inode->nlink)
            nd->inode->nlink--;
        if (hide_old)
            err = put_whiteout(t, updir_o.dentry, od);
    }
    dentry_put(uo);
    dentry_put(un);
    return err;
}

/* --- attributes and opening --- */
static int ovl_readlink(struct task *t, struct inode *i, char **out)
{
    return real_inode(i)->ops->readlink(t, real_inode(i), out);
}

static int ovl_getattr(struct task *t, struct inode *i, struct kstat *st)
{
    struct path p = {NULL, real_dentry(i)};
    uint64_t dev = st->dev, ino = i->ino;

    int err = vfs_getattr(t, &p, st);
    if (st->dev == p.dentry->sb->dev) /* a mount below the lower root stays another device */
        st->dev = dev;
    st->ino = ino;
    if (i->nlink < st->nlink && !S_ISDIR(i->mode))
        st->nlink = i->nlink;
    return err;
}

static int ovl_setattr(struct task *t, struct dentry *d, const struct setattr *a)
{
    struct inode *i = d->inode;
    int err = 0;

    if (a->file && a->file->inode == real_inode(i) && !OVL_I(i)->upper)
        err = -EROFS;
    if (!err && !OVL_I(i)->upper)
        err = d->hashed ? copy_up(t, d) : -EROFS;
    if (err)
        return err;
    err = real_inode(i)->ops->setattr(t, OVL_I(i)->upper, a);
    sync_attr(i);
    return err;
}

static int ovl_open(struct task *t, struct inode *i, const struct path *p, int flags,
                    struct file **out)
{
    if (S_ISDIR(i->mode)) {
        struct name_set *s = calloc(1, sizeof(*s));
        *out = s ? file_new(&ovl_dir_ops, i, p, flags) : NULL;
        if (!*out) {
            free(s);
            return -ENOMEM;
        }
        (*out)->priv = s;
        return 0;
    }
    if ((flags & O_ACCMODE) != O_RDONLY) {
        int err = OVL_I(i)->upper ? 0 : copy_up(t, p->dentry);
        if (err)
            return err;
    }
    struct inode *r = real_inode(i);
    return r->ops->open ? r->ops->open(t, r, p, flags, out) : -ENXIO;
}

static int ovl_tmpfile(struct task *t, struct inode *dir, mode_t mode, struct inode **out)
{
    int err = copy_up_inode(t, dir);

    if (err)
        return err;
    struct inode *ui = OVL_I(dir)->upper->inode;
    return ui->ops->tmpfile ? ui->ops->tmpfile(t, ui, mode, out) : -EOPNOTSUPP;
}

static ssize_t ovl_getxattr(struct task *t, struct inode *i, const char *name, void *buf,
                            size_t size)
{
    struct inode *r = real_inode(i);

    if (!strncmp(name, "trusted.overlay.", 16))
        return -ENODATA;
    return r->ops->getxattr ? r->ops->getxattr(t, r, name, buf, size) : -ENODATA;
}

static int ovl_setxattr(struct task *t, struct dentry *d, const char *name, const void *v, size_t n,
                        int flags)
{
    if (!strncmp(name, "trusted.overlay.", 16))
        return -EPERM;
    int err = copy_up(t, d);
    struct dentry *u = OVL_I(d->inode)->upper;
    return err ? err : u->inode->ops->setxattr(t, u, name, v, n, flags);
}

static ssize_t ovl_listxattr(struct task *t, struct inode *i, char *buf, size_t size)
{
    struct inode *r = real_inode(i);

    return r->ops->listxattr ? r->ops->listxattr(t, r, buf, size) : 0;
}

static int ovl_removexattr(struct task *t, struct dentry *d, const char *name)
{
    int err = copy_up(t, d);
    struct dentry *u = OVL_I(d->inode)->upper;

    return err ? err : u->inode->ops->removexattr(t, u, name);
}

static const struct inode_ops ovl_ops = {
    .lookup = ovl_lookup,
    .create = ovl_create,
    .mkdir = ovl_mkdir,
    .mknod = ovl_mknod,
    .symlink = ovl_symlink,
    .link = ovl_link,
    .unlink = ovl_unlink,
    .rmdir = ovl_rmdir,
    .rename = ovl_rename,
    .readlink = ovl_readlink,
    .getattr = ovl_getattr,
    .setattr = ovl_setattr,
    .open = ovl_open,
    .tmpfile = ovl_tmpfile,
    .getxattr = ovl_getxattr,
    .setxattr = ovl_setxattr,
    .listxattr = ovl_listxattr,
    .removexattr = ovl_removexattr,
};

/* --- the file system --- */
static int ovl_statfs(struct task *t, struct superblock *sb, struct statfs *st)
{
    struct superblock *up = ((struct ovl_super *)sb->priv)->upper;
    int err = up->ops->statfs ? up->ops->statfs(t, up, st) : 0;

    st->f_type = OVERLAYFS_SUPER_MAGIC;
    return err;
}

static void ovl_put_super(struct superblock *sb)
{
    struct ovl_super *s = sb->priv;

    super_put(s->lower);
    super_put(s->upper);
    free(s);
}

static const struct super_ops ovl_super_ops = {
    .evict = ovl_evict,
    .statfs = ovl_statfs,
    .put_super = ovl_put_super,
};

int overlayfs_new(struct superblock *lower, struct superblock *upper, struct superblock **out)
{
    struct ovl_super *s = calloc(1, sizeof(*s));
    struct superblock *sb =
        s ? super_new(&ovl_super_ops, "overlay", OVERLAYFS_SUPER_MAGIC, s) : NULL;

    if (!sb) {
        free(s);
        return -ENOMEM;
    }
    s->lower = lower;
    s->upper = upper;
    struct inode *root = ovl_inode_new(sb, upper->root, lower->root, NULL);
    struct dentry *d = root ? dentry_new_root(sb, root) : NULL;
    if (!d) {
        super_put(sb);
        return -ENOMEM;
    }
    OVL_I(root)->self = d;
    /* The root shows the attributes of what it covers. */
    upper->root->inode->mode = lower->root->inode->mode;
    sync_attr(root);
    *out = sb;
    return 0;
}
