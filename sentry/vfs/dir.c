/* getdents(2), getcwd(2), chdir(2), chroot(2). */
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ipc/inotify.h"
#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/vfs_internal.h"

#define CAP_SYS_CHROOT 18

/* --- getdents --- */
struct getdents {
    struct dir_context ctx;
    struct task *t;
    bool old; /* the layout of getdents(2): type in the last byte */
    char *buf;
    size_t used, size;
    int err;
};

static bool emit_entry(struct dir_context *c, const char *name, size_t len, loff_t off,
                       uint64_t ino, unsigned char type)
{
    struct getdents *g = container_of(c, struct getdents, ctx);
    size_t head = g->old ? 18 : 19;
    size_t reclen = ROUND_UP(head + len + (g->old ? 2 : 1), 8UL);
    char *p = g->buf + g->used;
    uint16_t rl = (uint16_t)reclen;

    if (reclen > g->size - g->used) {
        g->err = g->used ? 0 : -EINVAL;
        return false;
    }
    memset(p, 0, reclen);
    memcpy(p, &ino, 8);
    memcpy(p + 8, &off, 8);
    memcpy(p + 16, &rl, 2);
    if (g->old)
        p[reclen - 1] = (char)type;
    else
        p[18] = (char)type;
    memcpy(p + head, name, len);
    g->used += reclen;
    c->pos = off;
    return true;
}

static long do_getdents(struct task *t, const struct sysargs *a, bool old)
{
    cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));
    size_t size = MIN((size_t)arg_u32(a, 2), 65536UL);

    if (!f)
        return -EBADF;
    if (!S_ISDIR(f->inode->mode) || !f->ops->readdir)
        return -ENOTDIR;
    cleanup_free char *buf = malloc(size ? size : 1);
    if (!buf)
        return -ENOMEM;
    if (file_pos_lock(t, f))
        return -EINTR; /* cppcheck-suppress memleak ; freed by its attribute */
    struct getdents g = {
        .ctx = {.pos = f->pos, .emit = emit_entry}, .t = t, .old = old, .buf = buf, .size = size};
    /* A removed directory shows nothing, not even ".": iterate_dir() of fs/readdir.c. */
    long err = f->inode->nlink ? f->ops->readdir(t, f, &g.ctx) : -ENOENT;
    if (err >= 0 || g.used)
        err = g.err;
    if (!err && copy_out(t, arg_u64(a, 1), buf, g.used))
        err = -EFAULT;
    if (!err)
        f->pos = g.ctx.pos;
    file_pos_unlock(f);
    if (!err)
        fsnotify(f->path.dentry->inode, f->path.dentry, IN_ACCESS, 0);
    return err ? err : (long)g.used;
}

long sys_getdents(struct task *t, const struct sysargs *a)
{
    return do_getdents(t, a, true);
}

long sys_getdents64(struct task *t, const struct sysargs *a)
{
    return do_getdents(t, a, false);
}

/* Directory positions are opaque: any set by lseek is handed to readdir. */
loff_t dir_llseek(struct task *t, struct file *f, loff_t off, int whence)
{
    if (whence == SEEK_CUR)
        off += f->pos;
    else if (whence != SEEK_SET)
        return -EINVAL;
    if (off < 0)
        return -EINVAL;
    f->pos = off;
    return off;
}

/* --- the working directory and the root --- */
static void set_path(struct path *where, const struct path *to)
{
    struct path old = *where;

    *where = path_get(to);
    path_put(&old);
}

static int walk_dir(struct task *t, uint64_t addr, struct path *p)
{
    cleanup_free char *name = NULL;
    int err = vfs_get_name(t, addr, 0, &name);

    if (!err)
        err = vfs_walk(t, AT_FDCWD, name, WALK_DIRECTORY, p);
    return err ? err : inode_permission(t, p->dentry->inode, MAY_EXEC);
}

long sys_chdir(struct task *t, const struct sysargs *a)
{
    cleanup_path struct path p = {0};
    int err = walk_dir(t, arg_u64(a, 0), &p);

    if (!err)
        set_path(&t->fs->cwd, &p);
    return err;
}

long sys_fchdir(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = fd_get_path_ok(t, arg_i32(a, 0));

    if (!f)
        return -EBADF;
    if (!S_ISDIR(f->inode->mode))
        return -ENOTDIR;
    int err = inode_permission(t, f->inode, MAY_EXEC);
    if (!err)
        set_path(&t->fs->cwd, &f->path);
    return err;
}

long sys_chroot(struct task *t, const struct sysargs *a)
{
    cleanup_path struct path p = {0};
    int err = walk_dir(t, arg_u64(a, 0), &p);

    if (!err && !cred_capable_own(t->cred, CAP_SYS_CHROOT))
        err = -EPERM;
    if (!err)
        set_path(&t->fs->root, &p);
    return err;
}

long sys_getcwd(struct task *t, const struct sysargs *a)
{
    const struct dentry *d = t->fs->cwd.dentry;
    cleanup_free char *s = NULL;

    if (d->parent != d && !d->hashed)
        return -ENOENT;
    bool seen;
    int err = vfs_path_seen(&t->fs->root, &t->fs->cwd, &s, &seen);
    if (!err && !seen) {
        char *far = NULL;
        err = asprintf(&far, "(unreachable)%s", s) < 0 ? -ENOMEM : 0;
        if (!err) {
            free(s);
            s = far;
        }
    }
    if (err)
        return err;
    size_t len = strlen(s) + 1;
    if (len > PATH_MAX_LEN)
        return -ENAMETOOLONG;
    if (len > arg_u64(a, 1))
        return -ERANGE;
    return copy_out(t, arg_u64(a, 0), s, len) ? -EFAULT : (long)len;
}

/* --- struct fs_context --- */
struct fs_context *fs_context_new(const struct path *root)
{
    struct fs_context *fs = calloc(1, sizeof(*fs));

    if (!fs)
        return NULL;
    fs->refs = 1;
    fs->root = path_get(root);
    fs->cwd = path_get(root);
    fs->umask = 022;
    return fs;
}

struct fs_context *fs_context_copy(struct fs_context *fs)
{
    struct fs_context *n = fs_context_new(&fs->root);

    if (n) {
        set_path(&n->cwd, &fs->cwd);
        n->umask = fs->umask;
    }
    return n;
}

struct fs_context *fs_context_get(struct fs_context *fs)
{
    fs->refs++;
    return fs;
}

void fs_context_set(struct fs_context *fs, const struct path *root)
{
    set_path(&fs->root, root);
    set_path(&fs->cwd, root);
}

void fs_context_put(struct fs_context *fs)
{
    if (!fs || --fs->refs)
        return;
    path_put(&fs->root);
    path_put(&fs->cwd);
    free(fs);
}
