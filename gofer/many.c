/*
 * OPEN_MANY: what a restored sandbox asks first, all its files at once. Those in one directory
 * come one after the other: it is opened once for them.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "gofer/serve.h"

struct place {
    int fd; /* of the directory path, -1: none */
    char path[GOFER_PATH_MAX];
};

/* The directory of path is opened, unless it is the one before; *last: the component in it. */
static int enter(struct place *p, const struct gofer_export *exp, char *path, const char **last)
{
    char *slash = strrchr(path, '/');

    *last = slash ? slash + 1 : path;
    if (!gofer_is_plain_name(*last))
        return -EINVAL;
    if (slash)
        *slash = 0;
    else
        path = (char *)"";
    if (p->fd >= 0 && !strcmp(p->path, path))
        return 0;
    if (p->fd >= 0)
        close(p->fd);
    p->fd = gofer_open_beneath(exp->fd, path, O_PATH | O_DIRECTORY);
    memcpy(p->path, path, strlen(path) + 1);
    return p->fd < 0 ? p->fd : 0;
}

static int find_one(struct call *c, struct place *p, const struct gofer_want *want,
                    struct gofer_attr *attr)
{
    const char *last;

    if (want->mode != GOFER_LOOK_ONLY && want->mode > O_RDWR)
        return -EINVAL;
    if (want->mode != GOFER_LOOK_ONLY && want->mode != O_RDONLY && c->exp->readonly)
        return -EROFS;
    if (!*c->path)
        return want->mode == GOFER_LOOK_ONLY ? gofer_stat_at(c->exp->fd, "", attr) : -EISDIR;
    int err = enter(p, c->exp, c->path, &last);
    if (!err)
        err = gofer_stat_at(p->fd, last, attr);
    if (!err && want->mode != GOFER_LOOK_ONLY)
        err = gofer_donate(c, p->fd, last, want->mode, attr);
    return err;
}

static void add_found(struct call *c, const struct gofer_found *found)
{
    memcpy(c->rep->data + c->rep->len, found, sizeof(*found));
    c->rep->len += (uint32_t)sizeof(*found);
    if (c->fd >= 0)
        c->fds[c->nfds++] = c->fd;
    c->fd = -1;
}

static int find_all(struct call *c, struct place *p)
{
    const char *at = c->req->data, *end = at + c->req->len1;

    for (int n = 0; at < end; n++) {
        struct gofer_found found = {0};
        struct gofer_want want;
        if (n == GOFER_MANY_MAX || (size_t)(end - at) < sizeof(want))
            return -EPROTO;
        memcpy(&want, at, sizeof(want));
        at += sizeof(want);
        if (want.len > end - at || gofer_take_path(c->path, at, want.len, false))
            return -EPROTO;
        at += want.len;
        found.result = find_one(c, p, &want, &found.attr);
        found.has_fd = c->fd >= 0;
        add_found(c, &found);
    }
    return 0;
}

int gofer_open_many(struct call *c)
{
    static struct place p;

    p.fd = -1;
    int err = find_all(c, &p);
    if (p.fd >= 0)
        close(p.fd);
    return err;
}
_Static_assert(GOFER_MANY_MAX * sizeof(struct gofer_found) <= GOFER_DATA_MAX, "a reply has room");
