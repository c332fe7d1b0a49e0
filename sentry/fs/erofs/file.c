/*
 * Open files and directories of EROFS. What can be mapped straight from the image is; the rest,
 * and what is compressed, is mapped from sealed files in memory, which count as tmpfs space.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/fs/erofs/erofs.h"
#include "sentry/fs/fs.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/task.h"

#define CHUNK 65536UL
#define FILL_CHUNK 262144UL
#define YIELD_EVERY (1UL << 20)
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif

static struct erofs_image *image_of(const struct inode *i)
{
    return &EROFS_S(i->sb)->im;
}

/* --- reading --- */
/* Uncompressed data goes straight from the host's page cache. -EAGAIN: it is not there. */
static ssize_t read_direct(struct inode *i, struct uio *u, loff_t pos)
{
    struct erofs_extent e;
    int err = erofs_map(image_of(i), &EROFS_I(i)->node, (uint64_t)pos, &e);

    if (err)
        return err;
    size_t len = MIN(u->resid, e.len);
    if (e.hole)
        return uio_zero(u, len);
    if (EROFS_S(i->sb)->fd < 0)
        return -EAGAIN;
    ssize_t n = uio_from_fd(
        u, &(struct uio_fd){.fd = EROFS_S(i->sb)->fd, .offset = (off_t)e.pos, .rwf = RWF_NOWAIT},
        len);
    return n == 0 ? -EUCLEAN : n == -EOPNOTSUPP ? -EAGAIN : n;
}

static ssize_t read_some(struct inode *i, struct uio *u, loff_t pos)
{
    struct erofs_node *node = &EROFS_I(i)->node;
    ssize_t n = -EAGAIN;

    if (!erofs_is_compressed(node))
        n = read_direct(i, u, pos);
    if (n != -EAGAIN)
        return n;
    size_t len = MIN(u->resid, CHUNK);
    cleanup_free char *buf = malloc(len);
    if (!buf)
        return -ENOMEM;
    n = erofs_read(image_of(i), node, buf, len, (uint64_t)pos);
    return n <= 0 ? n : uio_write(u, buf, (size_t)n); /* cppcheck-suppress memleak ; attribute */
}

/* Short only at the end. */
static ssize_t ef_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct inode *i = f->inode;
    ssize_t done = 0, n = erofs_load(i);
    size_t since = 0;

    while (!n && u->resid && *pos < i->size && !(t && t->killed)) {
        n = read_some(i, u, *pos);
        if (n <= 0)
            break;
        *pos += n;
        done += n;
        since += (size_t)n;
        n = 0;
        if (since >= YIELD_EVERY && u->resid && fiber_current()) {
            fiber_yield();
            since = 0;
        }
    }
    return done ? done : n;
}

/* Only files in chunks have holes. */
static loff_t seek_extent(struct inode *i, loff_t off, bool hole)
{
    while (off < i->size) {
        struct erofs_extent e;
        int err = erofs_map(image_of(i), &EROFS_I(i)->node, (uint64_t)off, &e);
        if (err)
            return err;
        if (e.hole == hole)
            return off;
        off += (loff_t)MIN(e.len, (uint64_t)(i->size - off));
    }
    return hole ? i->size : -ENXIO;
}

static loff_t ef_llseek(struct task *t, struct file *f, loff_t off, int whence)
{
    struct inode *i = f->inode;

    if (whence != SEEK_DATA && whence != SEEK_HOLE)
        return generic_llseek(t, f, off, whence);
    int err = erofs_load(i);
    if (err)
        return err;
    if (off < 0 || off >= i->size)
        return -ENXIO;
    loff_t r = EROFS_I(i)->node.layout == EROFS_CHUNK_BASED
                   ? seek_extent(i, off, whence == SEEK_HOLE)
               : whence == SEEK_HOLE ? i->size
                                     : off;
    if (r >= 0)
        f->pos = r;
    return r;
}

/* --- mapping --- */
static bool all_zero(const char *p, size_t len)
{
    return !len || (!*p && !memcmp(p, p + 1, len - 1));
}

static int fill(struct task *t, struct inode *i, struct file *to, uint64_t from)
{
    cleanup_free char *buf = malloc(FILL_CHUNK);

    if (!buf)
        return -ENOMEM;
    for (uint64_t at = from; at < (uint64_t)i->size;) {
        ssize_t n = erofs_read(image_of(i), &EROFS_I(i)->node, buf, FILL_CHUNK, at);
        if (n <= 0)
            return n ? (int)n : -EUCLEAN; /* cppcheck-suppress memleak ; attribute */
        if (!all_zero(buf, (size_t)n)) {
            struct uio w;
            loff_t pos = (loff_t)(at - from);
            uio_init_kernel(&w, UIO_SOURCE, buf, (size_t)n);
            ssize_t m = file_write(NULL, to, &w, &pos, 0);
            if (m != n)
                return m < 0 ? (int)m : -ENOSPC;
        }
        at += (uint64_t)n;
        if (t && task_fatal_pending(t))
            return -EINTR;
        if (fiber_current() && (at - from) % YIELD_EVERY < FILL_CHUNK)
            fiber_yield();
    }
    return 0;
}

