/*
 * The request loop. The sentry is not trusted: each request is copied by recvmsg into our buffer,
 * checked as a whole, then used. No state is kept between requests.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "gofer/gofer.h"
#include "gofer/proto.h"

#define RESOLVE (RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS)
#define DIR_BUF 16384
#define NAME_LEN_MAX 255

struct call {
    const struct gofer_config *cfg;
    const struct gofer_export *exp;
    struct gofer_request *req;
    char path[GOFER_PATH_MAX], path2[GOFER_PATH_MAX];
    struct gofer_reply *rep;
    int fd; /* to donate, -1 none */
};

static union {
    struct gofer_request req;
    char bytes[GOFER_PACKET_MAX];
} in;
static union {
    struct gofer_reply rep;
    char bytes[GOFER_PACKET_MAX];
} out;

#define DATA_MAX (GOFER_PACKET_MAX - sizeof(struct gofer_reply))

/* Opens path below the export's root; symlinks anywhere in it are ELOOP, except a final one. */
static int open_beneath(const struct gofer_export *exp, const char *path, uint64_t flags)
{
    struct open_how how = {.flags = flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                           .resolve = RESOLVE};

    if (flags & O_PATH) {
        how.flags = flags | O_CLOEXEC | O_NOFOLLOW;
        how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
    }
    long fd = syscall(SYS_openat2, exp->fd, *path ? path : ".", &how, sizeof(how));
    return fd < 0 ? -errno : (int)fd;
}

/* The directory of path and its last component, which is checked to be a plain name. */
static int open_parent(const struct gofer_export *exp, char *path, const char **last)
{
    char *slash = strrchr(path, '/');

    *last = slash ? slash + 1 : path;
    size_t len = strlen(*last);
    if (!len || len > NAME_LEN_MAX || !strcmp(*last, ".") || !strcmp(*last, ".."))
        return -EINVAL;
    if (slash)
        *slash = 0;
    int fd = open_beneath(exp, slash ? path : "", O_PATH | O_DIRECTORY);
    return fd;
}

static void fill_attr(struct gofer_attr *a, const struct statx *x)
{
    *a = (struct gofer_attr){.dev = makedev(x->stx_dev_major, x->stx_dev_minor),
                             .ino = x->stx_ino,
                             .size = x->stx_size,
                             .blocks = x->stx_blocks,
                             .rdev = makedev(x->stx_rdev_major, x->stx_rdev_minor),
                             .mode = x->stx_mode,
                             .nlink = x->stx_nlink,
                             .uid = x->stx_uid,
                             .gid = x->stx_gid,
                             .blksize = x->stx_blksize,
                             .atime_sec = x->stx_atime.tv_sec,
                             .mtime_sec = x->stx_mtime.tv_sec,
                             .ctime_sec = x->stx_ctime.tv_sec,
                             .btime_sec = x->stx_btime.tv_sec,
                             .atime_nsec = x->stx_atime.tv_nsec,
                             .mtime_nsec = x->stx_mtime.tv_nsec,
                             .ctime_nsec = x->stx_ctime.tv_nsec,
                             .btime_nsec = x->stx_btime.tv_nsec};
}

static int stat_at(int fd, const char *name, struct gofer_attr *a)
{
    struct statx x;

    if (statx(fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH),
              STATX_BASIC_STATS | STATX_BTIME, &x))
        return -errno;
    fill_attr(a, &x);
    return 0;
}

static int do_lookup(struct call *c)
{
    const char *last;
    cleanup_close int dir = -1;
    int err;

    if (!*c->path) {
        cleanup_close int fd = open_beneath(c->exp, "", O_PATH);
        return fd < 0 ? fd : stat_at(fd, "", &c->rep->attr);
    }
    dir = open_parent(c->exp, c->path, &last);
    if (dir < 0)
        return dir;
    /* Through the child itself, so that a mount point shows what is mounted there. */
    err = stat_at(dir, last, &c->rep->attr);
    if (err || !S_ISLNK(c->rep->attr.mode))
        return err;
    ssize_t n = readlinkat(dir, last, c->rep->data, GOFER_PATH_MAX);
    if (n < 0)
        return -errno;
    c->rep->len = (uint32_t)n;
    return 0;
}

