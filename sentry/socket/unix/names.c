/* Names of unix sockets: paths (kept in the inode), abstract names, autobind. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "sentry/ns/ns.h"
#include "sentry/socket/unix/unix.h"

#define BUCKETS 256
#define PATH_OFF ((socklen_t)offsetof(struct sockaddr_un, sun_path))
#define AUTOBIND_LEN (PATH_OFF + 6) /* NUL and five hexadecimal digits */
#define AUTOBIND_TRIES 0x100000

static struct list abstract[BUCKETS];

/* Each type of socket has a name space of its own. */
static struct list *bucket(const struct sockaddr_un *a, socklen_t len, int type)
{
    uint32_t h = (uint32_t)type;

    for (socklen_t i = PATH_OFF; i < len; i++)
        h = (h ^ ((const unsigned char *)a)[i]) * 0x01000193U;
    struct list *b = &abstract[(h ^ h >> 15) % BUCKETS];
    if (!b->next)
        list_init(b);
    return b;
}

static struct unix_sock *find_abstract(const struct sockaddr_un *a, socklen_t len, int type,
                                       uint64_t net)
{
    struct unix_sock *u;

    list_for_each(u, bucket(a, len, type), name_node) {
        if (u->net == net && u->s.type == type && u->addrlen == len && !memcmp(&u->addr, a, len))
            return u;
    }
    return NULL;
}

static void set_name(struct unix_sock *u, const struct sockaddr_un *a, socklen_t len)
{
    u->addr = *a;
    u->addrlen = len;
    if (!a->sun_path[0])
        list_add_tail(bucket(a, len, u->s.type), &u->name_node);
}

int unix_name_restored(struct unix_sock *u)
{
    if (find_abstract(&u->addr, u->addrlen, u->s.type, u->net))
        return -EADDRINUSE;
    list_add_tail(bucket(&u->addr, u->addrlen, u->s.type), &u->name_node);
    return 0;
}

int unix_check_addr(const void *sa, socklen_t len)
{
    const struct sockaddr_un *a = sa;

    return len <= PATH_OFF || len > sizeof(*a) || a->sun_family != AF_UNIX ? -EINVAL : 0;
}

int unix_autobind(struct unix_sock *u)
{
    static unsigned int next;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char digits[8];

    if (u->addrlen > UNIX_NAMELESS)
        return 0;
    for (int tries = 0; tries < AUTOBIND_TRIES; tries++) {
        snprintf(digits, sizeof(digits), "%05x", next++ % AUTOBIND_TRIES);
        memcpy(a.sun_path + 1, digits, 5);
        if (!find_abstract(&a, AUTOBIND_LEN, u->s.type, u->net)) {
            set_name(u, &a, AUTOBIND_LEN);
            return 0;
        }
    }
    return -ENOSPC;
}

static int bind_path(struct task *t, struct unix_sock *u, const char *path)
{
    cleanup_path struct path p = {0};
    int err = vfs_mknod(t, AT_FDCWD, path, S_IFSOCK | 0777, 0, &p);

    if (err)
        return err == -EEXIST ? -EADDRINUSE : err;
    u->path = path_get(&p);
    u->inode = inode_get(p.dentry->inode);
    u->inode->sock = (struct sock *)u;
    return 0;
}

void unix_unbind(struct unix_sock *u)
{
    list_del(&u->name_node);
    if (!u->inode)
        return;
    if (u->inode->sock == (struct sock *)u)
        u->inode->sock = NULL;
    inode_put(u->inode);
    u->inode = NULL;
    path_put(&u->path);
}

static int bind_name(struct task *t, struct unix_sock *u, const struct sockaddr_un *a,
                     socklen_t len)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    char name[sizeof(a->sun_path) + 1] = {0};

    if (!a->sun_path[0]) {
        if (u->addrlen > UNIX_NAMELESS)
            return -EINVAL;
        if (find_abstract(a, len, u->s.type, u->net))
            return -EADDRINUSE;
        set_name(u, a, len);
        return 0;
    }
    memcpy(name, a->sun_path, len - PATH_OFF);
    /* The path may be in use whether or not this socket has a name. */
    if (u->addrlen > UNIX_NAMELESS) {
        cleanup_path struct path there = {0};
        return vfs_walk(t, AT_FDCWD, name, WALK_NOFOLLOW, &there) ? -EINVAL : -EADDRINUSE;
    }
    int err = bind_path(t, u, name);
    if (err)
        return err;
    memcpy(path.sun_path, name, MIN(strlen(name), sizeof(path.sun_path)));
    set_name(u, &path, PATH_OFF + (socklen_t)strlen(name) + 1);
    return 0;
}

int unix_bind(struct task *t, struct socket *s, const struct sockaddr *sa, socklen_t len)
{
    struct unix_sock *u = unix_of(s);
    struct sockaddr_un a = {0};

    if (len == PATH_OFF && sa->sa_family == AF_UNIX)
        return unix_autobind(u);
    int err = unix_check_addr(sa, len);
    if (err)
        return err;
    if (u->binding)
        return -EINVAL;
    memcpy(&a, sa, len);
    u->binding = true; /* making the name may park */
    err = bind_name(t, u, &a, len);
    u->binding = false;
    return err;
}

static int find_path(struct task *t, const char *name, struct unix_sock **out)
{
    cleanup_path struct path p = {0};
    int err = vfs_walk(t, AT_FDCWD, name, 0, &p);

    if (!err)
        err = path_permission(t, &p, MAY_WRITE);
    if (err)
        return err;
    struct inode *i = p.dentry->inode;
    if (!S_ISSOCK(i->mode) || !i->sock)
        return -ECONNREFUSED;
    *out = unix_get((struct unix_sock *)i->sock);
    return 0;
}

int unix_find(struct task *t, const void *sa, socklen_t len, int type, struct unix_sock **out)
{
    struct sockaddr_un a = {0};
    char name[sizeof(a.sun_path) + 1] = {0};

    memcpy(&a, sa, MIN(len, (socklen_t)sizeof(a)));
    if (!a.sun_path[0]) {
        struct unix_sock *u = find_abstract(&a, len, type, t->net ? t->net->base.id : 0);
        if (!u)
            return -ECONNREFUSED;
        *out = unix_get(u);
        return 0;
    }
    memcpy(name, a.sun_path, len - PATH_OFF);
    int err = find_path(t, name, out);
    if (!err && (*out)->s.type != type) {
        unix_put(*out);
        err = -EPROTOTYPE;
    }
    return err;
}
