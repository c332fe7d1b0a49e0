/* What mount(2) and its relatives do to trees of mounts, in the order in which Linux says no. */
#include <errno.h>
#include <sys/mount.h>

#include "sentry/kernel/task.h"
#include "sentry/vfs/vfs_internal.h"

static unsigned long default_atime(unsigned long flags)
{
    return flags & MS_NOATIME ? flags : flags | MS_RELATIME;
}

static bool has_locked_children(const struct mount *m, const struct dentry *root)
{
    const struct mount *c;

    list_for_each(c, &m->children, child_node) {
        if (c->is_locked && dentry_is_beneath(c->mountpoint, root))
            return true;
    }
    return false;
}

static bool is_dir(const struct path *p)
{
    return S_ISDIR(p->dentry->inode->mode);
}

static bool is_removed(const struct dentry *d)
{
    return !d->hashed && d->parent != d;
}

static bool has_unbindable(struct mount *top)
{
    for (struct mount *m = top; m; m = mount_next(m, top))
        if (m->unbindable)
            return true;
    return false;
}

/* Takes over m's reference, also on failure. */
static int graft(struct mount *m, const struct path *at)
{
    struct path root = {m, m->root};
    int err = is_removed(at->dentry)        ? -ENOENT
              : is_dir(&root) != is_dir(at) ? -ENOTDIR
                                            : mount_attach_tree(m, at);

    if (err)
        mount_umount_tree(m, false);
    return err;
}

int vfs_mount(const struct path *at, struct superblock *sb, unsigned long flags, struct mount **out)
{
    struct mount *m = mount_new(sb, sb->root, default_atime(flags));

    super_put(sb);
    if (!m)
        return mount_table_full() ? -ENOSPC : -ENOMEM;
    int err = mount_attach_tree(m, at);
    if (err)
        mount_umount_tree(m, false);
    else if (out)
        *out = m;
    return err;
}

int vfs_bind(const struct path *at, const struct path *from, bool recursive)
{
    struct mount *m;

    int err = mount_copy_tree(from->mnt, from->dentry, COPY_AS_IS, recursive, false, &m);
    return err ? err : graft(m, at);
}

int mount_bind(struct task *t, const struct path *at, const struct path *from, bool recursive)
{
    if (!from->mnt || at->mnt->ns != mount_ns_of(t))
        return -EINVAL;
    if (from->mnt->unbindable || (from->mnt->ns != mount_ns_of(t) && !from->dentry->sb->bindable) ||
        (!recursive && has_locked_children(from->mnt, from->dentry)))
        return -EINVAL;
    return vfs_bind(at, from, recursive);
}

static int may_add(const struct task *t, const struct path *at, const struct mount *m)
{
    if (at->mnt->ns != mount_ns_of(t))
        return -EINVAL;
    if (at->mnt->sb == m->sb && path_is_mount(at) && m->root == m->sb->root)
        return -EBUSY;
    return S_ISLNK(m->root->inode->mode) ? -EINVAL : 0;
}

int mount_add_new(struct task *t, const struct path *at, struct mount *m)
{
    int err = may_add(t, at, m);

    if (err) {
        mount_put(m);
        return err;
    }
    return graft(m, at);
}

int mount_clone_detached(struct task *t, const struct path *from, bool recursive,
                         struct mount **out)
{
    struct mount *m;

    if (!from->mnt || from->mnt->unbindable ||
        (from->mnt->ns != mount_ns_of(t) && !from->dentry->sb->bindable &&
         !(from->mnt->ns && from->mnt->ns->anonymous)) ||
        (!recursive && has_locked_children(from->mnt, from->dentry)))
        return -EINVAL;
    struct mount_ns *ns = mount_ns_new(true);
    if (!ns)
        return -ENOSPC;
    int err = mount_copy_tree(from->mnt, from->dentry, COPY_AS_IS, recursive, false, &m);
    if (err) {
        mount_ns_put(ns);
        return err;
    }
    ns->root = m;
    mount_ns_add_tree(ns, m);
    *out = m;
    return 0;
}

/* What do_move_mount() of fs/namespace.c asks for, in its order. */
static int may_move(struct task *t, const struct path *at, const struct path *from,
                    bool anonymous_ok)
{
    struct mount *m = from->mnt;

    if (!mount_attached(m) || !mount_attached(at->mnt))
        return -EINVAL;
    bool attached = m->parent != NULL;
    if (m->ns == mount_ns_of(t) ? !attached || !path_is_mount(from)
                                : !anonymous_ok || !m->ns->anonymous || m->ns->root != m)
        return -EINVAL;
    if (at->mnt->ns != mount_ns_of(t) || !path_is_mount(from) || m->is_locked)
        return -EINVAL;
    if (is_dir(at) != is_dir(from))
        return -EINVAL;
    if (attached && m->parent->group)
        return -EINVAL;
    if (at->mnt->group && has_unbindable(m))
        return -EINVAL;
    if (is_removed(at->dentry))
        return -ENOENT;
    return mount_is_above(m, at->mnt) ? -ELOOP : 0;
}

/* MOVE_MOUNT_BENEATH: at is the top of the mount that m goes below. */
static int may_move_beneath(struct task *t, const struct path *at, const struct mount *m)
{
    const struct mount *on = at->mnt;

    if (!path_is_mount(at) || !on->parent || on->is_locked || on->parent->ns != mount_ns_of(t))
        return -EINVAL;
    if (t->fs->root.mnt == on)
        return -EINVAL;
    for (const struct mount *p = on->parent; p; p = p->parent)
        if (p == m)
            return -EINVAL;
    /* It would come back onto itself by propagation. */
    if ((on->parent->group && m->group == on->parent->group) ||
        (on->master && on->parent->group == on->master) ||
        (on->group && on->parent->group == on->group))
        return -EINVAL;
    return 0;
}

