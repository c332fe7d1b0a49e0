/* devtmpfs: a tmpfs with the device nodes and links that programs expect: /dev of a container. */
#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "sentry/fs/fs.h"
#include "sentry/kernel/task.h"
#include "sentry/sandbox.h"
#include "sentry/vfs/vfs.h"

#define CONSOLE_MAJOR 5
#define CONSOLE_MINOR 1

static const struct node {
    const char *name;
    mode_t mode;
    unsigned int major, minor;
    const char *target;
} nodes[] = {
    {"null", S_IFCHR | 0666, 1, 3, NULL},         {"zero", S_IFCHR | 0666, 1, 5, NULL},
    {"full", S_IFCHR | 0666, 1, 7, NULL},         {"random", S_IFCHR | 0666, 1, 8, NULL},
    {"urandom", S_IFCHR | 0666, 1, 9, NULL},      {"tty", S_IFCHR | 0666, 5, 0, NULL},
    {"console", S_IFCHR | 0620, 5, 1, NULL},      {"ptmx", S_IFLNK, 0, 0, "pts/ptmx"},
    {"fd", S_IFLNK, 0, 0, "/proc/self/fd"},       {"stdin", S_IFLNK, 0, 0, "/proc/self/fd/0"},
    {"stdout", S_IFLNK, 0, 0, "/proc/self/fd/1"}, {"stderr", S_IFLNK, 0, 0, "/proc/self/fd/2"},
    {"pts", S_IFDIR | 0755, 0, 0, NULL},          {"shm", S_IFDIR | 01777, 0, 0, NULL},
    {"mqueue", S_IFDIR | 01777, 0, 0, NULL},
};

static int make_node(struct superblock *sb, const struct node *n)
{
    struct task *t = task_current();
    struct inode *root = sb->root->inode;
    struct dentry *d = dentry_new_child(sb->root, n->name, strlen(n->name));
    int err;

    if (!d)
        return -ENOMEM;
    if (S_ISLNK(n->mode))
        err = root->ops->symlink(t, root, d, n->target);
    else if (S_ISDIR(n->mode))
        err = root->ops->mkdir(t, root, d, n->mode);
    else
        err = root->ops->mknod(t, root, d, n->mode, makedev(n->major, n->minor));
    if (!err)
        dentry_add(d);
    if (!err && n->major == CONSOLE_MAJOR && n->minor == CONSOLE_MINOR) {
        d->inode->uid = sandbox->uid; /* whoever was started on it may open it again */
        d->inode->gid = sandbox->gid;
    }
    dentry_put(d);
    return err;
}

int devtmpfs_new(struct superblock **out)
{
    int err = tmpfs_new(0, 0, 0755, out);

    if (err)
        return err;
    (*out)->fstype = "devtmpfs";
    for (size_t i = 0; !err && i < sizeof(nodes) / sizeof(nodes[0]); i++)
        err = make_node(*out, &nodes[i]);
    if (err)
        super_put(*out);
    return err;
}
