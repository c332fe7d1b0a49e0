/*
 * Files of the gofer that no path leads to: O_TMPFILE's, and those deleted while they are open. The
 * gofer acts on them by a descriptor that goes along with the request.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "sentry/fs/gofer/goferfs.h"
#include "sentry/kernel/task.h"

int goferfs_tmpfile(struct task *t, struct inode *dir, mode_t mode, struct inode **out)
{
    gid_t gid = dir->mode & S_ISGID ? dir->gid : t->cred->fsgid;
    struct gofer_call c = {.type = GOFER_TMPFILE, .arg = {mode, t->cred->fsuid, gid, 1}};
    int err = goferfs_call_inode(dir, &c);

    free(c.data);
    if (!err && (c.fd < 0 || !S_ISREG(c.attr.mode)))
        err = -EIO;
    struct inode *i = err ? NULL : goferfs_inode_new(dir->sb, &c.attr);
    if (!i) {
        if (c.fd >= 0)
            close(c.fd);
        return err ? err : -ENOMEM;
    }
    GOFER_I(i)->nameless = goferfs_fd_new(i, c.fd, O_RDWR);
    if (!GOFER_I(i)->nameless) {
        inode_put(i);
        return -ENOMEM;
    }
    *out = i;
    return 0;
}

int goferfs_call_nameless(const struct inode *i, struct gofer_call *c)
{
    struct gofer_inode *gi = GOFER_I(i);
    struct gofer_fd *g = NULL, *any;

    if (gi->orphan)
        return -EOPNOTSUPP; /* a memfd */
    list_for_each(any, &gi->fds, node) {
        if (!g || any->acc == O_RDWR)
            g = any;
    }
    if (!g)
        return -ESTALE;
    g->refs++; /* the call parks */
    c->path = "";
    c->file = &g->fd;
    c->export_index = GOFER_S(i->sb)->export_index;
    int err = gofer_rpc(c);
    gofer_fd_put(g);
    return err;
}

int goferfs_link_nameless(struct inode *i, struct inode *dir, struct dentry *d)
{
    char buf[GOFER_PATH_MAX];
    struct gofer_call c = {.type = GOFER_LINK_FILE, .path2 = goferfs_path(d, buf)};

    if (!c.path2)
        return -ENAMETOOLONG;
    goferfs_dir_changes(dir);
    int err = goferfs_call_nameless(i, &c);
    goferfs_dir_changes(dir);
    free(c.data);
    if (err)
        return err == -EOPNOTSUPP || err == -ESTALE ? -ENOENT : err;
    /* From now on it is opened by its name. */
    struct gofer_fd *g = GOFER_I(i)->nameless;
    GOFER_I(i)->nameless = NULL;
    gofer_fd_put(g);
    return 0;
}

struct gofer_fd *goferfs_share_fd(struct inode *i, int acc)
{
    struct gofer_fd *g, *found = NULL;

    list_for_each(g, &GOFER_I(i)->fds, node) {
        if (g->acc == acc || (g->acc == O_RDWR && !found))
            found = g;
        if (g->acc == acc)
            break;
    }
    if (found)
        found->refs++;
    return found;
}
