/*
 * Shared subtrees: Documentation/filesystems/sharedsubtree.rst of Linux.
 *
 * What is mounted or unmounted beneath one member of a peer group is so beneath all, and beneath
 * the slaves of the group, which may be members of groups that have slaves. A group lives as long
 * as it has members; then its slaves get what was its master.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "sentry/ns/ns.h"
#include "sentry/vfs/vfs_internal.h"

#define GROUPS_MAX 16384

static uint64_t ids[GROUPS_MAX / 64];
static uint64_t stamp;

/* --- groups --- */
int peer_group_claim(struct peer_group *g)
{
    if (g->id <= 0 || g->id >= GROUPS_MAX || (ids[g->id / 64] & 1ULL << (g->id % 64)))
        return -EINVAL;
    ids[g->id / 64] |= 1ULL << (g->id % 64);
    return 0;
}

static struct peer_group *group_new(void)
{
    struct peer_group *g = calloc(1, sizeof(*g));

    if (!g)
        return NULL;
    for (g->id = 1; peer_group_claim(g);) {
        if (++g->id == GROUPS_MAX) {
            free(g);
            return NULL;
        }
    }
    list_init(&g->members);
    list_init(&g->slaves);
    list_init(&g->queue);
    return g;
}

int mount_set_shared(struct mount *m)
{
    if (!m->group) {
        m->group = group_new();
        if (!m->group)
            return -ENOSPC;
        list_add_tail(&m->group->members, &m->peer_node);
    }
    m->unbindable = false;
    return 0;
}

void mount_set_master(struct mount *m, struct peer_group *g)
{
    list_del(&m->slave_node);
    m->master = g;
    if (g)
        list_add_tail(&g->slaves, &m->slave_node);
}

void mount_leave_group(struct mount *m)
{
    struct peer_group *g = m->group;
    struct mount *s, *tmp;

    if (!g)
        return;
    list_del(&m->peer_node);
    m->group = NULL;
    if (!list_empty(&g->members))
        return;
    list_for_each_safe(s, tmp, &g->slaves, slave_node) {
        mount_set_master(s, m->master);
    }
    ids[g->id / 64] &= ~(1ULL << (g->id % 64));
    free(g);
}

/* change_mnt_propagation() of fs/pnode.c. */
int mount_change_type(struct mount *m, unsigned long type)
{
    struct peer_group *g = m->group;

    if (type == MS_SHARED)
        return mount_set_shared(m);
    if (type == MS_SLAVE) {
        bool alone = g && g->members.next == g->members.prev;
        mount_leave_group(m);
        if (g && !alone)
            mount_set_master(m, g);
        return 0;
    }
    mount_leave_group(m);
    mount_set_master(m, NULL);
    m->unbindable = type == MS_UNBINDABLE;
    return 0;
}

int mount_change_type_of(struct mount *top, unsigned long type, bool recursive)
{
    struct mount *m = top;
    int err;

    do
        err = mount_change_type(m, type);
    while (!err && recursive && (m = mount_next(m, top)));
    return err;
}

void mount_join_as_copy(struct mount *copy, struct mount *m, enum mount_copy how)
{
    if (how != COPY_AS_IS && m->group) {
        mount_set_master(copy, m->group);
        return;
    }
    if (how == COPY_AS_IS && m->group) {
        copy->group = m->group;
        list_add_tail(&m->group->members, &copy->peer_node);
    }
    if (m->master)
        mount_set_master(copy, m->master);
}

/* --- what a change reaches --- */
static void enqueue(struct list *queue, struct peer_group *g, struct mount *source)
{
    if (g->seen == stamp)
        return;
    g->seen = stamp;
    g->source = source;
    list_add_tail(queue, &g->queue);
}

static struct peer_group *dequeue(struct list *queue)
{
    struct peer_group *g = list_first_or_null(queue, struct peer_group, queue);

    if (g)
        list_del(&g->queue);
    return g;
}

void propagate_targets(struct mount *m, struct list *out)
{
    struct list queue = LIST_INIT(queue);
    struct peer_group *g;
    struct mount *p;

    stamp++;
    if (m->group)
        enqueue(&queue, m->group, NULL);
    while ((g = dequeue(&queue))) {
        list_for_each(p, &g->members, peer_node) {
            if (p != m)
                list_add_tail(out, &p->prop_node);
        }
        list_for_each(p, &g->slaves, slave_node) {
            if (p->group)
                enqueue(&queue, p->group, NULL);
            else
                list_add_tail(out, &p->prop_node);
        }
    }
}

/* --- mount --- */
struct propagation {
    const struct path *at;
    struct list queue, *copies;
};

static bool wants(const struct propagation *p, const struct mount *m)
{
    return m != p->at->mnt && m->ns && dentry_is_beneath(p->at->dentry, m->root);
}

static int copy_to(struct propagation *p, struct mount *m, struct mount *source,
                   enum mount_copy how, struct mount **out)
{
    struct path at = {m, p->at->dentry};
    int err = mount_copy_tree(source, source->root, how, true, false, out);

    if (err)
        return err;
    mount_hang(*out, path_get(&at));
    if (m->ns->user_ns != p->at->mnt->ns->user_ns)
        mount_lock_tree(*out);
    /* Appended: the first that propagation hands on come first. */
    list_add_tail(p->copies, &(*out)->prop_node);
    return 0;
}

