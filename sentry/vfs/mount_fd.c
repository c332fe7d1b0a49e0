/*
 * Mounting by descriptors: open_tree(2), move_mount(2), fsopen(2), fsconfig(2), fsmount(2),
 * fspick(2), mount_setattr(2).
 *
 * The descriptor of a tree that is not yet part of anything owns its anonymous namespace: when it
 * goes before the tree was moved somewhere, so does the tree.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/fs_setup.h"
#include "sentry/vfs/vfs_internal.h"

#define OPEN_TREE_CLONE_ 1u
#define OPEN_TREE_CLOEXEC_ ((unsigned int)O_CLOEXEC)
#define AT_RECURSIVE_ 0x8000u
#define AT_NO_AUTOMOUNT_ 0x800u

/* --- trees --- */
static void tree_release(struct file *f)
{
    mount_ns_put(f->priv);
}

static int tree_restore(struct file *f)
{
    const struct mount *m = f->path.mnt;

    if (!m || !(f->flags & O_PATH))
        return -EINVAL;
    return !m->ns || !m->ns->anonymous || (m->ns == f->priv && m->ns->root == m) ? 0 : -EINVAL;
}

/* Its namespace is the file's, also when the tree has moved out of it: nothing else leads there. */
static const struct file_ops tree_ops = {.kind = "mount tree",
                                         .release = tree_release,
                                         .priv_type = &ckpt_mount_ns,
                                         .priv_optional = true,
                                         .restore = tree_restore};
CKPT_SYMBOL("file_ops", "mount tree", tree_ops);

/* A descriptor of the detached tree m; takes over the tree. */
static long install_tree(struct task *t, struct mount *m, bool cloexec)
{
    struct path p = {m, m->root};
    struct file *f = file_new(&tree_ops, m->root->inode, &p, O_PATH);

    if (!f) {
        mount_ns_put(m->ns);
        return file_new_error();
    }
    f->priv = m->ns;
    return fd_install_steal(t, f, cloexec);
}

static int walk_arg(struct task *t, int dirfd, uint64_t addr, bool empty, bool nofollow,
                    struct path *out)
{
    cleanup_free char *name = NULL;
    unsigned int walk = (empty ? WALK_EMPTY_PATH : 0) | (nofollow ? WALK_NOFOLLOW : 0);

    int err = vfs_get_name(t, addr, walk, &name);
    return err ? err : vfs_walk(t, dirfd, name, walk, out);
}

long sys_open_tree(struct task *t, const struct sysargs *a)
{
    unsigned int flags = arg_u32(a, 2);
    cleanup_path struct path p = {0};
    struct mount *m;

    if (flags & ~(AT_EMPTY_PATH | AT_NO_AUTOMOUNT_ | AT_RECURSIVE_ | AT_SYMLINK_NOFOLLOW |
                  OPEN_TREE_CLONE_ | OPEN_TREE_CLOEXEC_))
        return -EINVAL;
    if ((flags & (AT_RECURSIVE_ | OPEN_TREE_CLONE_)) == AT_RECURSIVE_)
        return -EINVAL;
    if ((flags & OPEN_TREE_CLONE_) && !may_mount(t))
        return -EPERM;
    int err = walk_arg(t, arg_i32(a, 0), arg_u64(a, 1), flags & AT_EMPTY_PATH,
                       flags & AT_SYMLINK_NOFOLLOW, &p);
    if (err)
        return err;
    if (flags & OPEN_TREE_CLONE_) {
        err = mount_clone_detached(t, &p, flags & AT_RECURSIVE_, &m);
        return err ? err : install_tree(t, m, flags & OPEN_TREE_CLOEXEC_);
    }
    struct file *f = file_new(&opath_ops, p.dentry->inode, &p, O_PATH);
    return f ? fd_install_steal(t, f, flags & OPEN_TREE_CLOEXEC_) : file_new_error();
}

/* do_set_group() of fs/namespace.c: to, private so far, becomes what from is. */
static int set_group(struct task *t, const struct path *from, const struct path *to)
{
    struct mount *f = from->mnt, *m = to->mnt;

    if (!f || !m || f->ns != t->mnt_ns || m->ns != t->mnt_ns || !path_is_mount(from) ||
        !path_is_mount(to) || m->group || m->master || (!f->group && !f->master) ||
        f->sb != m->sb || !dentry_is_beneath(m->root, f->root))
        return -EINVAL;
    mount_join_as_copy(m, f, COPY_AS_IS);
    return 0;
}

