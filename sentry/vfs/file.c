/* Open file descriptions; the anonymous file system for files without a name. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "ckpt/record.h"
#include "sentry/ipc/epoll.h"
#include "sentry/ipc/inotify.h"
#include "sentry/kernel/task.h"
#include "sentry/sandbox.h"
#include "sentry/vfs/vfs_internal.h"

#define ANON_INODE_FS_MAGIC 0x09041934
/* Older headers do not have them all. ATOMIC is of block devices, which there are none of. */
#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif
#ifndef RWF_DONTCACHE
#define RWF_DONTCACHE 0x80
#endif
#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x100
#endif
#define RWF_KNOWN                                                                                  \
    (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND | RWF_NOAPPEND | RWF_DONTCACHE |   \
     RWF_NOSIGNAL)

const struct file_ops opath_ops = {.kind = "path"};

/* Open files of the sandbox; restored ones may be more than the limit. */
static uint64_t nfiles;

uint64_t file_count(void)
{
    return nfiles;
}

/* A tenth of the memory at 1 KiB each, inode and dentry included: fs/file_table.c
 * files_maxfiles_init(). */
uint64_t file_count_max(void)
{
    uint64_t memory = sandbox ? sandbox->memory_bytes : 0;

    return memory ? MAX(memory / 1024 / 10, 8192UL) : UINT32_MAX;
}

void file_restored(void)
{
    nfiles++;
}

struct file *file_new(const struct file_ops *ops, struct inode *inode, const struct path *path,
                      int flags)
{
    struct file *f = nfiles < file_count_max() ? calloc(1, sizeof(*f)) : NULL;

    if (!f)
        return NULL;
    nfiles++;
    f->refs = 1;
    f->ops = ops;
    f->flags = flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC | FILE_EXEC);
    f->inode = inode_get(inode);
    if (path)
        f->path = path_get(path);
    waitq_init(&f->pos_wq);
    list_init(&f->epoll_items);
    return f;
}

static struct mount anon_mount = {
    .refs = 1, .node = LIST_INIT(anon_mount.node), .children = LIST_INIT(anon_mount.children)};

/* Opening /proc/self/fd/N of an anonymous file: only kinds that have an object in the inode. */
static const struct inode_ops anon_inode_ops;

static const struct inode_ops *anon_ops(mode_t mode)
{
    return &anon_inode_ops;
}

static void anon_adopt(struct superblock *sb)
{
    if (!anon_mount.sb)
        anon_mount.sb = sb;
}

const struct super_ops anon_super_ops = {.inode_ops = anon_ops, .adopt = anon_adopt};
CKPT_SYMBOL("super_ops", "anon_inodefs", anon_super_ops);
CKPT_SYMBOL("file_ops", "path", opath_ops);

static struct superblock *anon_super(void)
{
    if (!anon_mount.sb) {
        anon_mount.sb = super_new(&anon_super_ops, "anon_inodefs", ANON_INODE_FS_MAGIC, NULL);
        if (anon_mount.sb)
            anon_mount.sb->pinned = true;
    }
    return anon_mount.sb;
}

struct mount *anon_mount_get(void)
{
    return mount_get(&anon_mount);
}

bool path_is_anon(const struct path *p)
{
    return p->mnt == &anon_mount;
}

struct file *file_new_anon(const struct file_ops *ops, mode_t mode, int flags, void *priv)
{
    struct superblock *sb = anon_super();
    struct inode *i = sb ? inode_new(sb, &anon_inode_ops, mode) : NULL;
    char name[64];

    if (!i)
        return NULL;
    struct task *t = task_current();
    if (t && t->cred) {
        i->uid = t->cred->fsuid;
        i->gid = t->cred->fsgid;
    }
    bool numbered = S_ISFIFO(mode) || S_ISSOCK(mode);
    if (numbered)
        snprintf(name, sizeof(name), "%s:[%lu]", ops->kind, (unsigned long)i->ino);
    else
        snprintf(name, sizeof(name), "anon_inode:%s", ops->kind);
    struct dentry *d = dentry_new_detached(sb, name, i);
    if (!d) {
        inode_put(i);
        return NULL;
    }
    struct path p = {&anon_mount, d};
    struct file *f = file_new(ops, i, &p, flags);
    if (f)
        f->priv = priv;
    dentry_put(d);
    inode_put(i);
    return f;
}

struct file *file_get(struct file *f)
{
    f->refs++;
    return f;
}

void file_put(struct file *f)
{
    if (--f->refs)
        return;
    epoll_file_released(f);
    file_async_disarm(f);
    locks_released(f);
    if (f->path.dentry && f->path.mnt && !f->internal && f->ops != &opath_ops &&
        !path_is_anon(&f->path))
        fsnotify(f->path.dentry->inode, f->path.dentry,
                 file_writable(f) ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE, 0);
    if (f->ops->release)
        f->ops->release(f);
    if (f->text)
        f->text->write_count -= f->text_claim;
    if (f->mnt_writer) /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): only with a mount */
        f->path.mnt->writers--;
    inode_put(f->text);
    inode_put(f->inode);
    path_put(&f->path); /* last: with it may go the mount, and the inode's superblock */
    cred_put(f->cred);
    nfiles--;
    free(f);
}

/*
 * The position is the file's: two users of it take turns, also while one is parked. As on Linux
 * only for regular files and directories: a reader that waits for a terminal must not stop writers.
 */
