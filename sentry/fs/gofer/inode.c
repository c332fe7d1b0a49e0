/*
 * The gofer's client file system: names and attributes. An inode is a host file known by its path;
 * the dentry tree is the cache. Read-only exports are cached for good, writable ones are asked
 * again after a second. A rename moves the dentry and with it the path.
 *
 * Attributes of a file that we write are the host's to say (dirty); of a file without a name
 * only we know, so changes of those stay here.
 */
#include <errno.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/macros.h"
#include "sentry/fs/fs.h"
#include "sentry/fs/gofer/goferfs.h"
#include "sentry/ipc/pipe.h"
#include "sentry/kernel/task.h"

/* The path of d below the export's root, written backwards into buf. */
char *goferfs_path(const struct dentry *d, char buf[GOFER_PATH_MAX])
{
    char *at = buf + GOFER_PATH_MAX - 1;

    *at = 0;
    for (; d->parent != d; d = d->parent) {
        if (at - buf < d->name_len + 1)
            return NULL;
        if (*at)
            *--at = '/';
        at -= d->name_len;
        memcpy(at, d->name, d->name_len);
    }
    return at;
}

int goferfs_call(struct dentry *d, struct gofer_call *c)
{
    char buf[GOFER_PATH_MAX];

    c->path = goferfs_path(d, buf);
    c->export_index = GOFER_S(d->sb)->export_index;
    return c->path ? gofer_rpc(c) : -ENAMETOOLONG;
}

bool goferfs_has_name(const struct dentry *d)
{
    return d->parent == d || d->hashed;
}

int goferfs_call_inode(const struct inode *i, struct gofer_call *c)
{
    struct dentry *d = inode_dentry(i);

    if (!d || !goferfs_has_name(d))
        return -ESTALE;
    dentry_get(d); /* the call parks */
    int err = goferfs_call(d, c);
    dentry_put(d);
    return err;
}

/* --- inodes --- */
void goferfs_apply(struct inode *i, const struct gofer_attr *a)
{
    struct gofer_inode *gi = GOFER_I(i);

    i->mode = a->mode;
    i->nlink = a->nlink;
    i->uid = a->uid;
    i->gid = a->gid;
    i->rdev = a->rdev;
    i->size = (loff_t)a->size;
    i->blocks = a->blocks;
    i->atime = (struct ktime){a->atime_sec, a->atime_nsec};
    i->mtime = (struct ktime){a->mtime_sec, a->mtime_nsec};
    i->ctime = (struct ktime){a->ctime_sec, a->ctime_nsec};
    i->btime = (struct ktime){a->btime_sec, a->btime_nsec};
    gi->host_dev = a->dev;
    gi->host_ino = a->ino;
    gi->fresh_ns = now_ns();
    gi->dirty = false;
}

struct inode *goferfs_inode_new(struct superblock *sb, const struct gofer_attr *a)
{
    struct gofer_inode *gi = calloc(1, sizeof(*gi));
    struct inode *i = gi ? inode_new(sb, &goferfs_ops, a->mode) : NULL;

    if (!i) {
        free(gi);
        return NULL;
    }
    list_init(&gi->lru);
    list_init(&gi->fds);
    i->priv = gi;
    i->ino = a->ino;
    i->no_caps = true; /* if it has any, the host removes them when it is written to */
    goferfs_apply(i, a);
    return i;
}

int goferfs_attach(struct dentry *d, const struct gofer_attr *a, const char *link, size_t len)
{
    struct inode *i = goferfs_inode_new(d->sb, a);

    if (!i)
        return -ENOMEM;
    if (link && S_ISLNK(a->mode))
        GOFER_I(i)->link = strndup(link, len); /* without memory it is asked for again */
    dentry_set_inode(d, i);
    return 0;
}

void goferfs_evict(struct inode *i)
{
    goferfs_forget_fds(i);
    goferfs_forget_listing(i);
    if (i->pipe)
        pipe_inode_evicted(i);
    free(GOFER_I(i)->link);
    free(i->priv);
}

/* Not the owner: our user namespace does not have the host's users. */
static void apply_stat(struct inode *i, const struct stat *st)
{
    if (!GOFER_I(i)->orphan) {
        i->mode = st->st_mode;
        i->nlink = (uint32_t)st->st_nlink;
    }
    i->size = st->st_size;
    i->blocks = (uint64_t)st->st_blocks;
    i->atime = (struct ktime){st->st_atim.tv_sec, (uint32_t)st->st_atim.tv_nsec};
    i->mtime = (struct ktime){st->st_mtim.tv_sec, (uint32_t)st->st_mtim.tv_nsec};
    i->ctime = (struct ktime){st->st_ctim.tv_sec, (uint32_t)st->st_ctim.tv_nsec};
    GOFER_I(i)->dirty = false;
}