long sys_move_mount(struct task *t, const struct sysargs *a)
{
    enum {
        F_SYMLINKS = 1,
        F_EMPTY_PATH = 4,
        T_SYMLINKS = 0x10,
        T_EMPTY_PATH = 0x40,
        SET_GROUP = 0x100,
        BENEATH = 0x200,
        KNOWN = 0x377
    };
    cleanup_path struct path from = {0}, to = {0};
    unsigned int flags = arg_u32(a, 4);

    if (!may_mount(t))
        return -EPERM;
    if ((flags & ~(unsigned)KNOWN) || (flags & (SET_GROUP | BENEATH)) == (SET_GROUP | BENEATH))
        return -EINVAL;
    int err = walk_arg(t, arg_i32(a, 0), arg_u64(a, 1), flags & F_EMPTY_PATH, !(flags & F_SYMLINKS),
                       &from);
    if (!err)
        err = walk_arg(t, arg_i32(a, 2), arg_u64(a, 3), flags & T_EMPTY_PATH, !(flags & T_SYMLINKS),
                       &to);
    if (err)
        return err;
    if (flags & SET_GROUP)
        return set_group(t, &from, &to);
    return mount_move(t, &to, &from, true, flags & BENEATH);
}

/* --- file systems being made --- */
static void setup_release(struct file *f)
{
    struct setup_file *sf = f->priv;

    fs_setup_free(sf->s);
    free(sf);
}

/* One message per read: fscontext_read(). */
static ssize_t setup_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct fs_setup *s = ((struct setup_file *)f->priv)->s;

    if (!s->nlog)
        return -ENODATA;
    char *text = s->log[s->log_first];
    size_t n = text ? strlen(text) : 0;
    if (n > u->resid)
        return -EMSGSIZE;
    s->log[s->log_first] = NULL;
    s->log_first = (s->log_first + 1) % SETUP_LOG;
    s->nlog--;
    ssize_t done = text ? uio_write(u, text, n) : -ENOMEM;
    free(text);
    return done;
}

static const struct file_ops setup_ops = {.kind = "[fscontext]",
                                          .read = setup_read,
                                          .release = setup_release,
                                          .no_seek = true,
                                          .priv_type = &ckpt_fs_setup};
CKPT_SYMBOL("file_ops", "fs setup", setup_ops);

static long install_setup(struct task *t, struct fs_setup *s, enum setup_phase phase, bool cloexec)
{
    struct setup_file *sf = calloc(1, sizeof(*sf));
    struct file *f = sf ? file_new_anon(&setup_ops, 0600, O_RDWR, sf) : NULL;

    if (!f) {
        free(sf);
        fs_setup_free(s);
        return file_new_error();
    }
    sf->s = s;
    sf->phase = phase;
    return fd_install_steal(t, f, cloexec);
}

long sys_fsopen(struct task *t, const struct sysargs *a)
{
    cleanup_free char *name = NULL;
    unsigned int flags = arg_u32(a, 1);
    struct fs_setup *s;

    if (!may_mount(t))
        return -EPERM;
    if (flags & ~1u /* FSOPEN_CLOEXEC */)
        return -EINVAL;
    int err = copy_in_str_dup(t, &name, arg_u64(a, 0), NV_PAGE_SIZE, EINVAL);
    if (err)
        return err;
    const struct fs_type *type = fs_type_find(name);
    if (!type) {
        explain_missing("fsopen", "file system type %s", name);
        return -ENODEV;
    }
    err = fs_setup_new(type, NULL, &s);
    return err ? err : install_setup(t, s, SETUP_CREATING, flags & 1);
}

