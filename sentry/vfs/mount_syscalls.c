/* mount(2), umount2(2), pivot_root(2). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/fs/fs.h"
#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/fs_setup.h"
#include "sentry/vfs/vfs_internal.h"

#define PROPAGATION (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

bool may_mount(struct task *t)
{
    return ns_capable(t->cred, t->mnt_ns->user_ns, CAP_SYS_ADMIN_);
}

/* What others see of a file system changes with it, so that its mount does not make it one's own.
 */
bool may_reconfigure(const struct task *t, const struct superblock *sb)
{
    return ns_capable(t->cred, sb->user_ns, CAP_SYS_ADMIN_);
}

/* The flags of mount(2) that belong to the mount: path_mount() of fs/namespace.c. */
static unsigned long mount_flags(unsigned long flags, const struct mount *m)
{
    const unsigned long atime = MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME;
    unsigned long f = flags & MOUNT_FLAGS & ~(unsigned long)MS_RELATIME;

    if (!(flags & MS_NOATIME))
        f |= MS_RELATIME;
    if (flags & MS_STRICTATIME)
        f &= ~(unsigned long)(MS_RELATIME | MS_NOATIME);
    if ((flags & MS_REMOUNT) && !(flags & atime)) /* kept */
        f = (f & ~(unsigned long)MOUNT_ATIME) | (m->flags & MOUNT_ATIME);
    return f;
}

static int new_mount(struct task *t, struct path *at, const char *type, const char *source,
                     char *options, unsigned long flags)
{
    const struct fs_type *ft = type ? fs_type_find(type) : NULL;
    struct fs_setup *s;

    if (!type)
        return -EINVAL;
    if (!ft) {
        explain_missing("mount", "file system type %s", type);
        return -ENODEV;
    }
    int err = fs_setup_new(ft, NULL, &s);
    if (err)
        return err;
    s->t = t;
    if (!fs_setup_permitted(t, ft)) {
        fs_setup_free(s);
        return -EPERM;
    }
    s->old_api = true;
    s->flags = flags & SB_FLAGS;
    err = source ? fs_setup_param(s, "source", source) : 0;
    if (!err)
        err = fs_setup_params(s, options);
    if (!err)
        err = fs_setup_make(s);
    if (!err) {
        struct mount *m = mount_new(s->sb, s->sb->root, mount_flags(flags, NULL));
        err = m ? mount_add_new(t, at, m) : -ENOSPC;
    }
    fs_setup_free(s);
    return err;
}

static int remount(struct task *t, struct path *at, unsigned long flags, char *options)
{
    struct mount *m = at->mnt;
    unsigned long f = mount_flags(flags, m);
    struct fs_setup *s;

    if (m->ns != t->mnt_ns || !path_is_mount(at))
        return -EINVAL;
    if (!mount_may_change_flags(m, f))
        return -EPERM;
    if (flags & MS_BIND)
        return mount_change_flags(m, f);
    int err = fs_setup_new(fs_type_of(m->sb), m->sb, &s);
    if (err)
        return err;
    s->t = t;
    s->flags = flags & SB_FLAGS;
    s->flags_mask = SB_FLAGS;
    s->old_api = true;
    err = fs_setup_params(s, options);
    if (!err)
        err = may_reconfigure(t, m->sb) ? fs_setup_reconfigure(s) : -EPERM;
    fs_setup_free(s);
    return err ? err : mount_change_flags(m, f);
}

static int change_type(struct task *t, struct path *at, unsigned long flags)
{
    unsigned long type = flags & ~(unsigned long)(MS_REC | MS_SILENT);

    if (!path_is_mount(at) || (type & ~(unsigned long)PROPAGATION) || (type & (type - 1)))
        return -EINVAL;
    return at->mnt->ns == t->mnt_ns ? mount_change_type_of(at->mnt, type, flags & MS_REC) : -EINVAL;
}

