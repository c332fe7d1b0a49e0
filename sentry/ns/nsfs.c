/* Namespaces as files: /proc/PID/ns/KIND, setns(2), ioctl_nsfs(2). */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "sentry/ckpt/types.h"
#include "sentry/ipc/sysv/ipc_ns.h"
#include "sentry/kernel/pidfd.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uts.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/file.h"
#include "sentry/vfs/mount.h"

#define NSFS_MAGIC_K 0x6e736673
#define CAP_SYS_CHROOT 18
#define NS_GET_USERNS_ 0xb701
#define NS_GET_PARENT_ 0xb702
#define NS_GET_NSTYPE_ 0xb703
#define NS_GET_OWNER_UID_ 0xb704
#define NS_GET_MNTNS_ID_ 0x8008b705

/* The first user, pid, net and cgroup namespaces are NULL. */
struct ns_ref {
    enum ns_kind kind;
    void *ns;
};

static const struct {
    const char *name;
    unsigned long flag;
    uint64_t first_id;
} kinds[] = {
    [NS_MNT] = {"mnt", CLONE_NEWNS, 0},
    [NS_UTS] = {"uts", CLONE_NEWUTS, 4026531838},
    [NS_IPC] = {"ipc", CLONE_NEWIPC, 4026531839},
    [NS_USER] = {"user", CLONE_NEWUSER, 4026531837},
    [NS_PID] = {"pid", CLONE_NEWPID, 4026531836},
    [NS_PID_CHILDREN] = {"pid", CLONE_NEWPID, 4026531836},
    [NS_NET] = {"net", CLONE_NEWNET, 4026531840},
    [NS_CGROUP] = {"cgroup", CLONE_NEWCGROUP, 4026531835},
};

static uint64_t ref_id(const struct ns_ref *r)
{
    if (!r->ns)
        return kinds[r->kind].first_id;
    switch (r->kind) {
    case NS_MNT:
        return ((struct mount_ns *)r->ns)->id;
    case NS_IPC:
        return ((struct ipc_ns *)r->ns)->id ? ((struct ipc_ns *)r->ns)->id : kinds[NS_IPC].first_id;
    case NS_UTS:
        return ((struct uts_ns *)r->ns)->base.id ? ((struct uts_ns *)r->ns)->base.id
                                                 : kinds[NS_UTS].first_id;
    default:
        return ((struct ns_base *)r->ns)->id;
    }
}

static struct user_ns *ref_owner(const struct ns_ref *r)
{
    switch (r->kind) {
    case NS_MNT:
        return ((struct mount_ns *)r->ns)->user_ns;
    case NS_IPC:
        return ((struct ipc_ns *)r->ns)->owner;
    default:
        return r->ns ? ((struct ns_base *)r->ns)->owner : NULL;
    }
}

/* Of a living task; takes a reference. */
static int ref_get(struct task *t, enum ns_kind kind, struct ns_ref *r)
{
    r->kind = kind;
    r->ns = NULL;
    if (t->state == TASK_ZOMBIE || !t->mnt_ns)
        return -ENOENT;
    switch (kind) {
    case NS_MNT:
        r->ns = mount_ns_get(t->mnt_ns);
        break;
    case NS_UTS:
        r->ns = uts_ns_get(t->uts);
        break;
    case NS_IPC:
        r->ns = t->ipc ? ipc_ns_get(t->ipc) : NULL;
        break;
    case NS_USER:
        r->ns = user_ns_get(t->cred->user_ns);
        break;
    case NS_PID:
        r->ns = pid_ns_get(t->pid_ns);
        break;
    case NS_PID_CHILDREN:
        r->ns = pid_ns_get(t->pid_ns_children);
        break;
    case NS_NET:
        r->ns = plain_ns_get(t->net);
        break;
    case NS_CGROUP:
        r->ns = plain_ns_get(t->cgroup);
        break;
    }
    return kind == NS_IPC && !r->ns ? -ENOENT : 0;
}

static void ref_put(struct ns_ref *r)
{
    switch (r->kind) {
    case NS_MNT:
        mount_ns_put(r->ns);
        break;
    case NS_UTS:
        uts_ns_put(r->ns);
        break;
    case NS_IPC:
        ipc_ns_put(r->ns);
        break;
    case NS_USER:
        user_ns_put(r->ns);
        break;
    case NS_PID:
    case NS_PID_CHILDREN:
        pid_ns_put(r->ns);
        break;
    case NS_NET:
    case NS_CGROUP:
        plain_ns_put(r->ns);
        break;
    }
}