long sys_fspick(struct task *t, const struct sysargs *a)
{
    enum { CLOEXEC = 1, NOFOLLOW = 2, NO_AUTOMOUNT = 4, EMPTY_PATH = 8 };
    unsigned int flags = arg_u32(a, 2);
    cleanup_path struct path p = {0};
    struct fs_setup *s;

    if (!may_mount(t))
        return -EPERM;
    if (flags & ~(unsigned)(CLOEXEC | NOFOLLOW | NO_AUTOMOUNT | EMPTY_PATH))
        return -EINVAL;
    int err = walk_arg(t, arg_i32(a, 0), arg_u64(a, 1), flags & EMPTY_PATH, flags & NOFOLLOW, &p);
    if (!err && !path_is_mount(&p))
        err = -EINVAL;
    if (!err)
        err = fs_setup_new(fs_type_of(p.dentry->sb), p.dentry->sb, &s);
    return err ? err : install_setup(t, s, SETUP_CHANGING, flags & CLOEXEC);
}

enum {
    SET_FLAG,
    SET_STRING,
    SET_BINARY,
    SET_PATH,
    SET_PATH_EMPTY,
    SET_FD,
    CMD_CREATE,
    CMD_RECONFIGURE,
    CMD_CREATE_EXCL
};

static int check_config(unsigned int cmd, bool key, bool value, int aux)
{
    switch (cmd) {
    case SET_FLAG:
        return !key || value || aux ? -EINVAL : 0;
    case SET_STRING:
        return !key || !value || aux ? -EINVAL : 0;
    case SET_BINARY:
        return !key || !value || aux <= 0 || aux > 1024 * 1024 ? -EINVAL : 0;
    case SET_PATH:
    case SET_PATH_EMPTY:
        return !key || !value || (aux != AT_FDCWD && aux < 0) ? -EINVAL : 0;
    case SET_FD:
        return !key || value || aux < 0 ? -EINVAL : 0;
    case CMD_CREATE:
    case CMD_CREATE_EXCL:
    case CMD_RECONFIGURE:
        return key || value || aux ? -EINVAL : 0;
    default:
        return -EOPNOTSUPP;
    }
}

static int config_create(struct setup_file *sf)
{
    if (sf->phase != SETUP_CREATING)
        return -EBUSY;
    if (!fs_setup_permitted(sf->s->t, sf->s->type))
        return -EPERM;
    int err = fs_setup_make(sf->s);
    sf->phase = err ? SETUP_FAILED : SETUP_MADE;
    return err;
}

static int config_change(struct setup_file *sf)
{
    if (sf->phase != SETUP_CHANGING)
        return -EBUSY;
    int err = may_reconfigure(sf->s->t, sf->s->sb) ? fs_setup_reconfigure(sf->s) : -EPERM;
    sf->phase = err ? SETUP_FAILED : SETUP_CHANGED;
    return err;
}

static int config_param(struct task *t, struct setup_file *sf, unsigned int cmd, const char *key,
                        uint64_t value_addr, int aux)
{
    cleanup_free char *value = NULL;
    int err = 0;

    if (cmd == SET_STRING)
        err = copy_in_str_dup(t, &value, value_addr, 256, EINVAL);
    if (cmd == SET_BINARY || cmd == SET_FD) {
        cleanup_file struct file *f = cmd == SET_FD ? fd_get_path_ok(t, aux) : NULL;
        if (cmd == SET_FD && !f)
            return -EBADF;
        if (f && f->path.dentry && sf->s->type->param_path)
            err = sf->s->type->param_path(sf->s, key, &f->path);
        else
            err = -ENOPARAM_;
        return err == -ENOPARAM_ ? fs_setup_bad_value(sf->s, key) : err;
    }
    if (cmd != SET_STRING && cmd != SET_FLAG && sf->s->type->param_path)
        return fs_setup_bad_value(sf->s, key); /* its files are named by strings or descriptors */
    if (cmd == SET_PATH || cmd == SET_PATH_EMPTY)
        err = vfs_get_name(t, value_addr, cmd == SET_PATH_EMPTY ? WALK_EMPTY_PATH : 0, &value);
    if (err)
        return err;
    return fs_setup_param(sf->s, key, value);
}

