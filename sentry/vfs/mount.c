/* Mounts. There is one mount namespace; propagation types are accepted and change nothing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "sentry/fs/fs.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/vfs_internal.h"

#define CAP_SYS_ADMIN 21
#define FLAGS_KEPT (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_RELATIME)
#define MOUNTS_MAX 10000

static struct mount_ns ns = {.mounts = LIST_INIT(ns.mounts), .refs = 1};
struct mount_ns *root_mount_ns = &ns;
static int nmounts, next_id = 1;

struct mount *mount_get(struct mount *m)
{
    m->refs++;
    return m;
}

void mount_put(struct mount *m)
{
    if (!m || --m->refs)
        return;
    struct mount *parent = m->parent;
    dentry_put(m->root);
    dentry_put(m->mountpoint);
    super_put(m->sb);
    free(m);
    mount_put(parent);
}

static struct mount *mount_new(struct superblock *sb, struct dentry *root, unsigned long flags)
{
    struct mount *m = calloc(1, sizeof(*m));

    if (!m)
        return NULL;
    m->refs = 1;
    m->id = next_id++;
    m->sb = sb;
    m->root = dentry_get(root);
    m->flags = flags & FLAGS_KEPT;
    list_init(&m->node);
    return m;
}

int mount_ns_init(struct superblock *sb, unsigned long flags)
{
    ns.root = mount_new(sb, sb->root, flags);
    if (!ns.root)
        return -ENOMEM;
    list_add_tail(&ns.mounts, &ns.root->node);
    nmounts++;
    return 0;
}

struct mount *mount_at(struct mount *mnt, struct dentry *d)
{
    struct mount *m, *top = NULL;

    list_for_each(m, &ns.mounts, node)
    {
        if (m->parent == mnt && m->mountpoint == d)
            top = m;
    }
    return top;
}

/* Takes over sb's reference, also on failure. */
int vfs_mount(const struct path *at, struct superblock *sb, unsigned long flags,
              struct mount **out)
{
    struct mount *m = nmounts < MOUNTS_MAX ? mount_new(sb, sb->root, flags) : NULL;

    if (!m) {
        super_put(sb);
        return nmounts < MOUNTS_MAX ? -ENOMEM : -ENOSPC;
    }
    m->parent = mount_get(at->mnt);
    m->mountpoint = dentry_get(at->dentry);
    at->dentry->mounted = true;
    list_add_tail(&ns.mounts, &m->node);
    nmounts++;
    if (out)
        *out = m;
    return 0;
}

int vfs_bind(const struct path *at, const struct path *from, bool recursive, unsigned long flags)
{
    struct mount *m, *tmp;

    if (S_ISDIR(from->dentry->inode->mode) != S_ISDIR(at->dentry->inode->mode))
        return -ENOTDIR;
    struct mount *b = nmounts < MOUNTS_MAX
                          ? mount_new(from->mnt->sb, from->dentry, from->mnt->flags | flags)
                          : NULL;
    if (!b)
        return -ENOSPC;
    from->mnt->sb->refs++;
    b->parent = mount_get(at->mnt);
    b->mountpoint = dentry_get(at->dentry);
    at->dentry->mounted = true;
    struct list *last = ns.mounts.prev;
    list_add_tail(&ns.mounts, &b->node);
    nmounts++;
    if (!recursive)
        return 0;
    list_for_each_safe(m, tmp, &ns.mounts, node)
    {
        if (m->parent == from->mnt && m != b) {
            struct path sub_at = {b, m->mountpoint}, sub_from = {m, m->root};
            int err = vfs_bind(&sub_at, &sub_from, true, flags);
            if (err)
                return err;
        }
        if (&m->node == last)
            break;
    }
    return 0;
}

static bool has_children(struct mount *m)
{
    struct mount *c;

    list_for_each(c, &ns.mounts, node)
    {
        if (c->parent == m)
            return true;
    }
    return false;
}

static void detach(struct mount *m)
{
    struct mount *c;
    bool still = false;

    list_del(&m->node);
    nmounts--;
    list_for_each(c, &ns.mounts, node) still |= c->mountpoint == m->mountpoint;
    if (m->mountpoint)
        m->mountpoint->mounted = still;
    mount_put(m);
}

int vfs_umount(const struct path *at, int flags)
{
    struct mount *m = at->mnt, *c, *tmp;

    if (at->dentry != m->root || m == ns.root)
        return -EINVAL;
    if (!(flags & MNT_DETACH) && (has_children(m) || m->refs > 2))
        return -EBUSY;
    list_for_each_safe(c, tmp, &ns.mounts, node)
    {
        if (c->parent == m) {
            struct path sub = {c, c->root};
            vfs_umount(&sub, MNT_DETACH);
        }
    }
    detach(m);
    return 0;
}

