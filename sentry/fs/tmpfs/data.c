/*
 * File contents of tmpfs. Small files live in the sentry's memory; a file that grows beyond
 * SMALL_MAX or is mapped moves to a host memfd for the rest of its life. Seals: memfd_create(2).
 */
#include <errno.h>
#include <linux/falloc.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macros.h"
#include "ckpt/record.h"
#include "sentry/fs/fs.h"
#include "sentry/fs/tmpfs/tmpfs.h"
#include "sentry/kernel/loop.h"
#include "sentry/kernel/task.h"

#define SMALL_MAX 65536
#define FILE_MAX (1LL << 62)
#ifndef MFD_NOEXEC_SEAL /* Linux 6.3 */
#define MFD_NOEXEC_SEAL 8U
#define MFD_EXEC 16U
#endif
#define SEALS_CONTENT (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)
#define SEALS_KNOWN (F_SEAL_SEAL | F_SEAL_EXEC | SEALS_CONTENT)

/*
 * Short transfers of a memfd go through a mapping of it. Nobody else can make it shorter, so what
 * lies below the file's size is there.
 */
#define MAP_MAX (1UL << 20)
#define MAP_OFTEN 4
#define MAPS_MAX 1024

static int nmaps;

static void drop_map(struct tmpfs_inode *ti)
{
    if (!ti->map)
        return;
    munmap(ti->map, ti->map_len);
    ti->map = NULL;
    nmaps--;
}

/* The file's bytes from pos to end, or NULL. */
static char *mapped(const struct inode *i, loff_t pos, loff_t end)
{
    struct tmpfs_inode *ti = TMPFS_I(i);
    size_t len = PAGE_UP((uint64_t)i->size);

    if (ti->memfd < 0 || ti->sealing || end > i->size || len > MAP_MAX ||
        (uint64_t)i->blocks * 512 < len)
        return NULL;
    if (ti->map && ti->map_len < len)
        drop_map(ti);
    if (!ti->map) {
        if (++ti->small < MAP_OFTEN || nmaps >= MAPS_MAX)
            return NULL;
        ti->small = 0;
        char *map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, ti->memfd, 0);
        if (map == MAP_FAILED)
            return NULL;
        ti->map = map;
        ti->map_len = len;
        nmaps++;
    }
    return ti->map + pos;
}

void tmpfs_data_free(struct inode *i)
{
    struct tmpfs_inode *ti = TMPFS_I(i);

    tmpfs_book(i, 0);
    free(ti->data);
    free(ti->image);
    drop_map(ti);
    if (ti->memfd >= 0) {
        uio_file_closed(ti->memfd_id);
        close(ti->memfd);
    }
}

/* A small file takes the pages its size needs: -ENOSPC. */
static int account(struct inode *i, loff_t size)
{
    uint64_t pages = PAGE_UP(size) / NV_PAGE_SIZE, had = i->blocks / 8;
    int err = pages > had ? tmpfs_room(i, pages - had) : 0;

    if (!err)
        tmpfs_book(i, pages);
    return err;
}

/* Is there room for [at, end) of a large file? Parts that have their pages are not known. */
static int large_room(const struct inode *i, loff_t at, loff_t end)
{
    uint64_t pages = (PAGE_UP(end) - PAGE_DOWN(at)) / NV_PAGE_SIZE;
    bool has_holes = (uint64_t)i->blocks * 512 < PAGE_UP(i->size);

    return end > i->size || has_holes ? tmpfs_room(i, pages) : 0;
}

