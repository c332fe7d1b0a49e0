/*
 * Checkpoints of mounts: peer groups, mounts, namespaces. A namespace knows where its mounts are;
 * what it says is checked when it is linked (mount_ns.c).
 */
#include <stdlib.h>
#include <sys/mount.h>

#include "sentry/vfs/ckpt.h"
#include "sentry/vfs/vfs_internal.h"

/* --- peer groups --- */
static const struct ckpt_field group_fields[] = {
    CKPT_UINT_MAX(struct peer_group, id, INT32_MAX),
};

static void *group_create(struct ckpt_reader *r)
{
    struct peer_group *g = calloc(1, sizeof(*g));

    if (g) {
        list_init(&g->members);
        list_init(&g->slaves);
        list_init(&g->queue);
    }
    return g;
}

static void group_link(struct ckpt_reader *r, void *obj)
{
    if (peer_group_claim(obj))
        ckpt_bad(r, "its number is taken");
}

static const struct ckpt_type ckpt_peer_group = {
    .name = "peer group",
    .id = CT_PEER_GROUP,
    .version = 1,
    CKPT_TABLE(group_fields),
    .create = group_create,
    .link = group_link,
};
CKPT_TYPE_REGISTER(ckpt_peer_group);

/* --- mounts --- */
static const struct ckpt_field mount_fields[] = {
    CKPT_UINT_MAX(struct mount, id, INT32_MAX - 1),
    CKPT_UINT(struct mount, flags),
    CKPT_REF(struct mount, sb, &ckpt_superblock),
    CKPT_REF(struct mount, root, &ckpt_dentry),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct mount, unique_id, .max = INT64_MAX),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct mount, locked),
    CKPT_SINCE(2, CKPT_KIND_BOOL, struct mount, is_locked),
    CKPT_SINCE(2, CKPT_KIND_BOOL, struct mount, unbindable),
    CKPT_SINCE(2, CKPT_KIND_WEAK, struct mount, group, .type = &ckpt_peer_group),
    CKPT_SINCE(2, CKPT_KIND_WEAK, struct mount, master, .type = &ckpt_peer_group),
};

static uint32_t nattached; /* of version 1, where mounts knew their places, not the namespace */

static void *mount_create(struct ckpt_reader *r)
{
    struct mount *m = calloc(1, sizeof(*m));

    if (m) {
        list_init(&m->node);
        list_init(&m->children);
        list_init(&m->child_node);
        list_init(&m->peer_node);
        list_init(&m->slave_node);
        list_init(&m->prop_node);
        list_init(&m->along_node);
    }
    return m;
}

static void mount_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct mount *m = obj;

    m->flags &= MOUNT_FLAGS;
    if (version < 2 && !(m->flags & MS_NOATIME))
        m->flags |= MS_RELATIME;
    if (version >= 2 || !ckpt_get_u8(r))
        return;
    ckpt_get_ref(r, &ckpt_mount, &m->parent);
    ckpt_get_ref(r, &ckpt_dentry, &m->mountpoint);
    nattached++;
}

static void mount_link(struct ckpt_reader *r, void *obj)
{
    struct mount *m = obj;

    if (!m->sb || !m->root || m->root->sb != m->sb || !m->root->inode)
        ckpt_bad(r, "a mount of nothing");
    else if (m->group && m->group == m->master)
        ckpt_bad(r, "a mount that is its own master");
    else if (mount_claim(m))
        ckpt_bad(r, "its number %d is taken", m->id);
    if (ckpt_failed(r))
        return;
    if (m->group)
        list_add_tail(&m->group->members, &m->peer_node);
    if (m->master)
        mount_set_master(m, m->master);
}

static void mount_hold(void *obj)
{
    mount_get(obj);
}

const struct ckpt_type ckpt_mount = {
    .name = "mount",
    .id = CT_MOUNT,
    .version = 2,
    CKPT_TABLE(mount_fields),
    .create = mount_create,
    .load = mount_load,
    .link = mount_link,
    .hold = mount_hold,
};
CKPT_TYPE_REGISTER(ckpt_mount);

