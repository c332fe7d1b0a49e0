/* The file systems that guests may mount, and their parameters. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/macros.h"
#include "ckpt/record.h"
#include "sentry/fs/fs.h"
#include "sentry/fs/tmpfs/tmpfs.h"
#include "sentry/ipc/mqueue/mqueue.h"
#include "sentry/ipc/sysv/ipc_ns.h"
#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"
#include "sentry/sandbox.h"
#include "sentry/vfs/fs_setup.h"

/* --- tmpfs(5) --- */
struct tmpfs_opts {
    struct tmpfs_params p;
    bool has_size, has_inodes, has_mode, has_uid, has_gid;
};

static int tmpfs_size_param(struct fs_setup *s, const char *key, const char *value)
{
    struct tmpfs_opts *o = s->opts;
    uint64_t n;

    int kind = param_size(value, &n);
    if (kind < 0 || (kind == 1 && strcmp(key, "size") != 0))
        return fs_setup_bad_value(s, key);
    if (!strcmp(key, "nr_inodes")) {
        o->p.inodes = n;
        o->has_inodes = true;
        return 0;
    }
    if (kind == 1 /* percent of memory */)
        n = sandbox->memory_bytes ? sandbox->memory_bytes / 100 * MIN(n, 10000UL) : 0;
    else if (!strcmp(key, "nr_blocks"))
        n = n > UINT64_MAX / NV_PAGE_SIZE ? UINT64_MAX : n * NV_PAGE_SIZE;
    o->p.size = n > UINT64_MAX - NV_PAGE_SIZE ? UINT64_MAX - NV_PAGE_SIZE : n;
    o->has_size = true;
    return 0;
}

static int tmpfs_owner_param(struct fs_setup *s, const char *key, const char *value, uint32_t *id,
                             bool *has)
{
    uint32_t own;

    if (param_u32(value, 0, &own) || own == UINT32_MAX)
        return fs_setup_bad_value(s, key);
    *id = *key == 'u' ? make_kuid(s->t->cred->user_ns, own) : make_kgid(s->t->cred->user_ns, own);
    if (*id == NO_KID)
        return fs_setup_bad_value(s, key);
    *has = true;
    return 0;
}

static int tmpfs_param(struct fs_setup *s, const char *key, const char *value)
{
    struct tmpfs_opts *o = s->opts;
    uint32_t v;

    if (!strcmp(key, "size") || !strcmp(key, "nr_blocks") || !strcmp(key, "nr_inodes"))
        return tmpfs_size_param(s, key, value);
    if (!strcmp(key, "uid"))
        return tmpfs_owner_param(s, key, value, &o->p.uid, &o->has_uid);
    if (!strcmp(key, "gid"))
        return tmpfs_owner_param(s, key, value, &o->p.gid, &o->has_gid);
    if (!strcmp(key, "mode")) {
        if (param_u32(value, 8, &v))
            return fs_setup_bad_value(s, key);
        o->p.mode = v & 07777;
        o->has_mode = true;
        return 0;
    }
    if (!strcmp(key, "inode32") || !strcmp(key, "inode64") || !strcmp(key, "noswap"))
        return value ? fs_setup_bad_value(s, key) : 0;
    /* Without huge pages and NUMA, which is what guests see: mm/shmem.c. */
    if (!strcmp(key, "huge")) {
        static const char *const known[] = {"never", "always", "within_size", "advise"};
        for (size_t i = 0; value && i < ARRAY_SIZE(known); i++)
            if (!strcmp(value, known[i]))
                return i ? fs_setup_fail(s, -EINVAL, "tmpfs: Unsupported parameter '%s'", key) : 0;
        return fs_setup_bad_value(s, key);
    }
    if (!strcmp(key, "mpol"))
        return fs_setup_fail(s, -EINVAL, "tmpfs: Unsupported parameter '%s'", key);
    return -ENOPARAM_;
}