static int to_memfd(struct inode *i)
{
    struct tmpfs_inode *ti = TMPFS_I(i);

    if (ti->memfd >= 0)
        return 0;
    int fd = memfd_create("nv-file", MFD_CLOEXEC | MFD_ALLOW_SEALING), err = 0;
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, i->size) ||
        (ti->data && i->size && pwrite(fd, ti->data, (size_t)i->size, 0) != i->size))
        err = -ENOSPC;
    if (!err && ti->image)
        err = ckpt_contents_copy(ti->image, fd, i->size);
    /* Pages of zeros are not in images: a file that had no holes gets none. */
    if (!err && ti->image && i->size && (uint64_t)i->blocks * 512 >= PAGE_UP(i->size) &&
        fallocate(fd, 0, 0, i->size))
        err = -errno;
    /* A restored file that was sealed: no writable mapping of it can come back. */
    if (!err && (ti->seals & F_SEAL_WRITE) && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE))
        err = -errno;
    if (err) {
        close(fd);
        return err;
    }
    free(ti->data);
    free(ti->image);
    ti->data = NULL;
    ti->image = NULL;
    ti->cap = 0;
    ti->memfd = fd;
    tmpfs_settle(i);
    return 0;
}

int tmpfs_host_fd(struct file *f)
{
    int err = to_memfd(f->inode);

    return err ? err : TMPFS_I(f->inode)->memfd;
}

bool tmpfs_is_file(const struct file *f)
{
    return f->ops == &tmpfs_file_ops;
}

ssize_t tmpfs_peek(const struct inode *i, void *buf, size_t len, loff_t pos)
{
    const struct tmpfs_inode *ti = TMPFS_I(i);

    if (ti->memfd >= 0) {
        ssize_t n = pread(ti->memfd, buf, len, pos);
        return n < 0 ? -errno : n;
    }
    if (ti->image)
        return ckpt_contents_read(ti->image, buf, len, pos);
    if (ti->data)
        memcpy(buf, ti->data + pos, len);
    else
        memset(buf, 0, len);
    return (ssize_t)len;
}

/* A restored file is about to be used: it gets the form it had. */
static int thaw(struct inode *i)
{
    struct tmpfs_inode *ti = TMPFS_I(i);

    if (!ti->image)
        return 0;
    if (ti->to_memfd || i->size > SMALL_MAX)
        return to_memfd(i);
    char *data = calloc(1, MAX((size_t)i->size, 1UL));
    if (!data)
        return -ENOMEM;
    ssize_t n = ckpt_contents_read(ti->image, data, (size_t)i->size, 0);
    if (n != i->size) {
        free(data);
        return n < 0 ? (int)n : -EIO;
    }
    free(ti->image);
    ti->image = NULL;
    ti->data = data;
    ti->cap = (size_t)i->size;
    return 0;
}

/* Makes [0, size) of a small file exist in memory. */
static int reserve(struct tmpfs_inode *ti, size_t size)
{
    if (size <= ti->cap)
        return 0;
    size_t cap = MAX(ti->cap * 2, MAX(size, 256UL));
    char *data = realloc(ti->data, cap);
    if (!data)
        return -ENOMEM;
    memset(data + ti->cap, 0, cap - ti->cap);
    ti->data = data;
    ti->cap = cap;
    return 0;
}

int tmpfs_truncate(struct inode *i, loff_t size)
{
    struct tmpfs_inode *ti = TMPFS_I(i);

    if (size > FILE_MAX)
        return -EFBIG;
    if ((size < i->size && (ti->seals & F_SEAL_SHRINK)) ||
        (size > i->size && (ti->seals & F_SEAL_GROW)))
        return -EPERM;
    drop_map(ti);
    int err = thaw(i);
    if (!err)
        err = size > SMALL_MAX ? to_memfd(i) : ti->memfd < 0 ? account(i, size) : 0;
    if (!err && ti->memfd >= 0) {
        err = ftruncate(ti->memfd, size) ? -errno : 0;
        tmpfs_settle(i);
    } else if (!err && size > i->size)
        err = reserve(ti, (size_t)size);
    else if (!err && ti->data && size < i->size) /* what comes back later must be zero */
        memset(ti->data + size, 0, (size_t)(i->size - size));
    if (!err)
        i->size = size;
    return err;
}

#define LARGE_OFTEN 3

/*
 * How the guest may reach the file besides. A descriptor of it can be written to: only who may
 * write gets one. Mapped in a stub, it could not be sealed any more.
 */