static int do_open(struct call *c)
{
    uint64_t mode = c->req->arg[0];

    if (mode != O_RDONLY && mode != O_WRONLY && mode != O_RDWR)
        return -EINVAL;
    if (mode != O_RDONLY && c->exp->readonly)
        return -EROFS;
    /* A look first: opening a device could already have an effect. */
    cleanup_close int probe = open_beneath(c->exp, c->path, O_PATH);
    if (probe < 0)
        return probe;
    int err = stat_at(probe, "", &c->rep->attr);
    if (err)
        return err;
    if (!S_ISREG(c->rep->attr.mode))
        return S_ISDIR(c->rep->attr.mode) ? -EISDIR : -ENXIO;
    int fd = open_beneath(c->exp, c->path, mode);
    if (fd < 0)
        return fd;
    err = stat_at(fd, "", &c->rep->attr);
    if (!err && !S_ISREG(c->rep->attr.mode))
        err = -ENXIO;
    if (err) {
        close(fd);
        return err;
    }
    c->fd = fd;
    return 0;
}

/* One entry of getdents64(2) into the reply; false when it does not fit. */
static bool add_entry(struct call *c, int dir, const struct dirent64 *d)
{
    size_t len = strnlen(d->d_name, NAME_LEN_MAX + 1);
    size_t reclen = ROUND_UP(sizeof(struct gofer_dirent) + len, 8UL);

    if (len > NAME_LEN_MAX)
        return true;
    if (reclen > DATA_MAX - c->rep->len)
        return false;
    struct gofer_dirent *e = (void *)(c->rep->data + c->rep->len);
    memset(e, 0, reclen);
    if (stat_at(dir, d->d_name, &e->attr))
        e->attr.mode = 0;
    e->next = (uint64_t)d->d_off;
    e->ino = d->d_ino;
    e->reclen = (uint16_t)reclen;
    e->type = d->d_type;
    e->name_len = (uint8_t)len;
    memcpy(e->name, d->d_name, len);
    c->rep->len += (uint32_t)reclen;
    return true;
}

static int do_readdir(struct call *c)
{
    static char buf[DIR_BUF] __attribute__((aligned(8)));
    cleanup_close int fd = open_beneath(c->exp, c->path, O_RDONLY | O_DIRECTORY);

    if (fd < 0)
        return fd;
    if (c->req->arg[0] && lseek(fd, (off_t)c->req->arg[0], SEEK_SET) < 0)
        return -errno;
    for (;;) {
        ssize_t n = getdents64(fd, buf, sizeof(buf));
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        for (ssize_t off = 0; off < n;) {
            const struct dirent64 *d = (void *)(buf + off);
            off += d->d_reclen;
            if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
                continue;
            if (!add_entry(c, fd, d))
                return 0;
        }
    }
}

static int do_statfs(struct call *c)
{
    struct statfs st;
    cleanup_close int fd = open_beneath(c->exp, c->path, O_PATH);

    if (fd < 0)
        return fd;
    if (fstatfs(fd, &st))
        return -errno;
    memcpy(c->rep->data, &st, sizeof(st));
    c->rep->len = sizeof(st);
    return 0;
}

/* New objects get the owner the guest has, as far as we may: EINVAL is an ordinary user's gofer
 * whose user namespace knows one user only. */
static int set_owner(struct call *c, int dir, const char *name)
{
    if (fchownat(dir, name, (uid_t)c->req->arg[1], (gid_t)c->req->arg[2], AT_SYMLINK_NOFOLLOW) &&
        errno != EPERM && errno != EINVAL)
        return -errno;
    return stat_at(dir, name, &c->rep->attr);
}

static int do_create(struct call *c)
{
    const char *last;
    cleanup_close int dir = open_parent(c->exp, c->path, &last);

    if (dir < 0)
        return dir;
    struct open_how how = {.flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                           .mode = c->req->arg[0] & 07777,
                           .resolve = RESOLVE};
    long fd = syscall(SYS_openat2, dir, last, &how, sizeof(how));
    if (fd < 0)
        return -errno;
    c->fd = (int)fd;
    return set_owner(c, dir, last);
}

static int do_mkdir(struct call *c)
{
    const char *last;
    cleanup_close int dir = open_parent(c->exp, c->path, &last);

    if (dir < 0)
        return dir;
    return mkdirat(dir, last, c->req->arg[0] & 07777) ? -errno : set_owner(c, dir, last);
}

