/* Who may do what with an inode: path_resolution(7), capabilities(7). */
#include <errno.h>

#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/acl.h"
#include "sentry/vfs/vfs_internal.h"

#define CAP_DAC_OVERRIDE 1
#define CAP_DAC_READ_SEARCH 2

int generic_permission(struct task *t, struct inode *i, int mask)
{
    const struct cred *c = t->cred;
    mode_t mode = i->mode;
    int listed = 1;

    if (c->fsuid == i->uid)
        mode >>= 6;
    else if (i->ops->acl && (mode & 070))
        listed = acl_permission(t, i, mask);
    if (listed == 0)
        return 0;
    if (listed == 1 && c->fsuid != i->uid && cred_in_group(c, i->gid))
        mode >>= 3;
    if (listed == 1 && (mode & (mode_t)mask & 7) == (mode_t)mask)
        return 0;
    if (S_ISDIR(i->mode)) {
        if (!(mask & MAY_WRITE) && inode_capable(c, i, CAP_DAC_READ_SEARCH))
            return 0;
        return inode_capable(c, i, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
    }
    if (mask == MAY_READ && inode_capable(c, i, CAP_DAC_READ_SEARCH))
        return 0;
    if ((!(mask & MAY_EXEC) || (i->mode & 0111)) && inode_capable(c, i, CAP_DAC_OVERRIDE))
        return 0;
    return -EACCES;
}

int inode_permission(struct task *t, struct inode *i, int mask)
{
    if (i->ops->permission)
        return i->ops->permission(t, i, mask);
    return generic_permission(t, i, mask);
}

int path_permission(struct task *t, const struct path *p, int mask)
{
    struct inode *i = p->dentry->inode;
    bool special = S_ISCHR(i->mode) || S_ISBLK(i->mode) || S_ISFIFO(i->mode) || S_ISSOCK(i->mode);

    if ((mask & MAY_WRITE) && !special && path_readonly(p))
        return -EROFS;
    if ((mask & MAY_EXEC) && S_ISREG(i->mode) && p->mnt && (p->mnt->flags & 8 /* MS_NOEXEC */))
        return -EACCES;
    return inode_permission(t, i, mask);
}
