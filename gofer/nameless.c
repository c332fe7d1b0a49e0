/*
 * Files without a name: made by O_TMPFILE, or deleted while they are open. No path leads to them,
 * so their descriptor comes along with a request. The sentry may send any that it has: also those
 * of standard streams. Acted on is only what was opened below the same export.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "gofer/serve.h"

int gofer_tmpfile(struct call *c)
{
    const uint64_t *arg = c->req->arg;
    struct open_how how = {.flags =
                               O_TMPFILE | O_RDWR | O_CLOEXEC | O_NOFOLLOW | (arg[3] ? 0 : O_EXCL),
                           .mode = arg[0] & 07777,
                           .resolve = GOFER_RESOLVE};
    long fd = syscall(SYS_openat2, c->exp->fd, *c->path ? c->path : ".", &how, sizeof(how));

    if (fd < 0)
        return -errno;
    c->fd = (int)fd;
    if (fchown(c->fd, (uid_t)arg[1], (gid_t)arg[2]) && errno != EPERM && errno != EINVAL)
        return -errno;
    return gofer_stat_at(c->fd, "", &c->rep->attr);
}

int gofer_check_sent(const struct call *c, int dir)
{
    struct statx file, place;

    if (statx(c->sent, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &file) ||
        statx(dir, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &place))
        return -errno;
    if (!(file.stx_mask & place.stx_mask & STATX_MNT_ID))
        return -EOPNOTSUPP;
    if (!S_ISREG(file.stx_mode) || file.stx_nlink)
        return -EPERM;
    return file.stx_mnt_id == place.stx_mnt_id ? 0 : -EXDEV;
}

/* Linux takes it from who opened the file, since 6.10 also without CAP_DAC_READ_SEARCH. */
int gofer_link_file(struct call *c)
{
    const char *last;
    cleanup_close int dir = gofer_open_parent(c->exp, c->path2, &last);

    if (dir < 0)
        return dir;
    if (c->sent < 0)
        return -EPROTO;
    int err = gofer_check_sent(c, dir);
    if (!err && linkat(c->sent, "", dir, last, AT_EMPTY_PATH))
        err = -errno;
    return err ? err : gofer_stat_at(c->sent, "", &c->rep->attr);
}
