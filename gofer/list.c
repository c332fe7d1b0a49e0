/*
 * READDIR: directories as sections of one reply. After the one that was asked for come, while there
 * is room, those below it and its siblings that the request names, in the order in which a walk of
 * the tree would ask for them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "gofer/serve.h"

#define LOOK 65536       /* bytes of getdents64(2) that are read at once */
#define LOOK_SMALL 16384 /* of directories that are not wanted when they are large */
#define DIRENT_MAX 280
#define DEPTH_MAX 8

struct lister {
    struct call *c;
    uint64_t dev;      /* directories of other file systems are not gone into */
    unsigned int left; /* sections that may still come */
    unsigned int tries;
};

/* What one look showed: the first entries from where fd is, maybe all. */
struct look {
    ssize_t len;
    unsigned int entries;
    bool all;
    char buf[LOOK] __attribute__((aligned(8)));
};
static struct look look;

struct level { /* a directory whose subdirectories come next */
    int fd;
    uint32_t at, end; /* its entries in the reply */
    size_t path_len;
};

static bool is_dots(const char *name)
{
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static int look_into(int fd, ssize_t size)
{
    look.len = 0;
    look.entries = 0;
    look.all = false;
    while (size - look.len >= DIRENT_MAX && !look.all) {
        ssize_t n = getdents64(fd, look.buf + look.len, (size_t)(size - look.len));
        if (n < 0)
            return -errno;
        look.all = !n;
        look.len += n;
    }
    for (ssize_t off = 0; off < look.len;) {
        const struct dirent64 *d = (void *)(look.buf + off);
        off += d->d_reclen;
        look.entries += !is_dots(d->d_name);
    }
    return 0;
}

static bool wants_attr(const struct call *c, const struct dirent64 *d, bool all)
{
    return all || ((c->req->arg[READDIR_FLAGS] & GOFER_LIST_DIRS) &&
                   (d->d_type == DT_DIR || d->d_type == DT_UNKNOWN));
}

/* One entry into the reply; false when it does not fit. */
static bool add_entry(struct call *c, int dir, const struct dirent64 *d, bool all)
{
    size_t len = strnlen(d->d_name, GOFER_NAME_MAX + 1);
    size_t most =
        ROUND_UP(sizeof(struct gofer_dirent) + sizeof(struct gofer_attr) + len + 255, 8UL);
    struct gofer_dirent *e = (void *)(c->rep->data + c->rep->len);
    char *at = e->data;

    if (len > GOFER_NAME_MAX)
        return true;
    if (most > GOFER_DATA_MAX - c->rep->len)
        return false;
    *e = (struct gofer_dirent){
        .next = (uint64_t)d->d_off, .ino = d->d_ino, .type = d->d_type, .name_len = (uint8_t)len};
    struct gofer_attr attr = {0};
    if (wants_attr(c, d, all) && !gofer_stat_at(dir, d->d_name, &attr)) {
        e->has_attr = 1;
        memcpy(at, &attr, sizeof(attr));
        at += sizeof(attr);
    }
    memcpy(at, d->d_name, len);
    at += len;
    if (e->has_attr && S_ISLNK(attr.mode)) {
        char target[256];
        ssize_t n = readlinkat(dir, d->d_name, target, sizeof(target));
        if (n > 0 && n < 256) {
            e->link_len = (uint8_t)n;
            memcpy(at, target, (size_t)n);
            at += n;
        }
    }
    size_t used = (size_t)(at - (char *)e), reclen = ROUND_UP(used, 8UL);
    memset(at, 0, reclen - used);
    e->reclen = (uint16_t)reclen;
    c->rep->len += (uint32_t)reclen;
    return true;
}

/* The entries of fd from where it is. 1: all of them; 0: as many as fit; negative errno. */
static int add_entries(struct call *c, int fd, bool all)
{
    for (;;) {
        for (ssize_t off = 0; off < look.len;) {
            const struct dirent64 *d = (void *)(look.buf + off);
            off += d->d_reclen;
            if (!is_dots(d->d_name) && !add_entry(c, fd, d, all))
                return 0;
        }
        if (look.all)
            return 1;
        int err = look_into(fd, LOOK);
        if (err)
            return err;
    }
}

/*
 * One directory into the reply. A first section may be cut short, any other comes whole or not at
 * all (-ENOSPC).
 */
static int add_section(struct lister *l, int fd, const char *path, struct level *level)
{
    struct call *c = l->c;
    uint32_t start = c->rep->len;
    size_t path_len = strlen(path), head = ROUND_UP(sizeof(struct gofer_section) + path_len, 8UL);
    struct gofer_section *s = (void *)(c->rep->data + start);

    if (head > GOFER_DATA_MAX - start)
        return -ENOSPC;
    bool small = c->req->arg[READDIR_FLAGS] & GOFER_LIST_SMALL;
    int r = look_into(fd, small ? LOOK_SMALL : LOOK);
    if (!r && small && !look.all)
        r = -E2BIG;
    if (r)
        return r;
    bool all = look.all && look.entries <= c->req->arg[READDIR_ATTRS];
    memset(s, 0, head);
    memcpy(s->name, path, path_len);
    c->rep->len += (uint32_t)head;
    r = add_entries(c, fd, all);
    if (r < 0 || (!r && start)) {
        c->rep->len = start;
        return r ? r : -ENOSPC;
    }
    *s = (struct gofer_section){.len = c->rep->len - start,
                                .name_len = (uint16_t)path_len,
                                .complete = (uint8_t)r,
                                .attrs = all};
    *level = (struct level){.fd = fd, .at = start + (uint32_t)head, .end = c->rep->len};
    level->path_len = path_len;
    l->left--;
    return 0;
}

/* The next subdirectory of a level, its path made in path; -1 when there is none. */
static int next_subdir(struct lister *l, struct level *v, char path[GOFER_PATH_MAX])
{
    while (v->at < v->end) {
        const struct gofer_dirent *e = (void *)(l->c->rep->data + v->at);
        struct gofer_attr attr;
        char name[GOFER_NAME_MAX + 1];

        v->at += e->reclen;
        if (!e->has_attr)
            continue;
        memcpy(&attr, e->data, sizeof(attr));
        if (!S_ISDIR(attr.mode) || attr.dev != l->dev || !l->tries)
            continue;
        memcpy(name, e->data + sizeof(attr), e->name_len);
        name[e->name_len] = 0;
        if (v->path_len + e->name_len + 2 > GOFER_PATH_MAX)
            continue;
        l->tries--;
        int fd = gofer_open_beneath(v->fd, name, O_RDONLY | O_DIRECTORY);
        if (fd < 0)
            continue;
        char *at = path + v->path_len;
        if (v->path_len)
            *at++ = '/';
        memcpy(at, name, e->name_len + 1UL);
        return fd;
    }
    return -1;
}

/* fd is a directory that has just been added; it and all below it are closed in the end. */
static int add_below(struct lister *l, struct level top, char path[GOFER_PATH_MAX])
{
    struct level stack[DEPTH_MAX];
    int n = 0, err = 0;

    stack[n++] = top;
    while (n) {
        struct level *v = &stack[n - 1], sub;
        int fd = l->left && !err ? next_subdir(l, v, path) : -1;
        if (fd < 0) {
            close(v->fd);
            n--;
            continue;
        }
        err = add_section(l, fd, path, &sub);
        if (err == -ENOSPC || err == 0) {
            if (!err && n < DEPTH_MAX) {
                stack[n++] = sub;
                continue;
            }
        } else {
            err = 0; /* it cannot be read: who asks for it will hear why */
        }
        close(fd);
    }
    return err;
}

static uint64_t dev_of(int fd)
{
    struct gofer_attr a;

    return gofer_stat_at(fd, "", &a) ? 0 : a.dev;
}

/* Reads one directory and what may follow it. err of the directory itself. */
static int add_tree(struct lister *l, int base, const char *name, bool *full)
{
    char path[GOFER_PATH_MAX];
    struct level top;
    int fd = gofer_open_beneath(base, name, O_RDONLY | O_DIRECTORY);

    if (fd < 0)
        return fd;
    uint64_t pos = *name ? 0 : l->c->req->arg[READDIR_POS];
    int err = pos && lseek(fd, (off_t)pos, SEEK_SET) < 0 ? -errno : 0;
    memcpy(path, name, strlen(name) + 1); /* a part of path2 */
    if (!err)
        err = add_section(l, fd, path, &top);
    if (err || !l->left) {
        close(fd);
        *full = err == -ENOSPC || !l->left;
        return err;
    }
    if (!l->dev)
        l->dev = dev_of(fd);
    *full = add_below(l, top, path) == -ENOSPC;
    return 0;
}

int gofer_readdir(struct call *c)
{
    uint64_t sections = MIN(c->req->arg[READDIR_SECTIONS], GOFER_SECTIONS_MAX + 0UL);
    struct lister l = {.c = c, .left = sections ? (unsigned int)sections : 1};
    cleanup_close int base = gofer_open_beneath(c->exp->fd, c->path, O_PATH | O_DIRECTORY);
    bool full = false;

    if (base < 0)
        return base;
    l.tries = 4 * l.left;
    char *rest = c->path2;
    int err = *rest ? 0 : add_tree(&l, base, "", &full);
    for (bool first = true; *rest && l.left && !full; first = false) {
        char *name = rest, *slash = strchr(name, '/');
        if (slash)
            *slash = 0;
        rest = slash ? slash + 1 : name + strlen(name);
        if (!gofer_is_plain_name(name))
            return -EINVAL;
        int r = add_tree(&l, base, name, &full);
        if (first && r)
            return r;
    }
    return err;
}