/* --- the file system --- */
static const struct file_ops ns_file_ops;

static int ns_open(struct task *t, struct inode *i, const struct path *p, int flags,
                   struct file **out)
{
    *out = file_new(&ns_file_ops, i, p, flags);
    return *out ? 0 : file_new_error();
}

static const struct inode_ops ns_inode_ops = {.open = ns_open};

static void ns_evict(struct inode *i)
{
    if (!i->priv)
        return;
    ref_put(i->priv);
    free(i->priv);
}

/* Nobody comes to the root: what is in it has names only in /proc. */
static const struct inode_ops ns_root_ops = {0};

static const struct inode_ops *nsfs_ops(mode_t mode)
{
    return S_ISREG(mode) ? &ns_inode_ops : S_ISDIR(mode) ? &ns_root_ops : NULL;
}

static const struct ckpt_type *const types[] = {
    [NS_MNT] = &ckpt_mount_ns, [NS_UTS] = &ckpt_uts,         [NS_IPC] = &ckpt_ipc_ns,
    [NS_USER] = &ckpt_user_ns, [NS_PID] = &ckpt_pid_ns,      [NS_PID_CHILDREN] = &ckpt_pid_ns,
    [NS_NET] = &ckpt_plain_ns, [NS_CGROUP] = &ckpt_plain_ns,
};

static void nsfs_save_inode(struct ckpt_writer *w, struct inode *i)
{
    const struct ns_ref *ref = i->priv;

    if (!ref)
        return;
    ckpt_put_u8(w, (uint8_t)ref->kind);
    if (ref->kind == NS_UTS)
        ckpt_put_uts(w, ref->ns);
    else
        ckpt_put_ref(w, types[ref->kind], ref->ns);
}

static void nsfs_load_inode(struct ckpt_reader *r, struct inode *i, unsigned int version)
{
    if (!S_ISREG(i->mode))
        return;
    uint8_t kind = ckpt_get_u8(r);
    struct ns_ref *ref = kind <= NS_CGROUP ? calloc(1, sizeof(*ref)) : NULL;
    if (!ref) {
        ckpt_bad(r, "a namespace of kind %u", kind);
        return;
    }
    ref->kind = kind;
    i->priv = ref;
    ckpt_get_ref(r, types[kind], &ref->ns);
}

static struct superblock *nsfs;

static void nsfs_restore_inode(struct ckpt_reader *r, struct inode *i)
{
    struct ns_ref *ref = i->priv;

    if (!nsfs) { /* what is opened later is of this one, too */
        nsfs = i->sb;
        nsfs->refs++;
    }
    i->sb->bindable = true;
    if (ref && ref->kind == NS_UTS && !ref->ns)
        ref->ns = uts_ns_get(uts_root());
    if (ref && !ref->ns && (ref->kind == NS_MNT || ref->kind == NS_IPC))
        ckpt_bad(r, "a file of no namespace");
}

static const struct super_ops nsfs_super_ops = {.evict = ns_evict,
                                                .inode_ops = nsfs_ops,
                                                .save_inode = nsfs_save_inode,
                                                .load_inode = nsfs_load_inode,
                                                .restore_inode = nsfs_restore_inode};
CKPT_SYMBOL("super_ops", "nsfs", nsfs_super_ops);

static struct superblock *nsfs_new(void)
{
    struct superblock *sb = super_new(&nsfs_super_ops, "nsfs", NSFS_MAGIC_K, NULL);
    struct inode *root = sb ? inode_new(sb, &ns_root_ops, S_IFDIR | 0555) : NULL;

    if (!root || !dentry_new_root(sb, root))
        return NULL;
    sb->bindable = true;
    sb->source = strdup("nsfs");
    return sb;
}

static struct mount *nsfs_mount(void)
{
    static struct mount *m;

    if (!nsfs)
        nsfs = nsfs_new();
    if (!m && nsfs)
        m = mount_new(nsfs, nsfs->root, 0);
    return m;
}

