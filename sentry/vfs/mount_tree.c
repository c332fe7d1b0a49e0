/*
 * Trees of mounts that are copied, put on one another and taken apart. What others get of that:
 * propagate.c.
 */
#include "sentry/vfs/mount.h"

#include <errno.h>
#include <sys/mount.h>

#include "sentry/vfs/vfs_internal.h"

/* --- copies --- */
static struct mount *copy_one(struct mount *m, struct dentry *root, enum mount_copy how)
{
    struct mount *c = mount_new(m->sb, root, m->flags);

    if (!c)
        return NULL;
    c->locked = m->locked;
    c->is_locked = m->is_locked;
    c->unbindable = m->unbindable;
    mount_join_as_copy(c, m, how);
    if (how == COPY_SLAVE_SHARED && mount_set_shared(c)) {
        mount_leave_group(c);
        mount_set_master(c, NULL);
        mount_put(c);
        return NULL;
    }
    return c;
}

/* The two trees are walked side by side: p and q are the same place in them. */
static int copy_children(struct mount *m, struct mount *copy, enum mount_copy how, bool unbindable)
{
    struct mount *p = m, *q = copy, *s = mount_next(m, m);

    while (s) {
        if ((s->unbindable && !unbindable) ||
            (s->parent == m && !dentry_is_beneath(s->mountpoint, copy->root))) {
            while (s && !list_empty(&s->children)) /* none of what is on it */
                s = list_last(&s->children, struct mount, child_node);
            s = mount_next(s, m);
            continue;
        }
        while (p != s->parent) {
            p = p->parent;
            q = q->parent;
        }
        struct mount *c = copy_one(s, s->root, how);
        if (!c)
            return mount_table_full() ? -ENOSPC : -ENOMEM;
        struct path at = {q, s->mountpoint};
        mount_hang(c, path_get(&at));
        p = s;
        q = c;
        s = mount_next(s, m);
    }
    return 0;
}

int mount_copy_tree(struct mount *m, struct dentry *root, enum mount_copy how, bool recursive,
                    bool unbindable_too, struct mount **out)
{
    if (m->unbindable && !unbindable_too)
        return -EINVAL;
    struct mount *c = copy_one(m, root, how);
    if (!c)
        return mount_table_full() ? -ENOSPC : -ENOMEM;
    c->is_locked = false;
    int err = recursive ? copy_children(m, c, how, unbindable_too) : 0;
    if (err) {
        mount_umount_tree(c, false);
        return err;
    }
    *out = c;
    return 0;
}
void mount_lock_tree(struct mount *top)
{
    for (struct mount *m = top; m; m = mount_next(m, top)) {
        m->locked |= (m->flags & (MS_RDONLY | MS_NODEV | MS_NOSUID | MS_NOEXEC)) | MS_NOATIME;
        m->is_locked = m != top || m->parent;
    }
}

/* --- putting trees together --- */
void mount_detach_tree(struct mount *top)
{
    for (struct mount *m = top; m; m = mount_next(m, top)) {
        if (m->ns && m->ns->root == m)
            m->ns->root = NULL;
        list_del(&m->node);
        m->ns = NULL;
    }
    mount_unhang(top);
}

/*
 * What is mounted on a place already goes on top of what comes beneath it by propagation: it stays
 * what one sees there.
 */
void mount_tuck(struct mount *m)
{
    struct mount *on = mount_at(m->parent, m->mountpoint), *c;
    struct path top = {m, m->root};

    for (c = on; c; c = c->hash_next)
        if (c != m && c->parent == m->parent && c->mountpoint == m->mountpoint)
            break;
    if (c)
        mount_rehang(c, &top);
}

int mount_attach_tree(struct mount *top, const struct path *at)
{
    struct list copies = LIST_INIT(copies);
    struct mount_ns *ns = at->mnt->ns;
    struct mount *m, *tmp;
    int err = 0;

    if (at->mnt->group) {
        for (m = top; m && !err; m = mount_next(m, top))
            err = mount_set_shared(m);
        if (!err)
            err = propagate_mount(top, at, &copies);
    }
    list_for_each_safe(m, tmp, &copies, prop_node) {
        list_del(&m->prop_node);
        if (err) {
            mount_umount_tree(m, false);
        } else {
            mount_ns_add_tree(m->parent->ns, m);
            mount_tuck(m);
        }
    }
    if (err)
        return err;
    mount_hang(top, path_get(at));
    mount_ns_add_tree(ns, top);
    return 0;
}

/* --- taking them apart --- */
static void collect(struct mount *m, struct list *going)
{
    if (m->ns && m->ns->root == m)
        m->ns->root = NULL;
    list_del(&m->node);
    list_add_tail(going, &m->node);
    m->going = true;
}

void mount_umount_tree(struct mount *top, bool propagate)
{
    struct list going = LIST_INIT(going);
    struct mount *m;

    for (m = top; m; m = mount_next(m, top))
        collect(m, &going);
    if (propagate)
        propagate_umount(&going);
    while (!list_empty(&going)) {
        m = list_last(&going, struct mount, node); /* children before parents */
        list_del(&m->node);
        mount_ns_changed(m->ns);
        m->ns = NULL;
        m->going = false;
        mount_leave_group(m);
        mount_set_master(m, NULL);
        mount_unhang(m);
        mount_put_passing(m);
    }
}
