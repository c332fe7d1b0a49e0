/* Resolving paths below an export's root, and what does no more than look there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "gofer/serve.h"

int gofer_open_beneath(int dir, const char *path, uint64_t flags)
{
    struct open_how how = {.flags = flags | O_CLOEXEC | O_NOFOLLOW, .resolve = GOFER_RESOLVE};

    if (!(flags & O_PATH))
        how.flags |= O_NONBLOCK | O_NOCTTY;
    long fd = syscall(SYS_openat2, dir, *path ? path : ".", &how, sizeof(how));
    return fd < 0 ? -errno : (int)fd;
}

bool gofer_is_plain_name(const char *name)
{
    size_t len = strlen(name);

    return len && len <= GOFER_NAME_MAX && strcmp(name, ".") && strcmp(name, "..") &&
           !strchr(name, '/');
}

int gofer_open_parent(const struct gofer_export *exp, char *path, const char **last)
{
    char *slash = strrchr(path, '/');

    *last = slash ? slash + 1 : path;
    if (!gofer_is_plain_name(*last))
        return -EINVAL;
    if (slash)
        *slash = 0;
    return gofer_open_beneath(exp->fd, slash ? path : "", O_PATH | O_DIRECTORY);
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

int gofer_stat_at(int fd, const char *name, struct gofer_attr *a)
{
    struct statx x;

    if (statx(fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH),
              STATX_BASIC_STATS | STATX_BTIME, &x)) {
        *a = (struct gofer_attr){0};
        return -errno;
    }
    fill_attr(a, &x);
    return 0;
}

int gofer_donate(struct call *c, int dir, const char *name, int acc, struct gofer_attr *attr)
{
    struct gofer_attr opened;

    if (!S_ISREG(attr->mode))
        return S_ISDIR(attr->mode) ? -EISDIR : -ENXIO;
    int fd = gofer_open_beneath(dir, name, (uint64_t)acc);
    if (fd < 0)
        return fd;
    int err = gofer_stat_at(fd, "", &opened);
    if (!err && (!S_ISREG(opened.mode) || opened.ino != attr->ino || opened.dev != attr->dev))
        err = -ESTALE; /* swapped in between */
    if (err) {
        close(fd);
        return err;
    }
    *attr = opened;
    c->fd = fd;
    return 0;
}

int gofer_open(struct call *c)
{
    uint64_t acc = c->req->arg[0];
    const char *last;

    if (acc != O_RDONLY && acc != O_WRONLY && acc != O_RDWR)
        return -EINVAL;
    if (acc != O_RDONLY && c->exp->readonly)
        return -EROFS;
    if (!*c->path)
        return -EISDIR;
    cleanup_close int dir = gofer_open_parent(c->exp, c->path, &last);
    if (dir < 0)
        return dir;
    int err = gofer_stat_at(dir, last, &c->rep->attr);
    return err ? err : gofer_donate(c, dir, last, (int)acc, &c->rep->attr);
}

/* --- LOOKUP --- */
/* The next component of a path, cut off; NULL at the end. */
static char *next_name(char **rest)
{
    char *name = *rest, *slash = strchr(name, '/');

    if (!*name)
        return NULL;
    if (slash)
        *slash = 0;
    *rest = slash ? slash + 1 : name + strlen(name);
    return name;
}

static int check_steps(const char *path)
{
    char copy[GOFER_PATH_MAX], *rest = copy, *name;
    int n = 0;

    memcpy(copy, path, strlen(path) + 1); /* dispatch() has checked its length */
    while ((name = next_name(&rest)))
        if (!gofer_is_plain_name(name) || ++n > GOFER_STEPS_MAX)
            return -EINVAL;
    return 0;
}

/* From name in *dir down the rest; *dir and *name become what the last attributes are of. */
static int walk_down(struct call *c, int *dir, const char **name, struct gofer_attr *attr)
{
    char *rest = c->path2, *next;

    while (S_ISDIR(attr->mode) && (next = next_name(&rest))) {
        int fd = gofer_open_beneath(*dir, *name, O_PATH | O_DIRECTORY);
        if (fd < 0) {
            c->rep->stop = fd;
            return 0;
        }
        close(*dir);
        *dir = fd;
        *name = next;
        c->rep->stop = gofer_stat_at(fd, next, attr);
        if (c->rep->stop)
            return 0;
        memcpy(c->rep->data + c->rep->len, attr, sizeof(*attr));
        c->rep->len += (uint32_t)sizeof(*attr);
        c->rep->steps++;
    }
    if (S_ISLNK(attr->mode)) {
        ssize_t n = readlinkat(*dir, *name, c->rep->data + c->rep->len, GOFER_PATH_MAX);
        if (n < 0)
            return -errno;
        c->rep->len += (uint32_t)n;
    }
    if (!*rest && (c->req->arg[0] & GOFER_LOOKUP_OPEN) && S_ISREG(attr->mode))
        gofer_donate(c, *dir, *name, O_RDONLY, attr); /* without one OPEN will tell why */
    return 0;
}

int gofer_lookup(struct call *c)
{
    const char *name = "";
    int err = check_steps(c->path2);
    cleanup_close int dir = -1;

    if (err)
        return err;
    dir = *c->path ? gofer_open_parent(c->exp, c->path, &name)
                   : gofer_open_beneath(c->exp->fd, "", O_PATH);
    if (dir < 0)
        return dir;
    err = gofer_stat_at(dir, name, &c->rep->attr);
    if (err)
        return err;
    struct gofer_attr attr = c->rep->attr;
    return walk_down(c, &dir, &name, &attr);
}

int gofer_statfs(struct call *c)
{
    struct statfs st;
    cleanup_close int fd = gofer_open_beneath(c->exp->fd, c->path, O_PATH);

    if (fd < 0)
        return fd;
    if (fstatfs(fd, &st))
        return -errno;
    memcpy(c->rep->data, &st, sizeof(st));
    c->rep->len = sizeof(st);
    return 0;
}
