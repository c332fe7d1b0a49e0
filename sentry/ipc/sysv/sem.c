/*
 * Semaphore sets: semget(2), semop(2).
 *
 * The operations of one call are made together or not at all. A call that cannot be made yet waits
 * in its set's queue; whoever changes the set makes, in the order of the queue, what has become
 * possible, on behalf of the sleepers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ipc/sysv/sem_internal.h"

#define SOPS_INLINE 16

struct sem_set *sem_set_new(uint32_t nsems)
{
    struct sem_set *s = calloc(1, sizeof(*s) + nsems * sizeof(s->sems[0]));

    if (!s)
        return NULL;
    list_init(&s->pending);
    s->nsems = nsems;
    s->o.kind = IPC_SEM;
    return s;
}

/* --- adjustments --- */
struct sem_undo_list *sem_undo_list_new(struct ipc_ns *ns)
{
    struct sem_undo_list *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    list_init(&l->undos);
    list_init(&l->node);
    if (ns) {
        l->ns = ipc_ns_get(ns);
        list_add_tail(&ns->undo_lists, &l->node);
    }
    return l;
}

static struct sem_undo *undo_find(const struct task *t, int id)
{
    struct sem_undo *u;

    if (t->sem_undo)
        list_for_each(u, &t->sem_undo->undos, node)
            if (u->id == id)
                return u;
    return NULL;
}

static int undo_need(struct task *t, const struct sem_set *s, struct sem_undo **out)
{
    struct ipc_ns *ns = t->ipc;

    if (!t->sem_undo) {
        t->sem_undo = sem_undo_list_new(ns);
        if (!t->sem_undo)
            return -ENOMEM;
        t->sem_undo->refs = 1;
    }
    struct sem_undo *u = undo_find(t, s->o.id);
    if (!u) {
        if (ns->sem_undos + s->nsems > SEM_UNDOS_MAX)
            return -ENOMEM;
        u = calloc(1, sizeof(*u) + s->nsems * sizeof(u->adj[0]));
        if (!u)
            return -ENOMEM;
        u->id = s->o.id;
        u->nsems = s->nsems;
        ns->sem_undos += s->nsems;
        list_add_tail(&t->sem_undo->undos, &u->node);
    }
    *out = u;
    return 0;
}

static void undo_free(struct ipc_ns *ns, struct sem_undo *u)
{
    ns->sem_undos -= u->nsems;
    list_del(&u->node);
    free(u);
}

void sem_undo_forget(struct ipc_ns *ns, int id, int num)
{
    struct sem_undo_list *l;
    struct sem_undo *u, *next;

    list_for_each(l, &ns->undo_lists, node) {
        list_for_each_safe(u, next, &l->undos, node) {
            if (u->id != id)
                continue;
            if (num == UNDO_SET)
                undo_free(ns, u);
            else if (num == UNDO_ALL)
                memset(u->adj, 0, u->nsems * sizeof(u->adj[0]));
            else
                u->adj[num] = 0;
        }
    }
}

/* --- the operations --- */
enum { MUST_WAIT = 1 };

/* perform_atomic_semop(): 0, MUST_WAIT or negative errno; then nothing has changed. */
static int try_all(struct sem_set *s, struct sem_queue *q)
{
    int err = 0;
    unsigned int i;

    for (i = 0; i < q->nsops; i++) {
        const struct sembuf *op = &q->sops[i];
        struct sem *m = &s->sems[op->sem_num];
        int val = m->val + op->sem_op;
        q->blocking = i;
        if ((!op->sem_op && m->val) || val < 0) {
            err = op->sem_flg & IPC_NOWAIT ? -EAGAIN : MUST_WAIT;
            break;
        }
        if (val > SEM_VALUE_MAX_K) {
            err = -ERANGE;
            break;
        }
        if (op->sem_flg & SEM_UNDO) {
            /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): operate() has made it */
            int adj = q->undo->adj[op->sem_num] - op->sem_op;
            if (adj < -SEM_VALUE_MAX_K - 1 || adj > SEM_VALUE_MAX_K) {
                err = -ERANGE;
                break;
            }
            q->undo->adj[op->sem_num] = (int16_t)adj;
        }
        m->val = val;
    }
    if (err) {
        while (i--) {
            const struct sembuf *op = &q->sops[i];
            s->sems[op->sem_num].val -= op->sem_op;
            if (op->sem_flg & SEM_UNDO)
                q->undo->adj[op->sem_num] = (int16_t)(q->undo->adj[op->sem_num] + op->sem_op);
        }
        return err;
    }
    for (i = 0; i < q->nsops; i++)
        s->sems[q->sops[i].sem_num].pid = q->pid;
    return 0;
}

static void finish(struct sem_queue *q, int status)
{
    list_del(&q->node);
    q->status = status;
    waitq_wake_all(&q->wq);
}

void sem_set_changed(struct sem_set *s)
{
    struct sem_queue *q, *next;
    bool changed = true;

    while (changed) {
        changed = false;
        list_for_each_safe(q, next, &s->pending, node) {
            int err = try_all(s, q);
            if (err == MUST_WAIT)
                continue;
            if (!err) {
                s->otime = ipc_time();
                changed |= q->alters;
            }
            finish(q, err);
        }
    }
}

void sem_set_remove(struct ipc_ns *ns, struct sem_set *s)
{
    struct sem_queue *q, *next;

    list_for_each_safe(q, next, &s->pending, node)
        finish(q, -EIDRM);
    sem_undo_forget(ns, s->o.id, UNDO_SET);
    ipc_remove(ns, &s->o);
    ns->sems -= s->nsems;
    free(s);
}

