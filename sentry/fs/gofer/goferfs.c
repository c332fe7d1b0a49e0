/*
 * The gofer's client file system. An inode is a host file known by its path; the dentry tree is the
 * cache. Read-only exports are cached for good, writable ones are asked again after a second.
 *
 * Paths are computed from the dentry an inode was found under; a rename moves the dentry and with
 * it the path. Open files do their I/O on donated host descriptors.
 */
#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/fs/fs.h"
#include "sentry/fs/gofer/rpc.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/file.h"

#define MAX_AGE_NS (1 * NSEC_PER_SEC)
#define CACHED_FDS_MAX 600
#define RWF_NOWAIT_K 8

struct gofer_super {
    unsigned int export_index;
    bool readonly;
    uint64_t root_dev; /* of the host */
};

struct gofer_inode {
    char *link;
    int fd;                /* O_RDONLY, shared by all readers; -1 none */
    struct list lru;       /* inodes with fd */
    uint64_t fresh_ns;     /* attributes are as of then */
    uint64_t host_dev, host_ino;
};

static const struct inode_ops goferfs_ops;
static struct list fd_lru = LIST_INIT(fd_lru);
static int ncached;

static struct gofer_inode *GOFER_I(const struct inode *i)
{
    return i->priv;
}

static struct gofer_super *GOFER_S(const struct superblock *sb)
{
    return sb->priv;
}

/* The path of d below the export's root, written backwards into buf. */
static char *path_of(const struct dentry *d, char buf[GOFER_PATH_MAX])
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

static int call(const struct dentry *d, struct gofer_call *c)
{
    char buf[GOFER_PATH_MAX];

    c->path = path_of(d, buf);
    c->export_index = GOFER_S(d->sb)->export_index;
    return c->path ? gofer_rpc(c) : -ENAMETOOLONG;
}

/* --- inodes --- */
static void apply_attr(struct inode *i, const struct gofer_attr *a)
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
}

static struct inode *new_inode(struct superblock *sb, const struct gofer_attr *a)
{
    struct gofer_inode *gi = calloc(1, sizeof(*gi));
    struct inode *i = gi ? inode_new(sb, &goferfs_ops, a->mode) : NULL;

    if (!i) {
        free(gi);
        return NULL;
    }
    gi->fd = -1;
    list_init(&gi->lru);
    i->priv = gi;
    i->ino = a->ino;
    apply_attr(i, a);
    return i;
}

static int attach(struct dentry *d, const struct gofer_attr *a, char **link)
{
    struct inode *i = new_inode(d->sb, a);

    if (!i)
        return -ENOMEM;
    if (link) {
        GOFER_I(i)->link = *link;
        *link = NULL;
    }
    dentry_set_inode(d, i);
    return 0;
}

static void drop_fd(struct gofer_inode *gi)
{
    if (gi->fd < 0)
        return;
    close(gi->fd);
    gi->fd = -1;
    list_del(&gi->lru);
    ncached--;
}

static void keep_fd(struct gofer_inode *gi, int fd)
{
    drop_fd(gi);
    gi->fd = fd;
    list_add_tail(&fd_lru, &gi->lru);
    ncached++;
}

static void gofer_evict(struct inode *i)
{
    drop_fd(GOFER_I(i));
    free(GOFER_I(i)->link);
    free(i->priv);
}

static int gofer_lookup(struct task *t, struct inode *dir, struct dentry *d)
{
    struct gofer_call c = {.type = GOFER_LOOKUP};
    int err = call(d, &c);

    if (!err)
        err = attach(d, &c.attr, &c.data);
    free(c.data);
    return err == -ENOENT ? 0 : err;
}

static int gofer_revalidate(struct task *t, struct dentry *d)
{
    struct gofer_call c = {.type = GOFER_LOOKUP};

    if (GOFER_S(d->sb)->readonly)
        return 1;
    if (!d->inode)
        return 0;
    struct gofer_inode *gi = GOFER_I(d->inode);
    if (now_ns() - gi->fresh_ns < MAX_AGE_NS)
        return 1;
    int err = call(d, &c);
    bool same = !err && c.attr.ino == gi->host_ino && c.attr.dev == gi->host_dev;
    if (same)
        apply_attr(d->inode, &c.attr);
    free(c.data);
    return same;
}

static int gofer_readlink(struct task *t, struct inode *i, char **out)
{
    *out = strdup(GOFER_I(i)->link ? GOFER_I(i)->link : "");
    return *out ? 0 : -ENOMEM;
}