long sys_fsconfig(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    cleanup_free char *key = NULL;
    unsigned int cmd = arg_u32(a, 1);
    int aux = arg_i32(a, 4);

    if (arg_i32(a, 0) < 0)
        return -EINVAL;
    int err = check_config(cmd, arg_u64(a, 2), arg_u64(a, 3), aux);
    if (err)
        return err;
    f = fd_get(t, arg_i32(a, 0));
    if (!f)
        return -EBADF;
    if (f->ops != &setup_ops)
        return -EINVAL;
    struct setup_file *sf = f->priv;
    sf->s->t = t;
    if (arg_u64(a, 2)) {
        err = copy_in_str_dup(t, &key, arg_u64(a, 2), 256, EINVAL);
        if (err)
            return err;
    }
    if (sf->phase == SETUP_CHANGED)
        sf->phase = SETUP_CHANGING;
    if (cmd == CMD_CREATE || cmd == CMD_CREATE_EXCL)
        err = config_create(sf);
    else if (cmd == CMD_RECONFIGURE)
        err = config_change(sf);
    else if (sf->phase != SETUP_CREATING && sf->phase != SETUP_CHANGING)
        err = -EBUSY;
    else
        err = config_param(t, sf, cmd, key, arg_u64(a, 3), aux);
    sf->s->t = NULL;
    return err;
}

/* --- attributes --- */
#define ATTR_RDONLY 0x1u
#define ATTR_NOSUID 0x2u
#define ATTR_NODEV 0x4u
#define ATTR_NOEXEC 0x8u
#define ATTR__ATIME 0x70u
#define ATTR_RELATIME 0x0u
#define ATTR_NOATIME 0x10u
#define ATTR_STRICTATIME 0x20u
#define ATTR_NODIRATIME 0x80u
#define ATTR_IDMAP 0x100000u
#define ATTR_NOSYMFOLLOW 0x200000u
#define ATTR_KNOWN                                                                                 \
    (ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC | ATTR__ATIME | ATTR_NODIRATIME |        \
     ATTR_NOSYMFOLLOW)

static unsigned long plain_flags(uint64_t attr)
{
    return (attr & ATTR_RDONLY ? MS_RDONLY : 0UL) | (attr & ATTR_NOSUID ? MS_NOSUID : 0UL) |
           (attr & ATTR_NODEV ? MS_NODEV : 0UL) | (attr & ATTR_NOEXEC ? MS_NOEXEC : 0UL) |
           (attr & ATTR_NODIRATIME ? MS_NODIRATIME : 0UL) |
           (attr & ATTR_NOSYMFOLLOW ? MS_NOSYMFOLLOW : 0UL);
}

static int atime_flags(uint64_t attr, unsigned long *out)
{
    switch (attr & ATTR__ATIME) {
    case ATTR_RELATIME:
        *out = MS_RELATIME;
        return 0;
    case ATTR_NOATIME:
        *out = MS_NOATIME;
        return 0;
    case ATTR_STRICTATIME:
        *out = 0;
        return 0;
    default:
        return -EINVAL;
    }
}

uint64_t mount_attrs(const struct mount *m)
{
    unsigned long f = m->flags;

    return (f & MS_RDONLY ? ATTR_RDONLY : 0) | (f & MS_NOSUID ? ATTR_NOSUID : 0) |
           (f & MS_NODEV ? ATTR_NODEV : 0) | (f & MS_NOEXEC ? ATTR_NOEXEC : 0) |
           (f & MS_NODIRATIME ? ATTR_NODIRATIME : 0) | (f & MS_NOSYMFOLLOW ? ATTR_NOSYMFOLLOW : 0) |
           (f & MS_NOATIME    ? ATTR_NOATIME
            : f & MS_RELATIME ? ATTR_RELATIME
                              : ATTR_STRICTATIME);
}

long sys_fsmount(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    unsigned int flags = arg_u32(a, 1), attr = arg_u32(a, 2);
    unsigned long atime;

    if (!may_mount(t))
        return -EPERM;
    if ((flags & ~1u) || (attr & ~ATTR_KNOWN) || atime_flags(attr, &atime))
        return -EINVAL;
    f = fd_get(t, arg_i32(a, 0));
    if (!f)
        return -EBADF;
    struct setup_file *sf = f->ops == &setup_ops ? f->priv : NULL;
    if (!sf || !sf->s->sb)
        return -EINVAL;
    if (sf->phase != SETUP_MADE)
        return -EBUSY;
    struct superblock *sb = sf->s->sb;
    struct mount_ns *ns = mount_ns_new(true);
    struct mount *m = ns ? mount_new(sb, sb->root, plain_flags(attr) | atime) : NULL;
    if (!m) {
        mount_ns_put(ns);
        return -ENOMEM;
    }
    ns->root = m;
    mount_ns_add_tree(ns, m);
    sf->phase = SETUP_CHANGED;
    return install_tree(t, m, flags & 1);
}