static int do_mkfifo(struct call *c)
{
    const char *last;
    cleanup_close int dir = open_parent(c->exp, c->path, &last);

    if (dir < 0)
        return dir;
    return mknodat(dir, last, S_IFIFO | (c->req->arg[0] & 07777), 0) ? -errno
                                                                     : set_owner(c, dir, last);
}

static int do_symlink(struct call *c)
{
    const char *last;
    cleanup_close int dir = open_parent(c->exp, c->path, &last);

    if (dir < 0)
        return dir;
    return symlinkat(c->path2, dir, last) ? -errno : set_owner(c, dir, last);
}

static int do_link(struct call *c)
{
    const char *from, *to;
    cleanup_close int fdir = open_parent(c->exp, c->path, &from);
    cleanup_close int tdir = open_parent(c->exp, c->path2, &to);

    if (fdir < 0 || tdir < 0)
        return fdir < 0 ? fdir : tdir;
    return linkat(fdir, from, tdir, to, 0) ? -errno : 0;
}

static int remove_name(struct call *c, int flags)
{
    const char *last;
    cleanup_close int dir = open_parent(c->exp, c->path, &last);

    if (dir < 0)
        return dir;
    return unlinkat(dir, last, flags) ? -errno : 0;
}

static int do_unlink(struct call *c)
{
    return remove_name(c, 0);
}

static int do_rmdir(struct call *c)
{
    return remove_name(c, AT_REMOVEDIR);
}

static int do_rename(struct call *c)
{
    const char *from, *to;
    cleanup_close int fdir = open_parent(c->exp, c->path, &from);
    cleanup_close int tdir = open_parent(c->exp, c->path2, &to);

    if (fdir < 0 || tdir < 0)
        return fdir < 0 ? fdir : tdir;
    return renameat2(fdir, from, tdir, to, (unsigned int)c->req->arg[0] & 3) ? -errno : 0;
}

/*
 * fchmodat follows symlinks, and fchmod takes no O_PATH descriptor: the file is opened, after a
 * look at what it is, because opening a device may do something.
 */
static int change_mode(int dir, const char *last, mode_t mode)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW, .resolve = RESOLVE};
    cleanup_close int at = (int)syscall(SYS_openat2, dir, last, &how, sizeof(how));
    struct stat st, opened;

    if (at < 0 || fstat(at, &st))
        return -errno;
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return -EPERM;
    how.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    cleanup_close int fd = (int)syscall(SYS_openat2, dir, last, &how, sizeof(how));
    if (fd < 0 && errno == EACCES && S_ISREG(st.st_mode)) {
        how.flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
        fd = (int)syscall(SYS_openat2, dir, last, &how, sizeof(how));
    }
    if (fd < 0 || fstat(fd, &opened))
        return -errno;
    if (opened.st_dev != st.st_dev || opened.st_ino != st.st_ino)
        return -ESTALE; /* swapped in between */
    return fchmod(fd, mode) ? -errno : 0;
}

static int apply_attr(struct call *c, int dir, const char *last)
{
    const uint64_t *arg = c->req->arg;
    uint64_t mask = arg[0];
    struct timespec ts[2] = {{(time_t)arg[4], (long)arg[5]}, {(time_t)arg[6], (long)arg[7]}};

    if (mask & GOFER_SET_SIZE) {
        struct open_how how = {.flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                               .resolve = RESOLVE};
        cleanup_close int fd = (int)syscall(SYS_openat2, dir, last, &how, sizeof(how));
        if (fd < 0 || ftruncate(fd, (off_t)arg[3]))
            return -errno;
    }
    if ((mask & (GOFER_SET_UID | GOFER_SET_GID)) &&
        fchownat(dir, last, mask & GOFER_SET_UID ? (uid_t)arg[2] : (uid_t)-1,
                 mask & GOFER_SET_GID ? (gid_t)(arg[2] >> 32) : (gid_t)-1, AT_SYMLINK_NOFOLLOW))
        return -errno;
    if (mask & GOFER_SET_MODE) {
        int err = change_mode(dir, last, arg[1] & 07777);
        if (err)
            return err;
    }
    if (!(mask & GOFER_SET_ATIME))
        ts[0].tv_nsec = UTIME_OMIT;
    if (!(mask & GOFER_SET_MTIME))
        ts[1].tv_nsec = UTIME_OMIT;
    if ((mask & (GOFER_SET_ATIME | GOFER_SET_MTIME)) &&
        utimensat(dir, last, ts, AT_SYMLINK_NOFOLLOW))
        return -errno;
    return stat_at(dir, last, &c->rep->attr);
}

