/* Mounts. There is one mount namespace; propagation types are accepted and change nothing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/macros.h"
#include "sentry/vfs/vfs_internal.h"

#define MOUNTS_MAX 10000
#define MOUNT_HASH_BITS 9

static struct mount_ns ns = {.mounts = LIST_INIT(ns.mounts), .refs = 1};
struct mount_ns *root_mount_ns = &ns;
static struct mount *hash[1 << MOUNT_HASH_BITS];
static int nmounts, next_id = 1;

struct mount *mount_get(struct mount *m)
{
    m->refs++;
    return m;
}

/* A loop, because a guest may nest mounts deeper than a fiber's stack. */
void mount_put(struct mount *m)
{
    while (m && --m->refs == 0) {
        struct mount *parent = m->parent;
        dentry_put(m->root);
        dentry_put(m->mountpoint);
        super_put(m->sb);
        free(m);
        m = parent;
    }
}

bool mount_attached(const struct mount *m)
{
    return m && !list_empty(&m->node);
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
    m->flags = flags & MOUNT_FLAGS;
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

static struct mount **bucket(const struct mount *parent, const struct dentry *point)
{
    uint64_t h = ((uint64_t)parent >> 4 ^ (uint64_t)point) * 0x9e3779b97f4a7c15ULL;

    return &hash[h >> (64 - MOUNT_HASH_BITS)];
}

struct mount *mount_at(struct mount *mnt, struct dentry *d)
{
    struct mount *m = *bucket(mnt, d);

    while (m && (m->parent != mnt || m->mountpoint != d))
        m = m->hash_next;
    return m;
}

/* Takes over the references of at. */
static void hang(struct mount *m, struct path at)
{
    struct mount **b = bucket(at.mnt, at.dentry);

    m->parent = at.mnt;
    m->mountpoint = at.dentry;
    m->mountpoint->mounted = true;
    m->hash_next = *b;
    *b = m;
}

static void attach(struct mount *m, const struct path *at)
{
    hang(m, path_get(at));
    list_add_tail(&ns.mounts, &m->node);
    nmounts++;
}

/* Takes over sb's reference, also on failure. */
int vfs_mount(const struct path *at, struct superblock *sb, unsigned long flags, struct mount **out)
{
    struct mount *m = nmounts < MOUNTS_MAX ? mount_new(sb, sb->root, flags) : NULL;

    if (!m) {
        super_put(sb);
        return nmounts < MOUNTS_MAX ? -ENOMEM : -ENOSPC;
    }
    attach(m, at);
    if (out)
        *out = m;
    return 0;
}

static int bind_one(const struct path *at, const struct path *from, unsigned long flags,
                    struct mount **out)
{
    if (nmounts >= MOUNTS_MAX)
        return -ENOSPC;
    *out = mount_new(from->mnt->sb, from->dentry, from->mnt->flags | flags);
    if (!*out)
        return -ENOMEM;
    from->mnt->sb->refs++;
    attach(*out, at);
    return 0;
}

/*
 * A recursive bind also copies what is mounted beneath. Mounts stand in the list after their
 * parents, so one pass over what was there before meets every parent's copy first.
 */
static int bind_children(struct mount *from, struct mount *copy, unsigned long flags)
{
    struct mount *last = list_last(&ns.mounts, struct mount, node), *m;
    struct {
        struct mount *from, *to;
    } *map = calloc((size_t)nmounts + 1, sizeof(*map));
    int n = 0, err = 0;

    if (!map)
        return -ENOMEM;
    map[n].from = from;
    map[n++].to = copy;
    list_for_each(m, &ns.mounts, node) {
        for (int i = 0; m != copy && !err && i < n; i++) {
            if (m->parent != map[i].from ||
                (i == 0 && !dentry_is_beneath(m->mountpoint, copy->root)))
                continue;
            struct path at = {map[i].to, m->mountpoint}, src = {m, m->root};
            map[n].from = m;
            err = bind_one(&at, &src, flags, &map[n].to);
            n++;
            break;
        }
        if (err || m == last)
            break;
    }
    free(map);
    if (err) {
        struct path undo = {copy, copy->root};
        vfs_umount(&undo, MNT_DETACH);
    }
    return err;
}

int vfs_bind(const struct path *at, const struct path *from, bool recursive, unsigned long flags)
{
    struct mount *m;

    if (!mount_attached(at->mnt) || !mount_attached(from->mnt))
        return -EINVAL;
    if (S_ISDIR(from->dentry->inode->mode) != S_ISDIR(at->dentry->inode->mode))
        return -ENOTDIR;
    int err = bind_one(at, from, flags, &m);
    return err || !recursive ? err : bind_children(from->mnt, m, flags);
}

static bool has_children(struct mount *m)
{
    struct mount *c;

    list_for_each(c, &ns.mounts, node) {
        if (c->parent == m)
            return true;
    }
    return false;
}

static bool is_mountpoint(const struct dentry *d)
{
    const struct mount *c;

    list_for_each(c, &ns.mounts, node) {
        if (c->mountpoint == d)
            return true;
    }
    return false;
}

static void leave_mountpoint(struct mount *m)
{
    struct mount *parent = m->parent;
    struct dentry *point = m->mountpoint;

    if (!parent)
        return;
    struct mount **b = bucket(parent, point);
    while (*b != m)
        b = &(*b)->hash_next;
    *b = m->hash_next;
    m->parent = NULL;
    m->mountpoint = NULL;
    point->mounted = is_mountpoint(point);
    dentry_put(point);
    mount_put(parent);
}

static void detach(struct mount *m)
{
    list_del(&m->node);
    nmounts--;
    leave_mountpoint(m);
    mount_put(m);
}

/* Children stand after their parents: the last one beneath top has none. top itself comes last. */
static struct mount *deepest(struct mount *top)
{
    struct mount *m, *p;

    for (struct list *l = ns.mounts.prev; l != &ns.mounts; l = l->prev) {
        m = list_entry(l, struct mount, node);
        for (p = m; p != top && p->parent;)
            p = p->parent;
        if (p == top)
            return m;
    }
    return top;
}

int vfs_umount(const struct path *at, int flags)
{
    struct mount *m = at->mnt, *leaf;

    if (!mount_attached(m) || at->dentry != m->root)
        return -EINVAL;
    if (m == ns.root)
        return -EBUSY;
    /* The list and the caller hold one reference each. */
    if (!(flags & MNT_DETACH) && (has_children(m) || m->refs > 2))
        return -EBUSY;
    do {
        leaf = deepest(m);
        detach(leaf);
    } while (leaf != m);
    return 0;
}

int mount_restored(struct mount *m)
{
    if (!list_empty(&m->node) || nmounts >= MOUNTS_MAX || !m->parent != !m->mountpoint)
        return -EINVAL;
    if (m->parent) {
        if (list_empty(&m->parent->node) || !m->mountpoint->inode ||
            m->mountpoint->sb != m->parent->sb)
            return -EINVAL;
        hang(m, (struct path){m->parent, m->mountpoint});
    }
    list_add_tail(&ns.mounts, &m->node);
    nmounts++;
    next_id = MAX(next_id, m->id + 1);
    return 0;
}

int mount_ns_restored(struct mount *root)
{
    struct mount *m;

    if (!root || list_empty(&root->node))
        return -EINVAL;
    list_for_each(m, &ns.mounts, node) {
        if (!m->parent != (m == root))
            return -EINVAL;
    }
    ns.root = root;
    return 0;
}

bool path_readonly(const struct path *p)
{
    return (p->mnt && (p->mnt->flags & MS_RDONLY)) || p->dentry->sb->readonly;
}

static bool is_above(const struct mount *top, const struct mount *m)
{
    while (m && m != top)
        m = m->parent;
    return m == top;
}

/* The list keeps parents in front of their children: what moves goes to the end, top down. */
static void requeue_tree(struct mount *top)
{
    struct list moved = LIST_INIT(moved);
    struct mount *m, *tmp;

    list_for_each_safe(m, tmp, &ns.mounts, node) {
        if (is_above(top, m)) {
            list_del(&m->node);
            list_add_tail(&moved, &m->node);
        }
    }
    list_splice_tail(&ns.mounts, &moved);
}

static void reattach(struct mount *m, const struct path *at)
{
    struct path to = path_get(at);

    leave_mountpoint(m);
    hang(m, to);
}

int mount_move(const struct path *at, const struct path *from)
{
    struct mount *m = from->mnt;

    if (!mount_attached(m) || !mount_attached(at->mnt) || from->dentry != m->root || m == ns.root)
        return -EINVAL;
    if (S_ISDIR(at->dentry->inode->mode) != S_ISDIR(from->dentry->inode->mode))
        return -EINVAL;
    if (is_above(m, at->mnt))
        return -ELOOP;
    reattach(m, at);
    requeue_tree(m);
    return 0;
}

/* pivot_root(2): new becomes the top of what root was, which moves to put_old beneath new. */
int mount_pivot(const struct path *root, const struct path *new, const struct path *put_old)
{
    struct mount *old_m = root->mnt, *new_m = new->mnt;

    if (!mount_attached(old_m) || !mount_attached(new_m) || !mount_attached(put_old->mnt))
        return -EINVAL;
    if (root->dentry != old_m->root || new->dentry != new_m->root || new_m == ns.root)
        return -EINVAL;
    if (!is_above(new_m, put_old->mnt) ||
        (put_old->mnt == new_m && !dentry_is_beneath(put_old->dentry, new->dentry)) ||
        !is_above(old_m, new_m))
        return -EINVAL;
    if (old_m == ns.root) {
        ns.root = new_m;
        leave_mountpoint(new_m);
    } else {
        struct path up = {old_m->parent, old_m->mountpoint};
        cleanup_path struct path top = path_get(&up);
        reattach(new_m, &top);
    }
    reattach(old_m, put_old);
    requeue_tree(new_m);
    requeue_tree(old_m);
    return 0;
}
