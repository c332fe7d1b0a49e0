/*
 * Namespaces, tables of objects and their permissions. Ids are given out as ipc/util.c does:
 * indexes go round, so that the id of a removed object is not soon that of another.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macros.h"
#include "sentry/ipc/mqueue/mqueue.h"
#include "sentry/ipc/sysv/sysv_internal.h"
#include "sentry/ns/ns.h"
#include "sentry/kernel/task.h"

#define MIN_CYCLE 64
#define SEQ_MAX (INT32_MAX / IPC_MNI_MAX)

struct ipc_ns *ipc_ns_new(void)
{
    struct ipc_ns *ns = calloc(1, sizeof(*ns));

    if (!ns)
        return NULL;
    ns->refs = 1;
    list_init(&ns->undo_lists);
    for (int i = 0; i < IPC_KINDS; i++)
        ns->ids[i].last = -1;
    ns->shm_max = ns->shm_all = UINT64_MAX - (1UL << 24);
    ns->shm_mni = 4096;
    ns->msg_max = 8192;
    ns->msg_mnb = 16384;
    ns->msg_mni = 32000;
    ns->sem_msl = 32000;
    ns->sem_mns = 1 << 20; /* Linux: 1024000000, and an allocation that fails long before */
    ns->sem_opm = 500;
    ns->sem_mni = 32000;
    ns->mq_queues_max = 256;
    ns->mq_msg_max = ns->mq_msg_default = 10;
    ns->mq_msgsize_max = ns->mq_msgsize_default = 8192;
    return ns;
}

int ipc_ns_make(struct user_ns *owner, struct ipc_ns **out)
{
    if (!ns_count_add())
        return -ENOSPC;
    struct ipc_ns *ns = ipc_ns_new();
    if (!ns) {
        ns_count_sub();
        return -ENOMEM;
    }
    ns->counted = true;
    ns->id = ns_next_id();
    ns->owner = user_ns_get(owner);
    *out = ns;
    return 0;
}

struct ipc_ns *ipc_ns_get(struct ipc_ns *ns)
{
    ns->refs++;
    return ns;
}

void ipc_ns_put(struct ipc_ns *ns)
{
    if (!ns || --ns->refs)
        return;
    shm_ns_exit(ns);
    sem_ns_exit(ns);
    msg_ns_exit(ns);
    mqueue_ns_exit(ns);
    for (int i = 0; i < IPC_KINDS; i++)
        free(ns->ids[i].slot);
    user_ns_put(ns->owner);
    if (ns->counted)
        ns_count_sub();
    free(ns);
}

struct ipc_ns *ipc_ns_root(void)
{
    static struct ipc_ns *root;

    if (!root)
        root = ipc_ns_new();
    return root;
}

/* kernel/fork.c copy_semundo(): the list is made when it is first shared or needed. */
int ipc_task_clone(struct task *parent, struct task *child, uint64_t flags)
{
    if (flags & CLONE_NEWIPC)
        return ipc_ns_make(child->cred->user_ns, &child->ipc);
    child->ipc = ipc_ns_get(parent->ipc);
    if (!(flags & CLONE_SYSVSEM))
        return 0;
    if (!parent->sem_undo) {
        parent->sem_undo = sem_undo_list_new(parent->ipc);
        if (!parent->sem_undo)
            return -ENOMEM;
        parent->sem_undo->refs = 1;
    }
    child->sem_undo = parent->sem_undo;
    child->sem_undo->refs++;
    return 0;
}

void ipc_task_exit(struct task *t)
{
    struct ipc_ns *ns = t->ipc;

    sem_undo_exit(t);
    t->ipc = NULL;
    ipc_ns_put(ns);
}

/* --- permissions --- */
int ipc_permitted(const struct task *t, const struct ipc_object *o, int wanted)
{
    const struct cred *c = t->cred;
    mode_t asked = (mode_t)((wanted >> 6) | (wanted >> 3) | wanted), granted = o->mode;

    if (c->euid == o->cuid || c->euid == o->uid)
        granted >>= 6;
    else if (cred_in_group(c, o->cgid) || cred_in_group(c, o->gid))
        granted >>= 3;
    return (asked & ~granted & 07) && !ns_capable(c, t->ipc->owner, CAP_IPC_OWNER) ? -EACCES : 0;
}

int ipc_owned(const struct task *t, const struct ipc_object *o)
{
    const struct cred *c = t->cred;

    return c->euid == o->cuid || c->euid == o->uid || cred_capable(c, CAP_SYS_ADMIN) ? 0 : -EPERM;
}

void ipc_set_perm(struct ipc_object *o, const struct ipc_perm *in)
{
    o->uid = in->uid;
    o->gid = in->gid;
    o->mode = (o->mode & ~(mode_t)0777) | (in->mode & 0777);
}

void ipc_show_perm(const struct ipc_object *o, struct ipc_perm *out)
{
    *out = (struct ipc_perm){.__key = o->key,
                             .uid = o->uid,
                             .gid = o->gid,
                             .cuid = o->cuid,
                             .cgid = o->cgid,
                             .mode = o->mode,
                             .__seq = (unsigned short)(o->id / IPC_MNI_MAX)};
}