static int do_setattr(struct call *c)
{
    const char *last;

    if (!*c->path)
        return apply_attr(c, c->exp->fd, ".");
    cleanup_close int dir = open_parent(c->exp, c->path, &last);
    return dir < 0 ? dir : apply_attr(c, dir, last);
}

static int (*const handlers[GOFER_NR_MSGS])(struct call *c) = {
    [GOFER_LOOKUP] = do_lookup,   [GOFER_OPEN] = do_open,     [GOFER_READDIR] = do_readdir,
    [GOFER_STATFS] = do_statfs,   [GOFER_CREATE] = do_create, [GOFER_MKDIR] = do_mkdir,
    [GOFER_SYMLINK] = do_symlink, [GOFER_MKFIFO] = do_mkfifo, [GOFER_LINK] = do_link,
    [GOFER_UNLINK] = do_unlink,   [GOFER_RMDIR] = do_rmdir,   [GOFER_RENAME] = do_rename,
    [GOFER_SETATTR] = do_setattr,
};

static const bool mutates[GOFER_NR_MSGS] = {
#define MSG(name, mutates, what) [GOFER_##name] = (mutates),
#include "gofer/messages.def"
#undef MSG
};

/* Copies a path out of the request; no NUL inside, no leading slash. */
static int take_path(char *to, const char *from, size_t len, bool may_be_absolute)
{
    if (len >= GOFER_PATH_MAX || memchr(from, 0, len) ||
        (len && from[0] == '/' && !may_be_absolute))
        return -EPROTO;
    memcpy(to, from, len);
    to[len] = 0;
    return 0;
}

static int dispatch(struct call *c, size_t len)
{
    struct gofer_request *r = c->req;

    if (len < sizeof(*r) || r->version != GOFER_VERSION ||
        len != sizeof(*r) + r->len1 + (size_t)r->len2)
        return -EPROTO;
    if (r->type >= GOFER_NR_MSGS)
        return -ENOSYS;
    if (r->export_index >= c->cfg->nexports)
        return -EPROTO;
    c->exp = &c->cfg->exports[r->export_index];
    if (take_path(c->path, r->data, r->len1, false) ||
        take_path(c->path2, r->data + r->len1, r->len2, r->type == GOFER_SYMLINK))
        return -EPROTO;
    if (mutates[r->type] && c->exp->readonly)
        return -EROFS;
    return handlers[r->type](c);
}

static int send_reply(int sock, struct gofer_reply *rep, int fd)
{
    struct iovec iov = {rep, sizeof(*rep) + rep->len};
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(int))];
    } ctl;
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

    if (fd >= 0) {
        m.msg_control = ctl.buf;
        m.msg_controllen = sizeof(ctl.buf);
        struct cmsghdr *h = CMSG_FIRSTHDR(&m);
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(h), &fd, sizeof(int));
    }
    return sendmsg(sock, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int gofer_serve(const struct gofer_config *cfg)
{
    for (;;) {
        struct iovec iov = {in.bytes, sizeof(in.bytes)};
        struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
        ssize_t n = recvmsg(cfg->sock, &m, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        static struct call c;
        c = (struct call){.cfg = cfg, .req = &in.req, .rep = &out.rep, .fd = -1};
        memset(&out.rep, 0, sizeof(out.rep));
        int err = m.msg_flags & MSG_TRUNC ? -EPROTO : dispatch(&c, (size_t)n);
        out.rep.id = n >= 4 ? in.req.id : 0;
        out.rep.result = err;
        out.rep.nfds = !err && c.fd >= 0;
        if (err)
            out.rep.len = 0;
        int sent = send_reply(cfg->sock, &out.rep, err ? -1 : c.fd);
        if (c.fd >= 0)
            close(c.fd);
        if (sent)
            return sent;
    }
}