/* One group: source is what a member has, or what its master has when none of it wanted any. */
static int copy_to_group(struct propagation *p, struct peer_group *g)
{
    bool own = g == p->at->mnt->group;
    struct mount *m, *copy;
    int err = 0;

    list_for_each(m, &g->members, peer_node) {
        if (err || !wants(p, m))
            continue;
        err = copy_to(p, m, g->source, own ? COPY_AS_IS : COPY_SLAVE_SHARED, &copy);
        if (!err && !own) {
            g->source = copy;
            own = true;
        }
    }
    list_for_each(m, &g->slaves, slave_node) {
        if (err)
            break;
        if (m->group)
            enqueue(&p->queue, m->group, g->source);
        else if (wants(p, m))
            err = copy_to(p, m, g->source, COPY_SLAVE, &copy);
    }
    return err;
}

int propagate_mount(struct mount *tree, const struct path *at, struct list *copies)
{
    struct propagation p = {.at = at, .queue = LIST_INIT(p.queue), .copies = copies};
    struct peer_group *g;
    int err = 0;

    stamp++;
    enqueue(&p.queue, at->mnt->group, tree);
    while ((g = dequeue(&p.queue)))
        err = err ? err : copy_to_group(&p, g);
    return err;
}

/* --- umount --- */
/* The one mount that covers all of m: it may stay when m goes from beneath it. */
static struct mount *topper(const struct mount *m)
{
    struct mount *c = list_first_or_null(&m->children, struct mount, child_node);

    return c && c->child_node.next == &m->children && c->mountpoint == m->root ? c : NULL;
}

static bool keeps(struct mount *m)
{
    struct mount *c;

    if (m->is_locked && m->parent && !m->parent->going)
        return true;
    if (topper(m))
        return false;
    list_for_each(c, &m->children, child_node) {
        if (!c->going)
            return true;
    }
    return false;
}

static void find_along(struct list *going, struct list *along)
{
    struct list targets = LIST_INIT(targets);
    struct mount *m, *c;

    list_for_each(m, going, node) {
        if (!m->parent)
            continue;
        propagate_targets(m->parent, &targets);
        while (!list_empty(&targets)) {
            struct mount *p = list_first(&targets, struct mount, prop_node);
            list_del(&p->prop_node);
            c = mount_at(p, m->mountpoint);
            if (!c || c->going)
                continue;
            c->going = true;
            list_add_tail(along, &c->along_node);
        }
    }
}

/* Moves m from what goes along to what is kept, if it has a reason to stay. */
static void consider(struct mount *m, struct list *kept)
{
    if (!m || !m->going || list_empty(&m->along_node) || !keeps(m))
        return;
    m->going = false;
    list_del(&m->along_node);
    list_add_tail(kept, &m->along_node);
}

/* What is kept keeps what it is mounted on and what is locked to it: only these are looked at
 * again. */
static void keep_some(struct list *along)
{
    struct list kept = LIST_INIT(kept);
    struct mount *m, *c, *tmp;

    list_for_each_safe(m, tmp, along, along_node) {
        consider(m, &kept);
    }
    while (!list_empty(&kept)) {
        m = list_first(&kept, struct mount, along_node);
        list_del(&m->along_node);
        consider(m->parent, &kept);
        list_for_each(c, &m->children, child_node) {
            consider(c, &kept);
        }
    }
}

/* What lies over m comes to lie where m did, or what m goes from beneath along with m. */
static void come_down(struct mount *on, const struct mount *m)
{
    struct path at = {m->parent, m->mountpoint};

    while (at.mnt->going && at.mnt->parent)
        at = (struct path){at.mnt->parent, at.mnt->mountpoint};
    mount_rehang(on, &at);
}

void propagate_umount(struct list *going)
{
    struct list along = LIST_INIT(along);
    struct mount *c, *tmp;

    find_along(going, &along);
    keep_some(&along);
    list_for_each_safe(c, tmp, &along, along_node) {
        struct mount *on = topper(c);
        list_del(&c->along_node);
        if (on && !on->going)
            come_down(on, c);
        if (c->ns && c->ns->root == c)
            c->ns->root = NULL;
        list_del(&c->node);
        list_add_tail(going, &c->node);
    }
}

/* propagate_mount_busy(): would umount(2) of m leave users of what goes along with it? */
bool propagate_busy(struct mount *m)
{
    struct list targets = LIST_INIT(targets);
    bool busy = false;

    if (!m->parent)
        return false;
    propagate_targets(m->parent, &targets);
    while (!list_empty(&targets)) {
        struct mount *p = list_first(&targets, struct mount, prop_node);
        list_del(&p->prop_node);
        const struct mount *c = mount_at(p, m->mountpoint);
        if (!c)
            continue;
        const struct mount *on = topper(c);
        if (!on && !list_empty(&c->children))
            continue; /* it stays */
        busy |= c->refs > (on ? 2U : 1U);
    }
    return busy;
}

/* --- for /proc --- */
static bool seen_in(const struct peer_group *g, const struct path *root)
{
    const struct mount *m;

    list_for_each(m, &g->members, peer_node) {
        struct path p = {(struct mount *)(uintptr_t)m, m->root};
        if (m->ns == root->mnt->ns && path_is_beneath(&p, root))
            return true;
    }
    return false;
}

int mount_dominating_id(const struct mount *m, const struct path *root)
{
    for (const struct peer_group *g = m->master; g;) {
        if (seen_in(g, root))
            return g->id;
        const struct mount *any = list_first_or_null(&g->members, struct mount, peer_node);
        g = any ? any->master : NULL;
    }
    return 0;
}