int64_t ipc_time(void)
{
    return (int64_t)(realtime_ns() / NSEC_PER_SEC);
}

/* --- tables --- */
struct ipc_object *ipc_find_index(struct ipc_ns *ns, enum ipc_kind kind, int index)
{
    const struct ipc_ids *ids = &ns->ids[kind];

    return index >= 0 && index < ids->cap ? ids->slot[index] : NULL;
}

struct ipc_object *ipc_find(struct ipc_ns *ns, enum ipc_kind kind, int id)
{
    struct ipc_object *o = id < 0 ? NULL : ipc_find_index(ns, kind, id % IPC_MNI_MAX);

    return o && o->id == id ? o : NULL;
}

int ipc_max_index(const struct ipc_ns *ns, enum ipc_kind kind)
{
    int i = ns->ids[kind].cap - 1;

    while (i > 0 && !ns->ids[kind].slot[i])
        i--;
    return MAX(i, 0);
}

static int grow(struct ipc_ids *ids, int index)
{
    int cap = MAX(16, ids->cap);

    while (cap <= index)
        cap *= 2;
    if (cap == ids->cap)
        return 0;
    struct ipc_object **slot = reallocarray(ids->slot, (size_t)cap, sizeof(struct ipc_object *));
    if (!slot)
        return -ENOMEM;
    memset(slot + ids->cap, 0, (size_t)(cap - ids->cap) * sizeof(struct ipc_object *));
    ids->slot = slot;
    ids->cap = cap;
    return 0;
}

static int add(struct ipc_ns *ns, struct ipc_object *o, uint32_t limit)
{
    struct ipc_ids *ids = &ns->ids[o->kind];
    int span = MIN(MAX(ids->in_use * 3 / 2, MIN_CYCLE), IPC_MNI_MAX);

    if ((uint32_t)ids->in_use >= MIN(limit, (uint32_t)IPC_MNI_MAX))
        return -ENOSPC;
    int index = ids->last + 1 < span ? ids->last + 1 : 0;
    while (index < ids->cap && ids->slot[index]) /* in_use < span: there is a free one */
        index = index + 1 < span ? index + 1 : 0;
    if (grow(ids, index))
        return -ENOMEM;
    if (index <= ids->last)
        ids->seq = ids->seq + 1 < SEQ_MAX ? ids->seq + 1 : 0;
    ids->last = index;
    ids->slot[index] = o;
    ids->in_use++;
    o->id = ids->seq * IPC_MNI_MAX + index;
    return o->id;
}

bool ipc_place(struct ipc_ns *ns, struct ipc_object *o)
{
    struct ipc_ids *ids = &ns->ids[o->kind];
    int index = o->id < 0 ? -1 : o->id % IPC_MNI_MAX;

    if (index < 0 || ipc_find_index(ns, o->kind, index) || grow(ids, index))
        return false;
    ids->slot[index] = o;
    ids->in_use++;
    return true;
}

void ipc_remove(struct ipc_ns *ns, struct ipc_object *o)
{
    struct ipc_ids *ids = &ns->ids[o->kind];

    ids->slot[o->id % IPC_MNI_MAX] = NULL;
    ids->in_use--;
}

static uint32_t limit_of(const struct ipc_ns *ns, enum ipc_kind kind)
{
    return kind == IPC_SHM ? ns->shm_mni : kind == IPC_SEM ? ns->sem_mni : ns->msg_mni;
}

static long create(struct task *t, enum ipc_kind kind, const struct ipc_create *c)
{
    struct ipc_ns *ns = t->ipc;
    struct ipc_object *o;

    int err = c->make(t, ns, c, &o);
    if (err)
        return err;
    o->kind = kind;
    o->key = c->key;
    o->mode = (mode_t)c->flags & 0777;
    o->uid = o->cuid = t->cred->euid;
    o->gid = o->cgid = t->cred->egid;
    int id = add(ns, o, limit_of(ns, kind));
    if (id < 0)
        c->discard(ns, o);
    return id;
}

static struct ipc_object *find_key(const struct ipc_ns *ns, enum ipc_kind kind, int key)
{
    struct ipc_object *o;
    int i;

    ipc_for_each(i, o, ns, kind) if (o->key == key) return o;
    return NULL;
}

long ipc_get(struct task *t, enum ipc_kind kind, const struct ipc_create *c)
{
    struct ipc_object *o = c->key == IPC_PRIVATE ? NULL : find_key(t->ipc, kind, c->key);

    if (!o)
        return c->key == IPC_PRIVATE || (c->flags & IPC_CREAT) ? create(t, kind, c) : -ENOENT;
    if ((c->flags & IPC_CREAT) && (c->flags & IPC_EXCL))
        return -EEXIST;
    int err = c->fits ? c->fits(o, c) : 0;
    if (!err)
        err = ipc_permitted(t, o, c->flags);
    return err ? err : o->id;
}

int ipc_find_stat(struct task *t, enum ipc_kind kind, int id, bool is_index, bool any,
                  struct ipc_object **out)
{
    *out = is_index ? ipc_find_index(t->ipc, kind, id) : ipc_find(t->ipc, kind, id);
    if (!*out)
        return -EINVAL;
    return any ? 0 : ipc_permitted(t, *out, 0444);
}