void sem_ns_exit(struct ipc_ns *ns)
{
    struct ipc_object *o;
    int i;

    ipc_for_each(i, o, ns, IPC_SEM) sem_set_remove(ns, container_of(o, struct sem_set, o));
}

void sem_undo_exit(struct task *t)
{
    struct sem_undo_list *l = t->sem_undo;
    struct sem_undo *u, *next;

    t->sem_undo = NULL;
    if (!l || --l->refs)
        return;
    list_for_each_safe(u, next, &l->undos, node) {
        struct sem_set *s = sem_set_find(l->ns, u->id);
        for (uint32_t i = 0; s && i < MIN(s->nsems, u->nsems); i++) {
            struct sem *m = &s->sems[i];
            if (!u->adj[i])
                continue;
            m->val = MIN(MAX(m->val + u->adj[i], 0), SEM_VALUE_MAX_K);
            m->pid = t->tg->tgid;
            s->otime = ipc_time();
        }
        undo_free(l->ns, u);
        if (s)
            sem_set_changed(s);
    }
    list_del(&l->node);
    ipc_ns_put(l->ns);
    free(l);
}

/* --- calls --- */
static int make_set(struct task *t, struct ipc_ns *ns, const struct ipc_create *c,
                    struct ipc_object **out)
{
    if (!c->size)
        return -EINVAL;
    if (ns->sems + c->size > ns->sem_mns)
        return -ENOSPC;
    struct sem_set *s = sem_set_new((uint32_t)c->size);
    if (!s)
        return -ENOMEM;
    s->ctime = ipc_time();
    ns->sems += s->nsems;
    *out = &s->o;
    return 0;
}

static void discard_set(struct ipc_ns *ns, struct ipc_object *o)
{
    struct sem_set *s = container_of(o, struct sem_set, o);

    ns->sems -= s->nsems;
    free(s);
}

static int set_fits(const struct ipc_object *o, const struct ipc_create *c)
{
    return c->size > container_of(o, struct sem_set, o)->nsems ? -EINVAL : 0;
}

long sys_semget(struct task *t, const struct sysargs *a)
{
    int nsems = arg_i32(a, 1);

    if (nsems < 0 || (uint32_t)nsems > t->ipc->sem_msl)
        return -EINVAL;
    return ipc_get(t, IPC_SEM,
                   &(struct ipc_create){.key = arg_i32(a, 0),
                                        .flags = arg_i32(a, 2),
                                        .make = make_set,
                                        .discard = discard_set,
                                        .fits = set_fits,
                                        .size = (uint64_t)nsems});
}

/* Who waits for a deadline that passes fails with EAGAIN: semop(2). */
static long sleep_in_set(struct task *t, struct sem_set *s, struct sem_queue *q, uint64_t deadline)
{
    waitq_init(&q->wq);
    q->status = MUST_WAIT;
    list_add_tail(&s->pending, &q->node);
    for (;;) {
        int err = task_wait(t, &q->wq, deadline);
        if (q->status != MUST_WAIT)
            return q->status;
        if (err) {
            list_del(&q->node);
            return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
        }
    }
}

static long operate(struct task *t, int id, struct sem_queue *q, uint64_t deadline)
{
    unsigned int max = 0;
    bool undoes = false;

    for (unsigned int i = 0; i < q->nsops; i++) {
        max = MAX(max, (unsigned int)q->sops[i].sem_num);
        undoes |= q->sops[i].sem_flg & SEM_UNDO;
        q->alters |= q->sops[i].sem_op != 0;
    }
    struct sem_set *s = sem_set_find(t->ipc, id);
    if (!s)
        return -EINVAL;
    int err = undoes ? undo_need(t, s, &q->undo) : 0;
    if (err)
        return err;
    if (max >= s->nsems)
        return -EFBIG;
    err = ipc_permitted(t, &s->o, q->alters ? 0222 : 0444);
    if (err)
        return err;
    err = try_all(s, q);
    if (err == MUST_WAIT)
        return sleep_in_set(t, s, q, deadline);
    if (!err) {
        s->otime = ipc_time();
        if (q->alters)
            sem_set_changed(s);
    }
    return err;
}

static long do_semop(struct task *t, const struct sysargs *a, const struct timespec *timeout)
{
    struct sembuf some[SOPS_INLINE];
    cleanup_free struct sembuf *many = NULL;
    unsigned int n = arg_u32(a, 2);
    struct sem_queue q = {.sops = some, .nsops = n, .pid = t->tg->tgid};

    if (n > t->ipc->sem_opm)
        return -E2BIG;
    if (n < 1)
        return -EINVAL;
    if (n > SOPS_INLINE) {
        q.sops = many = malloc(n * sizeof(*many));
        if (!many)
            return -ENOMEM;
    }
    if (copy_in(t, q.sops, arg_u64(a, 1), n * sizeof(*q.sops)))
        return -EFAULT;
    if (arg_i32(a, 0) < 0)
        return -EINVAL;
    if (timeout &&
        (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= NSEC_PER_SEC))
        return -EINVAL;
    return operate(t, arg_i32(a, 0), &q, timeout ? deadline_after(timeout) : NO_DEADLINE);
}

long sys_semop(struct task *t, const struct sysargs *a)
{
    return do_semop(t, a, NULL);
}

long sys_semtimedop(struct task *t, const struct sysargs *a)
{
    struct timespec ts;

    if (!arg_u64(a, 3))
        return do_semop(t, a, NULL);
    return get_user(t, &ts, arg_u64(a, 3)) ? -EFAULT : do_semop(t, a, &ts);
}