void goferfs_refresh(struct inode *i)
{
    struct gofer_inode *gi = GOFER_I(i);
    struct gofer_call c = {.type = GOFER_LOOKUP};
    struct gofer_fd *g = gi->wr ? gi->wr : gi->rd;
    struct stat st;

    if (GOFER_S(i->sb)->readonly || (!gi->dirty && now_ns() - gi->fresh_ns < GOFER_MAX_AGE_NS))
        return;
    if (g) {
        if (!fstat(g->fd, &st))
            apply_stat(i, &st);
        return;
    }
    if (!goferfs_call_inode(i, &c) && c.attr.ino == gi->host_ino && c.attr.dev == gi->host_dev &&
        !gi->wr)
        goferfs_apply(i, &c.attr);
    free(c.data);
}

static int gofer_readlink(struct task *t, struct inode *i, char **out)
{
    struct gofer_inode *gi = GOFER_I(i);

    if (!S_ISLNK(i->mode))
        return -EINVAL;
    if (!gi->link) {
        struct gofer_call c = {.type = GOFER_LOOKUP};
        int err = goferfs_call_inode(i, &c);
        if (!err && (!c.data || !S_ISLNK(c.attr.mode)))
            err = -ESTALE;
        if (err || gi->link)
            free(c.data);
        else
            gi->link = c.data;
        if (err)
            return err;
    }
    *out = strdup(gi->link);
    return *out ? 0 : -ENOMEM;
}

static int gofer_getattr(struct task *t, struct inode *i, struct kstat *st)
{
    const struct gofer_inode *gi = GOFER_I(i);

    goferfs_refresh(i);
    st->ino = gi->host_ino;
    st->mode = i->mode;
    st->nlink = i->nlink;
    st->uid = i->uid;
    st->gid = i->gid;
    st->size = i->size;
    st->blocks = i->blocks;
    st->atime = i->atime;
    st->mtime = i->mtime;
    st->ctime = i->ctime;
    /* Mounts below the export keep being other devices, so that find -xdev sees the borders. */
    if (gi->host_dev != GOFER_S(i->sb)->root_dev)
        st->dev = gi->host_dev | 1ULL << 40;
    return 0;
}

/* --- changes --- */
/* Before and after names in dir change: its attributes and replies under way are out of date. */
void goferfs_dir_changes(struct inode *dir)
{
    GOFER_I(dir)->changes++;
    GOFER_I(dir)->dirty = true;
}

static int gofer_make(struct task *t, struct inode *dir, struct dentry *d, enum gofer_msg type,
                      mode_t mode, const char *target)
{
    gid_t gid = dir->mode & S_ISGID ? dir->gid : t->cred->fsgid;
    struct gofer_call c = {.type = type, .path2 = target, .arg = {mode, t->cred->fsuid, gid}};

    if (target && strlen(target) >= GOFER_PATH_MAX)
        return -ENAMETOOLONG;
    goferfs_dir_changes(dir);
    int err = goferfs_call(d, &c);
    goferfs_dir_changes(dir);
    free(c.data);
    if (err)
        return err;
    err = goferfs_attach(d, &c.attr, target, target ? strlen(target) : 0);
    if (c.fd >= 0 && !err)
        goferfs_created(d->inode, c.fd);
    else if (c.fd >= 0)
        close(c.fd);
    return err;
}

static int gofer_create(struct task *t, struct inode *dir, struct dentry *d, mode_t mode)
{
    return gofer_make(t, dir, d, GOFER_CREATE, mode, NULL);
}

static int gofer_mkdir(struct task *t, struct inode *dir, struct dentry *d, mode_t mode)
{
    return gofer_make(t, dir, d, GOFER_MKDIR, mode, NULL);
}

static int gofer_symlink(struct task *t, struct inode *dir, struct dentry *d, const char *target)
{
    return gofer_make(t, dir, d, GOFER_SYMLINK, 0, target);
}

static int gofer_mknod(struct task *t, struct inode *dir, struct dentry *d, mode_t mode, dev_t dev)
{
    if (!S_ISFIFO(mode) && !S_ISSOCK(mode))
        return -EPERM; /* the gofer makes no devices */
    return gofer_make(t, dir, d, GOFER_MKNOD, mode, NULL);
}

