/*
 * Checkpoints of namespaces with their semaphore sets and message queues, and of what processes
 * have to undo. Calls that wait are made again after a restore and join their queues anew.
 */
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/ipc/mqueue/mqueue.h"
#include "sentry/ipc/sysv/sem_internal.h"
#include "sentry/ns/ns.h"

const struct ckpt_field ipc_object_fields[] = {
    CKPT_UINT_MAX(struct ipc_object, id, INT32_MAX),
    CKPT_UINT(struct ipc_object, key),
    CKPT_UINT(struct ipc_object, uid),
    CKPT_UINT(struct ipc_object, gid),
    CKPT_UINT(struct ipc_object, cuid),
    CKPT_UINT(struct ipc_object, cgid),
    CKPT_UINT_MAX(struct ipc_object, mode, 03777),
};
const unsigned int ipc_object_nfields = ARRAY_SIZE(ipc_object_fields);

/* --- semaphore sets --- */
static const struct ckpt_field set_fields[] = {
    CKPT_UINT(struct sem_set, otime),
    CKPT_UINT(struct sem_set, ctime),
};

static void save_set(struct ckpt_writer *w, const struct sem_set *s)
{
    ckpt_put_u32(w, s->nsems);
    ckpt_put_fields(w, ipc_object_fields, ipc_object_nfields, &s->o);
    ckpt_put_fields(w, set_fields, ARRAY_SIZE(set_fields), s);
    for (uint32_t i = 0; i < s->nsems; i++) {
        ckpt_put_u32(w, (uint32_t)s->sems[i].val);
        ckpt_put_u32(w, (uint32_t)s->sems[i].pid);
    }
}

static void load_set(struct ckpt_reader *r, struct ipc_ns *ns, unsigned int version)
{
    uint32_t n = ckpt_get_u32(r);

    if (ckpt_failed(r) || !n || n > ns->sem_mns - ns->sems) {
        ckpt_bad(r, "%u semaphores in a set", n);
        return;
    }
    struct sem_set *s = sem_set_new(n);
    if (!s) {
        ckpt_bad(r, "out of memory");
        return;
    }
    ns->sems += n;
    ckpt_get_fields(r, ipc_object_fields, ipc_object_nfields, &s->o, version);
    ckpt_get_fields(r, set_fields, ARRAY_SIZE(set_fields), s, version);
    for (uint32_t i = 0; i < n && !ckpt_failed(r); i++) {
        s->sems[i].val = (int)ckpt_get_u32(r);
        s->sems[i].pid = (pid_t)ckpt_get_u32(r);
        if (s->sems[i].val < 0 || s->sems[i].val > SEM_VALUE_MAX_K)
            ckpt_bad(r, "a semaphore of value %d", s->sems[i].val);
    }
    if (!ckpt_failed(r) && !ipc_place(ns, &s->o))
        ckpt_bad(r, "two semaphore sets in one place");
}

/* --- message queues --- */
static const struct ckpt_field queue_fields[] = {
    CKPT_UINT(struct msg_queue, qbytes), CKPT_UINT(struct msg_queue, stime),
    CKPT_UINT(struct msg_queue, rtime),  CKPT_UINT(struct msg_queue, ctime),
    CKPT_UINT(struct msg_queue, lspid),  CKPT_UINT(struct msg_queue, lrpid),
};

static void save_queue(struct ckpt_writer *w, const struct msg_queue *q)
{
    const struct msg *m;

    ckpt_put_fields(w, ipc_object_fields, ipc_object_nfields, &q->o);
    ckpt_put_fields(w, queue_fields, ARRAY_SIZE(queue_fields), q);
    ckpt_put_u32(w, q->qnum);
    list_for_each(m, &q->msgs, node) {
        ckpt_put_u64(w, (uint64_t)m->type);
        ckpt_put_u32(w, (uint32_t)m->len);
        ckpt_put_bytes(w, m->text, m->len);
    }
}

static void load_queue(struct ckpt_reader *r, struct ipc_ns *ns, unsigned int version)
{
    struct msg_queue *q = msg_queue_new();

    if (!q) {
        ckpt_bad(r, "out of memory");
        return;
    }
    ckpt_get_fields(r, ipc_object_fields, ipc_object_nfields, &q->o, version);
    ckpt_get_fields(r, queue_fields, ARRAY_SIZE(queue_fields), q, version);
    uint32_t n = ckpt_get_count(r, UINT32_MAX, 12);
    while (n-- && !ckpt_failed(r)) {
        long type = (long)ckpt_get_u64(r);
        uint32_t len = ckpt_get_count(r, UINT32_MAX, 1);
        struct msg *m = type > 0 ? msg_new(len) : NULL;
        if (!m) {
            ckpt_bad(r, "a message of type %ld and %u bytes", type, len);
            return;
        }
        m->type = type;
        ckpt_get_bytes(r, m->text, len);
        msg_append(ns, q, m);
    }
    if (!ckpt_failed(r) && !ipc_place(ns, &q->o))
        ckpt_bad(r, "two message queues in one place");
}

