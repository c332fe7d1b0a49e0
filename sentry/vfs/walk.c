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
#include "sentry/kernel/task.h"
#include "sentry/vfs/vfs_internal.h"

#define MAX_SYMLINKS 40
#define PUSHED_MAX ((MAX_SYMLINKS + 1) * PATH_MAX_LEN)

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

/* follow_dotdot() of fs/namei.c: also where it stays it goes to what is mounted there. */
static int step_dotdot(struct walk *w)
{
    const struct path *top = w->flags & WALK_BENEATH ? &w->base : &w->root;
    struct path up = w->cur;

    w->root_known = true;
    while (!path_same(&up, top) && up.dentry == up.mnt->root && up.mnt->parent)
        up = (struct path){up.mnt->parent, up.mnt->mountpoint};
    /* Or the top of the tree, or of one that was unmounted. */
    if (path_same(&up, top) || up.dentry == up.mnt->root)
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
