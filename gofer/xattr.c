/*
 * Extended attributes: user.* as it is, security.* for reading. For what else there is the gofer
 * has no privileges; access control lists are not served, because nobody would go by them.
 *
 * There is no call that takes a directory and a name (before Linux 6.13), and most of those that
 * take a descriptor want it open: so the gofer changes to the directory, which nothing else depends
 * on.
 */
#include <errno.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "gofer/serve.h"

#define USER "user."
#define SECURITY "security."
#define FLAGS (XATTR_CREATE | XATTR_REPLACE)

static bool has_prefix(const char *name, const char *prefix)
{
    return !strncmp(name, prefix, strlen(prefix));
}

static int check_name(const char *name, bool change)
{
    if (strlen(name) > GOFER_NAME_MAX)
        return -ERANGE;
    if (has_prefix(name, USER))
        return 0;
    return !has_prefix(name, SECURITY) ? -EOPNOTSUPP : change ? -EPERM : 0;
}

/* *at: the name of the file in the directory the process is in then; NULL: it is c->sent. */
static int go_there(struct call *c, const char **at)
{
    *at = NULL;
    if (c->sent >= 0)
        return gofer_check_sent(c, c->exp->fd);
    *at = ".";
    if (!*c->path)
        return fchdir(c->exp->fd) ? -EOPNOTSUPP : 0; /* a file that is mounted */
    cleanup_close int dir = gofer_open_parent(c->exp, c->path, at);
    if (dir < 0)
        return dir;
    return fchdir(dir) ? -errno : 0;
}

int gofer_getxattr(struct call *c)
{
    const char *at;
    int err = check_name(c->path2, false);

    if (!err)
        err = go_there(c, &at);
    if (err)
        return err;
    ssize_t n = at ? lgetxattr(at, c->path2, c->rep->data, GOFER_VALUE_MAX)
                   : fgetxattr(c->sent, c->path2, c->rep->data, GOFER_VALUE_MAX);
    if (n < 0)
        return -errno;
    c->rep->len = (uint32_t)n;
    return 0;
}

/* Keeps the names that GETXATTR answers. */
static uint32_t served_names(char *names, uint32_t len)
{
    uint32_t kept = 0;

    for (uint32_t off = 0; off < len;) {
        uint32_t n = (uint32_t)strnlen(names + off, len - off) + 1;
        if (off + n > len)
            break;
        if (!check_name(names + off, false)) {
            memmove(names + kept, names + off, n);
            kept += n;
        }
        off += n;
    }
    return kept;
}

int gofer_listxattr(struct call *c)
{
    const char *at;
    int err = go_there(c, &at);

    if (err)
        return err;
    ssize_t n = at ? llistxattr(at, c->rep->data, GOFER_VALUE_MAX)
                   : flistxattr(c->sent, c->rep->data, GOFER_VALUE_MAX);
    if (n < 0)
        return -errno;
    c->rep->len = served_names(c->rep->data, (uint32_t)n);
    return 0;
}

int gofer_setxattr(struct call *c)
{
    int flags = (int)(c->req->arg[0] & FLAGS);
    const char *at;
    int err = check_name(c->path2, true);

    if (!err && c->req->len3 > GOFER_VALUE_MAX)
        err = -E2BIG;
    if (!err)
        err = go_there(c, &at);
    if (err)
        return err;
    return (at ? lsetxattr(at, c->path2, c->value, c->req->len3, flags)
               : fsetxattr(c->sent, c->path2, c->value, c->req->len3, flags))
               ? -errno
               : 0;
}

int gofer_removexattr(struct call *c)
{
    const char *at;
    int err = check_name(c->path2, true);

    if (!err)
        err = go_there(c, &at);
    if (err)
        return err;
    return (at ? lremovexattr(at, c->path2) : fremovexattr(c->sent, c->path2)) ? -errno : 0;
}
