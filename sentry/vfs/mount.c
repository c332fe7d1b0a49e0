/*
 * Mounts, their trees and namespaces. What is shared with other mounts: propagate.c.
 *
 * A mount in a tree has one reference for that; it holds its parent and mountpoint. All mounts of a
 * namespace are in its list by age; the tree itself is in the lists of children. Trees are as deep
 * as a guest likes: nothing here recurses.
 */
#include "sentry/vfs/mount.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/vfs_internal.h"

#define MOUNT_HASH_BITS 9
#define MOUNT_IDS 16384 /* more than there may be mounts */

static struct mount_ns first_ns = {.refs = 1,
                                   .id = 4026531841,
                                   .mounts = LIST_INIT(first_ns.mounts),
                                   .node = LIST_INIT(first_ns.node),
                                   .change = {LIST_INIT(first_ns.change.waiters)}};
struct mount_ns *root_mount_ns = &first_ns;
struct list mount_namespaces = LIST_INIT(mount_namespaces);
static struct mount *hash[1 << MOUNT_HASH_BITS];
static uint64_t ids[MOUNT_IDS / 64];
static uint64_t last_unique_id = MOUNT_ID_UNIQUE_FIRST;
static unsigned int nmounts;

/* Tests have tasks without one. */
static struct mount_ns *ns_of(const struct task *t)
{
    return t->mnt_ns ? t->mnt_ns : root_mount_ns;
}

/* --- objects --- */
static int id_alloc(void)
{
    for (int i = 0; i < MOUNT_IDS / 64; i++) {
        uint64_t used = ids[i] | (i == 0); /* 0 is none */
        if (!~used)
            continue;
        int bit = __builtin_ctzll(~used);
        ids[i] |= 1ULL << bit;
        return i * 64 + bit;
    }
    return -1;
}

static void id_free(int id)
{
    if (id > 0 && id < MOUNT_IDS)
        ids[id / 64] &= ~(1ULL << (id % 64));
}

struct mount *mount_new(struct superblock *sb, struct dentry *root, unsigned long flags)
{
    struct mount *m = nmounts < MOUNTS_MAX ? calloc(1, sizeof(*m)) : NULL;

    if (!m)
        return NULL;
    m->refs = 1;
    m->id = id_alloc();
    m->unique_id = ++last_unique_id;
    m->sb = sb;
    sb->refs++;
    m->root = dentry_get(root);
    m->flags = flags & MOUNT_FLAGS;
    list_init(&m->children);
    list_init(&m->child_node);
    list_init(&m->node);
    list_init(&m->peer_node);
    list_init(&m->slave_node);
    list_init(&m->prop_node);
    list_init(&m->along_node);
    nmounts++;
    return m;
}

static unsigned long default_atime(unsigned long flags)
{
    return flags & MS_NOATIME ? flags : flags | MS_RELATIME;
}

bool mount_table_full(void)
{
    return nmounts >= MOUNTS_MAX;
}

struct mount *mount_get(struct mount *m)
{
    m->refs++;
    return m;
}

/* A loop, because a guest may nest mounts deeper than a fiber's stack. */
void mount_put_passing(struct mount *m)
{
    while (m && --m->refs == 0) {
        struct mount *parent = m->parent;
        dentry_put(m->root);
        dentry_put(m->mountpoint);
        super_put(m->sb);
        id_free(m->id);
        free(m);
        nmounts--;
        m = parent;
    }
}

void mount_put(struct mount *m)
{
    if (m)
        m->expiring = false;
    mount_put_passing(m);
}

bool mount_attached(const struct mount *m)
{
    return m && m->ns;
}

bool path_is_mount(const struct path *p)
{
    return p->mnt && p->dentry == p->mnt->root;
}

struct mount *vfs_private_mount(struct superblock *sb)
{
    struct mount *m = mount_new(sb, sb->root, MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME);

    super_put(sb);
    return m;
}

void vfs_private_umount(struct mount *m)
{
    mount_put(m);
}

void mount_add_writer(struct file *f)
{
    const struct inode *i = f->path.dentry ? f->path.dentry->inode : NULL;

    if (!f->path.mnt || path_is_anon(&f->path) || f->mnt_writer || !file_writable(f) || !i ||
        !S_ISREG(i->mode))
        return;
    f->mnt_writer = true;
    f->path.mnt->writers++;
}