static int gofer_getattr(struct task *t, struct inode *i, struct kstat *st)
{
    const struct gofer_inode *gi = GOFER_I(i);

    st->ino = gi->host_ino;
    /* Mounts below the export keep being other devices, so that find -xdev sees the borders. */
    if (gi->host_dev != GOFER_S(i->sb)->root_dev)
        st->dev = gi->host_dev | 1ULL << 40;
    return 0;
}

/* --- changes --- */
static int gofer_make(struct task *t, struct dentry *d, enum gofer_msg type, mode_t mode,
                      const char *target)
{
    struct gofer_call c = {
        .type = type, .path2 = target, .arg = {mode, t->cred->fsuid, t->cred->fsgid}};
    int err = call(d, &c);

    if (err)
        return err;
    char *link = target ? strdup(target) : NULL;
    err = attach(d, &c.attr, &link);
    if (c.fd >= 0)
        close(c.fd);
    free(link);
    free(c.data);
    return err;
}

static int gofer_create(struct task *t, struct inode *dir, struct dentry *d, mode_t mode)
{
    return gofer_make(t, d, GOFER_CREATE, mode, NULL);
}

static int gofer_mkdir(struct task *t, struct inode *dir, struct dentry *d, mode_t mode)
{
    return gofer_make(t, d, GOFER_MKDIR, mode, NULL);
}

static int gofer_symlink(struct task *t, struct inode *dir, struct dentry *d, const char *target)
{
    return gofer_make(t, d, GOFER_SYMLINK, 0, target);
}

static int gofer_mknod(struct task *t, struct inode *dir, struct dentry *d, mode_t mode, dev_t dev)
{
    return S_ISFIFO(mode) ? gofer_make(t, d, GOFER_MKFIFO, mode, NULL) : -EPERM;
}

static int gofer_two(struct dentry *from, struct dentry *to, enum gofer_msg type, uint64_t arg)
{
    char buf[GOFER_PATH_MAX];
    struct gofer_call c = {.type = type, .arg = {arg}};

    c.path2 = path_of(to, buf);
    int err = c.path2 ? call(from, &c) : -ENAMETOOLONG;
    free(c.data);
    return err;
}

static int gofer_link(struct task *t, struct dentry *old, struct inode *dir, struct dentry *d)
{
    int err = gofer_two(old, d, GOFER_LINK, 0);

    if (!err) {
        old->inode->nlink++;
        dentry_set_inode(d, inode_get(old->inode));
    }
    return err;
}

static int gofer_remove(struct dentry *d, enum gofer_msg type)
{
    struct gofer_call c = {.type = type};
    int err = call(d, &c);

    if (!err && d->inode->nlink)
        d->inode->nlink--;
    free(c.data);
    return err;
}

static int gofer_unlink(struct task *t, struct inode *dir, struct dentry *d)
{
    return gofer_remove(d, GOFER_UNLINK);
}

static int gofer_rmdir(struct task *t, struct inode *dir, struct dentry *d)
{
    return gofer_remove(d, GOFER_RMDIR);
}

static int gofer_rename(struct task *t, struct inode *odir, struct dentry *od, struct inode *ndir,
                        struct dentry *nd, unsigned int flags)
{
    return gofer_two(od, nd, GOFER_RENAME, flags);
}

static int gofer_setattr(struct task *t, struct dentry *d, const struct setattr *a)
{
    struct gofer_call c = {.type = GOFER_SETATTR};

    c.arg[0] = a->mask & 63; /* the first six bits are the protocol's */
    c.arg[1] = a->mode;
    c.arg[2] = a->uid | (uint64_t)a->gid << 32;
    c.arg[3] = (uint64_t)a->size;
    c.arg[4] = (uint64_t)a->atime.sec;
    c.arg[5] = a->atime.nsec;
    c.arg[6] = (uint64_t)a->mtime.sec;
    c.arg[7] = a->mtime.nsec;
    if ((a->mask & SETATTR_SIZE) && !(a->mask & ~(SETATTR_SIZE | SETATTR_MTIME | SETATTR_CTIME)))
        c.arg[0] = SETATTR_SIZE;
    int err = c.arg[0] ? call(d, &c) : 0;
    if (!err && c.arg[0])
        apply_attr(d->inode, &c.attr);
    free(c.data);
    return err;
}

/* --- regular files --- */
struct cold_read {
    int fd;
    off_t off;
    void *buf;
    size_t len;
};

static long cold_read(void *arg)
{
    struct cold_read *r = arg;
    ssize_t n = pread(r->fd, r->buf, r->len, r->off);

    return n < 0 ? -errno : n;
}