/* --- namespaces --- */
static void ns_save(struct ckpt_writer *w, void *obj)
{
    struct ipc_ns *ns = obj;
    struct ipc_object *o;
    int i;

    for (int k = 0; k < IPC_KINDS; k++) {
        ckpt_put_u32(w, (uint32_t)ns->ids[k].last);
        ckpt_put_u32(w, ns->ids[k].seq);
        ckpt_put_u32(w, (uint32_t)ns->ids[k].in_use);
    }
    ipc_for_each(i, o, ns, IPC_SHM)
        ckpt_put_ref(w, &ckpt_shm, container_of(o, struct shm_segment, o));
    ipc_for_each(i, o, ns, IPC_SEM) save_set(w, container_of(o, struct sem_set, o));
    ipc_for_each(i, o, ns, IPC_MSG) save_queue(w, container_of(o, struct msg_queue, o));
    ckpt_put_u8(w, ns->mqueue != NULL);
    if (ns->mqueue)
        ckpt_put_ref(w, &ckpt_mount, ns->mqueue);
}

struct restored_ns {
    struct ipc_ns ns;
    struct ipc_object **segments; /* until link() */
    uint32_t nsegments;
};

static void *ns_create(struct ckpt_reader *r)
{
    struct ipc_ns *fresh = ipc_ns_new();
    struct restored_ns *rn = calloc(1, sizeof(*rn));

    if (!fresh || !rn) {
        free(fresh);
        free(rn);
        return NULL;
    }
    rn->ns = *fresh;
    rn->ns.refs = 0;
    list_init(&rn->ns.undo_lists);
    free(fresh);
    return rn;
}

static void ns_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct restored_ns *rn = obj;
    struct ipc_ns *ns = &rn->ns;
    uint32_t count[IPC_KINDS];

    for (int k = 0; k < IPC_KINDS; k++) {
        ns->ids[k].last = (int)ckpt_get_u32(r);
        ns->ids[k].seq = (uint16_t)ckpt_get_u32(r);
        count[k] = ckpt_get_count(r, IPC_MNI_MAX, 4);
        if (ns->ids[k].last < -1 || ns->ids[k].last >= IPC_MNI_MAX)
            ckpt_bad(r, "a last index of %d", ns->ids[k].last);
    }
    if (ckpt_failed(r))
        return;
    rn->nsegments = count[IPC_SHM];
    rn->segments = calloc(MAX(rn->nsegments, 1U), sizeof(struct ipc_object *));
    if (!rn->segments) {
        ckpt_bad(r, "out of memory");
        return;
    }
    for (uint32_t i = 0; i < rn->nsegments; i++)
        ckpt_get_ref(r, &ckpt_shm, &rn->segments[i]);
    for (uint32_t i = 0; i < count[IPC_SEM] && !ckpt_failed(r); i++)
        load_set(r, ns, version);
    for (uint32_t i = 0; i < count[IPC_MSG] && !ckpt_failed(r); i++)
        load_queue(r, ns, version);
    if (version > 1 && ckpt_get_u8(r))
        ckpt_get_ref(r, &ckpt_mount, &ns->mqueue);
}

static void ns_link(struct ckpt_reader *r, void *obj)
{
    struct restored_ns *rn = obj;
    struct ipc_ns *ns = &rn->ns;

    ns_id_taken(ns->id);
    if (ns->counted && !ns_count_add())
        ckpt_bad(r, "more namespaces than there can be");
    for (uint32_t i = 0; i < rn->nsegments && !ckpt_failed(r); i++) {
        struct shm_segment *s = (struct shm_segment *)(void *)rn->segments[i];
        if (!s || s->ns || !ipc_place(ns, &s->o)) {
            ckpt_bad(r, "two segments in one place");
            return;
        }
        s->ns = ns;
        ns->shm_pages += PAGE_UP(s->size) / NV_PAGE_SIZE;
    }
    free(rn->segments);
    rn->segments = NULL;
    if (!ckpt_failed(r) && ns->mqueue && !mqueue_ns_restored(ns))
        ckpt_bad(r, "its message queues are another's, or no message queues");
}

static void ns_hold(void *obj)
{
    ipc_ns_get(obj);
}