struct attr_change {
    unsigned long set, clear, propagation;
    bool recursive;
};

/* build_mount_kattr() of fs/namespace.c. */
static int parse_attr(struct task *t, const uint64_t k[4], struct attr_change *c)
{
    const uint64_t propagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
    uint64_t set = k[0], clear = k[1];

    if ((k[2] & ~propagation) || (k[2] & (k[2] - 1)))
        return -EINVAL;
    if ((set | clear) & ~(uint64_t)(ATTR_KNOWN | ATTR_IDMAP))
        return -EINVAL;
    c->propagation = k[2];
    c->set = plain_flags(set);
    c->clear = plain_flags(clear);
    if (clear & ATTR__ATIME) {
        unsigned long atime;
        if ((clear & ATTR__ATIME) != ATTR__ATIME || atime_flags(set, &atime))
            return -EINVAL;
        c->clear |= MS_RELATIME | MS_NOATIME;
        c->set |= atime;
    } else if (set & ATTR__ATIME) {
        return -EINVAL;
    }
    if ((set | clear) & ATTR_IDMAP) {
        if ((clear & ATTR_IDMAP) || k[3] > INT32_MAX)
            return -EINVAL;
        cleanup_file struct file *f = fd_get(t, (int)k[3]);
        const struct user_ns *ns;
        if (!f)
            return -EBADF;
        if (ns_file_is_user(f, &ns) && (!ns || !ns_capable(t->cred, ns, CAP_SYS_ADMIN_)))
            return -EPERM;
        return -EINVAL; /* no file system here maps ids by mount: FS_ALLOW_IDMAP */
    }
    return 0;
}

static unsigned long changed_flags(const struct mount *m, const struct attr_change *c)
{
    return (m->flags & ~c->clear) | c->set;
}

static int change_attr(struct task *t, const struct path *p, const struct attr_change *c)
{
    struct mount *top = p->mnt, *m;

    if (!path_is_mount(p) || (top->ns != t->mnt_ns && !(top->ns && top->ns->anonymous)))
        return -EINVAL;
    for (m = top; m; m = c->recursive ? mount_next(m, top) : NULL) {
        unsigned long f = changed_flags(m, c);
        if (!mount_may_change_flags(m, f))
            return -EPERM;
        if ((f & ~m->flags & MS_RDONLY) && m->writers)
            return -EBUSY;
    }
    int err = c->propagation ? mount_change_type_of(top, c->propagation, c->recursive) : 0;
    for (m = top; m && !err; m = c->recursive ? mount_next(m, top) : NULL)
        err = mount_change_flags(m, changed_flags(m, c));
    return err;
}

long sys_mount_setattr(struct task *t, const struct sysargs *a)
{
    unsigned int flags = arg_u32(a, 2);
    cleanup_path struct path p = {0};
    struct attr_change c = {.recursive = flags & AT_RECURSIVE_};
    uint64_t k[4];

    if (flags & ~(AT_EMPTY_PATH | AT_RECURSIVE_ | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT_))
        return -EINVAL;
    if (arg_u64(a, 4) > NV_PAGE_SIZE)
        return -E2BIG;
    if (arg_u64(a, 4) < sizeof(k))
        return -EINVAL;
    if (!may_mount(t))
        return -EPERM;
    int err = copy_in_struct(t, k, sizeof(k), arg_u64(a, 3), arg_u64(a, 4));
    if (err || !(k[0] | k[1] | k[2]))
        return err;
    err = parse_attr(t, k, &c);
    if (!err)
        err = walk_arg(t, arg_i32(a, 0), arg_u64(a, 1), flags & AT_EMPTY_PATH,
                       flags & AT_SYMLINK_NOFOLLOW, &p);
    return err ? err : change_attr(t, &p, &c);
}