static int gofer_two(struct dentry *from, struct dentry *to, enum gofer_msg type, uint64_t arg)
{
    char buf[GOFER_PATH_MAX];
    struct gofer_call c = {.type = type, .arg = {arg}};
    struct inode *fdir = from->parent->inode, *tdir = to->parent->inode;

    c.path2 = goferfs_path(to, buf);
    if (!c.path2)
        return -ENAMETOOLONG;
    goferfs_dir_changes(fdir);
    goferfs_dir_changes(tdir);
    int err = goferfs_call(from, &c);
    goferfs_dir_changes(fdir);
    goferfs_dir_changes(tdir);
    free(c.data);
    return err;
}

/* d, or if that name is gone or never was, another of the same file; borrowed. */
static struct dentry *named(struct dentry *d)
{
    struct dentry *other = goferfs_has_name(d) ? NULL : inode_dentry(d->inode);

    return other && goferfs_has_name(other) ? other : d;
}

static int gofer_link(struct task *t, struct dentry *old, struct inode *dir, struct dentry *d)
{
    struct inode *i = old->inode;

    old = named(old);
    if (!goferfs_has_name(old) && !i->may_link)
        return -ENOENT; /* no path leads to it any more */
    int err =
        goferfs_has_name(old) ? gofer_two(old, d, GOFER_LINK, 0) : goferfs_link_nameless(i, dir, d);
    if (err)
        return err;
    i->nlink++;
    GOFER_I(i)->dirty = true;
    dentry_set_inode(d, inode_get(i));
    return 0;
}

static void lost_name(struct inode *i)
{
    i->nlink = S_ISDIR(i->mode) || !i->nlink ? 0 : i->nlink - 1;
    GOFER_I(i)->dirty = true;
}

static int gofer_remove(struct inode *dir, struct dentry *d, enum gofer_msg type)
{
    struct gofer_call c = {.type = type};

    goferfs_dir_changes(dir);
    int err = goferfs_call(d, &c);
    goferfs_dir_changes(dir);
    if (!err)
        lost_name(d->inode);
    free(c.data);
    return err;
}

static int gofer_unlink(struct task *t, struct inode *dir, struct dentry *d)
{
    return gofer_remove(dir, d, GOFER_UNLINK);
}

static int gofer_rmdir(struct task *t, struct inode *dir, struct dentry *d)
{
    return gofer_remove(dir, d, GOFER_RMDIR);
}

static int gofer_rename(struct task *t, struct inode *odir, struct dentry *od, struct inode *ndir,
                        struct dentry *nd, unsigned int flags)
{
    if (flags & RENAME_WHITEOUT)
        return -EINVAL;
    int err = gofer_two(od, nd, GOFER_RENAME, flags);
    if (err)
        return err;
    GOFER_I(od->inode)->dirty = true;
    if (nd->inode && !(flags & RENAME_EXCHANGE))
        lost_name(nd->inode);
    else if (nd->inode)
        GOFER_I(nd->inode)->dirty = true;
    return 0;
}

static void set_args(struct gofer_call *c, const struct setattr *a, uint32_t mask)
{
    c->arg[0] = mask;
    c->arg[1] = a->mode;
    c->arg[2] = a->uid | (uint64_t)a->gid << 32;
    c->arg[3] = (uint64_t)a->size;
    c->arg[4] = (uint64_t)a->atime.sec;
    c->arg[5] = a->atime.nsec;
    c->arg[6] = (uint64_t)a->mtime.sec;
    c->arg[7] = a->mtime.nsec;
}

static void setattr_here(struct inode *i, const struct setattr *a)
{
    inode_apply_mode(i, a);
    if (a->mask & SETATTR_ATIME)
        i->atime = a->atime;
    if (a->mask & SETATTR_MTIME)
        i->mtime = a->mtime;
    i->ctime = ktime_now();
}

/* By a descriptor that goes along; if the gofer has no use for that, only we know from now on. */
static int setattr_nameless(struct inode *i, const struct setattr *a, uint32_t mask)
{
    struct gofer_call c = {.type = GOFER_SETATTR};

    set_args(&c, a, mask);
    int err = goferfs_call_nameless(i, &c);
    free(c.data);
    if (!err)
        goferfs_apply(i, &c.attr);
    else if (err == -EXDEV || err == -EOPNOTSUPP)
        setattr_here(i, a);
    else
        return err;
    return 0;
}

/* By descriptor when there is one: the name may be gone, or another file's by now. */
static int set_size(struct dentry *d, const struct setattr *a)
{
    struct inode *i = d->inode;
    int fd = a->file ? goferfs_file_fd(a->file) : -1;

    if (fd < 0 && GOFER_I(i)->wr)
        fd = GOFER_I(i)->wr->fd;
    if (fd < 0)
        return -EAGAIN;
    if (ftruncate(fd, a->size))
        return -errno;
    i->size = a->size;
    GOFER_I(i)->dirty = true;
    return 0;
}

