/*
 * Open file descriptions and descriptor tables.
 *
 * A file system, pipe, socket... implements struct file_ops. Operations left NULL give Linux's
 * default errno (read/write: EINVAL, ioctl: ENOTTY, mmap: ENODEV, lseek: ESPIPE). They run on the
 * calling task's fiber and may park.
 */
#ifndef NV_SENTRY_VFS_FILE_H
#define NV_SENTRY_VFS_FILE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

#include "base/list.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/kernel/waitq.h"
#include "sentry/vfs/vfs.h"

struct ckpt_type;
struct strbuf;

/* poll(): where a poller hangs its waiters. add() is called once per queue the file may wake. */
struct poll_table {
    void (*add)(struct poll_table *pt, struct waitq *q);
};
static inline void poll_wait(struct poll_table *pt, struct waitq *q)
{
    if (pt)
        pt->add(pt, q);
}

/* readdir: emit returns false when the caller's buffer is full. off is the position after it. */
struct dir_context {
    loff_t pos; /* in: where to go on; out: kept up to date by emit's caller */
    bool (*emit)(struct dir_context *c, const char *name, size_t len, loff_t off, uint64_t ino,
                 unsigned char d_type);
};

struct file;

/* Internal open flag: opened for execution; forbids writers while it lives (ETXTBSY). */
#define FILE_EXEC (1 << 30)

/* What a kind of file does or does not take, beyond its operations: preadv2(2), splice(2). */
enum file_io {
    FILE_PLAIN_READ = 1 << 0,  /* no RWF_ flag but HIPRI: Linux's ->read without ->read_iter */
    FILE_PLAIN_WRITE = 1 << 1, /* likewise; neither is spliced from or to */
    FILE_NO_SPLICE_READ = 1 << 2,
    FILE_NO_SPLICE_WRITE = 1 << 3,
    FILE_NOWAIT_READ = 1 << 4, /* RWF_NOWAIT */
    FILE_NOWAIT_WRITE = 1 << 5,
    FILE_DONTCACHE = 1 << 6, /* RWF_DONTCACHE */
    FILE_NO_PWRITE = 1 << 7, /* can seek, and takes no position of a call to write at */
    FILE_NOWAIT = FILE_NOWAIT_READ | FILE_NOWAIT_WRITE,
};

struct file_ops {
    const char *kind; /* "pipe", "eventfd", ...: anonymous inode name, fdinfo, --explain */
    /* pos: in/out for seekable files; NULL when the call has no position (pipes...). */
    ssize_t (*read)(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf);
    ssize_t (*write)(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf);
    loff_t (*llseek)(struct task *t, struct file *f, loff_t off, int whence);
    uint32_t (*poll)(struct file *f,
                     struct poll_table *pt); /* EPOLL* that hold now; pt may be NULL */
    long (*ioctl)(struct task *t, struct file *f, unsigned int cmd, unsigned long arg);
    int (*readdir)(struct task *t, struct file *f, struct dir_context *c);
    /*
     * Gives a host FD (borrowed) that backs [off, off+len) for mmap and the offset in it. prot and
     * flags as in mmap(2). NULL: -ENODEV. May return -EACCES. t is NULL for checkpoints.
     */
    int (*mmap)(struct task *t, struct file *f, uint64_t off, uint64_t len, int prot, int flags,
                int *host_fd, uint64_t *host_off);
    /*
     * Files that are backed by more than one host file: where the piece that off is in ends. Areas
     * do not reach beyond. And the file that areas of t hold in place of f; NULL: out of memory.
     */
    uint64_t (*map_end)(struct file *f, uint64_t off);
    struct file *(*map_as)(struct task *t, struct file *f);
    /* Areas of guest memory that map it come, also by splitting and forks, and go. */
    void (*area_made)(struct file *f);
    void (*area_gone)(struct file *f);
    int (*fsync)(struct task *t, struct file *f, bool datasync);
    int (*fallocate)(struct task *t, struct file *f, int mode, loff_t off, loff_t len);
    /* cachestat(2): pages from first to last that are in memory; may yield. NULL: none. */
    uint64_t (*cached)(struct file *f, uint64_t first, uint64_t last);
    int (*flush)(struct task *t, struct file *f); /* each close(2) */
    void (*release)(struct file *f);              /* last reference; may run on the loop: no park */
    void (*fdinfo)(struct file *f, struct strbuf *out);
    int (*setfl)(struct file *f, int flags); /* F_SETFL about to change to flags */
    /* Sockets implement more through struct socket (sentry/socket/socket.h), found by is_socket. */
    bool is_socket;
    bool no_seek;    /* stream-like: lseek and p* calls give ESPIPE */
    bool direct;     /* O_DIRECT, for files that have a name */
    unsigned int io; /* FILE_* below */
    /*
     * Checkpoints: the type of priv (NULL: a file with a priv of this kind cannot be saved), and
     * what is left to do when all objects of a restored sandbox exist; may park. 0 or -errno. It
     * must check that f->inode is of the kind that these operations expect.
     */
    const struct ckpt_type *priv_type;
    bool priv_optional; /* priv may be NULL */
    int (*restore)(struct file *f);
};

struct file {
    unsigned int refs;
    const struct file_ops *ops;
    int flags; /* O_ACCMODE, O_APPEND, O_NONBLOCK, O_PATH..., as F_GETFL reports */
    loff_t pos;
    bool pos_busy; /* a read/write that uses pos is parked in the file */
    struct waitq pos_wq;
    struct path path;    /* mount and dentry; empty for anonymous files */
    struct inode *inode; /* never NULL: anonymous files share per-kind inodes */
    struct cred *cred;   /* opener's */
    void *priv;
    struct list epoll_items; /* struct epoll_item watching this file, sentry/ipc/epoll.c */
    int owner_pid, owner_type, owner_sig; /* F_SETOWN, F_SETSIG */
    uid_t owner_uid, owner_euid;          /* of who set the owner */
    struct file_async *async;             /* while O_ASYNC is set */
    uint32_t seals_or_leases;
    struct inode *text; /* whose write_count it holds text_claim of; not inode when stacked */
    int8_t text_claim;
    bool mnt_writer; /* counted by path.mnt */
    bool internal;   /* no guest has opened it: inotify does not tell of its end */
    bool created;    /* by this open: F_CREATED_QUERY */
};

