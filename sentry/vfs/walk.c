/*
 * Path walking: path_resolution(7), openat2(2).
 *
 * The walk goes over a private copy of the name; a symlink replaces what is left of it. Whatever
 * parks (a file system's lookup) finds the position held by references.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/acl.h"
#include "sentry/vfs/vfs_internal.h"

#define MAX_SYMLINKS 40
#define PUSHED_MAX ((MAX_SYMLINKS + 1) * PATH_MAX_LEN)
#define CAP_DAC_OVERRIDE 1
#define CAP_DAC_READ_SEARCH 2

struct path path_get(const struct path *p)
{
    if (p->mnt)
        mount_get(p->mnt);
    if (p->dentry)
        dentry_get(p->dentry);
    return *p;
}

void path_put(struct path *p)
{
    struct path old = *p;

    *p = (struct path){0};
    dentry_put(old.dentry);
    mount_put(old.mnt);
}

/* --- permission --- */
int generic_permission(struct task *t, struct inode *i, int mask)
{
    const struct cred *c = t->cred;
    mode_t mode = i->mode;
    int listed = 1;

    if (c->fsuid == i->uid)
        mode >>= 6;
    else if (i->ops->acl && (mode & 070))
        listed = acl_permission(t, i, mask);
    if (listed == 0)
        return 0;
    if (listed == 1 && c->fsuid != i->uid && cred_in_group(c, i->gid))
        mode >>= 3;
    if (listed == 1 && (mode & (mode_t)mask & 7) == (mode_t)mask)
        return 0;
    if (S_ISDIR(i->mode)) {
        if (!(mask & MAY_WRITE) && inode_capable(c, i, CAP_DAC_READ_SEARCH))
            return 0;
        return inode_capable(c, i, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
    }
    if (mask == MAY_READ && inode_capable(c, i, CAP_DAC_READ_SEARCH))
        return 0;
    if ((!(mask & MAY_EXEC) || (i->mode & 0111)) && inode_capable(c, i, CAP_DAC_OVERRIDE))
        return 0;
    return -EACCES;
}

int inode_permission(struct task *t, struct inode *i, int mask)
{
    if (i->ops->permission)
        return i->ops->permission(t, i, mask);
    return generic_permission(t, i, mask);
}

int path_permission(struct task *t, const struct path *p, int mask)
{
    struct inode *i = p->dentry->inode;
    bool special = S_ISCHR(i->mode) || S_ISBLK(i->mode) || S_ISFIFO(i->mode) || S_ISSOCK(i->mode);

    if ((mask & MAY_WRITE) && !special && path_readonly(p))
        return -EROFS;
    if ((mask & MAY_EXEC) && S_ISREG(i->mode) && p->mnt && (p->mnt->flags & 8 /* MS_NOEXEC */))
        return -EACCES;
    return inode_permission(t, i, mask);
}

/* --- one step --- */
static bool may_be_stale(const struct dentry *d)
{
    return !d->mounted && d->sb->ops && d->sb->ops->revalidate && !d->sb->constant;
}

static struct dentry *revalidated(struct task *t, struct dentry *d)
{
    if (!d || !may_be_stale(d) || d->sb->ops->revalidate(t, d))
        return d;
    dentry_drop(d);
    dentry_put(d);
    return NULL;
}

static int lookup_uncached(struct task *t, const struct path *dir, const char *name, size_t len,
                           struct dentry **out)
{
    struct inode *i = dir->dentry->inode;
    struct dentry *d = dentry_alloc(dir->dentry, name, len);
    if (!d)
        return -ENOMEM;
    int err = i->ops->lookup(t, i, d);
    if (err) {
        dentry_put(d);
        return err;
    }
    /* A file system may have added it on its own, with what it learnt of the whole directory. */
    struct dentry *other = dentry_cached(dir->dentry, name, len);
    if (other) {
        dentry_put(d);
        d = other;
    } else {
        dentry_hash(d);
    }
    *out = d;
    return 0;
}

int lookup_locked(struct task *t, const struct path *dir, const char *name, size_t len,
                  struct dentry **out)
{
    if (len > NAME_MAX_LEN)
        return -ENAMETOOLONG;
    if (!dir->dentry->inode->ops->lookup)
        return -ENOTDIR;
    *out = revalidated(t, dentry_cached(dir->dentry, name, len));
    return *out ? 0 : lookup_uncached(t, dir, name, len, out);
}

int vfs_lookup(struct task *t, const struct path *dir, const char *name, size_t len,
               struct dentry **out)
{
    struct inode *i = dir->dentry->inode;

    if (len > NAME_MAX_LEN)
        return -ENAMETOOLONG;
    *out = revalidated(t, dentry_cached(dir->dentry, name, len));
    if (*out)
        return 0;
    int err = dir_lock(t, i);
    if (err)
        return err;
    err = lookup_locked(t, dir, name, len, out);
    dir_unlock(i);
    return err;
}

/* RESOLVE_CACHED: what is known without asking anybody. */
static int lookup_cached(const struct path *dir, const char *name, size_t len, struct dentry **out)
{
    if (len > NAME_MAX_LEN)
        return -ENAMETOOLONG;
    *out = dentry_cached(dir->dentry, name, len);
    if (*out && may_be_stale(*out)) {
        dentry_put(*out);
        *out = NULL;
    }
    return *out ? 0 : -EAGAIN;
}

struct walk {
    struct task *t;
    struct path cur, root; /* root: where ".." stops; references */
    struct path base;      /* RESOLVE_BENEATH, RESOLVE_IN_ROOT: where the walk began */
    unsigned int flags;
    int links;
    bool root_known;  /* Linux looks for it when it is needed: nd_jump_root() of fs/namei.c */
    bool must_be_dir; /* the last component had a slash after it, maybe in front of a symlink's */
    char *buf;        /* owned: what symlinks made of the name */
    const char *rest; /* in buf, or in the caller's name */
};

struct walk_ahead vfs_walk_ahead(const struct task *t)
{
    const struct walk *w = t ? t->walk : NULL;

    if (!w)
        return (struct walk_ahead){.rest = ""};
    return (struct walk_ahead){.rest = w->rest, .read = w->flags & WALK_READ};
}

static bool same(const struct path *a, const struct path *b)
{
    return a->mnt == b->mnt && a->dentry == b->dentry;
}

/* A walk's passing is no use of a mount: MNT_EXPIRE of umount(2). */
static void pass(struct path *p)
{
    dentry_put(p->dentry);
    mount_put_passing(p->mnt);
}

static void move_to(struct walk *w, struct path to)
{
    struct path old = w->cur;

    w->cur = to;
    pass(&old);
}

/* Up to the mount on top of what is mounted here. */
static int cross_mounts(struct walk *w)
{
    while (w->cur.dentry->mounted) {
        struct mount *m = mount_at(w->cur.mnt, w->cur.dentry);
        if (!m)
            break;
        if (w->flags & WALK_NO_XDEV)
            return -EXDEV;
        struct path to = {m, m->root};
        move_to(w, path_get(&to));
    }
    return 0;
}

/* A directory that was moved out of the part of the tree a mount shows has no way up. */
bool dentry_is_beneath(const struct dentry *d, const struct dentry *top)
{
    while (d != top && d->parent != d)
        d = d->parent;
    return d == top;
}

/* follow_dotdot() of fs/namei.c: also where it stays it goes to what is mounted there. */
static int step_dotdot(struct walk *w)
{
    const struct path *top = w->flags & WALK_BENEATH ? &w->base : &w->root;
    struct path up = w->cur;

    w->root_known = true;
    while (!same(&up, top) && up.dentry == up.mnt->root && up.mnt->parent)
        up = (struct path){up.mnt->parent, up.mnt->mountpoint};
    /* Or the top of the tree, or of one that was unmounted. */
    if (same(&up, top) || up.dentry == up.mnt->root)
        return w->flags & WALK_BENEATH ? -EXDEV : cross_mounts(w);
    if (up.mnt != w->cur.mnt && (w->flags & WALK_NO_XDEV))
        return -EXDEV;
    if (up.mnt->root->parent != up.mnt->root && !dentry_is_beneath(up.dentry, up.mnt->root))
        return -ENOENT;
    up.dentry = up.dentry->parent;
    move_to(w, path_get(&up));
    return cross_mounts(w);
}

/* Makes target + what is left the name to walk. */
static int push_name(struct walk *w, const char *target)
{
    size_t a = strlen(target), b = strlen(w->rest);

    if (!a)
        return -ENOENT;
    if (a >= PATH_MAX_LEN || a + b + 2 > PUSHED_MAX)
        return -ENAMETOOLONG;
    char *buf = malloc(a + b + 2);
    if (!buf)
        return -ENOMEM;
    memcpy(buf, target, a);
    buf[a] = '/';
    memcpy(buf + a + 1, w->rest, b + 1);
    if (!b)
        buf[a] = 0;
    free(w->buf);
    w->buf = buf;
    w->rest = buf;
    return 0;
}

static int follow_link(struct walk *w, struct dentry *link)
{
    struct inode *i = link->inode;
    cleanup_free char *target = NULL;

    if (++w->links > MAX_SYMLINKS)
        return -ELOOP;
    if ((w->flags & WALK_NO_SYMLINKS) || (w->cur.mnt->flags & MS_NOSYMFOLLOW))
        return -ELOOP;
    if (i->ops->follow) {
        struct path to;
        int err = i->ops->follow(w->t, i, &to);
        if (err != -ENOTSUP) {
            if (err)
                return err;
            if (w->flags & WALK_NO_MAGICLINKS)
                err = -ELOOP;
            else if ((w->flags & (WALK_BENEATH | WALK_IN_ROOT)) ||
                     ((w->flags & WALK_NO_XDEV) && to.mnt != w->cur.mnt))
                err = -EXDEV;
            if (err)
                path_put(&to);
            else
                move_to(w, to);
            return err;
        }
    }
    if (!i->ops->readlink)
        return -EINVAL;
    int err = i->ops->readlink(w->t, i, &target);
    if (err)
        return err;
    if (target[0] == '/') {
        if ((w->flags & WALK_BENEATH) ||
            ((w->flags & WALK_NO_XDEV) && (!w->root_known || w->cur.mnt != w->root.mnt)))
            return -EXDEV;
        move_to(w, path_get(&w->root));
    }
    return push_name(w, target);
}

/* One component that is not the last, or the last of a walk that resolves it. */
static int step_name(struct walk *w, const char *name, size_t len, bool last, bool follow)
{
    struct dentry *d;

    w->t->walk = w;
    int err = w->flags & WALK_CACHED ? lookup_cached(&w->cur, name, len, &d)
                                     : vfs_lookup(w->t, &w->cur, name, len, &d);
    w->t->walk = NULL;
    if (err)
        return err;
    if (!d->inode) {
        dentry_put(d);
        return -ENOENT;
    }
    if (S_ISLNK(d->inode->mode) && (!last || follow)) {
        err = follow_link(w, d);
        dentry_put(d);
        return err;
    }
    struct path to = {mount_get(w->cur.mnt), d};
    move_to(w, to);
    return last && (w->flags & WALK_NOMOUNT) ? 0 : cross_mounts(w);
}

/*
 * Walks until nothing is left, or with last != NULL until one component is: that one is returned.
 */
static int walk_run(struct walk *w, char **last, bool *trailing)
{
    for (;;) {
        while (*w->rest == '/')
            w->rest++;
        if (!*w->rest) {
            if (last) { /* "/" or a link to it */
                *last = strdup("/");
                return *last ? 0 : -ENOMEM;
            }
            return w->must_be_dir && !S_ISDIR(w->cur.dentry->inode->mode) ? -ENOTDIR : 0;
        }
        if (!w->cur.dentry->inode || !S_ISDIR(w->cur.dentry->inode->mode))
            return -ENOTDIR;
        size_t len = strcspn(w->rest, "/");
        const char *name = w->rest, *after = name + len;
        bool slash = *after == '/';
        while (*after == '/')
            after++;
        bool is_last = !*after;
        if (is_last && last) {
            *trailing = slash;
            *last = strndup(name, len);
            return *last ? 0 : -ENOMEM;
        }
        int err = inode_permission(w->t, w->cur.dentry->inode, MAY_EXEC);
        if (err)
            return err;
        w->rest = after;
        w->must_be_dir |= is_last && slash;
        if (len == 1 && name[0] == '.')
            continue;
        if (len == 2 && name[0] == '.' && name[1] == '.')
            err = step_dotdot(w);
        else
            err = step_name(w, name, len, is_last, w->must_be_dir || !(w->flags & WALK_NOFOLLOW));
        if (err)
            return err;
    }
}

int fd_path(struct task *t, int fd, struct path *out)
{
    struct file *f = fd_get_path_ok(t, fd);

    if (!f)
        return -EBADF;
    if (!f->path.dentry) {
        file_put(f);
        return -ENOTDIR;
    }
    *out = path_get(&f->path);
    file_put(f);
    return 0;
}

static int walk_begin(struct walk *w, struct task *t, int dirfd, const struct path *start,
                      const char *name, unsigned int flags)
{
    *w = (struct walk){.t = t, .flags = flags, .rest = name};
    w->root = path_get(&t->fs->root);
    w->root_known = name[0] == '/' || (flags & WALK_IN_ROOT);
    if (name[0] == '/' && (flags & WALK_BENEATH))
        return -EXDEV;
    if (name[0] == '/' && !(flags & WALK_IN_ROOT)) {
        w->cur = path_get(&w->root);
    } else if (start) {
        w->cur = path_get(start);
    } else if (dirfd == AT_FDCWD) {
        w->cur = path_get(&t->fs->cwd);
    } else {
        int err = fd_path(t, dirfd, &w->cur);
        if (err)
            return err;
    }
    if (flags & (WALK_BENEATH | WALK_IN_ROOT))
        w->base = path_get(&w->cur);
    if (flags & WALK_IN_ROOT) {
        path_put(&w->root);
        w->root = path_get(&w->cur);
    }
    return 0;
}

static void walk_end(struct walk *w)
{
    free(w->buf);
    pass(&w->cur);
    pass(&w->root);
    pass(&w->base);
}

static int walk_full(struct task *t, int dirfd, const struct path *start, const char *name,
                     unsigned int flags, struct path *out)
{
    struct walk w;

    if (!*name && !(flags & WALK_EMPTY_PATH))
        return -ENOENT;
    int err = walk_begin(&w, t, dirfd, start, name, flags);
    if (!err)
        err = walk_run(&w, NULL, NULL);
    if (!err && (flags & WALK_MOUNTPOINT))
        err = cross_mounts(&w);
    if (!err && (flags & WALK_DIRECTORY) && !S_ISDIR(w.cur.dentry->inode->mode))
        err = -ENOTDIR;
    if (!err)
        *out = path_get(&w.cur);
    walk_end(&w);
    return err;
}

int vfs_walk(struct task *t, int dirfd, const char *name, unsigned int flags, struct path *out)
{
    return walk_full(t, dirfd, NULL, name, flags, out);
}

int vfs_walk_from(struct task *t, const struct path *start, const char *name, unsigned int flags,
                  struct path *out)
{
    return walk_full(t, AT_FDCWD, start, name, flags, out);
}

int vfs_walk_parent(struct task *t, int dirfd, const char *name, unsigned int flags,
                    struct path *parent, char **last, bool *trailing)
{
    struct walk w;

    *last = NULL;
    *trailing = false;
    if (!*name)
        return -ENOENT;
    int err = walk_begin(&w, t, dirfd, NULL, name, flags);
    if (!err)
        err = walk_run(&w, last, trailing);
    if (!err)
        err = inode_permission(t, w.cur.dentry->inode, MAY_EXEC);
    if (err) {
        free(*last);
        *last = NULL;
    } else {
        *parent = path_get(&w.cur);
    }
    walk_end(&w);
    return err;
}

/* The last component of an O_CREAT open: a dentry in a directory, or an object that has no name. */
static int walk_last(struct walk *w, const char *last, struct path *parent, struct dentry **d,
                     struct path *obj)
{
    struct dentry *child;
    int err;

    if (!strcmp(last, ".") || !strcmp(last, "..") || !strcmp(last, "/")) {
        err = strcmp(last, "..") ? 0 : step_dotdot(w);
        if (!err)
            *obj = path_get(&w->cur);
        return err;
    }
    err = inode_permission(w->t, w->cur.dentry->inode, MAY_EXEC);
    if (!err)
        err = vfs_lookup(w->t, &w->cur, last, strlen(last), &child);
    if (err)
        return err;
    if (child->inode && S_ISLNK(child->inode->mode) && !(w->flags & WALK_NOFOLLOW)) {
        w->rest = "";
        err = follow_link(w, child);
        dentry_put(child);
        return err ? err : 1;
    }
    *parent = path_get(&w->cur);
    *d = child;
    return 0;
}

int walk_for_create(struct task *t, int dirfd, const char *name, unsigned int flags,
                    struct path *parent, struct dentry **d, struct path *obj)
{
    struct walk w;

    *d = NULL;
    if (!*name)
        return -ENOENT;
    int err = walk_begin(&w, t, dirfd, NULL, name, flags);
    while (!err) {
        cleanup_free char *last = NULL;
        bool trailing = false;
        err = walk_run(&w, &last, &trailing);
        if (!err && trailing)
            err = -EISDIR;
        if (!err) {
            err = walk_last(&w, last, parent, d, obj);
            if (err <= 0)
                break;
            err = 0; /* a symlink was followed */
        }
    }
    walk_end(&w);
    return err;
}

int vfs_get_name(struct task *t, uint64_t addr, unsigned int walk_flags, char **out)
{
    char buf[PATH_MAX_LEN];
    ssize_t n = copy_in_str(t, buf, addr, sizeof(buf));

    if (n < 0)
        return (int)n;
    if (!n && !(walk_flags & WALK_EMPTY_PATH))
        return -ENOENT;
    *out = malloc((size_t)n + 1);
    if (!*out)
        return -ENOMEM;
    memcpy(*out, buf, (size_t)n + 1);
    return 0;
}

/* --- names of paths --- */
int vfs_path_seen(const struct path *root, const struct path *p, char **out, bool *seen)
{
    char buf[2 * PATH_MAX_LEN], *at = buf + sizeof(buf) - 1;
    struct path c = *p;
    bool deleted = c.dentry->parent != c.dentry && !c.dentry->hashed;

    *seen = true;
    if (c.dentry->parent == c.dentry && (!c.mnt || c.mnt->root != c.dentry)) {
        *out = strdup(c.dentry->name); /* never had a directory */
        return *out ? 0 : -ENOMEM;
    }
    *at = 0;
    if (deleted) {
        at -= 10;
        memcpy(at, " (deleted)", 10);
    }
    while (!root || !same(&c, root)) {
        if (c.mnt && c.dentry == c.mnt->root) {
            if (!c.mnt->parent) {
                *seen = !root;
                break;
            }
            c = (struct path){c.mnt->parent, c.mnt->mountpoint};
            continue;
        }
        if (c.dentry->parent == c.dentry) {
            *seen = !c.mnt;
            break;
        }
        size_t len = c.dentry->name_len;
        if ((size_t)(at - buf) < len + 16)
            return -ENAMETOOLONG;
        at -= len;
        memcpy(at, c.dentry->name, len);
        *--at = '/';
        c.dentry = c.dentry->parent;
    }
    if (!*at || !strcmp(at, " (deleted)"))
        *--at = '/';
    *out = strdup(at);
    return *out ? 0 : -ENOMEM;
}

char *file_map_name(struct task *t, const struct file *f)
{
    const struct dentry *d = f->path.dentry;
    char *name = NULL;

    if (!d)
        return NULL;
    if (d->parent == d && !f->path.mnt) {
        if (asprintf(&name, "/%s (deleted)", d->name + (d->name[0] == '/')) < 0)
            name = NULL;
    } else if (vfs_path_string(t, &f->path, &name)) {
        name = NULL;
    }
    return name;
}

int vfs_path_string(struct task *t, const struct path *p, char **out)
{
    bool seen;

    return vfs_path_seen(t && t->fs ? &t->fs->root : NULL, p, out, &seen);
}
