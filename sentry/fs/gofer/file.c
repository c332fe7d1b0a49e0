/*
 * Regular files of the gofer: I/O on donated host descriptors. An inode keeps one O_RDONLY
 * descriptor for all its readers, so that opening it again costs no host call; a list bounds how
 * many are kept. Reads try RWF_NOWAIT; what is not in the host's page cache is read by a worker.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/fs/gofer/goferfs.h"
#include "sentry/kernel/task.h"

#define CACHED_FDS_MAX 400
#define COLD_READ 131072UL
#define OWN_THREAD_MIN 16384UL

static struct list fd_lru = LIST_INIT(fd_lru); /* oldest first */
static int ncached;

/* The descriptor that CREATE gave, for the open that follows. One: guests choose how many create.
 */
static struct inode *created_inode; /* weak */
static int created_fd = -1;

struct gofer_fd *goferfs_fd_new(struct inode *i, int fd, int acc)
{
    struct gofer_fd *g = calloc(1, sizeof(*g));

    if (!g) {
        close(fd);
        return NULL;
    }
    g->refs = 1;
    g->fd = fd;
    g->inode = i;
    list_add_tail(&GOFER_I(i)->fds, &g->node);
    g->acc = (uint8_t)acc;
    return g;
}

void gofer_fd_put(struct gofer_fd *g)
{
    if (!g || --g->refs)
        return;
    list_del(&g->node);
    uio_file_closed(g->id);
    close(g->fd);
    free(g);
}

static void drop_rd(struct gofer_inode *gi)
{
    if (!gi->rd)
        return;
    list_del(&gi->lru);
    ncached--;
    gofer_fd_put(gi->rd);
    gi->rd = NULL;
}

void goferfs_keep_rd(struct gofer_inode *gi, struct gofer_fd *g)
{
    drop_rd(gi);
    if (ncached >= CACHED_FDS_MAX)
        drop_rd(list_first(&fd_lru, struct gofer_inode, lru));
    g->refs++;
    gi->rd = g;
    list_add_tail(&fd_lru, &gi->lru);
    ncached++;
}

void goferfs_created(struct inode *i, int fd)
{
    if (created_fd >= 0)
        close(created_fd);
    created_inode = i;
    created_fd = fd;
}

void goferfs_donated(struct inode *i, int fd)
{
    struct gofer_fd *g = goferfs_fd_new(i, fd, O_RDONLY);

    if (!g)
        return;
    goferfs_keep_rd(GOFER_I(i), g);
    gofer_fd_put(g);
}

void goferfs_forget_fds(struct inode *i)
{
    if (created_inode == i) {
        close(created_fd);
        created_fd = -1;
        created_inode = NULL;
    }
    drop_rd(GOFER_I(i));
    gofer_fd_put(GOFER_I(i)->nameless);
    GOFER_I(i)->nameless = NULL;
}

/* --- reading and writing --- */
static struct gofer_fd *file_fd(struct file *f)
{
    return f->priv;
}

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
static ssize_t read_cold(struct uio *u, struct gofer_fd *g, loff_t pos)
{
    size_t len = g->no_nowait ? COLD_READ : MIN(u->resid, COLD_READ);
    cleanup_free char *buf = malloc(len);

    if (!buf)
        return -ENOMEM;
    struct cold_read r = {g->fd, pos, buf, len};
    long n = worker_call(cold_read, &r);
    if (n <= 0)
        return n; /* cppcheck-suppress memleak ; freed by its attribute */
    if (pos < g->warm_from || pos > g->warm_to) {
        g->warm_from = pos;
        g->warm_to = pos;
    }
    g->warm_to = MAX(g->warm_to, pos + n);
    return uio_write(u, buf, (size_t)n);
}

static ssize_t read_some(struct uio *u, struct gofer_fd *g, loff_t pos, bool nowait)
{
    ssize_t n = -EAGAIN;

    if (g->no_nowait) {
        if (pos >= g->warm_from && pos < g->warm_to)
            return uio_from_fd(u, &(struct uio_fd){.fd = g->fd, .offset = pos},
                               MIN(u->resid, (size_t)(g->warm_to - pos)));
    } else {
        n = uio_from_fd(u, &(struct uio_fd){.fd = g->fd, .offset = pos, .rwf = RWF_NOWAIT},
                        u->resid);
        if (n == -EOPNOTSUPP) {
            g->no_nowait = true;
            n = -EAGAIN;
        }
    }
    return n == -EAGAIN && !nowait ? read_cold(u, g, pos) : n;
}

/* Short only at the end: programs count on that for regular files. */
static ssize_t gf_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct gofer_fd *g = file_fd(f);
    bool own_thread = !(rwf & RWF_NOWAIT) && u->t && (g->acc == O_RDONLY || file_writable(f)) &&
                      f->inode->size - *pos > (loff_t)OWN_THREAD_MIN;
    ssize_t done = 0, n;

    if (!u->resid)
        return 0;
    do {
        if (own_thread && u->resid > OWN_THREAD_MIN)
            n = uio_from_fd(u, &(struct uio_fd){.fd = g->fd, .offset = *pos, .id = &g->id},
                            u->resid);
        else
            n = read_some(u, g, *pos, rwf & RWF_NOWAIT);
        if (n <= 0)
            break;
        *pos += n;
        done += n;
    } while (u->resid && *pos < f->inode->size && !(t && t->killed));
    return done ? done : n;
}

