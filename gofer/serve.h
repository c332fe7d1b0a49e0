/* Internals of the gofer: the request being served, and how paths are resolved. */
#ifndef NV_GOFER_SERVE_H
#define NV_GOFER_SERVE_H

#include <linux/openat2.h>

#include "gofer/gofer.h"
#include "gofer/proto.h"

#define GOFER_RESOLVE (RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS)
#define GOFER_DATA_MAX (GOFER_PACKET_MAX - sizeof(struct gofer_reply))

struct call {
    const struct gofer_config *cfg;
    const struct gofer_export *exp;
    struct gofer_request *req;
    char path[GOFER_PATH_MAX], path2[GOFER_PATH_MAX];
    const char *value; /* req->len3 bytes */
    int sent;          /* the descriptor that came along, -1 none; the loop closes it */
    struct gofer_reply *rep;
    int fd; /* to donate, -1 none; */
    int fds[GOFER_MANY_MAX];
    unsigned int nfds; /* or many */
};

/* server.c. Copies a path out of the request; no NUL inside, no leading slash. -EPROTO. */
int gofer_take_path(char *to, const char *from, size_t len, bool may_be_absolute);

/* beneath.c. Opens path below dir; symlinks anywhere in it are ELOOP, except a final one. */
int gofer_open_beneath(int dir, const char *path, uint64_t flags);
bool gofer_is_plain_name(const char *name);
/* The directory of path and its last component, which is checked to be a plain name. */
int gofer_open_parent(const struct gofer_export *exp, char *path, const char **last);
/* Without following a symlink; "" is fd itself. */
int gofer_stat_at(int fd, const char *name, struct gofer_attr *a);
/*
 * A descriptor of the regular file that attr was read of, in c->fd, and its attributes anew.
 * Opening anything else could already have an effect.
 */
int gofer_donate(struct call *c, int dir, const char *name, int acc, struct gofer_attr *attr);

/*
 * May the sent descriptor be acted on by itself? It must be of a regular file without a name that
 * was opened through the same mount as dir: only we do that, for this export.
 */
int gofer_check_sent(const struct call *c, int dir);
/* Owner, mode and times as a SETATTR asks for them. */
int gofer_set_by_fd(struct call *c, int fd);

/* Handlers: 0 or negative errno; the rest of the reply in c->rep. */
int gofer_lookup(struct call *c);
int gofer_open(struct call *c);
int gofer_open_many(struct call *c); /* many.c */
int gofer_statfs(struct call *c);
int gofer_readdir(struct call *c); /* list.c */
int gofer_create(struct call *c);  /* change.c, as all that follow */
int gofer_mkdir(struct call *c);
int gofer_symlink(struct call *c);
int gofer_mknod(struct call *c);
int gofer_link(struct call *c);
int gofer_unlink(struct call *c);
int gofer_rmdir(struct call *c);
int gofer_rename(struct call *c);
int gofer_setattr(struct call *c);
int gofer_tmpfile(struct call *c); /* nameless.c */
int gofer_link_file(struct call *c);
int gofer_getxattr(struct call *c); /* xattr.c */
int gofer_listxattr(struct call *c);
int gofer_setxattr(struct call *c);
int gofer_removexattr(struct call *c);

#endif