/* Data that is not in the host's page cache: a worker waits for the disk. */
static ssize_t read_cold(struct uio *u, int fd, loff_t pos)
{
    size_t len = MIN(u->resid, 131072UL);
    cleanup_free char *buf = malloc(len);
    struct cold_read r = {fd, pos, buf, len};

    if (!buf)
        return -ENOMEM;
    long n = worker_call(cold_read, &r);
    return n > 0 ? uio_write(u, buf, (size_t)n) : n;
}

static int file_fd(struct file *f)
{
    return (int)(intptr_t)f->priv - 1;
}

static ssize_t gf_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    int fd = file_fd(f);
    ssize_t n = uio_from_fd_rwf(u, fd, *pos, u->resid, RWF_NOWAIT_K);

    if (n == -EAGAIN || n == -EOPNOTSUPP)
        n = rwf & RWF_NOWAIT_K ? -EAGAIN : read_cold(u, fd, *pos);
    if (n > 0)
        *pos += n;
    return n;
}

static ssize_t gf_write(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct inode *i = f->inode;

    if (f->flags & O_APPEND) {
        struct stat st;
        if (!fstat(file_fd(f), &st))
            *pos = st.st_size;
    }
    ssize_t n = uio_to_fd(u, file_fd(f), *pos, u->resid);
    if (n > 0) {
        *pos += n;
        i->size = MAX(i->size, *pos);
        inode_touch(i, true, false);
    }
    return n;
}

static loff_t gf_llseek(struct task *t, struct file *f, loff_t off, int whence)
{
    if (whence == SEEK_DATA || whence == SEEK_HOLE) {
        loff_t r = lseek(file_fd(f), off, whence);
        if (r < 0)
            return -errno;
        f->pos = r;
        return r;
    }
    return generic_llseek(t, f, off, whence);
}

static int gf_mmap(struct task *t, struct file *f, uint64_t off, uint64_t len, int prot, int flags,
                   int *host_fd, uint64_t *host_off)
{
    *host_fd = file_fd(f);
    *host_off = off;
    return 0;
}

static long fsync_job(void *arg)
{
    return fsync((int)(intptr_t)arg) ? -errno : 0;
}

static int gf_fsync(struct task *t, struct file *f, bool data)
{
    if (!file_writable(f))
        return 0;
    return (int)worker_call(fsync_job, (void *)(intptr_t)file_fd(f));
}

static int gf_fallocate(struct task *t, struct file *f, int mode, loff_t off, loff_t len)
{
    return fallocate(file_fd(f), mode, off, len) ? -errno : 0;
}

/* Each open file has its own descriptor: a dup of the inode's for readers. */
static void gf_release(struct file *f)
{
    close(file_fd(f));
}

static const struct file_ops gofer_file_ops = {
    .kind = "host file",
    .read = gf_read,
    .write = gf_write,
    .llseek = gf_llseek,
    .mmap = gf_mmap,
    .fsync = gf_fsync,
    .fallocate = gf_fallocate,
    .release = gf_release,
};

static int get_fd(struct inode *i, int acc)
{
    struct gofer_inode *gi = GOFER_I(i);
    struct gofer_call c = {.type = GOFER_OPEN, .arg = {(uint64_t)acc}};

    if (acc == O_RDONLY && gi->fd >= 0) {
        int fd = dup(gi->fd);
        return fd < 0 ? -errno : fd;
    }
    struct dentry *d = inode_dentry(i);
    if (!d)
        return -ESTALE;
    dentry_get(d); /* the call parks */
    int err = call(d, &c);
    dentry_put(d);
    free(c.data);
    if (err)
        return err;
    if (c.fd < 0)
        return -EIO;
    apply_attr(i, &c.attr);
    if (acc == O_RDONLY && GOFER_S(i->sb)->readonly) {
        if (ncached >= CACHED_FDS_MAX)
            drop_fd(list_first(&fd_lru, struct gofer_inode, lru));
        int keep = dup(c.fd);
        if (keep >= 0)
            keep_fd(gi, keep);
    }
    return c.fd;
}

/* --- directories --- */
struct gofer_dir {
    char *data; /* one reply */
    uint32_t len;
    uint64_t from; /* position the reply was read at */
};

/* What a listing tells about its entries goes into the dentry cache. */
static void prime(struct dentry *dir, const struct gofer_dirent *e)
{
    if (!e->attr.mode || S_ISLNK(e->attr.mode))
        return;
    struct dentry *d = dentry_cached(dir, e->name, e->name_len);
    if (!d) {
        d = dentry_new_child(dir, e->name, e->name_len);
        if (!d)
            return;
        if (attach(d, &e->attr, NULL)) {
            dentry_put(d);
            return;
        }
        dentry_add(d);
    }
    dentry_put(d);
}

