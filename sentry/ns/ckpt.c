/*
 * Checkpoints of namespaces: of users, processes, host names, network and cgroups. The first of
 * each kind is no object (but that of host names, which the root record has). Those of mounts and
 * IPC are saved where they live; files that stand for a namespace in nsfs.c.
 */
#include <stdlib.h>

#include "sentry/ckpt/types.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uts.h"
#include "sentry/ns/ns.h"

/* Levels from ns to the first namespace; too many: the chain does not end. */
static unsigned int user_depth(const struct user_ns *ns)
{
    unsigned int n = 0;

    for (; ns && n <= NS_LEVELS_MAX; ns = ns->base.owner)
        n++;
    return n;
}

static unsigned int pid_depth(const struct pid_ns *ns)
{
    unsigned int n = 0;

    for (; ns && n <= NS_LEVELS_MAX; ns = ns->parent)
        n++;
    return n;
}

static void *counted(struct ckpt_reader *r, size_t size)
{
    if (!ns_count_add()) {
        ckpt_bad(r, "more namespaces than there can be");
        return NULL;
    }
    return calloc(1, size);
}

static void base_hold(void *obj)
{
    ((struct ns_base *)obj)->refs++;
}

static void base_link(struct ckpt_reader *r, void *obj)
{
    const struct ns_base *b = obj;

    if (user_depth(b->owner) > NS_LEVELS_MAX)
        ckpt_bad(r, "its owner has no end of owners");
    ns_id_taken(b->id);
}

/* --- users --- */
static const struct ckpt_field user_fields[] = {
    CKPT_UINT(struct user_ns, base.id),
    CKPT_REF(struct user_ns, base.owner, &ckpt_user_ns),
    CKPT_UINT(struct user_ns, uid),
    CKPT_UINT(struct user_ns, gid),
    CKPT_BOOL(struct user_ns, setgroups_denied),
    CKPT_BOOL(struct user_ns, parent_could_setfcap),
};

static void save_map(struct ckpt_writer *w, const struct id_map *m)
{
    ckpt_put_u32(w, m->n);
    for (unsigned int i = 0; i < m->n; i++) {
        ckpt_put_u32(w, m->v[i].first);
        ckpt_put_u32(w, m->v[i].lower);
        ckpt_put_u32(w, m->v[i].count);
    }
}

static void load_map(struct ckpt_reader *r, struct id_map *m)
{
    uint32_t n = ckpt_get_count(r, ID_EXTENTS_MAX, sizeof(struct id_extent));

    if (!n)
        return;
    m->v = calloc(n, sizeof(*m->v));
    if (!m->v) {
        ckpt_bad(r, "out of memory");
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct id_extent e = {.first = ckpt_get_u32(r)};
        e.lower = ckpt_get_u32(r);
        e.count = ckpt_get_u32(r);
        if (!id_map_add(m, &e)) {
            ckpt_bad(r, "a map of ids that cannot be");
            return;
        }
    }
}

static void user_save(struct ckpt_writer *w, void *obj)
{
    const struct user_ns *ns = obj;

    save_map(w, &ns->uids);
    save_map(w, &ns->gids);
}

static void *user_create(struct ckpt_reader *r)
{
    return counted(r, sizeof(struct user_ns));
}

static void user_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct user_ns *ns = obj;

    load_map(r, &ns->uids);
    load_map(r, &ns->gids);
}

static void user_link(struct ckpt_reader *r, void *obj)
{
    struct user_ns *ns = obj;

    ns->level = user_depth(ns);
    if (ns->level > NS_LEVELS_MAX)
        ckpt_bad(r, "it is nested too deep, or in itself");
    ns_id_taken(ns->base.id);
}

const struct ckpt_type ckpt_user_ns = {
    .name = "user namespace",
    .id = CT_USER_NS,
    .version = 1,
    CKPT_TABLE(user_fields),
    .save = user_save,
    .create = user_create,
    .load = user_load,
    .link = user_link,
    .hold = base_hold,
};
CKPT_TYPE_REGISTER(ckpt_user_ns);

/* --- processes --- */
static const struct ckpt_field pid_fields[] = {
    CKPT_UINT(struct pid_ns, base.id),
    CKPT_REF(struct pid_ns, base.owner, &ckpt_user_ns),
    CKPT_REF(struct pid_ns, parent, &ckpt_pid_ns),
    CKPT_WEAK(struct pid_ns, reaper, &ckpt_thread_group),
    CKPT_BOOL(struct pid_ns, dead),
    CKPT_UINT_MAX(struct pid_ns, last, PID_IDS - 1),
};

static void pid_save(struct ckpt_writer *w, void *obj)
{
    const struct pid_ns *ns = obj;
    uint32_t n = 0;

    for (int nr = 1; nr < PID_IDS; nr++)
        n += ns->to_id[nr] != 0;
    ckpt_put_u32(w, n);
    for (int nr = 1; nr < PID_IDS; nr++) {
        if (!ns->to_id[nr])
            continue;
        ckpt_put_u32(w, (uint32_t)nr);
        ckpt_put_u32(w, ns->to_id[nr]);
    }
}

static void *pid_create(struct ckpt_reader *r)
{
    struct pid_ns *ns = counted(r, sizeof(*ns));

    return ns && !pid_ns_init(ns) ? ns : NULL;
}

