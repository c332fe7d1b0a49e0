/* Requests that change something; the export allows it. Each acts on a parent and a plain name. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
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
    return set_owner(c, dir, last);
}

int gofer_mkdir(struct call *c)
{
    const char *last;
    cleanup_close int dir = gofer_open_parent(c->exp, c->path, &last);

    if (dir < 0)
        return dir;
    return mkdirat(dir, last, c->req->arg[0] & 07777) ? -errno : set_owner(c, dir, last);
}

int gofer_mkfifo(struct call *c)
{
    const char *last;
    cleanup_close int dir = gofer_open_parent(c->exp, c->path, &last);

    if (dir < 0)
        return dir;
    return mknodat(dir, last, S_IFIFO | (c->req->arg[0] & 07777), 0) ? -errno
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
 * fchmodat follows symlinks, and fchmod takes no O_PATH descriptor: the file is opened, after a
 * look at what it is, because opening a device may do something.
 */
static int change_mode(int dir, const char *last, mode_t mode)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW, .resolve = GOFER_RESOLVE};
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
                               .resolve = GOFER_RESOLVE};
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
    return gofer_stat_at(dir, last, &c->rep->attr);
}

int gofer_setattr(struct call *c)
{
    const char *last;

    if (!*c->path)
        return apply_attr(c, c->exp->fd, ".");
    cleanup_close int dir = gofer_open_parent(c->exp, c->path, &last);
    return dir < 0 ? dir : apply_attr(c, dir, last);
}