static bool entry_ok(const struct gofer_dir *g, uint32_t off)
{
    const struct gofer_dirent *e = (const void *)(g->data + off);

    return g->len - off >= sizeof(*e) && e->reclen >= sizeof(*e) + e->name_len &&
           e->reclen <= g->len - off && e->reclen % 8 == 0 && e->name_len > 0 &&
           !memchr(e->name, '/', e->name_len);
}

static int fetch_entries(struct dentry *dir, struct gofer_dir *g, uint64_t pos)
{
    struct gofer_call c = {.type = GOFER_READDIR, .arg = {pos}};
    int err = call(dir, &c);

    if (err)
        return err;
    free(g->data);
    g->data = c.data;
    g->len = c.len;
    g->from = pos;
    for (uint32_t off = 0; off < g->len && entry_ok(g, off);) {
        const struct gofer_dirent *e = (const void *)(g->data + off);
        if (GOFER_S(dir->sb)->readonly)
            prime(dir, e);
        off += e->reclen;
    }
    return 0;
}

/* Positions: 0 and 1 are "." and "..", then the host's plus 2. */
static int gd_readdir(struct task *t, struct file *f, struct dir_context *ctx)
{
    struct gofer_dir *g = f->priv;
    struct dentry *dir = inode_dentry(f->inode);

    if (!dir)
        return -ENOENT;
    if (ctx->pos == 0 && !ctx->emit(ctx, ".", 1, 1, f->inode->ino, 4))
        return 0;
    if (ctx->pos == 1 && !ctx->emit(ctx, "..", 2, 2, dir->parent->inode->ino, 4))
        return 0;
    for (;;) {
        uint64_t pos = (uint64_t)ctx->pos - 2;
        if (!g->data || g->from != pos) {
            dentry_get(dir);
            int err = fetch_entries(dir, g, pos);
            dentry_put(dir);
            if (err)
                return err;
        }
        if (!g->len)
            return 0;
        for (uint32_t off = 0; off < g->len && entry_ok(g, off);) {
            const struct gofer_dirent *e = (const void *)(g->data + off);
            if (!ctx->emit(ctx, e->name, e->name_len, (loff_t)(e->next + 2U), e->ino, e->type))
                return 0;
            off += e->reclen;
        }
    }
}

static void gd_release(struct file *f)
{
    struct gofer_dir *g = f->priv;

    free(g->data);
    free(g);
}

static const struct file_ops gofer_dir_ops = {
    .kind = "host directory",
    .readdir = gd_readdir,
    .llseek = dir_llseek,
    .release = gd_release,
};

static int gofer_open(struct task *t, struct inode *i, const struct path *p, int flags,
                      struct file **out)
{
    if (S_ISDIR(i->mode)) {
        struct gofer_dir *g = calloc(1, sizeof(*g));
        *out = g ? file_new(&gofer_dir_ops, i, p, flags) : NULL;
        if (!*out) {
            free(g);
            return -ENOMEM;
        }
        (*out)->priv = g;
        return 0;
    }
    if (!S_ISREG(i->mode))
        return -ENXIO;
    int fd = get_fd(i, flags & O_ACCMODE);
    if (fd < 0)
        return fd;
    *out = file_new(&gofer_file_ops, i, p, flags);
    if (!*out) {
        close(fd);
        return -ENOMEM;
    }
    (*out)->priv = (void *)(intptr_t)(fd + 1);
    return 0;
}

static const struct inode_ops goferfs_ops = {
    .lookup = gofer_lookup,
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
};

/* --- the file system --- */
static int gofer_statfs(struct task *t, struct superblock *sb, struct statfs *st)
{
    struct gofer_call c = {.type = GOFER_STATFS};
    int err = call(sb->root, &c);

    if (!err && c.len == sizeof(*st))
        memcpy(st, c.data, sizeof(*st));
    free(c.data);
    return err;
}

static void gofer_put_super(struct superblock *sb)
{
    free(sb->priv);
}

static const struct super_ops gofer_super_ops = {
    .evict = gofer_evict,
    .statfs = gofer_statfs,
    .revalidate = gofer_revalidate,
    .put_super = gofer_put_super,
};

/* Called in a fiber: asks for the root's attributes. */
int goferfs_new(unsigned int export_index, bool readonly, struct superblock **out)
{
    struct gofer_super *s = calloc(1, sizeof(*s));
    struct gofer_call c = {.type = GOFER_LOOKUP, .path = "", .export_index = export_index};
    int err = s ? gofer_rpc(&c) : -ENOMEM;

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
    struct inode *root = new_inode(sb, &c.attr);
    struct dentry *d = root ? dentry_new_root(sb, root) : NULL;
    if (!d) {
        super_put(sb);
        return -ENOMEM;
    }
    *out = sb;
    return 0;
}