/* --- the tree --- */
static struct mount **bucket(const struct mount *parent, const struct dentry *point)
{
    uint64_t h = ((uint64_t)parent >> 4 ^ (uint64_t)point) * 0x9e3779b97f4a7c15ULL;

    return &hash[h >> (64 - MOUNT_HASH_BITS)];
}

struct mount *mount_at(const struct mount *mnt, const struct dentry *d)
{
    struct mount *m = *bucket(mnt, d);

    while (m && (m->parent != mnt || m->mountpoint != d))
        m = m->hash_next;
    return m;
}

void mount_hang(struct mount *m, struct path at)
{
    struct mount **b = bucket(at.mnt, at.dentry);

    m->parent = at.mnt;
    m->mountpoint = at.dentry;
    m->mountpoint->mounted++;
    m->hash_next = *b;
    *b = m;
    list_add_tail(&m->parent->children, &m->child_node);
}

void mount_unhang(struct mount *m)
{
    struct mount *parent = m->parent;
    struct dentry *point = m->mountpoint;

    if (!parent)
        return;
    struct mount **b = bucket(parent, point);
    while (*b != m)
        b = &(*b)->hash_next;
    *b = m->hash_next;
    list_del(&m->child_node);
    m->parent = NULL;
    m->mountpoint = NULL;
    point->mounted--;
    dentry_put(point);
    mount_put_passing(parent);
}

void mount_rehang(struct mount *m, const struct path *at)
{
    struct path to = path_get(at);

    mount_unhang(m);
    mount_hang(m, to);
}

struct mount *mount_next(struct mount *m, const struct mount *top)
{
    if (!list_empty(&m->children))
        return list_first(&m->children, struct mount, child_node);
    while (m != top) {
        if (m->child_node.next != &m->parent->children)
            return list_entry(m->child_node.next, struct mount, child_node);
        m = m->parent;
    }
    return NULL;
}

bool mount_is_above(const struct mount *top, const struct mount *m)
{
    while (m && m != top)
        m = m->parent;
    return m == top;
}

bool path_is_beneath(const struct path *p, const struct path *top)
{
    struct path at = *p;

    while (at.mnt != top->mnt && at.mnt->parent)
        at = (struct path){at.mnt->parent, at.mnt->mountpoint};
    return at.mnt == top->mnt && dentry_is_beneath(at.dentry, top->dentry);
}

/* --- namespaces --- */
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
    waitq_init(&ns->change);
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
    waitq_release(&ns->change);
    user_ns_put(ns->user_ns);
    list_del(&ns->node);
    if (ns->counted)
        ns_count_sub();
    free(ns);
}

void mount_ns_changed(struct mount_ns *ns)
{
    if (!ns || ns->anonymous)
        return;
    ns->event++;
    waitq_wake_all(&ns->change);
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
            return nmounts >= MOUNTS_MAX ? -ENOSPC : -ENOMEM;
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
        return nmounts >= MOUNTS_MAX ? -ENOSPC : -ENOMEM;
    c->is_locked = false;
    int err = recursive ? copy_children(m, c, how, unbindable_too) : 0;
    if (err) {
        mount_umount_tree(c, false);
        return err;
    }
    *out = c;
    return 0;
}

static void replace_path(struct path *p, const struct mount *from, struct mount *to)
{
    if (p->mnt != from)
        return;
    struct path was = *p;
    struct path now = {to, p->dentry};
    *p = path_get(&now);
    path_put(&was);
}

void mount_lock_tree(struct mount *top)
{
    for (struct mount *m = top; m; m = mount_next(m, top)) {
        m->locked |= (m->flags & (MS_RDONLY | MS_NODEV | MS_NOSUID | MS_NOEXEC)) | MS_NOATIME;
        m->is_locked = m != top || m->parent;
    }
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

bool dentry_is_busy(struct task *t, const struct dentry *d)
{
    const struct mount *m;

    if (!d->mounted)
        return false;
    list_for_each(m, &ns_of(t)->mounts, node) {
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
int mount_claim(struct mount *m)
{
    if (nmounts >= MOUNTS_MAX || m->id <= 0 || m->id >= MOUNT_IDS ||
        (ids[m->id / 64] & 1ULL << (m->id % 64)))
        return -EINVAL;
    ids[m->id / 64] |= 1ULL << (m->id % 64);
    if (!m->unique_id)
        m->unique_id = MOUNT_ID_UNIQUE_FIRST + (uint64_t)m->id;
    last_unique_id = MAX(last_unique_id, m->unique_id);
    nmounts++;
    return 0;
}

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
