/* Requests that change something; the export allows it. Each acts on a parent and a plain name. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/nr.h"
#include "gofer/serve.h"

/* New objects get the owner the guest has, as far as we may: EINVAL is an ordinary user's gofer
 * whose user namespace knows one user only. */
static int set_owner(struct call *c, int dir, const char *name)
{
    if (fchownat(dir, name, (uid_t)c->req->arg[1], (gid_t)c->req->arg[2], AT_SYMLINK_NOFOLLOW) &&
        errno != EPERM && errno != EINVAL)
        return -errno;
    return gofer_stat_at(dir, name, &c->rep->attr);
}

int gofer_create(struct call *c)
{
    const char *last;
    cleanup_close int dir = gofer_open_parent(c->exp, c->path, &last);

    if (dir < 0)
        return dir;
    struct open_how how = {.flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                           .mode = c->req->arg[0] & 07777,
                           .resolve = GOFER_RESOLVE};
    long fd = syscall(SYS_openat2, dir, last, &how, sizeof(how));
    if (fd < 0)
        return -errno;
    c->fd = (int)fd;
    int err = set_owner(c, dir, last);
    if (!err && (how.mode & (S_ISUID | S_ISGID)) && !fchmod(c->fd, (mode_t)how.mode)) /* chown */
        c->rep->attr.mode = S_IFREG | (uint32_t)how.mode; /* clears them */
    return err;
}

int gofer_mkdir(struct call *c)
{
    const char *last;
    cleanup_close int dir = gofer_open_parent(c->exp, c->path, &last);

    if (dir < 0)
        return dir;
    return mkdirat(dir, last, c->req->arg[0] & 07777) ? -errno : set_owner(c, dir, last);
}

/* A socket's name leads to nobody on the host: whoever bound it is in the sandbox. */
int gofer_mknod(struct call *c)
{
    mode_t type = c->req->arg[0] & S_IFMT;
    const char *last;

    if (type != S_IFIFO && type != S_IFSOCK)
        return -EPERM;
    cleanup_close int dir = gofer_open_parent(c->exp, c->path, &last);

    if (dir < 0)
        return dir;
    return mknodat(dir, last, type | (c->req->arg[0] & 07777), 0) ? -errno
                                                                  : set_owner(c, dir, last);
}

int gofer_symlink(struct call *c)
{
    const char *last;
    cleanup_close int dir = gofer_open_parent(c->exp, c->path, &last);

    if (dir < 0)
        return dir;
    return symlinkat(c->path2, dir, last) ? -errno : set_owner(c, dir, last);
}

int gofer_link(struct call *c)
{
    const char *from, *to;
    cleanup_close int fdir = gofer_open_parent(c->exp, c->path, &from);
    cleanup_close int tdir = gofer_open_parent(c->exp, c->path2, &to);

    if (fdir < 0 || tdir < 0)
        return fdir < 0 ? fdir : tdir;
    return linkat(fdir, from, tdir, to, 0) ? -errno : 0;
}

static int remove_name(struct call *c, int flags)
{
    const char *last;
    cleanup_close int dir = gofer_open_parent(c->exp, c->path, &last);

    if (dir < 0)
        return dir;
    return unlinkat(dir, last, flags) ? -errno : 0;
}

int gofer_unlink(struct call *c)
{
    return remove_name(c, 0);
}

int gofer_rmdir(struct call *c)
{
    return remove_name(c, AT_REMOVEDIR);
}

int gofer_rename(struct call *c)
{
    const char *from, *to;
    cleanup_close int fdir = gofer_open_parent(c->exp, c->path, &from);
    cleanup_close int tdir = gofer_open_parent(c->exp, c->path2, &to);

    if (fdir < 0 || tdir < 0)
        return fdir < 0 ? fdir : tdir;
    return renameat2(fdir, from, tdir, to, (unsigned int)c->req->arg[0] & 3) ? -errno : 0;
}

/*
 * Before Linux 6.6 there is no way to change the mode of a file that is only looked at: fchmodat
 * follows symlinks, and fchmod takes no O_PATH descriptor. So the file is opened; st is of it.
 */
