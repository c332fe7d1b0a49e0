/* ustat(2). */
#include <errno.h>
#include <string.h>

#include "sentry/kernel/task.h"
#include "sentry/vfs/vfs_internal.h"

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