/* Takes over r's reference. */
static int ref_path(struct ns_ref *r, struct path *out)
{
    struct mount *m = nsfs_mount();
    struct ns_ref *own = malloc(sizeof(*own));
    struct inode *i = m && own ? inode_new(m->sb, &ns_inode_ops, S_IFREG | 0444) : NULL;
    char name[64];

    if (!i) {
        free(own);
        ref_put(r);
        return -ENOMEM;
    }
    *own = *r;
    i->priv = own;
    i->ino = ref_id(r);
    snprintf(name, sizeof(name), "%s:[%lu]", kinds[r->kind].name, (unsigned long)i->ino);
    struct dentry *d = dentry_new_detached(m->sb, name, i);
    inode_put(i);
    if (!d)
        return -ENOMEM;
    *out = (struct path){mount_get(m), d};
    return 0;
}

int ns_link_text(struct task *t, enum ns_kind kind, struct strbuf *out)
{
    struct ns_ref r;
    int err = ref_get(t, kind, &r);

    if (err)
        return err;
    strbuf_printf(out, "%s:[%lu]", kinds[kind].name, (unsigned long)ref_id(&r));
    ref_put(&r);
    return 0;
}

int ns_link_follow(struct task *t, enum ns_kind kind, struct path *out)
{
    struct ns_ref r;
    int err = ref_get(t, kind, &r);

    if (!err && kind == NS_PID_CHILDREN && r.ns && !((struct pid_ns *)r.ns)->reaper) {
        ref_put(&r);
        return -ENOENT; /* as long as nobody is in it */
    }
    return err ? err : ref_path(&r, out);
}

/* --- ioctl_nsfs(2) --- */
static long install(struct task *t, struct ns_ref *r)
{
    struct path p;
    struct file *f;

    int err = ref_path(r, &p);
    if (err)
        return err;
    err = ns_open(t, p.dentry->inode, &p, O_RDONLY, &f);
    path_put(&p);
    return err ? err : fd_install_steal(t, f, true);
}

long ns_install(struct task *t, struct task *o, enum ns_kind kind)
{
    struct ns_ref r;
    int err = ref_get(o, kind, &r);

    return err ? err : install(t, &r);
}

/* Only what is the caller's own or beneath may be looked at. */
static long get_user_ns(struct task *t, struct user_ns *ns)
{
    const struct user_ns *n = ns;

    while (n && n != t->cred->user_ns)
        n = n->base.owner;
    if (n != t->cred->user_ns)
        return -EPERM;
    struct ns_ref r = {NS_USER, user_ns_get(ns)};
    return install(t, &r);
}

static long get_parent(struct task *t, const struct ns_ref *r)
{
    if (r->kind == NS_USER)
        return r->ns ? get_user_ns(t, ((struct user_ns *)r->ns)->base.owner) : -EPERM;
    if (r->kind != NS_PID && r->kind != NS_PID_CHILDREN)
        return -EINVAL;
    struct pid_ns *ns = r->ns;
    if (!ns || !pid_ns_is_in(ns->parent, t->pid_ns))
        return -EPERM;
    struct ns_ref up = {NS_PID, pid_ns_get(ns->parent)};
    return install(t, &up);
}

static long ns_ioctl(struct task *t, struct file *f, unsigned int cmd, unsigned long arg)
{
    const struct ns_ref *r = f->inode->priv;

    switch (cmd) {
    case NS_GET_USERNS_:
        if (r->kind == NS_USER && !r->ns)
            return -EPERM;
        return get_user_ns(t, ref_owner(r));
    case NS_GET_PARENT_:
        return get_parent(t, r);
    case NS_GET_NSTYPE_:
        return (long)kinds[r->kind].flag;
    case NS_GET_OWNER_UID_: {
        if (r->kind != NS_USER)
            return -EINVAL;
        uid_t uid = kuid_seen(t, r->ns ? ((struct user_ns *)r->ns)->uid : 0);
        return put_user(t, &uid, arg);
    }
    case NS_GET_MNTNS_ID_: {
        if (r->kind != NS_MNT)
            return -EINVAL;
        uint64_t id = ref_id(r);
        return put_user(t, &id, arg);
    }
    default:
        return -ENOTTY;
    }
}

static int ns_file_restore(struct file *f)
{
    return f->inode->ops == &ns_inode_ops ? 0 : -EINVAL;
}

static const struct file_ops ns_file_ops = {
    .kind = "namespace", .ioctl = ns_ioctl, .restore = ns_file_restore};
CKPT_SYMBOL("file_ops", "namespace", ns_file_ops);