/* --- namespaces: their mounts by age, and where they are --- */
struct place {
    struct mount *m, *parent;
    struct dentry *point;
};
struct restored_ns {
    struct mount_ns ns;
    uint32_t n;
    struct place *v;
    bool old;
};

static void ns_save(struct ckpt_writer *w, void *obj)
{
    const struct mount_ns *ns = obj;
    struct mount *m;
    uint32_t n = 0;

    list_for_each(m, &ns->mounts, node)
        n++;
    ckpt_put_u32(w, n);
    ckpt_put_ref(w, &ckpt_mount, ns->root);
    list_for_each(m, &ns->mounts, node) {
        ckpt_put_ref(w, &ckpt_mount, m);
        ckpt_put_ref(w, &ckpt_mount, m->parent);
        ckpt_put_ref(w, &ckpt_dentry, m->mountpoint);
    }
    ckpt_put_u8(w, ns == root_mount_ns);
    ckpt_put_u8(w, ns->anonymous);
    ckpt_put_u64(w, ns->id);
    ckpt_put_ref(w, &ckpt_user_ns, ns->user_ns);
}

/* The first of an image is the sandbox's own, which its root record names; others begin empty. */
static struct restored_ns first;

static void *ns_create(struct ckpt_reader *r)
{
    struct restored_ns *n;

    if (!first.v && !root_mount_ns->root) {
        n = &first;
    } else {
        n = calloc(1, sizeof(*n));
    }
    if (!n)
        return NULL;
    list_init(&n->ns.mounts);
    list_init(&n->ns.node);
    waitq_init(&n->ns.change.q);
    return n == &first ? (void *)root_mount_ns : n;
}

static void ns_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct restored_ns *rn = obj == root_mount_ns ? &first : obj;
    struct mount_ns *ns = obj;
    uint32_t n = ckpt_get_count(r, MOUNTS_MAX, 4);

    rn->v = calloc((size_t)n + 1, sizeof(rn->v[0]));
    if (!rn->v) {
        ckpt_bad(r, "out of memory");
        return;
    }
    rn->n = n;
    ckpt_get_weak(r, &ckpt_mount, &ns->root);
    rn->old = version < 2;
    for (uint32_t i = 0; i < n; i++) {
        ckpt_get_ref(r, &ckpt_mount, &rn->v[i].m);
        if (rn->old)
            continue;
        ckpt_get_ref(r, &ckpt_mount, &rn->v[i].parent);
        ckpt_get_ref(r, &ckpt_dentry, &rn->v[i].point);
    }
    if (rn->old)
        return;
    if (ckpt_get_u8(r) != (ns == root_mount_ns))
        ckpt_bad(r, "the first namespace of mounts is another");
    ns->anonymous = ckpt_get_u8(r);
    ns->id = ckpt_get_u64(r);
    if (version > 2)
        ckpt_get_ref(r, &ckpt_user_ns, &ns->user_ns);
}

static void ns_link(struct ckpt_reader *r, void *obj)
{
    struct restored_ns *rn = obj == root_mount_ns ? &first : obj;
    struct mount_ns *ns = obj;

    for (uint32_t i = 0; i < rn->n && !ckpt_failed(r); i++) {
        struct place *p = &rn->v[i];
        if (p->m && !rn->old) {
            p->m->parent = p->parent;
            p->m->mountpoint = p->point;
        }
        if (!p->m || mount_restored(p->m, ns))
            ckpt_bad(r, "mount %u is in the wrong place", i);
    }
    if (!ckpt_failed(r) && ((rn->old && nattached != rn->n) || mount_ns_restored(ns)))
        ckpt_bad(r, "the tree of mounts has no root");
    free(rn->v);
    rn->v = NULL;
}

static void ns_hold(void *obj)
{
    mount_ns_get(obj);
}

const struct ckpt_type ckpt_mount_ns = {
    .name = "mount namespace",
    .id = CT_MOUNT_NS,
    .version = 3, /* 3: of a user namespace */
    .save = ns_save,
    .create = ns_create,
    .load = ns_load,
    .link = ns_link,
    .hold = ns_hold,
};
CKPT_TYPE_REGISTER(ckpt_mount_ns);
