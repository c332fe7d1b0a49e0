/* Calls that name files in ways this kernel has no use for: name_to_handle_at(2), ustat(2). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/vfs_internal.h"

#define CAP_DAC_READ_SEARCH 2

/* No file system here is exportable, which Linux answers with EOPNOTSUPP after finding the file. */
long sys_name_to_handle_at(struct task *t, const struct sysargs *a)
{
    cleanup_free char *name = NULL;
    cleanup_path struct path p = {0};
    int flags = arg_i32(a, 4);

    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | 0x201 /* HANDLE_FID, MNT_ID_UNIQUE */))
        return -EINVAL;
    unsigned int walk = (flags & AT_SYMLINK_FOLLOW ? 0 : WALK_NOFOLLOW) |
                        (flags & AT_EMPTY_PATH ? WALK_EMPTY_PATH : 0);
    int err = vfs_get_name(t, arg_u64(a, 1), walk, &name);
    if (!err)
        err = vfs_walk(t, arg_i32(a, 0), name, walk, &p);
    return err ? err : -EOPNOTSUPP;
}

long sys_open_by_handle_at(struct task *t, const struct sysargs *a)
{
    return cred_capable(t->cred, CAP_DAC_READ_SEARCH) ? -ESTALE : -EPERM;
}

struct ustat_k {
    int tfree;
    unsigned long tinode;
    char fname[6], fpack[6];
};

long sys_ustat(struct task *t, const struct sysargs *a)
{
    struct mount *m;

    list_for_each(m, &t->mnt_ns->mounts, node) {
        struct statfs st = {0};
        struct ustat_k u;
        if (m->sb->dev != arg_u32(a, 0))
            continue;
        mount_get(m);
        int err = m->sb->ops && m->sb->ops->statfs ? m->sb->ops->statfs(t, m->sb, &st) : 0;
        mount_put(m);
        if (err)
            return err;
        memset(&u, 0, sizeof(u));
        u.tfree = (int)st.f_bfree;
        u.tinode = st.f_ffree;
        return put_user(t, &u, arg_u64(a, 1));
    }
    return -EINVAL;
}