static struct uio_fd host_file(const struct file *f, loff_t pos)
{
    struct tmpfs_inode *ti = TMPFS_I(f->inode);
    bool whole = (uint64_t)f->inode->blocks * 512 >= PAGE_UP(f->inode->size);

    return (struct uio_fd){.fd = ti->memfd,
                           .offset = pos,
                           .id = file_writable(f) ? &ti->memfd_id : NULL,
                           .shared = file_readable(f) && !ti->sealing && whole};
}

/* A small file that is often read or written at large leaves our memory. */
static void note_large(const struct file *f, size_t len)
{
    struct tmpfs_inode *ti = TMPFS_I(f->inode);

    if (ti->memfd < 0 && !ti->image && len > UIO_DIRECT_MIN && file_readable(f) &&
        file_writable(f) && !ti->sealing && ++ti->large >= LARGE_OFTEN) {
        ti->large = 0;
        to_memfd(f->inode); /* if it cannot be, it stays */
    }
}

static ssize_t data_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct inode *i = f->inode;
    struct tmpfs_inode *ti = TMPFS_I(i);
    ssize_t n;

    if (*pos >= i->size)
        return 0;
    size_t len = MIN(u->resid, (size_t)(i->size - *pos));
    int err = ti->image && i->size <= SMALL_MAX ? thaw(i) : 0;
    if (err)
        return err;
    note_large(f, len);
    char *data = ti->memfd < 0           ? ti->data + *pos
                 : len <= UIO_DIRECT_MIN ? mapped(i, *pos, *pos + (loff_t)len)
                                         : NULL;
    if (ti->image) {
        n = ckpt_contents_uio(ti->image, u, len, *pos);
    } else if (data) {
        n = uio_write(u, data, len);
    } else {
        struct uio_fd h = host_file(f, *pos);
        n = uio_from_fd(u, &h, len);
    }
    if (n > 0)
        *pos += n;
    return n;
}

static ssize_t write_at(struct file *f, struct uio *u, loff_t at, size_t len)
{
    struct inode *i = f->inode;
    struct tmpfs_inode *ti = TMPFS_I(i);
    loff_t end = at + (loff_t)len;
    struct uio_fd h = {.fd = -1};

    int err = thaw(i);
    if (!err && end > SMALL_MAX)
        err = to_memfd(i);
    if (!err && ti->memfd >= 0)
        err = large_room(i, at, end);
    else if (!err && end > i->size)
        err = account(i, end);
    if (!err && ti->memfd < 0)
        err = reserve(ti, (size_t)end);
    if (err)
        return err;
    bool grows = end > i->size || (uint64_t)i->blocks * 512 < PAGE_UP(i->size);
    char *data = ti->memfd < 0 ? ti->data + at : len <= UIO_DIRECT_MIN ? mapped(i, at, end) : NULL;
    ssize_t n;
    if (data) {
        n = uio_read(u, data, len);
    } else {
        h = host_file(f, at);
        if (!h.shared || end > i->size) /* the guest cannot make it longer */
            h.id = NULL;
        n = uio_to_fd(u, &h, len);
    }
    if (grows)
        tmpfs_settle(i);
    /* What the guest's thread wrote may have been cut off again meanwhile. */
    if (n > 0 && !h.direct && at + n > i->size)
        i->size = at + n;
    return n;
}