static const struct ckpt_field ns_fields[] = {
    CKPT_UINT(struct ipc_ns, shm_max),
    CKPT_UINT(struct ipc_ns, shm_all),
    CKPT_UINT(struct ipc_ns, shm_mni),
    CKPT_UINT_MAX(struct ipc_ns, msg_max, INT32_MAX),
    CKPT_UINT_MAX(struct ipc_ns, msg_mnb, INT32_MAX),
    CKPT_UINT_MAX(struct ipc_ns, msg_mni, IPC_MNI_MAX),
    CKPT_UINT_MAX(struct ipc_ns, sem_msl, 1 << 20),
    CKPT_UINT_MAX(struct ipc_ns, sem_mns, 1 << 20),
    CKPT_UINT_MAX(struct ipc_ns, sem_opm, 500),
    CKPT_UINT_MAX(struct ipc_ns, sem_mni, IPC_MNI_MAX),
    CKPT_UINT_MAX(struct ipc_ns, mq_queues_max, INT32_MAX),
    CKPT_UINT_MAX(struct ipc_ns, mq_msg_max, 65536),
    CKPT_UINT_MAX(struct ipc_ns, mq_msgsize_max, 16 << 20),
    CKPT_UINT_MAX(struct ipc_ns, mq_msg_default, 65536),
    CKPT_UINT_MAX(struct ipc_ns, mq_msgsize_default, 16 << 20),
    CKPT_SINCE(3, CKPT_KIND_UINT, struct ipc_ns, id),
    CKPT_SINCE(3, CKPT_KIND_REF, struct ipc_ns, owner, .type = &ckpt_user_ns),
    CKPT_SINCE(3, CKPT_KIND_BOOL, struct ipc_ns, counted),
};

const struct ckpt_type ckpt_ipc_ns = {
    .name = "ipc namespace",
    .id = CT_IPC_NS,
    .version = 3, /* 3: which, and whose */
    CKPT_TABLE(ns_fields),
    .save = ns_save,
    .create = ns_create,
    .load = ns_load,
    .link = ns_link,
    .hold = ns_hold,
};
CKPT_TYPE_REGISTER(ckpt_ipc_ns);

/* --- what is to be undone --- */
static void undo_save(struct ckpt_writer *w, void *obj)
{
    const struct sem_undo_list *l = obj;
    const struct sem_undo *u;
    uint32_t n = 0;

    list_for_each(u, &l->undos, node)
        n++;
    ckpt_put_u32(w, n);
    list_for_each(u, &l->undos, node) {
        ckpt_put_u32(w, (uint32_t)u->id);
        ckpt_put_u32(w, u->nsems);
        ckpt_put_bytes(w, u->adj, u->nsems * sizeof(u->adj[0]));
    }
}

static void *undo_create(struct ckpt_reader *r)
{
    return sem_undo_list_new(NULL);
}

static void undo_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct sem_undo_list *l = obj;
    uint32_t n = ckpt_get_count(r, IPC_MNI_MAX, 8);

    while (n-- && !ckpt_failed(r)) {
        int id = (int)ckpt_get_u32(r);
        uint32_t nsems = ckpt_get_count(r, SEM_UNDOS_MAX, sizeof(int16_t));
        struct sem_undo *u = calloc(1, sizeof(*u) + nsems * sizeof(u->adj[0]));
        if (!u) {
            ckpt_bad(r, "out of memory");
            return;
        }
        u->id = id;
        u->nsems = nsems;
        ckpt_get_bytes(r, u->adj, nsems * sizeof(u->adj[0]));
        list_add_tail(&l->undos, &u->node);
    }
}

static void undo_link(struct ckpt_reader *r, void *obj)
{
    struct sem_undo_list *l = obj;
    const struct sem_undo *u;

    if (!l->ns) {
        ckpt_bad(r, "of no namespace");
        return;
    }
    list_add_tail(&l->ns->undo_lists, &l->node);
    list_for_each(u, &l->undos, node) {
        const struct sem_set *s = sem_set_find(l->ns, u->id);
        if (!s || s->nsems != u->nsems || u->nsems > SEM_UNDOS_MAX - l->ns->sem_undos) {
            ckpt_bad(r, "it undoes in set %d, which is not so", u->id);
            return;
        }
        l->ns->sem_undos += u->nsems;
    }
}

static void undo_hold(void *obj)
{
    ((struct sem_undo_list *)obj)->refs++;
}

static const struct ckpt_field undo_fields[] = {
    CKPT_REF(struct sem_undo_list, ns, &ckpt_ipc_ns),
};

const struct ckpt_type ckpt_sem_undo = {
    .name = "semaphore undo list",
    .id = CT_SEM_UNDO,
    .version = 1,
    CKPT_TABLE(undo_fields),
    .save = undo_save,
    .create = undo_create,
    .load = undo_load,
    .link = undo_link,
    .hold = undo_hold,
};
CKPT_TYPE_REGISTER(ckpt_sem_undo);
