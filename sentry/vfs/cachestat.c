/*
 * cachestat(2): pages of a file that are in memory. That is what the sentry keeps of it: of files
 * on a tmpfs all that they have. What the host keeps of its own files is not told: others put it
 * there. Nothing is ever dirty: what is in memory only has nowhere to be written to.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/vfs_internal.h"

#define CAP_FOWNER 3

struct range_k {
    uint64_t off, len;
};

struct cachestat_k {
    uint64_t nr_cache, nr_dirty, nr_writeback, nr_evicted, nr_recently_evicted;
};

/* can_do_cachestat() of mm/filemap.c. Pipes, sockets and the like belong to who has them. */
static bool may_ask(struct task *t, const struct file *f)
{
    struct inode *i = f->path.dentry ? f->path.dentry->inode : NULL;

    return !i || file_writable(f) || t->cred->fsuid == i->uid ||
           inode_capable(t->cred, i, CAP_FOWNER) || !inode_permission(t, i, MAY_WRITE);
}

long sys_cachestat(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));
    struct cachestat_k st = {0};
    struct range_k r;

    if (!f)
        return -EBADF;
    if (get_user(t, &r, arg_u64(a, 1)))
        return -EFAULT;
    if (!may_ask(t, f))
        return -EPERM;
    if (arg_u32(a, 3))
        return -EINVAL;
    uint64_t first = r.off / NV_PAGE_SIZE;
    uint64_t last = r.len ? (r.off + r.len - 1) / NV_PAGE_SIZE : UINT64_MAX / NV_PAGE_SIZE;
    if (f->ops->cached && first <= last)
        st.nr_cache = f->ops->cached(f, first, last);
    return put_user(t, &st, arg_u64(a, 2)) ? -EFAULT : 0;
}