static ssize_t gf_write(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    bool append = file_appends(f, rwf);
    struct inode *i = f->inode;
    struct stat st;

    if (!u->resid)
        return 0;
    ssize_t n = uio_to_fd(
        u, &(struct uio_fd){.fd = file_fd(f)->fd, .offset = *pos, .rwf = append ? RWF_APPEND : 0},
        u->resid);
    if (n <= 0)
        return n;
    *pos = append && !fstat(file_fd(f)->fd, &st) ? st.st_size : *pos + n;
    i->size = MAX(i->size, *pos);
    GOFER_I(i)->dirty = true;
    return n;
}

static loff_t gf_llseek(struct task *t, struct file *f, loff_t off, int whence)
{
    if (whence == SEEK_DATA || whence == SEEK_HOLE) {
        loff_t r = lseek(file_fd(f)->fd, off, whence);
        if (r < 0)
            return -errno;
        f->pos = r;
        return r;
    }
    if (whence == SEEK_END)
        goferfs_refresh(f->inode);
    return generic_llseek(t, f, off, whence);
}

static int gf_mmap(struct task *t, struct file *f, uint64_t off, uint64_t len, int prot, int flags,
                   int *host_fd, uint64_t *host_off)
{
    /* Reopened without a name, it may share a descriptor that can write: none for its reader. */
    if (file_fd(f)->acc == O_RDWR && (f->flags & O_ACCMODE) == O_RDONLY)
        return -ENODEV;
    *host_fd = file_fd(f)->fd;
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
    return (int)worker_call(fsync_job, (void *)(intptr_t)file_fd(f)->fd);
}

struct fallocate_job {
    int fd, mode;
    loff_t off, len;
};

static long fallocate_job(void *arg)
{
    struct fallocate_job *j = arg;

    return fallocate(j->fd, j->mode, j->off, j->len) ? -errno : 0;
}

static int gf_fallocate(struct task *t, struct file *f, int mode, loff_t off, loff_t len)
{
    struct fallocate_job j = {file_fd(f)->fd, mode, off, len};
    int err = (int)worker_call(fallocate_job, &j);

    GOFER_I(f->inode)->dirty = true;
    goferfs_refresh(f->inode);
    return err;
}

static void gf_release(struct file *f)
{
    struct gofer_inode *gi = GOFER_I(f->inode);

    if (file_writable(f) && --gi->writers == 0) {
        gofer_fd_put(gi->wr);
        gi->wr = NULL;
    }
    gofer_fd_put(file_fd(f));
}

const struct file_ops gofer_file_ops = {
    .io = FILE_NOWAIT_READ | FILE_DONTCACHE,
    .kind = "host file",
    .direct = true,
    .read = gf_read,
    .write = gf_write,
    .llseek = gf_llseek,
    .mmap = gf_mmap,
    .fsync = gf_fsync,
    .fallocate = gf_fallocate,
    .release = gf_release,
    .priv_type = &ckpt_gofer_fd,
    .restore = goferfs_restore_file,
};

int goferfs_file_fd(struct file *f)
{
    return f->ops == &gofer_file_ops ? file_fd(f)->fd : -1;
}

/* --- opening --- */
static int ask_fd(struct inode *i, int acc, struct gofer_fd **out)
{
    struct gofer_inode *gi = GOFER_I(i);
    struct gofer_call c = {.type = GOFER_OPEN, .arg = {(uint64_t)acc}};

    int err = goferfs_call_inode(i, &c);
    free(c.data);
    if (err)
        return err;
    if (c.fd < 0)
        return -ENFILE;
    if (c.attr.ino != gi->host_ino || c.attr.dev != gi->host_dev) {
        close(c.fd); /* the name is another file's now: the next lookup sees it */
        gi->fresh_ns = 0;
        return -ESTALE;
    }
    if (!gi->wr)
        goferfs_apply(i, &c.attr);
    *out = goferfs_fd_new(i, c.fd, acc);
    return *out ? 0 : -ENOMEM;
}

static int get_fd(struct inode *i, int acc, struct gofer_fd **out)
{
    struct gofer_inode *gi = GOFER_I(i);

    if (created_inode == i && acc != O_RDONLY) {
        int fd = created_fd;
        created_inode = NULL;
        created_fd = -1;
        *out = goferfs_fd_new(i, fd, O_RDWR);
        return *out ? 0 : -ENOMEM;
    }
    if (acc == O_RDONLY && gi->rd) {
        *out = gi->rd;
        gi->rd->refs++;
        list_del(&gi->lru);
        list_add_tail(&fd_lru, &gi->lru);
        return 0;
    }
    struct dentry *d = inode_dentry(i);
    if (!d || !goferfs_has_name(d)) {
        *out = goferfs_share_fd(i, acc);
        return *out ? 0 : -ESTALE;
    }
    int err = ask_fd(i, acc, out);
    if (!err && acc == O_RDONLY)
        goferfs_keep_rd(gi, *out);
    return err;
}

int goferfs_open_file(struct task *t, struct inode *i, const struct path *p, int flags,
                      struct file **out)
{
    struct gofer_inode *gi = GOFER_I(i);
    struct gofer_fd *g;
    int acc = flags & O_ACCMODE;

    int err = get_fd(i, acc == O_ACCMODE ? O_RDONLY : acc, &g);
    if (err)
        return err;
    *out = file_new(&gofer_file_ops, i, p, flags);
    if (!*out) {
        gofer_fd_put(g);
        return file_new_error();
    }
    (*out)->priv = g;
    if (file_writable(*out) && gi->writers++ == 0) {
        g->refs++;
        gi->wr = g;
    }
    return 0;
}
