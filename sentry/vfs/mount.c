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
        if (!~ids[i])
            continue;
        int bit = __builtin_ctzll(~ids[i]);
        if (i || bit) {
            ids[i] |= 1ULL << bit;
            return i * 64 + bit;
        }
        ids[0] |= 1; /* 0 is none */
        return id_alloc();
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
    nmounts++;
    return m;
}

static unsigned long default_atime(unsigned long flags)
{
    return flags & MS_NOATIME ? flags : flags | MS_RELATIME;
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

static void unhang(struct mount *m)
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

    unhang(m);
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
    struct mount_ns *ns = calloc(1, sizeof(*ns));

    if (!ns)
        return NULL;
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

int mount_ns_copy(struct mount_ns *old, struct user_ns *user_ns, struct fs_context *fs,
                  struct mount_ns **out)
{
    struct mount_ns *ns = mount_ns_new(false);
    struct mount *copy;

    if (!ns)
        return -ENOMEM;
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
    unhang(top);
}

/*
 * What is mounted on a place already goes on top of what comes beneath it by propagation: it stays
 * what one sees there.
 */
static void tuck(struct mount *m)
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
            tuck(m);
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
        unhang(m);
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
int mount_restored(struct mount *m, struct mount_ns *ns)
{
    if (!list_empty(&m->node) || nmounts >= MOUNTS_MAX || !m->parent != !m->mountpoint ||
        m->id <= 0 || m->id >= MOUNT_IDS || (ids[m->id / 64] & 1ULL << (m->id % 64)))
        return -EINVAL;
    ids[m->id / 64] |= 1ULL << (m->id % 64);
    if (!m->unique_id)
        m->unique_id = MOUNT_ID_UNIQUE_FIRST + (uint64_t)m->id;
    last_unique_id = MAX(last_unique_id, m->unique_id);
    nmounts++;
    ns_add(ns, m);
    return 0;
}

/* Parents are mounts of the same namespace, and all end at its root. */
int mount_ns_restored(struct mount_ns *ns)
{
    struct mount *m, *reached = ns->root;
    unsigned int all = 0, seen = 0;

    if (!ns->root || ns->root->ns != ns || ns->root->parent)
        return -EINVAL;
    list_for_each(m, &ns->mounts, node) {
        all++;
        if (m == ns->root)
            continue;
        if (!m->parent || m->parent->ns != ns || m->parent == m || !m->mountpoint->inode ||
            m->mountpoint->sb != m->parent->sb)
            return -EINVAL;
        mount_hang(m, (struct path){m->parent, m->mountpoint});
    }
    for (; reached && seen <= all; reached = mount_next(reached, ns->root))
        seen++;
    if (seen != all)
        return -EINVAL;
    ns_id_taken(ns->id);
    if (list_empty(&ns->node))
        list_add_tail(&mount_namespaces, &ns->node);
    return 0;
}

/* --- changing it --- */
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
        return nmounts >= MOUNTS_MAX ? -ENOSPC : -ENOMEM;
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
    if (at->mnt->ns != ns_of(t))
        return -EINVAL;
    if (from->mnt->unbindable || (from->mnt->ns != ns_of(t) && !from->dentry->sb->bindable) ||
        (!recursive && has_locked_children(from->mnt, from->dentry)))
        return -EINVAL;
    return vfs_bind(at, from, recursive);
}

int mount_add_new(struct task *t, const struct path *at, struct mount *m)
{
    int err = 0;

    if (at->mnt->ns != ns_of(t))
        err = -EINVAL;
    else if (at->mnt->sb == m->sb && path_is_mount(at) && m->root == m->sb->root)
        err = -EBUSY;
    else if (S_ISLNK(m->root->inode->mode))
        err = -EINVAL;
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

    if (from->mnt->unbindable ||
        (from->mnt->ns != ns_of(t) && !from->dentry->sb->bindable &&
         !(from->mnt->ns && from->mnt->ns->anonymous)) ||
        (!recursive && has_locked_children(from->mnt, from->dentry)))
        return -EINVAL;
    struct mount_ns *ns = mount_ns_new(true);
    if (!ns)
        return -ENOMEM;
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
    bool attached = m->parent != NULL;

    if (!mount_attached(m) || !mount_attached(at->mnt))
        return -EINVAL;
    if (m->ns == ns_of(t) ? !attached || !path_is_mount(from)
                          : !anonymous_ok || !m->ns->anonymous || m->ns->root != m)
        return -EINVAL;
    if (at->mnt->ns != ns_of(t) || !path_is_mount(from) || m->is_locked)
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

    if (!path_is_mount(at) || !on->parent || on->is_locked || on->parent->ns != ns_of(t))
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
        tuck(m);
    }
    if (!err && was->anonymous)
        mount_ns_put(was);
    else
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
    struct mount_ns *ns = ns_of(t);

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
    unhang(new_m);
    if (top.mnt) {
        unhang(root_m);
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