static int tmpfs_make(struct fs_setup *s, struct superblock **out)
{
    struct tmpfs_opts *o = s->opts;

    if (!o->has_mode)
        o->p.mode = 01777;
    if (!o->has_uid)
        o->p.uid = s->t->cred->fsuid;
    if (!o->has_gid)
        o->p.gid = s->t->cred->fsgid;
    if (!o->has_size)
        o->p.size = tmpfs_total_max() * NV_PAGE_SIZE;
    if (!o->has_inodes)
        o->p.inodes = tmpfs_total_max();
    return tmpfs_new_with(&o->p, out);
}

static int tmpfs_change(struct fs_setup *s)
{
    const struct tmpfs_opts *o = s->opts;
    int err =
        tmpfs_resize(s->sb, o->has_size ? &o->p.size : NULL, o->has_inodes ? &o->p.inodes : NULL);

    if (err)
        return fs_setup_fail(s, err, "tmpfs: Too small a size for current use");
    return 0;
}

static const struct ckpt_field tmpfs_fields[] = {
    CKPT_UINT(struct tmpfs_opts, p.size),
    CKPT_UINT(struct tmpfs_opts, p.inodes),
    CKPT_UINT_MAX(struct tmpfs_opts, p.mode, 07777),
    CKPT_UINT(struct tmpfs_opts, p.uid),
    CKPT_UINT(struct tmpfs_opts, p.gid),
    CKPT_BOOL(struct tmpfs_opts, p.is_ramfs),
    CKPT_BOOL(struct tmpfs_opts, has_size),
    CKPT_BOOL(struct tmpfs_opts, has_inodes),
    CKPT_BOOL(struct tmpfs_opts, has_mode),
    CKPT_BOOL(struct tmpfs_opts, has_uid),
    CKPT_BOOL(struct tmpfs_opts, has_gid),
};

static const struct fs_type tmpfs_type = {.name = "tmpfs",
                                          .nodev = true,
                                          .userns = true,
                                          .opts_size = sizeof(struct tmpfs_opts),
                                          .param = tmpfs_param,
                                          OPTS_FIELDS(tmpfs_fields),
                                          .make = tmpfs_make,
                                          .reconfigure = tmpfs_change,
                                          .super = &tmpfs_super_ops};

/* ramfs knows a mode, and historically does not mind anything else. */
static int ramfs_param(struct fs_setup *s, const char *key, const char *value)
{
    return !strcmp(key, "mode") ? tmpfs_param(s, key, value) : -ENOPARAM_;
}

static int ramfs_make(struct fs_setup *s, struct superblock **out)
{
    struct tmpfs_opts *o = s->opts;

    if (!o->has_mode)
        o->p.mode = 0755;
    o->p.is_ramfs = true;
    return tmpfs_new_with(&o->p, out);
}

static const struct fs_type ramfs_type = {.name = "ramfs",
                                          .nodev = true,
                                          .userns = true,
                                          .ignores_unknown = true,
                                          .opts_size = sizeof(struct tmpfs_opts),
                                          .param = ramfs_param,
                                          OPTS_FIELDS(tmpfs_fields),
                                          .make = ramfs_make};

/* --- proc(5) --- */
static int proc_param(struct fs_setup *s, const char *key, const char *value)
{
    uint32_t v;

    if (!strcmp(key, "gid"))
        return param_u32(value, 0, &v) ? fs_setup_bad_value(s, key) : 0;
    if (!strcmp(key, "hidepid")) {
        /* Nothing is hidden: only what hides nothing can be had. */
        if (value && (!strcmp(value, "0") || !strcmp(value, "off")))
            return 0;
        return fs_setup_fail(s, -EINVAL, "proc: hidepid=%s is not supported", value ? value : "");
    }
    if (!strcmp(key, "subset"))
        return fs_setup_fail(s, -EINVAL, "proc: subset=%s is not supported", value ? value : "");
    return -ENOPARAM_;
}

static int proc_make(struct fs_setup *s, struct superblock **out)
{
    return procfs_new_for(s->t->pid_ns, out);
}

static struct user_ns *proc_owner(const struct task *t)
{
    return t->pid_ns ? t->pid_ns->base.owner : NULL;
}

static const struct fs_type proc_type = {.name = "proc",
                                         .nodev = true,
                                         .userns = true,
                                         .reveals = true,
                                         .owner = proc_owner,
                                         .param = proc_param,
                                         .make = proc_make};