static ssize_t data_write(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct inode *i = f->inode;
    uint64_t limit = t ? rlimit_cur(t, RLIMIT_FSIZE) : RLIM_INFINITY;
    size_t len = u->resid;

    if (file_appends(f, rwf))
        *pos = i->size;
    if (TMPFS_I(i)->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
        return -EPERM;
    if (!len)
        return 0;
    if (limit != RLIM_INFINITY && (uint64_t)*pos + len > limit) {
        if ((uint64_t)*pos >= limit) {
            siginfo_t info;
            siginfo_kernel(&info, SIGXFSZ);
            signal_send_task(t, &info);
            return -EFBIG;
        }
        len = limit - (uint64_t)*pos;
    }
    if (*pos >= FILE_MAX)
        return -EFBIG;
    if (TMPFS_I(i)->seals & F_SEAL_GROW) {
        if (*pos >= i->size)
            return -EPERM;
        len = MIN(len, (size_t)(i->size - *pos));
    }
    note_large(f, len);
    ssize_t n = write_at(f, u, *pos, len);
    if (n > 0) {
        *pos += n;
        inode_touch(i, true, false);
    }
    return n;
}

static loff_t data_llseek(struct task *t, struct file *f, loff_t off, int whence)
{
    struct tmpfs_inode *ti = TMPFS_I(f->inode);

    if (whence == SEEK_DATA || whence == SEEK_HOLE) {
        int err = thaw(f->inode);
        if (err)
            return err;
    }
    if ((whence == SEEK_DATA || whence == SEEK_HOLE) && ti->memfd >= 0) {
        loff_t r = lseek(ti->memfd, off, whence);
        if (r < 0)
            return -errno;
        f->pos = r;
        return r;
    }
    return generic_llseek(t, f, off, whence);
}

static int data_mmap(struct task *t, struct file *f, uint64_t off, uint64_t len, int prot,
                     int flags, int *host_fd, uint64_t *host_off)
{
    struct tmpfs_inode *ti = TMPFS_I(f->inode);
    bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;

    if (shared && (prot & PROT_WRITE) && (ti->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
        return -EPERM;
    int err = to_memfd(f->inode);
    *host_fd = ti->memfd;
    *host_off = off;
    return err;
}

/* Gigabytes take seconds: off the loop. */
struct allocation {
    int fd, mode;
    loff_t off, len;
};

static long allocate(void *arg)
{
    const struct allocation *a = arg;

    return fallocate(a->fd, a->mode, a->off, a->len) ? -errno : 0;
}

static int host_fallocate(int fd, int mode, loff_t off, loff_t len)
{
    struct allocation a = {fd, mode, off, len};

    return (int)(len > 16 << 20 ? worker_call(allocate, &a) : allocate(&a));
}

static int data_fallocate(struct task *t, struct file *f, int mode, loff_t off, loff_t len)
{
    struct inode *i = f->inode;
    struct tmpfs_inode *ti = TMPFS_I(i);
    loff_t end = off + len;

    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        return -EOPNOTSUPP;
    if ((mode & FALLOC_FL_PUNCH_HOLE) && mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
        return -EOPNOTSUPP;
    if (mode & FALLOC_FL_ZERO_RANGE)
        return -EOPNOTSUPP; /* as Linux's tmpfs */
    if ((mode & FALLOC_FL_PUNCH_HOLE) && (ti->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
        return -EPERM;
    if (end > i->size && !(mode & FALLOC_FL_KEEP_SIZE) && (ti->seals & F_SEAL_GROW))
        return -EPERM;
    if (end > FILE_MAX)
        return -EFBIG;
    int err = to_memfd(i);
    if (!err && !(mode & FALLOC_FL_PUNCH_HOLE))
        err = large_room(i, off, end);
    if (!err)
        err = host_fallocate(ti->memfd, mode, off, len);
    tmpfs_settle(i);
    if (!err && !(mode & FALLOC_FL_KEEP_SIZE) && end > i->size)
        i->size = end;
    if (!err)
        inode_touch(i, true, false);
    return err;
}

static int data_fsync(struct task *t, struct file *f, bool data)
{
    return 0;
}

static int data_restore(struct file *f)
{
    return f->inode->ops == &tmpfs_file_ops_inode ? 0 : -EINVAL;
}

const struct file_ops tmpfs_file_ops = {
    .kind = "tmpfs file",
    .direct = true,
    .read = data_read,
    .write = data_write,
    .llseek = data_llseek,
    .mmap = data_mmap,
    .fsync = data_fsync,
    .fallocate = data_fallocate,
    .cached = tmpfs_cached,
    .restore = data_restore,
};
CKPT_SYMBOL("file_ops", "tmpfs file", tmpfs_file_ops);

/* --- files without a name --- */
static struct superblock *anon;

static struct superblock *anon_sb(void)
{
    if (!anon && tmpfs_new(0, 0, 01777, &anon))
        return NULL;
    anon->pinned = true;
    return anon;
}

void tmpfs_anon_adopt(struct superblock *sb)
{
    if (!anon)
        anon = sb;
}

struct file *tmpfs_anon_file(const char *name, int flags, uint64_t size)
{
    struct superblock *sb = anon_sb();
    struct inode *i = sb ? tmpfs_inode_new(sb, S_IFREG | 0777, 0) : NULL;
    struct file *f = NULL;
    char full[300];

    if (!i)
        return NULL;
    i->nlink = 0;
    snprintf(full, sizeof(full), "%s", name);
    struct path p = {NULL, dentry_new_detached(sb, full, i)};
    if (p.dentry && (!size || !tmpfs_truncate(i, (loff_t)size)))
        f = file_new(&tmpfs_file_ops, i, &p, flags);
    dentry_put(p.dentry);
    inode_put(i);
    return f;
}

long sys_memfd_create(struct task *t, const struct sysargs *a)
{
    unsigned int flags = arg_u32(a, 1);
    char name[250], full[300];

    if (flags & MFD_HUGETLB)
        return flags & MFD_ALLOW_SEALING ? -EINVAL : -ENOSYS;
    if (flags & ~(unsigned)(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC | MFD_NOEXEC_SEAL) ||
        ((flags & MFD_EXEC) && (flags & MFD_NOEXEC_SEAL)))
        return -EINVAL;
    ssize_t n = copy_in_str(t, name, arg_u64(a, 0), sizeof(name));
    if (n < 0)
        return n == -ENAMETOOLONG ? -EINVAL : n;
    snprintf(full, sizeof(full), "memfd:%s", name);
    struct file *f = tmpfs_anon_file(full, O_RDWR | 0100000, 0);
    if (!f)
        return -ENOMEM;
    f->inode->uid = t->cred->fsuid;
    f->inode->gid = t->cred->fsgid;
    TMPFS_I(f->inode)->seals = flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL;
    if (flags & MFD_NOEXEC_SEAL) {
        f->inode->mode &= ~0111U;
        TMPFS_I(f->inode)->seals = F_SEAL_EXEC;
    }
    TMPFS_I(f->inode)->sealing = true;
    return fd_install_steal(t, f, flags & MFD_CLOEXEC);
}

long memfd_fcntl(struct task *t, struct file *f, int cmd, long arg);
long memfd_fcntl(struct task *t, struct file *f, int cmd, long arg)
{
    if (cmd == F_ADD_SEALS && !file_writable(f))
        return -EPERM;
    if (cmd == F_ADD_SEALS && ((unsigned int)arg & ~(unsigned int)SEALS_KNOWN))
        return -EINVAL;
    /* Of an overlay the file is another one's. */
    if (f->ops != &tmpfs_file_ops || (f->path.mnt && f->path.dentry->inode != f->inode))
        return -EINVAL;
    struct tmpfs_inode *ti = TMPFS_I(f->inode);
    unsigned int seals = ti->sealing ? ti->seals : F_SEAL_SEAL; /* files with names */
    if (cmd == F_GET_SEALS)
        return seals;
    if (seals & F_SEAL_SEAL)
        return -EPERM;
    if ((arg & F_SEAL_EXEC) && (f->inode->mode & 0111)) /* memfd_add_seals() of the kernel */
        arg |= SEALS_CONTENT;
    /* The host knows whether a writable mapping is left: EBUSY. */
    if ((arg & F_SEAL_WRITE) && ti->memfd >= 0 && fcntl(ti->memfd, F_ADD_SEALS, F_SEAL_WRITE))
        return -errno;
    ti->seals |= (unsigned int)arg;
    return 0;
}