static int gofer_setattr(struct task *t, struct dentry *d, const struct setattr *a)
{
    struct gofer_call c = {.type = GOFER_SETATTR};
    uint32_t mask = a->mask & 63; /* the first six bits are the protocol's */

    d = named(d);
    bool has_name = goferfs_has_name(d);
    if (mask & SETATTR_SIZE) {
        int err = set_size(d, a);
        if (err && (err != -EAGAIN || !has_name))
            return err == -EAGAIN ? -ESTALE : err;
        if (!err)
            mask &= ~(SETATTR_SIZE | SETATTR_MTIME);
    }
    if (!has_name)
        return mask ? setattr_nameless(d->inode, a, mask) : 0;
    if (!mask)
        return 0;
    set_args(&c, a, mask);
    if (mask == (SETATTR_SIZE | SETATTR_MTIME)) /* the host sets it itself */
        c.arg[0] = SETATTR_SIZE;
    dentry_get(d); /* the call parks */
    int err = goferfs_call(d, &c);
    dentry_put(d);
    free(c.data);
    if (err)
        return err;
    if (GOFER_I(d->inode)->wr &&
        !(mask & SETATTR_SIZE)) { /* a write may have overtaken the reply */
        inode_apply_mode(d->inode, a);
        GOFER_I(d->inode)->dirty = true;
    } else {
        goferfs_apply(d->inode, &c.attr);
    }
    return 0;
}

static int gofer_open(struct task *t, struct inode *i, const struct path *p, int flags,
                      struct file **out)
{
    if (S_ISDIR(i->mode))
        return goferfs_open_dir(t, i, p, flags, out);
    return S_ISREG(i->mode) ? goferfs_open_file(t, i, p, flags, out) : -ENXIO;
}

const struct inode_ops goferfs_ops = {
    .lookup = goferfs_lookup,
    .create = gofer_create,
    .mkdir = gofer_mkdir,
    .mknod = gofer_mknod,
    .symlink = gofer_symlink,
    .link = gofer_link,
    .unlink = gofer_unlink,
    .rmdir = gofer_rmdir,
    .rename = gofer_rename,
    .readlink = gofer_readlink,
    .getattr = gofer_getattr,
    .setattr = gofer_setattr,
    .open = gofer_open,
    .tmpfile = goferfs_tmpfile,
    .getxattr = goferfs_getxattr,
    .setxattr = goferfs_setxattr,
    .listxattr = goferfs_listxattr,
    .removexattr = goferfs_removexattr,
};

/* --- the file system --- */
static int gofer_statfs(struct task *t, struct superblock *sb, struct statfs *st)
{
    struct gofer_call c = {.type = GOFER_STATFS};
    int err = goferfs_call(sb->root, &c);

    if (!err && c.len == sizeof(*st)) {
        const fsid_t id = st->f_fsid; /* the host's is none of the sandbox's */
        memcpy(st, c.data, sizeof(*st));
        st->f_fsid = id;
    }
    free(c.data);
    return err;
}

static void gofer_put_super(struct superblock *sb)
{
    free(sb->priv);
}

const struct super_ops gofer_super_ops = {
    .evict = goferfs_evict,
    .statfs = gofer_statfs,
    .revalidate = goferfs_revalidate,
    .put_super = gofer_put_super,
    .priv_type = &ckpt_goferfs,
    .inode_ops = goferfs_ops_of,
    .save_inode = goferfs_save_inode,
    .load_inode = goferfs_load_inode,
    .restore_inode = goferfs_restore_inode,
};

/* Called in a fiber: asks for the root's attributes. */
int goferfs_new(unsigned int export_index, bool readonly, struct superblock **out)
{
    struct gofer_super *s = calloc(1, sizeof(*s));
    struct gofer_call c = {.type = GOFER_LOOKUP, .path = "", .export_index = export_index};
    int err = s ? gofer_rpc(&c) : -ENOMEM;

    if (s)
        free(c.data);
    if (err) {
        free(s);
        return err;
    }
    s->export_index = export_index;
    s->readonly = readonly;
    s->root_dev = c.attr.dev;
    struct superblock *sb = super_new(&gofer_super_ops, "gofer", V9FS_MAGIC, s);
    if (!sb) {
        free(s);
        return -ENOMEM;
    }
    sb->readonly = readonly;
    struct inode *root = goferfs_inode_new(sb, &c.attr);
    struct dentry *d = root ? dentry_new_root(sb, root) : NULL;
    if (!d) {
        super_put(sb);
        return -ENOMEM;
    }
    *out = sb;
    return 0;
}