static int sysfs_make(struct fs_setup *s, struct superblock **out)
{
    return sysfs_new(out);
}

static struct user_ns *sysfs_owner(const struct task *t)
{
    return t->net ? t->net->base.owner : NULL;
}

static const struct fs_type sysfs_type = {.name = "sysfs",
                                          .nodev = true,
                                          .userns = true,
                                          .reveals = true,
                                          .owner = sysfs_owner,
                                          .make = sysfs_make};

/* One device file system for all, as Linux has it; parameters are those of tmpfs and ignored. */
static int devtmpfs_make(struct fs_setup *s, struct superblock **out)
{
    return devtmpfs_new(out);
}

static const struct fs_type devtmpfs_type = {.name = "devtmpfs",
                                             .nodev = true,
                                             .opts_size = sizeof(struct tmpfs_opts),
                                             .param = tmpfs_param,
                                             OPTS_FIELDS(tmpfs_fields),
                                             .make = devtmpfs_make};

/* --- devpts --- */
static int devpts_param(struct fs_setup *s, const char *key, const char *value)
{
    struct devpts_params *p = s->opts;
    uint32_t v = 0;

    if (!strcmp(key, "newinstance"))
        return value ? fs_setup_bad_value(s, key) : 0;
    bool octal = !strcmp(key, "mode") || !strcmp(key, "ptmxmode");
    if (!octal && strcmp(key, "uid") != 0 && strcmp(key, "gid") != 0 && strcmp(key, "max") != 0)
        return -ENOPARAM_;
    if (param_u32(value, octal ? 8 : 10, &v))
        return fs_setup_bad_value(s, key);
    if (!strcmp(key, "mode")) {
        p->mode = v & 07777;
    } else if (!strcmp(key, "ptmxmode")) {
        p->ptmxmode = v & 07777;
    } else if (!strcmp(key, "uid")) {
        p->uid = make_kuid(s->t->cred->user_ns, v);
        p->has_uid = true;
        return p->uid == NO_KID ? fs_setup_bad_value(s, key) : 0;
    } else if (!strcmp(key, "gid")) {
        p->gid = make_kgid(s->t->cred->user_ns, v);
        p->has_gid = true;
        return p->gid == NO_KID ? fs_setup_bad_value(s, key) : 0;
    } else {
        p->max = v;
    }
    return 0;
}

static int devpts_make(struct fs_setup *s, struct superblock **out)
{
    return devpts_new_with(s->opts, out);
}

static const struct fs_type devpts_type = {.name = "devpts",
                                           .nodev = true,
                                           .userns = true,
                                           .opts_size = sizeof(struct devpts_params),
                                           .param = devpts_param,
                                           OPTS_FIELDS(devpts_params_fields),
                                           .make = devpts_make};

/* --- cgroup2 --- */
static int cgroup_param(struct fs_setup *s, const char *key, const char *value)
{
    static const char *const known[] = {"nsdelegate", "favordynmods", "memory_localevents",
                                        "memory_recursiveprot"};

    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (!strcmp(key, known[i]))
            return value ? fs_setup_bad_value(s, key) : 0;
    return -ENOPARAM_;
}

static int cgroup_make(struct fs_setup *s, struct superblock **out)
{
    return cgroupfs_new(out);
}

static const struct fs_type cgroup2_type = {
    .name = "cgroup2", .nodev = true, .userns = true, .param = cgroup_param, .make = cgroup_make};

/* The queues of the caller's IPC namespace, which are one file system wherever it is mounted. */
static int mqueue_make(struct fs_setup *s, struct superblock **out)
{
    return mqueue_super(out);
}

static struct user_ns *mqueue_owner(const struct task *t)
{
    return t->ipc ? t->ipc->owner : NULL;
}

static const struct fs_type mqueue_type = {
    .name = "mqueue", .nodev = true, .userns = true, .owner = mqueue_owner, .make = mqueue_make};

const struct fs_type *const fs_types[] = {&mqueue_type,  &sysfs_type,    &tmpfs_type, &proc_type,
                                          &cgroup2_type, &devtmpfs_type, &ramfs_type, &devpts_type,
                                          &overlay_type, &erofs_type,    NULL};