static int change_mode_opened(int dir, const char *last, const struct stat *st, mode_t mode)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                           .resolve = GOFER_RESOLVE};
    struct stat opened;

    if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
        return -EPERM; /* opening could already have an effect */
    cleanup_close int fd = (int)syscall(SYS_openat2, dir, last, &how, sizeof(how));
    if (fd < 0 && errno == EACCES && S_ISREG(st->st_mode)) {
        how.flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
        fd = (int)syscall(SYS_openat2, dir, last, &how, sizeof(how));
    }
    if (fd < 0 || fstat(fd, &opened))
        return -errno;
    if (opened.st_dev != st->st_dev || opened.st_ino != st->st_ino)
        return -ESTALE; /* swapped in between */
    return fchmod(fd, mode) ? -errno : 0;
}

static int change_mode(int at, const struct stat *st, int dir, const char *last, mode_t mode)
{
    if (S_ISLNK(st->st_mode))
        return -EOPNOTSUPP;
    if (!syscall(SYS_fchmodat2, at, "", mode, AT_EMPTY_PATH))
        return 0;
    return errno == ENOSYS ? change_mode_opened(dir, last, st, mode) : -errno;
}

static int change_size(int dir, const char *last, off_t size)
{
    struct open_how how = {.flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                           .resolve = GOFER_RESOLVE};
    cleanup_close int fd = (int)syscall(SYS_openat2, dir, last, &how, sizeof(how));

    return fd < 0 || ftruncate(fd, size) ? -errno : 0;
}

static int change_owner(const struct call *c, int fd)
{
    const uint64_t *arg = c->req->arg;

    if (!(arg[0] & (GOFER_SET_UID | GOFER_SET_GID)))
        return 0;
    return fchownat(fd, "", arg[0] & GOFER_SET_UID ? (uid_t)arg[2] : (uid_t)-1,
                    arg[0] & GOFER_SET_GID ? (gid_t)(arg[2] >> 32) : (gid_t)-1, AT_EMPTY_PATH)
               ? -errno
               : 0;
}

/* False: none are asked for. */
static bool wanted_times(const struct call *c, struct timespec ts[2])
{
    const uint64_t *arg = c->req->arg;

    ts[0] = (struct timespec){(time_t)arg[4], (long)arg[5]};
    ts[1] = (struct timespec){(time_t)arg[6], (long)arg[7]};
    if (!(arg[0] & GOFER_SET_ATIME))
        ts[0].tv_nsec = UTIME_OMIT;
    if (!(arg[0] & GOFER_SET_MTIME))
        ts[1].tv_nsec = UTIME_OMIT;
    return arg[0] & (GOFER_SET_ATIME | GOFER_SET_MTIME);
}

static int apply_attr(struct call *c, int dir, const char *last)
{
    const uint64_t *arg = c->req->arg;
    cleanup_close int at = gofer_open_beneath(dir, last, O_PATH);
    struct timespec ts[2];
    struct stat st;

    if (at < 0)
        return at;
    if (fstat(at, &st))
        return -errno;
    if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
        return -EPERM; /* who may use the host's devices is not the guest's to say */
    int err = arg[0] & GOFER_SET_SIZE ? change_size(dir, last, (off_t)arg[3]) : 0;
    if (!err)
        err = change_owner(c, at);
    if (!err && (arg[0] & GOFER_SET_MODE))
        err = change_mode(at, &st, dir, last, arg[1] & 07777);
    if (!err && wanted_times(c, ts) && utimensat(dir, last, ts, AT_SYMLINK_NOFOLLOW))
        err = -errno;
    return err ? err : gofer_stat_at(dir, last, &c->rep->attr);
}

int gofer_set_by_fd(struct call *c, int fd)
{
    const uint64_t *arg = c->req->arg;
    struct timespec ts[2];

    if ((arg[0] & GOFER_SET_SIZE) && ftruncate(fd, (off_t)arg[3]))
        return -errno;
    int err = change_owner(c, fd);
    if (!err && (arg[0] & GOFER_SET_MODE) && fchmod(fd, arg[1] & 07777))
        err = -errno;
    if (!err && wanted_times(c, ts) && futimens(fd, ts))
        err = -errno;
    return err ? err : gofer_stat_at(fd, "", &c->rep->attr);
}

int gofer_setattr(struct call *c)
{
    const char *last;

    if (c->sent >= 0) {
        int err = gofer_check_sent(c, c->exp->fd);
        return err ? err : gofer_set_by_fd(c, c->sent);
    }
    if (!*c->path)
        return apply_attr(c, c->exp->fd, ".");
    cleanup_close int dir = gofer_open_parent(c->exp, c->path, &last);
    return dir < 0 ? dir : apply_attr(c, dir, last);
}