static void pid_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct pid_ns *ns = obj;
    uint32_t n = ckpt_get_count(r, PID_IDS, 2 * sizeof(uint32_t));

    while (n-- && !ckpt_failed(r)) {
        uint32_t nr = ckpt_get_u32(r), id = ckpt_get_u32(r);
        if (!nr || nr >= PID_IDS || !id || id >= PID_IDS || ns->to_id[nr] || ns->to_nr[id]) {
            ckpt_bad(r, "process %u is number %u there", id, nr);
            return;
        }
        ns->to_id[nr] = (uint16_t)id;
        ns->to_nr[id] = (uint16_t)nr;
    }
}

/* An init that has ended is nobody's: tg_exit() tells the namespace of its leader. */
static void pid_link(struct ckpt_reader *r, void *obj)
{
    struct pid_ns *ns = obj;
    const struct thread_group *init = ns->reaper;

    ns->level = pid_depth(ns);
    if (ns->level > NS_LEVELS_MAX)
        ckpt_bad(r, "it is nested too deep, or in itself");
    else if (init && (init->zombie || !init->leader || init->leader->pid_ns != ns || ns->dead))
        ckpt_bad(r, "its init is another's");
    base_link(r, obj);
}

const struct ckpt_type ckpt_pid_ns = {
    .name = "pid namespace",
    .id = CT_PID_NS,
    .version = 1,
    CKPT_TABLE(pid_fields),
    .save = pid_save,
    .create = pid_create,
    .load = pid_load,
    .link = pid_link,
    .hold = base_hold,
};
CKPT_TYPE_REGISTER(ckpt_pid_ns);

bool task_pid_ns_ok(const struct task *t)
{
    const struct pid_ns *below = t->pid_ns_children;
    unsigned int n = 0;

    if (pid_depth(t->pid_ns) > NS_LEVELS_MAX || pid_depth(below) > NS_LEVELS_MAX)
        return false;
    for (const struct pid_ns *ns = t->pid_ns; ns && n <= NS_LEVELS_MAX; ns = ns->parent, n++)
        if (!pid_nr(ns, t->tid))
            return false;
    return t->state == TASK_ZOMBIE || pid_ns_is_in(below, t->pid_ns);
}

/* --- host names --- */
static const struct ckpt_field uts_fields[] = {
    CKPT_UINT(struct uts_ns, base.id),
    CKPT_REF(struct uts_ns, base.owner, &ckpt_user_ns),
    CKPT_BYTES(struct uts_ns, nodename),
    CKPT_BYTES(struct uts_ns, domainname),
};

static void *uts_create(struct ckpt_reader *r)
{
    return counted(r, sizeof(struct uts_ns));
}

static void uts_link(struct ckpt_reader *r, void *obj)
{
    struct uts_ns *ns = obj;

    ns->nodename[sizeof(ns->nodename) - 1] = ns->domainname[sizeof(ns->domainname) - 1] = 0;
    base_link(r, obj);
}

const struct ckpt_type ckpt_uts = {
    .name = "uts namespace",
    .id = CT_UTS,
    .version = 1,
    CKPT_TABLE(uts_fields),
    .create = uts_create,
    .link = uts_link,
    .hold = base_hold,
};
CKPT_TYPE_REGISTER(ckpt_uts);

void ckpt_put_uts(struct ckpt_writer *w, const struct uts_ns *ns)
{
    ckpt_put_ref(w, &ckpt_uts, ns == uts_root() ? NULL : ns);
}

/* --- net, cgroup --- */
void net_state_save(struct ckpt_writer *w, const struct net_state *s)
{
    ckpt_put_u8(w, s->lo_up);
    ckpt_put_u32(w, s->naddrs);
    for (unsigned int i = 0; i < s->naddrs; i++) {
        ckpt_put_u32(w, s->addrs[i].v4);
        ckpt_put_u8(w, s->addrs[i].prefix);
    }
}

void net_state_load(struct ckpt_reader *r, struct net_state *s)
{
    s->lo_up = ckpt_get_u8(r);
    s->naddrs = ckpt_get_count(r, NET_ADDRS_MAX, 5);
    for (unsigned int i = 0; i < s->naddrs; i++) {
        s->addrs[i].v4 = ckpt_get_u32(r);
        s->addrs[i].prefix = ckpt_get_u8(r);
        if (s->addrs[i].prefix > 32)
            ckpt_bad(r, "an address of %u bits", s->addrs[i].prefix);
    }
}

static const struct ckpt_field plain_fields[] = {
    CKPT_UINT(struct plain_ns, base.id),
    CKPT_REF(struct plain_ns, base.owner, &ckpt_user_ns),
};

static void plain_save(struct ckpt_writer *w, void *obj)
{
    net_state_save(w, &((struct plain_ns *)obj)->state);
}

static void *plain_create(struct ckpt_reader *r)
{
    return counted(r, sizeof(struct plain_ns));
}

static void plain_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    net_state_load(r, &((struct plain_ns *)obj)->state);
}

const struct ckpt_type ckpt_plain_ns = {
    .name = "namespace",
    .id = CT_PLAIN_NS,
    .version = 1,
    CKPT_TABLE(plain_fields),
    .save = plain_save,
    .create = plain_create,
    .load = plain_load,
    .link = base_link,
    .hold = base_hold,
};
CKPT_TYPE_REGISTER(ckpt_plain_ns);