bool path_readonly(const struct path *p)
{
    return (p->mnt && (p->mnt->flags & MS_RDONLY)) || p->dentry->sb->readonly;
}

/* --- mount(2), umount2(2) --- */
static int make_super(const char *type, struct superblock **out)
{
    if (!strcmp(type, "tmpfs") || !strcmp(type, "ramfs"))
        return tmpfs_new(0, 0, 01777, out);
    if (!strcmp(type, "proc"))
        return procfs_new(out);
    if (!strcmp(type, "sysfs"))
        return sysfs_new(out);
    if (!strcmp(type, "devtmpfs"))
        return devtmpfs_new(out);
    if (!strcmp(type, "devpts"))
        return devpts_new(out);
    explain_missing("mount", "file system type %s", type);
    return -ENODEV;
}

static int new_mount(struct path *at, const char *type, const char *source, unsigned long flags)
{
    struct superblock *sb;
    int err = make_super(type, &sb);

    if (err)
        return err;
    sb->source = strdup(source);
    if (!S_ISDIR(at->dentry->inode->mode)) {
        super_put(sb);
        return -ENOTDIR;
    }
    return vfs_mount(at, sb, flags, NULL);
}

static int relocate_mount(struct path *at, struct path *from)
{
    struct mount *m = from->mnt;

    if (from->dentry != m->root || m == ns.root)
        return -EINVAL;
    for (struct mount *p = at->mnt; p; p = p->parent)
        if (p == m)
            return -ELOOP;
    struct mount *old_parent = m->parent;
    struct dentry *old_point = m->mountpoint;
    m->parent = mount_get(at->mnt);
    m->mountpoint = dentry_get(at->dentry);
    m->mountpoint->mounted = true;
    mount_put(old_parent);
    dentry_put(old_point);
    return 0;
}

long sys_mount(struct task *t, const struct sysargs *a)
{
    cleanup_free char *src = NULL, *dst = NULL, *type = NULL;
    cleanup_path struct path at = {0}, from = {0};
    unsigned long flags = arg_u64(a, 3);
    const unsigned long propagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
    int err = 0;

    if (arg_u64(a, 2))
        err = copy_in_str_dup(t, &type, arg_u64(a, 2), 4096, EINVAL);
    if (!err && arg_u64(a, 0))
        err = copy_in_str_dup(t, &src, arg_u64(a, 0), PATH_MAX_LEN, ENAMETOOLONG);
    if (!err)
        err = vfs_get_name(t, arg_u64(a, 1), 0, &dst);
    if (!err)
        err = vfs_walk(t, AT_FDCWD, dst, 0, &at);
    if (err)
        return err;
    if (!cred_capable(t->cred, CAP_SYS_ADMIN))
        return -EPERM;
    if (flags & propagation)
        return at.dentry == at.mnt->root ? 0 : -EINVAL;
    if ((flags & (MS_REMOUNT | MS_BIND)) == (MS_REMOUNT | MS_BIND) || (flags & MS_REMOUNT)) {
        if (at.dentry != at.mnt->root)
            return -EINVAL;
        at.mnt->flags = flags & FLAGS_KEPT;
        return 0;
    }
    if (flags & (MS_BIND | MS_MOVE)) {
        if (!src)
            return -EINVAL;
        err = vfs_walk(t, AT_FDCWD, src, 0, &from);
        if (err)
            return err;
        return flags & MS_BIND ? vfs_bind(&at, &from, flags & MS_REC, 0) : relocate_mount(&at, &from);
    }
    return type ? new_mount(&at, type, src ? src : "none", flags) : -EINVAL;
}

long sys_umount2(struct task *t, const struct sysargs *a)
{
    cleanup_free char *name = NULL;
    struct path at = {0};
    int flags = arg_i32(a, 1);

    if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
        return -EINVAL;
    if (!cred_capable(t->cred, CAP_SYS_ADMIN))
        return -EPERM;
    int err = vfs_get_name(t, arg_u64(a, 0), 0, &name);
    if (!err)
        err = vfs_walk(t, AT_FDCWD, name, flags & UMOUNT_NOFOLLOW ? WALK_NOFOLLOW : 0, &at);
    if (err)
        return err;
    err = vfs_umount(&at, flags);
    path_put(&at);
    return err;
}