/* Nobody may change what others map, whoever gets the descriptor. */
static int seal(struct file *f)
{
    int fd = tmpfs_host_fd(f);

    if (fd < 0)
        return fd;
    if (!fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE))
        return 0;
    return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE) ? -errno : 0;
}

/* The file's contents from `from` on, in memory; kept with the inode. */
static int in_memory(struct task *t, struct inode *i, uint64_t from, struct file **slot)
{
    if (*slot)
        return 0;
    struct file *f = tmpfs_anon_file("erofs", O_RDWR, (uint64_t)i->size - from);
    int err = f ? fill(t, i, f, from) : -ENOMEM;
    if (!err)
        err = seal(f);
    if (err || *slot) { /* or another fiber was faster */
        if (f)
            file_put(f);
        return err == -ENOSPC ? -ENOMEM : err;
    }
    *slot = f;
    return 0;
}

int erofs_mmap(struct task *t, struct file *f, uint64_t off, uint64_t len, int prot, int flags,
               int *host_fd, uint64_t *host_off)
{
    struct inode *i = f->inode;
    struct erofs_inode *ei = EROFS_I(i);
    cleanup_file struct file *known = erofs_map_as(NULL, f);
    int err = erofs_direct(i);

    if (err || !known)
        return err ? err : -ENOMEM;
    bool direct = erofs_maps_directly(f);
    if (direct && off < ei->direct_len && len <= ei->direct_len - off) {
        *host_fd = EROFS_S(i->sb)->fd;
        *host_off = ei->direct_pos + off;
        return 0;
    }
    bool tail = direct && off >= ei->direct_len;
    struct file **slot = tail ? &ei->tail : &ei->whole;
    uint64_t from = tail ? ei->direct_len : 0;
    err = in_memory(t, i, from, slot);
    if (err)
        return err;
    *host_fd = tmpfs_host_fd(*slot);
    *host_off = off - from;
    return *host_fd < 0 ? *host_fd : 0;
}

/* Behind what is mapped from the image comes memory. */
static uint64_t ef_map_end(struct file *f, uint64_t off)
{
    const struct erofs_inode *ei = EROFS_I(f->inode);

    return off < ei->direct_len && erofs_maps_directly(f) ? ei->direct_len : UINT64_MAX;
}

static int restore_file(struct file *f)
{
    const struct inode *i = f->inode;
    mode_t type = f->ops == &erofs_dir_ops ? S_IFDIR : S_IFREG;

    return i->ops == &erofs_inode_ops && i->priv && i->sb && i->sb->ops == &erofs_super_ops &&
                   i->sb->priv && (i->mode & S_IFMT) == type
               ? 0
               : -EINVAL;
}

const struct file_ops erofs_file_ops = {
    .kind = "erofs file",
    .read = ef_read,
    .llseek = ef_llseek,
    .mmap = erofs_mmap,
    .map_as = erofs_map_as,
    .map_end = ef_map_end,
    .restore = restore_file,
};

/* --- directories --- */

static bool emit(void *arg, const struct erofs_entry *e)
{
    struct dir_context *c = arg;

    return c->emit(c, e->name, e->len, (loff_t)e->next, e->nid, e->type);
}

static int ed_readdir(struct task *t, struct file *f, struct dir_context *c)
{
    int err = erofs_load(f->inode);

    if (err || c->pos < 0)
        return err;
    return erofs_list(image_of(f->inode), &EROFS_I(f->inode)->node, (uint64_t)c->pos, emit, c);
}

const struct file_ops erofs_dir_ops = {
    .kind = "erofs directory",
    .readdir = ed_readdir,
    .llseek = dir_llseek,
    .restore = restore_file,
};

int erofs_open_inode(struct task *t, struct inode *i, const struct path *p, int flags,
                     struct file **out)
{
    if (!S_ISDIR(i->mode) && !S_ISREG(i->mode))
        return -ENXIO;
    *out = file_new(S_ISDIR(i->mode) ? &erofs_dir_ops : &erofs_file_ops, i, p, flags);
    return *out ? 0 : -ENOMEM;
}
