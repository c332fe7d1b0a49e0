/* mount(2), umount2(2), pivot_root(2). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/fs/fs.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/vfs_internal.h"

#define CAP_SYS_ADMIN 21

/* A number with k, m or g after it. */
static uint64_t parse_size(const char *s)
{
    char *end;
    uint64_t v = strtoull(s, &end, 10);
    int shift = *end == 'k' || *end == 'K'   ? 10
                : *end == 'm' || *end == 'M' ? 20
                : *end == 'g' || *end == 'G' ? 30
                                             : 0;

    return v > UINT64_MAX >> shift ? UINT64_MAX : v << shift;
}

/* size=, nr_inodes=, mode= of tmpfs(5); what else there is changes nothing here. */
static int new_tmpfs(char *options, struct superblock **out)
{
    uint64_t size = 0, inodes = 0;
    mode_t mode = 01777;
    char *save = NULL;

    for (char *o = options ? strtok_r(options, ",", &save) : NULL; o;
         o = strtok_r(NULL, ",", &save)) {
        if (!strncmp(o, "size=", 5) && !strchr(o, '%'))
            size = parse_size(o + 5);
        else if (!strncmp(o, "nr_blocks=", 10))
            size = parse_size(o + 10) * NV_PAGE_SIZE;
        else if (!strncmp(o, "nr_inodes=", 10))
            inodes = parse_size(o + 10);
        else if (!strncmp(o, "mode=", 5))
            mode = (mode_t)strtoul(o + 5, NULL, 8) & 07777;
    }
    return tmpfs_new(size, inodes, mode, out);
}

static int make_super(const char *type, char *options, struct superblock **out)
{
    static const struct {
        const char *type;
        int (*make)(struct superblock **out);
    } types[] = {{"proc", procfs_new},
                 {"sysfs", sysfs_new},
                 {"devtmpfs", devtmpfs_new},
                 {"devpts", devpts_new},
                 {"cgroup2", cgroupfs_new}};

    if (!strcmp(type, "tmpfs") || !strcmp(type, "ramfs"))
        return new_tmpfs(options, out);
    for (unsigned int i = 0; i < ARRAY_SIZE(types); i++)
        if (!strcmp(type, types[i].type))
            return types[i].make(out);
    explain_missing("mount", "file system type %s", type);
    return -ENODEV;
}

static int new_mount(struct path *at, const char *type, const char *source, char *options,
                     unsigned long flags)
{
    struct superblock *sb;

    if (!S_ISDIR(at->dentry->inode->mode))
        return -ENOTDIR;
    int err = make_super(type, options, &sb);
    if (err)
        return err;
    free(sb->source);
    sb->source = strdup(source);
    return vfs_mount(at, sb, flags, NULL);
}

static int remount(struct path *at, unsigned long flags)
{
    if (at->dentry != at->mnt->root)
        return -EINVAL;
    at->mnt->flags = flags & MOUNT_FLAGS;
    return 0;
}

static int bind_or_move(struct task *t, struct path *at, const char *src, unsigned long flags)
{
    cleanup_path struct path from = {0};

    if (!src || !*src)
        return -EINVAL;
    int err = vfs_walk(t, AT_FDCWD, src, 0, &from);
    if (err)
        return err;
    return flags & MS_BIND ? vfs_bind(at, &from, flags & MS_REC, 0) : mount_move(at, &from);
}

long sys_mount(struct task *t, const struct sysargs *a)
{
    const unsigned long propagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
    cleanup_free char *src = NULL, *dst = NULL, *type = NULL, *options = NULL;
    cleanup_path struct path at = {0};
    unsigned long flags = arg_u64(a, 3);
    int err = 0;

    if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
        flags &= ~(unsigned long)MS_MGC_MSK;
    if (arg_u64(a, 2))
        err = copy_in_str_dup(t, &type, arg_u64(a, 2), NV_PAGE_SIZE, EINVAL);
    if (!err && arg_u64(a, 0))
        err = copy_in_str_dup(t, &src, arg_u64(a, 0), PATH_MAX_LEN, EINVAL);
    bool new = !(flags & (propagation | MS_REMOUNT | MS_BIND | MS_MOVE));
    if (!err && new &&arg_u64(a, 4))
        err = copy_in_str_dup(t, &options, arg_u64(a, 4), NV_PAGE_SIZE, EINVAL);
    if (!err)
        err = vfs_get_name(t, arg_u64(a, 1), 0, &dst);
    if (!err)
        err = vfs_walk(t, AT_FDCWD, dst, 0, &at);
    if (err)
        return err;
    if (!cred_capable(t->cred, CAP_SYS_ADMIN))
        return -EPERM;
    if (!mount_attached(at.mnt))
        return -EINVAL;
    if (flags & MS_REMOUNT)
        return remount(&at, flags);
    if (flags & MS_BIND)
        return bind_or_move(t, &at, src, flags);
    if (flags & propagation)
        return at.dentry == at.mnt->root ? 0 : -EINVAL;
    if (flags & MS_MOVE)
        return bind_or_move(t, &at, src, flags);
    return type ? new_mount(&at, type, src ? src : "none", options, flags) : -EINVAL;
}

long sys_umount2(struct task *t, const struct sysargs *a)
{
    cleanup_free char *name = NULL;
    cleanup_path struct path at = {0};
    int flags = arg_i32(a, 1);

    if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
        return -EINVAL;
    int err = vfs_get_name(t, arg_u64(a, 0), 0, &name);
    if (!err)
        err = vfs_walk(t, AT_FDCWD, name, flags & UMOUNT_NOFOLLOW ? WALK_NOFOLLOW : 0, &at);
    if (err)
        return err;
    if (!cred_capable(t->cred, CAP_SYS_ADMIN))
        return -EPERM;
    if ((flags & MNT_EXPIRE) && (flags & (MNT_FORCE | MNT_DETACH)))
        return -EINVAL;
    return vfs_umount(&at, flags);
}

static void replace_path(struct path *p, const struct path *old, const struct path *new)
{
    if (p->mnt != old->mnt || p->dentry != old->dentry)
        return;
    struct path was = *p;
    *p = path_get(new);
    path_put(&was);
}

/* Whoever had the old root as root or working directory gets the new one. */
static void change_roots(const struct path *old, const struct path *new)
{
    struct thread_group *tg;
    struct task *t;

    list_for_each(tg, &all_thread_groups, all_node) {
        list_for_each(t, &tg->tasks, tg_node) {
            if (!t->fs)
                continue;
            replace_path(&t->fs->root, old, new);
            replace_path(&t->fs->cwd, old, new);
        }
    }
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

    if (!cred_capable(t->cred, CAP_SYS_ADMIN))
        return -EPERM;
    int err = walk_dir_arg(t, arg_u64(a, 0), &new);
    if (!err)
        err = walk_dir_arg(t, arg_u64(a, 1), &put_old);
    if (err)
        return err;
    root = path_get(&t->fs->root);
    if (new.mnt == root.mnt || put_old.mnt == root.mnt)
        return -EBUSY;
    err = mount_pivot(&root, &new, &put_old);
    if (!err)
        change_roots(&root, &new);
    return err;
}