static int bind_or_move(struct task *t, struct path *at, const char *src, unsigned long flags)
{
    cleanup_path struct path from = {0};

    if (!src || !*src)
        return -EINVAL;
    int err = vfs_walk(t, AT_FDCWD, src, 0, &from);
    if (err)
        return err;
    return flags & MS_BIND ? mount_bind(t, at, &from, flags & MS_REC)
                           : mount_move(t, at, &from, false, false);
}

long sys_mount(struct task *t, const struct sysargs *a)
{
    cleanup_free char *src = NULL, *dst = NULL, *type = NULL, *options = NULL;
    cleanup_path struct path at = {0};
    unsigned long flags = arg_u64(a, 3);
    int err = 0;

    if (arg_u64(a, 2))
        err = copy_in_str_dup(t, &type, arg_u64(a, 2), NV_PAGE_SIZE, EINVAL);
    if (!err && arg_u64(a, 0))
        err = copy_in_str_dup(t, &src, arg_u64(a, 0), NV_PAGE_SIZE, EINVAL);
    bool new = !(flags & (PROPAGATION | MS_BIND | MS_MOVE));
    if (!err && new &&arg_u64(a, 4))
        err = copy_in_str_dup(t, &options, arg_u64(a, 4), NV_PAGE_SIZE, EINVAL);
    if (!err)
        err = vfs_get_name(t, arg_u64(a, 1), 0, &dst);
    if (!err)
        err = vfs_walk(t, AT_FDCWD, dst, 0, &at);
    if (err)
        return err;
    if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
        flags &= ~(unsigned long)MS_MGC_MSK;
    if (flags & (1UL << 31) /* MS_NOUSER */)
        return -EINVAL;
    if (!may_mount(t))
        return -EPERM;
    if (!mount_attached(at.mnt))
        return -EINVAL;
    if (flags & MS_REMOUNT)
        return remount(t, &at, flags, options);
    if (flags & MS_BIND)
        return bind_or_move(t, &at, src, flags);
    if (flags & PROPAGATION)
        return change_type(t, &at, flags);
    if (flags & MS_MOVE)
        return bind_or_move(t, &at, src, flags);
    return new_mount(t, &at, type, src, options, flags);
}

static int umount_checked(struct task *t, const struct path *at, int flags)
{
    if (!may_mount(t))
        return -EPERM;
    if (!path_is_mount(at) || at->mnt->ns != t->mnt_ns || at->mnt->is_locked)
        return -EINVAL;
    if ((flags & MNT_FORCE) && !may_reconfigure(t, at->mnt->sb))
        return -EPERM;
    return vfs_umount(t, at, flags);
}

long sys_umount2(struct task *t, const struct sysargs *a)
{
    cleanup_free char *name = NULL;
    struct path at = {0};
    int flags = arg_i32(a, 1);

    if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
        return -EINVAL;
    int err = vfs_get_name(t, arg_u64(a, 0), 0, &name);
    if (!err)
        err = vfs_walk(t, AT_FDCWD, name,
                       WALK_MOUNTPOINT | (flags & UMOUNT_NOFOLLOW ? WALK_NOFOLLOW : 0), &at);
    if (err)
        return err;
    err = umount_checked(t, &at, flags);
    dentry_put(at.dentry);
    mount_put_passing(at.mnt); /* this was no use of it */
    return err;
}

static int walk_dir_arg(struct task *t, uint64_t addr, struct path *out)
{
    cleanup_free char *name = NULL;
    int err = vfs_get_name(t, addr, 0, &name);

    return err ? err : vfs_walk(t, AT_FDCWD, name, WALK_DIRECTORY, out);
}

long sys_pivot_root(struct task *t, const struct sysargs *a)
{
    cleanup_path struct path new = {0}, put_old = {0}, root = {0};

    if (!may_mount(t))
        return -EPERM;
    int err = walk_dir_arg(t, arg_u64(a, 0), &new);
    if (!err)
        err = walk_dir_arg(t, arg_u64(a, 1), &put_old);
    if (err)
        return err;
    root = path_get(&t->fs->root);
    return mount_pivot(t, &root, &new, &put_old);
}