int file_pos_lock(struct task *t, struct file *f)
{
    if (!S_ISREG(f->inode->mode) && !S_ISDIR(f->inode->mode))
        return 0;
    while (f->pos_busy)
        if (task_wait_killable(t, &f->pos_wq))
            return -EINTR;
    f->pos_busy = true;
    return 0;
}

void file_pos_unlock(struct file *f)
{
    if (!S_ISREG(f->inode->mode) && !S_ISDIR(f->inode->mode))
        return;
    f->pos_busy = false;
    waitq_wake_all(&f->pos_wq);
}

unsigned int file_io(const struct file *f)
{
    unsigned int io = f->ops->io;

    /* The files of an overlay are those of a disk, wherever their bytes are. */
    if (S_ISREG(f->inode->mode) && f->path.dentry && f->path.dentry->inode != f->inode)
        io |= FILE_NOWAIT_READ | FILE_DONTCACHE;
    if (S_ISFIFO(f->inode->mode) && !path_is_anon(&f->path))
        io &= ~(unsigned int)FILE_NOWAIT;
    return io;
}

/* In the order of kiocb_set_rw_flags(). */
int file_check_rwf(const struct file *f, bool write, int rwf)
{
    if (!rwf)
        return 0;
    unsigned int io = file_io(f);
    if (io & (write ? FILE_PLAIN_WRITE : FILE_PLAIN_READ))
        return rwf & ~RWF_HIPRI ? -EOPNOTSUPP : 0;
    if (S_ISDIR(f->inode->mode) && (rwf & ~RWF_HIPRI)) /* EISDIR is ->read's */
        return -EOPNOTSUPP;
    if (rwf & ~RWF_KNOWN)
        return -EOPNOTSUPP;
    if ((rwf & RWF_APPEND) && (rwf & RWF_NOAPPEND))
        return -EINVAL;
    if ((rwf & RWF_NOWAIT) && !(io & (write ? FILE_NOWAIT_WRITE : FILE_NOWAIT_READ)))
        return -EOPNOTSUPP;
    return (rwf & RWF_DONTCACHE) && !(io & FILE_DONTCACHE) ? -EOPNOTSUPP : 0;
}

ssize_t file_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    if (!f->ops->read)
        return S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
    if (pos || f->ops->no_seek)
        return f->ops->read(t, f, u, pos, rwf);
    if (file_pos_lock(t, f))
        return -EINTR;
    ssize_t n = f->ops->read(t, f, u, &f->pos, rwf);
    file_pos_unlock(f);
    return n;
}

/* RLIMIT_FSIZE: what would go beyond is cut off, and nothing at all is an error: write(2). */
static int limit_write(struct task *t, struct file *f, struct uio *u, loff_t pos, int rwf)
{
    uint64_t limit = rlimit_cur(t, RLIMIT_FSIZE);

    if (limit == RLIM_INFINITY || !S_ISREG(f->inode->mode) || !u->resid)
        return 0;
    if (file_appends(f, rwf))
        pos = f->inode->size;
    if ((uint64_t)pos >= limit)
        return fsize_exceeded(t);
    u->resid = MIN(u->resid, limit - (uint64_t)pos);
    return 0;
}

static bool may_have_caps(const struct file *f)
{
    return S_ISREG(f->inode->mode) && f->path.dentry && !f->path.dentry->inode->no_caps;
}

static ssize_t write_at(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    int err = t ? limit_write(t, f, u, *pos, rwf) : 0;

    if (!err && t && ((f->inode->mode & (S_ISUID | S_ISGID)) || may_have_caps(f)))
        err = strip_setid(t, &f->path);
    ssize_t n = err ? err : f->ops->write(t, f, u, pos, rwf);
    if (n > 0 && ((f->flags & O_DSYNC) || (rwf & (RWF_DSYNC | RWF_SYNC))) && f->ops->fsync)
        err = f->ops->fsync(t, f, !(rwf & RWF_SYNC) && (f->flags & O_SYNC) != O_SYNC);
    return err ? err : n;
}

ssize_t file_write(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    if (!f->ops->write)
        return -EINVAL;
    if (f->ops->no_seek)
        return f->ops->write(t, f, u, pos, rwf);
    if (pos)
        return write_at(t, f, u, pos, rwf);
    if (file_pos_lock(t, f))
        return -EINTR;
    ssize_t n = write_at(t, f, u, &f->pos, rwf);
    file_pos_unlock(f);
    return n;
}

uint32_t file_poll(struct file *f, struct poll_table *pt)
{
    if (!f->ops->poll)
        return EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;
    return f->ops->poll(f, pt);
}

ssize_t file_read_kernel(struct task *t, struct file *f, void *buf, size_t len, loff_t pos)
{
    size_t done = 0;

    /* Offsets come out of hostile files: no file operation may see a negative one. */
    if (pos < 0 || len > (size_t)(INT64_MAX - pos))
        return -EINVAL;
    while (done < len) {
        struct uio u;
        loff_t at = pos + (loff_t)done;
        uio_init_kernel(&u, UIO_DEST, (char *)buf + done, len - done);
        ssize_t n = file_read(t, f, &u, &at, 0);
        if (n < 0)
            return done ? (ssize_t)done : n;
        if (!n)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}