/* RWF_APPEND and RWF_NOAPPEND of one call go before the file's O_APPEND. */
static inline bool file_appends(const struct file *f, int rwf)
{
    return (rwf & 0x10) || ((f->flags & O_APPEND) && !(rwf & 0x20));
}

/* Access mode 3 allows neither: it is for ioctls. */
static inline bool file_readable(const struct file *f)
{
    int mode = f->flags & O_ACCMODE;

    return !(f->flags & O_PATH) && (mode == O_RDONLY || mode == O_RDWR);
}
static inline bool file_writable(const struct file *f)
{
    int mode = f->flags & O_ACCMODE;

    return !(f->flags & O_PATH) && (mode == O_WRONLY || mode == O_RDWR);
}

static inline bool file_can_direct(const struct file *f)
{
    return f->ops->direct && f->path.mnt;
}

/* A file over inode/path (references taken) with one reference; NULL: out of memory. */
struct file *file_new(const struct file_ops *ops, struct inode *inode, const struct path *path,
                      int flags);
/* Anonymous: its own inode of mode (S_IFIFO|0600, 0600...) on the anon file system. */
struct file *file_new_anon(const struct file_ops *ops, mode_t mode, int flags, void *priv);
uint64_t file_count(void), file_count_max(void);
/* Why one of them has given none: fs.file-max is reached, or there is no memory. */
static inline int file_new_error(void)
{
    return file_count() >= file_count_max() ? -ENFILE : -ENOMEM;
}
struct file *file_get(struct file *f);
void file_put(struct file *f);
#define cleanup_file __attribute__((cleanup(file_putp)))
static inline void file_putp(struct file **f)
{
    if (*f)
        file_put(*f);
}
/* What the file takes of the above, its operations' and its file system's. */
unsigned int file_io(const struct file *f);
static inline bool file_splices_from(const struct file *f)
{
    return f->ops->read && !(f->ops->io & (FILE_PLAIN_READ | FILE_NO_SPLICE_READ));
}
static inline bool file_splices_to(const struct file *f)
{
    return f->ops->write && !(f->ops->io & (FILE_PLAIN_WRITE | FILE_NO_SPLICE_WRITE));
}
/* May a read or write of it have these RWF_ flags? 0, -EOPNOTSUPP, -EINVAL. */
int file_check_rwf(const struct file *f, bool write, int rwf);
ssize_t file_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf);
ssize_t file_write(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf);
uint32_t file_poll(struct file *f, struct poll_table *pt);
void file_send_urgent(const struct file *f); /* SIGURG to its owner: F_SETOWN */
/* Reads from a sentry buffer, e.g. exec headers and sendfile. */
ssize_t file_read_kernel(struct task *t, struct file *f, void *buf, size_t len, loff_t pos);

/* Ready-made llseek operations: by inode->size, succeeding without a position, and for directories
 * with opaque positions. */
loff_t generic_llseek(struct task *t, struct file *f, loff_t off, int whence);
loff_t noop_llseek(struct task *t, struct file *f, loff_t off, int whence);
loff_t dir_llseek(struct task *t, struct file *f, loff_t off, int whence);
/* Copies through the sentry; positions NULL: the files' own. */
ssize_t file_copy(struct task *t, struct file *in, loff_t *ipos, struct file *out, loff_t *opos,
                  size_t len);

/*
 * Of a call that is made on behalf of another, whose files are no descriptors: io_uring's
 * registered ones. FD_LENT is the number of lent; what the call would install goes to caught.
 */
struct fd_detour {
    struct file *lent, *caught; /* caught is the caller's, with its reference */
    bool catches;
    bool quiet; /* the task gets no SIGXFSZ: another thread does it, on Linux */
};
#define FD_LENT INT32_MIN

struct fdtable;
struct fdtable *fdtable_new(void);
struct fdtable *fdtable_get(struct fdtable *ft);
void fdtable_put(struct fdtable *ft);
struct fdtable *fdtable_copy(struct fdtable *ft);
int fdtable_users(struct fdtable *ft);
int fdtable_size(const struct fdtable *ft); /* numbers from here on are free */
/* Lowest free number >= min; consumes nothing (takes its own reference). -EMFILE, -ENOMEM. */
int fd_install(struct task *t, struct file *f, bool cloexec, int min);
/* Same but consumes the caller's reference, also on failure. The usual end of a handler. */
int fd_install_steal(struct task *t, struct file *f, bool cloexec);
int fd_install_at(struct task *t, struct file *f, int fd, bool cloexec); /* dup2 semantics */
int fd_available(struct task *t); /* would an install find a number? 0 or -EMFILE */
/* Reference taken; NULL: EBADF (also for O_PATH files unless path_ok). */
struct file *fd_get(struct task *t, int fd);
struct file *fd_get_path_ok(struct task *t, int fd);
int fd_close(struct task *t, int fd);
bool fd_cloexec(struct task *t, int fd);
int fd_set_cloexec(struct task *t, int fd, bool on);
void fdtable_close_on_exec(struct task *t);
/* Iteration for /proc/pid/fd: the first used number >= fd, or -1. Borrowed file. */
int fdtable_next(struct fdtable *ft, int fd, struct file **f);

#endif
