/*
 * Namespaces of mounts: a tree, and the list of its mounts by age.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/mount.h"
#include "sentry/vfs/vfs_internal.h"

static struct mount_ns first_ns = {.refs = 1,
                                   .id = 4026531841,
                                   .mounts = LIST_INIT(first_ns.mounts),
                                   .node = LIST_INIT(first_ns.node),
                                   .change = CHANGE_INIT(first_ns.change)};
struct mount_ns *root_mount_ns = &first_ns;
struct list mount_namespaces = LIST_INIT(mount_namespaces);

/* Tests have tasks without one. */
struct mount_ns *mount_ns_of(const struct task *t)
{
    return t->mnt_ns ? t->mnt_ns : root_mount_ns;
}

struct mount_ns *mount_ns_new(bool anonymous)
{
    struct mount_ns *ns = ns_count_add() ? calloc(1, sizeof(*ns)) : NULL;

    if (!ns)
        return NULL;
    ns->counted = true;
    ns->refs = 1;
    ns->id = ns_next_id();
    ns->anonymous = anonymous;
    list_init(&ns->mounts);
    waitq_init(&ns->change.q);
    list_add_tail(&mount_namespaces, &ns->node);
    return ns;
}

struct mount_ns *mount_ns_get(struct mount_ns *ns)
{
    ns->refs++;
    return ns;
}

void mount_ns_put(struct mount_ns *ns)
{
    if (!ns || --ns->refs)
        return;
    if (ns->root)
        mount_umount_tree(ns->root, false);
    waitq_release(&ns->change.q);
    user_ns_put(ns->user_ns);
    list_del(&ns->node);
    if (ns->counted)
        ns_count_sub();
    free(ns);
}

void mount_ns_changed(struct mount_ns *ns)
{
    if (ns && !ns->anonymous)
        change_made(&ns->change);
}

static void ns_add(struct mount_ns *ns, struct mount *m)
{
    struct list *at = &ns->mounts;

    while (at->prev != &ns->mounts &&
           list_entry(at->prev, struct mount, node)->unique_id > m->unique_id)
        at = at->prev;
    list_add_tail(at, &m->node);
    m->ns = ns;
}

void mount_ns_add_tree(struct mount_ns *ns, struct mount *top)
{
    for (struct mount *m = top; m; m = mount_next(m, top))
        ns_add(ns, m);
    mount_ns_changed(ns);
}

struct mount *mount_by_id(const struct mount_ns *ns, uint64_t unique_id)
{
    struct mount *m;

    list_for_each(m, &ns->mounts, node) {
        if (m->unique_id == unique_id)
            return m;
    }
    return NULL;
}

static unsigned long default_atime(unsigned long flags)
{
    return flags & MS_NOATIME ? flags : flags | MS_RELATIME;
}

int mount_ns_init(struct superblock *sb, unsigned long flags)
{
    struct mount *m = mount_new(sb, sb->root, default_atime(flags));

    super_put(sb);
    if (!m)
        return -ENOMEM;
    if (list_empty(&first_ns.node))
        list_add_tail(&mount_namespaces, &first_ns.node);
    first_ns.root = m;
    ns_add(&first_ns, m);
    return 0;
}

/* --- copies --- */
static void replace_path(struct path *p, const struct mount *from, struct mount *to)
{
    if (p->mnt != from)
        return;
    struct path was = *p;
    struct path now = {to, p->dentry};
    *p = path_get(&now);
    path_put(&was);
}

struct path mount_ns_top(const struct mount_ns *ns)
{
    struct mount *top = ns->root, *m;

    while ((m = mount_at(top, top->root)))
        top = m;
    return (struct path){top, top->root};
}

int mount_ns_copy(struct mount_ns *old, struct user_ns *user_ns, struct fs_context *fs,
                  struct mount_ns **out)
{
    struct mount_ns *ns = mount_ns_new(false);
    struct mount *copy;

    if (!ns)
        return -ENOSPC;
    bool other = user_ns != old->user_ns;
    ns->user_ns = user_ns_get(user_ns);
    int err = mount_copy_tree(old->root, old->root->root, other ? COPY_SLAVE : COPY_AS_IS, true,
                              true, &copy);
    if (err) {
        mount_ns_put(ns);
        return err;
    }
    if (other)
        mount_lock_tree(copy);
    ns->root = copy;
    mount_ns_add_tree(ns, copy);
    for (struct mount *p = old->root, *q = copy; fs && p && q;
         p = mount_next(p, old->root), q = mount_next(q, copy)) {
        replace_path(&fs->root, p, q);
        replace_path(&fs->cwd, p, q);
    }
    *out = ns;
    return 0;
}

/* --- names that are in use in one --- */
bool dentry_is_busy(struct task *t, const struct dentry *d)
{
    const struct mount *m;

    if (!d->mounted)
        return false;
    list_for_each(m, &mount_ns_of(t)->mounts, node) {
        if (m->mountpoint == d)
            return true;
    }
    return false;
}

static struct mount *mounted_on(const struct dentry *d)
{
    struct mount_ns *ns;
    struct mount *m;

    list_for_each(ns, &mount_namespaces, node) {
        list_for_each(m, &ns->mounts, node) {
            if (m->mountpoint == d)
                return m;
        }
    }
    return NULL;
}

void dentry_unmount_all(struct dentry *d)
{
    struct mount *m;

    while (d->mounted && (m = mounted_on(d)))
        mount_umount_tree(m, true);
}

/* --- restored --- */
int mount_restored(struct mount *m, struct mount_ns *ns)
{
    if (!list_empty(&m->node) || !m->parent != !m->mountpoint)
        return -EINVAL;
    ns_add(ns, m);
    return 0;
}

/* Parents are mounts of the same namespace, and all end at its root. */
static int hang_restored(struct mount_ns *ns)
{
    struct mount *m, *root = ns->root, *reached;
    unsigned int all = 0, seen = 0;

    if (!root || root->ns != ns || root->parent)
        return -EINVAL;
    list_for_each(m, &ns->mounts, node) {
        all++;
        if (m == root)
            continue;
        if (!m->parent || m->parent->ns != ns || m->parent == m || !m->mountpoint->inode ||
            m->mountpoint->sb != m->parent->sb)
            return -EINVAL;
        mount_hang(m, (struct path){m->parent, m->mountpoint});
    }
    for (reached = root; reached && seen <= all; reached = mount_next(reached, root))
        seen++;
    return seen == all ? 0 : -EINVAL;
}

/* One that is a file's is empty when its tree has moved. */
int mount_ns_restored(struct mount_ns *ns)
{
    bool emptied = !ns->root && ns->anonymous && ns != root_mount_ns && list_empty(&ns->mounts);
    int err = emptied ? 0 : hang_restored(ns);

    if (err)
        return err;
    ns_id_taken(ns->id);
    if (list_empty(&ns->node))
        list_add_tail(&mount_namespaces, &ns->node);
    return 0;
}