bool ns_file_is_user(const struct file *f, const struct user_ns **ns)
{
    const struct ns_ref *r = f->ops == &ns_file_ops ? f->inode->priv : NULL;

    if (!r || r->kind != NS_USER)
        return false;
    *ns = r->ns;
    return true;
}

/* --- setns(2) --- */
static bool may_enter(const struct task *t, const struct user_ns *owner)
{
    return ns_capable(t->cred, owner, CAP_SYS_ADMIN_) &&
           ns_capable(t->cred, t->cred->user_ns, CAP_SYS_ADMIN_);
}

static int enter_user(struct task *t, struct user_ns *ns)
{
    if (ns == t->cred->user_ns || t->tg->ntasks > 1 || t->fs->refs > 1)
        return -EINVAL;
    if (!ns_capable(t->cred, ns, CAP_SYS_ADMIN_))
        return -EPERM;
    struct cred *n = cred_dup(t->cred);
    if (!n)
        return -ENOMEM;
    cred_enter_user_ns(n, user_ns_get(ns));
    cred_put(t->cred);
    t->cred = n;
    return 0;
}

static int enter_mnt(struct task *t, struct mount_ns *ns)
{
    if (!may_enter(t, ns->user_ns) || !ns_capable(t->cred, t->cred->user_ns, CAP_SYS_CHROOT))
        return -EPERM;
    if (ns->anonymous || t->fs->refs > 1 || !ns->root)
        return -EINVAL;
    struct path root = mount_ns_top(ns);
    fs_context_set(t->fs, &root);
    mount_ns_get(ns);
    mount_ns_put(t->mnt_ns);
    t->mnt_ns = ns;
    return 0;
}

static int enter_pid(struct task *t, struct pid_ns *ns)
{
    if (!may_enter(t, ns ? ns->base.owner : NULL))
        return -EPERM;
    if (!pid_ns_is_in(ns, t->pid_ns))
        return -EINVAL;
    pid_ns_get(ns);
    pid_ns_put(t->pid_ns_children);
    t->pid_ns_children = ns;
    return 0;
}

static int enter(struct task *t, const struct ns_ref *r)
{
    struct plain_ns **plain = r->kind == NS_NET ? &t->net : &t->cgroup;

    switch (r->kind) {
    case NS_USER:
        return enter_user(t, r->ns);
    case NS_MNT:
        return enter_mnt(t, r->ns);
    case NS_PID:
    case NS_PID_CHILDREN:
        return enter_pid(t, r->ns);
    default:
        break;
    }
    if (!may_enter(t, ref_owner(r)))
        return -EPERM;
    if (r->kind == NS_UTS) {
        uts_ns_get(r->ns);
        uts_ns_put(t->uts);
        t->uts = r->ns;
    } else if (r->kind == NS_IPC) {
        ipc_ns_get(r->ns);
        sem_undo_exit(t);
        ipc_ns_put(t->ipc);
        t->ipc = r->ns;
    } else {
        plain_ns_get(r->ns);
        plain_ns_put(*plain);
        *plain = r->ns;
    }
    return 0;
}

/* Those of the process behind a pidfd, its users' first: capabilities over the rest come of it. */
static int enter_of(struct task *t, struct task *o, unsigned long flags)
{
    static const enum ns_kind order[] = {NS_USER, NS_MNT,    NS_UTS, NS_IPC,
                                         NS_PID,  NS_CGROUP, NS_NET};

    if (!task_may_access(t, o))
        return -EPERM;
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        struct ns_ref r;
        if (!(flags & kinds[order[i]].flag))
            continue;
        int err = ref_get(o, order[i], &r);
        if (err)
            return err == -ENOENT ? -ESRCH : err;
        err = enter(t, &r);
        ref_put(&r);
        if (err)
            return err;
    }
    return 0;
}

long sys_setns(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));
    unsigned long type = (unsigned long)arg_i32(a, 1);

    if (!f)
        return -EBADF;
    if (f->ops == &ns_file_ops) {
        const struct ns_ref *r = f->inode->priv;
        return type && type != kinds[r->kind].flag ? -EINVAL : enter(t, r);
    }
    struct thread_group *tg = pidfd_group(t, arg_i32(a, 0));
    if (!tg || !type || (type & ~(unsigned long)CLONE_NEW_ALL))
        return -EINVAL;
    if (tg->zombie || !tg->leader)
        return -ESRCH;
    return enter_of(t, tg->leader, type);
}