int mount_move(struct task *t, const struct path *at, const struct path *from, bool anonymous_ok,
               bool beneath)
{
    struct mount *m = from->mnt, *on = at->mnt;
    struct path to = *at;

    int err = may_move(t, at, from, anonymous_ok);
    if (!err && beneath)
        err = may_move_beneath(t, at, m);
    if (err)
        return err;
    if (beneath)
        to = (struct path){on->parent, on->mountpoint};
    struct mount_ns *was = m->ns;
    struct path back = {m->parent, m->mountpoint};
    cleanup_path struct path keep = path_get(&back), target = path_get(&to);
    mount_detach_tree(m);
    err = mount_attach_tree(m, &target);
    if (err && keep.mnt) {
        mount_hang(m, path_get(&keep));
        mount_ns_add_tree(was, m);
    } else if (err) {
        was->root = m;
        mount_ns_add_tree(was, m);
    } else if (beneath) {
        mount_tuck(m);
    }
    mount_ns_changed(was);
    return err;
}

/* Whoever had the old root as root or working directory gets the new one. */
static void change_path(struct path *p, const struct path *old, const struct path *new)
{
    if (p->mnt != old->mnt || p->dentry != old->dentry)
        return;
    struct path was = *p;
    *p = path_get(new);
    path_put(&was);
}

static void change_roots(const struct path *old, const struct path *new)
{
    struct thread_group *tg;
    struct task *t;

    list_for_each(tg, &all_thread_groups, all_node) {
        list_for_each(t, &tg->tasks, tg_node) {
            if (!t->fs)
                continue;
            change_path(&t->fs->root, old, new);
            change_path(&t->fs->cwd, old, new);
        }
    }
}

/* pivot_root(2): new becomes the top of what root was, which moves to put_old beneath new. */
int mount_pivot(struct task *t, const struct path *root, const struct path *new,
                const struct path *put_old)
{
    struct mount *root_m = root->mnt, *new_m = new->mnt, *old_m = put_old->mnt;
    struct mount_ns *ns = mount_ns_of(t);

    if (old_m->group || (new_m->parent && new_m->parent->group) ||
        (root_m->parent && root_m->parent->group))
        return -EINVAL;
    if (root_m->ns != ns || new_m->ns != ns || new_m->is_locked)
        return -EINVAL;
    if (is_removed(new->dentry))
        return -ENOENT;
    if (new_m == root_m || old_m == root_m)
        return -EBUSY;
    if (!path_is_mount(root) || !path_is_mount(new) || !new_m->parent)
        return -EINVAL;
    if (!path_is_beneath(put_old, new) || !path_is_beneath(new, root))
        return -EINVAL;
    struct path up = {root_m->parent, root_m->mountpoint};
    cleanup_path struct path top = path_get(&up), old_root = path_get(root);
    cleanup_path struct path new_root = path_get(new), old_place = path_get(put_old);
    mount_unhang(new_m);
    if (top.mnt) {
        mount_unhang(root_m);
        mount_hang(new_m, path_get(&top));
    } else {
        ns->root = new_m;
    }
    mount_hang(root_m, path_get(&old_place));
    if (root_m->is_locked) {
        new_m->is_locked = true;
        root_m->is_locked = false;
    }
    mount_ns_changed(ns);
    change_roots(&old_root, &new_root);
    return 0;
}

static int is_busy(struct mount *m)
{
    /* The tree and the caller hold one reference each. */
    return !list_empty(&m->children) || m->refs > 2 || propagate_busy(m) ? -EBUSY : 0;
}

int vfs_umount(struct task *t, const struct path *at, int flags)
{
    struct mount *m = at->mnt;

    if (flags & MNT_EXPIRE) {
        if (m == t->fs->root.mnt || (flags & (MNT_FORCE | MNT_DETACH)))
            return -EINVAL;
        if (m->refs > 2 || !list_empty(&m->children))
            return -EBUSY;
        if (!m->expiring) {
            m->expiring = true;
            return -EAGAIN;
        }
    }
    if (m == m->ns->root)
        return -EBUSY;
    int err = flags & MNT_DETACH ? 0 : is_busy(m);
    if (!err)
        mount_umount_tree(m, true);
    return err;
}

bool path_readonly(const struct path *p)
{
    return (p->mnt && (p->mnt->flags & MS_RDONLY)) || p->dentry->sb->readonly;
}

/* What a more privileged namespace has set must stay. */
bool mount_may_change_flags(const struct mount *m, unsigned long flags)
{
    const unsigned long one_way = MS_RDONLY | MS_NODEV | MS_NOSUID | MS_NOEXEC;

    if (m->locked & one_way & ~flags)
        return false;
    return !(m->locked & MS_NOATIME) || (m->flags & MOUNT_ATIME) == (flags & MOUNT_ATIME);
}

int mount_change_flags(struct mount *m, unsigned long flags)
{
    if ((flags & MS_RDONLY) && !(m->flags & MS_RDONLY) && m->writers)
        return -EBUSY;
    m->flags = flags & MOUNT_FLAGS;
    mount_ns_changed(m->ns);
    return 0;
}
