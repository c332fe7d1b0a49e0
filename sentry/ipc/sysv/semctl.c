/* semctl(2), /proc/sysvipc/sem. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "base/strbuf.h"
#include "sentry/ipc/sysv/sem_internal.h"

static long sem_info(struct task *t, int cmd, uint64_t buf)
{
    const struct ipc_ns *ns = t->ipc;
    struct seminfo info = {.semmap = (int)ns->sem_mns,
                           .semmni = (int)ns->sem_mni,
                           .semmns = (int)ns->sem_mns,
                           .semmnu = (int)ns->sem_mns,
                           .semmsl = (int)ns->sem_msl,
                           .semopm = (int)ns->sem_opm,
                           .semume = (int)ns->sem_opm,
                           .semusz = 20,
                           .semvmx = SEM_VALUE_MAX_K,
                           .semaem = SEM_VALUE_MAX_K};

    if (cmd == SEM_INFO) {
        info.semusz = ns->ids[IPC_SEM].in_use;
        info.semaem = (int)ns->sems;
    }
    return put_user(t, &info, buf) ? -EFAULT : ipc_max_index(ns, IPC_SEM);
}

static long sem_stat(struct task *t, int id, int cmd, uint64_t buf)
{
    struct ipc_object *o;
    struct semid_ds ds;

    int err = ipc_find_stat(t, IPC_SEM, id, cmd != IPC_STAT, cmd == SEM_STAT_ANY, &o);
    if (err)
        return err;
    const struct sem_set *s = container_of(o, struct sem_set, o);
    memset(&ds, 0, sizeof(ds));
    ipc_show_perm(o, &ds.sem_perm);
    ds.sem_otime = s->otime;
    ds.sem_ctime = s->ctime;
    ds.sem_nsems = s->nsems;
    return put_user(t, &ds, buf) ? -EFAULT : cmd == IPC_STAT ? 0 : o->id;
}

static long sem_change(struct task *t, int id, int cmd, const struct semid_ds *ds)
{
    struct sem_set *s = sem_set_find(t->ipc, id);
    int err = s ? ipc_owned(t, &s->o) : -EINVAL;

    if (err)
        return err;
    if (cmd == IPC_RMID) {
        sem_set_remove(t->ipc, s);
        return 0;
    }
    ipc_set_perm(&s->o, &ds->sem_perm);
    s->ctime = ipc_time();
    return 0;
}

static long set_value(struct task *t, int id, int num, int val)
{
    if (val < 0 || val > SEM_VALUE_MAX_K)
        return -ERANGE;
    struct sem_set *s = sem_set_find(t->ipc, id);
    if (!s || num < 0 || (uint32_t)num >= s->nsems)
        return -EINVAL;
    int err = ipc_permitted(t, &s->o, 0222);
    if (err)
        return err;
    sem_undo_forget(t->ipc, id, num);
    s->sems[num] = (struct sem){val, t->tg->tgid};
    s->ctime = ipc_time();
    sem_set_changed(s);
    return 0;
}

static long get_all(struct task *t, const struct sem_set *s, uint64_t buf)
{
    cleanup_free uint16_t *vals = calloc(s->nsems, sizeof(*vals));

    if (!vals)
        return -ENOMEM;
    for (uint32_t i = 0; i < s->nsems; i++)
        vals[i] = (uint16_t)s->sems[i].val;
    return copy_out(t, buf, vals, s->nsems * sizeof(*vals));
}

static long set_all(struct task *t, struct sem_set *s, uint64_t buf)
{
    cleanup_free uint16_t *vals = calloc(s->nsems, sizeof(*vals));

    if (!vals)
        return -ENOMEM;
    if (copy_in(t, vals, buf, s->nsems * sizeof(*vals)))
        return -EFAULT;
    for (uint32_t i = 0; i < s->nsems; i++)
        if (vals[i] > SEM_VALUE_MAX_K)
            return -ERANGE;
    for (uint32_t i = 0; i < s->nsems; i++)
        s->sems[i] = (struct sem){vals[i], t->tg->tgid};
    sem_undo_forget(t->ipc, s->o.id, UNDO_ALL);
    s->ctime = ipc_time();
    sem_set_changed(s);
    return 0;
}

/* count_semcnt(): those whose first operation that cannot be made is about this semaphore. */
static long count_waiters(const struct sem_set *s, int num, bool for_zero)
{
    const struct sem_queue *q;
    long n = 0;

    list_for_each(q, &s->pending, node) {
        const struct sembuf *op = &q->sops[q->blocking];
        n += op->sem_num == num && (for_zero ? op->sem_op == 0 : op->sem_op < 0);
    }
    return n;
}

static long sem_main(struct task *t, int id, int num, int cmd, uint64_t arg)
{
    struct sem_set *s = sem_set_find(t->ipc, id);
    int err = s ? ipc_permitted(t, &s->o, cmd == SETALL ? 0222 : 0444) : -EINVAL;

    if (err)
        return err;
    if (cmd == GETALL)
        return get_all(t, s, arg);
    if (cmd == SETALL)
        return set_all(t, s, arg);
    if (num < 0 || (uint32_t)num >= s->nsems)
        return -EINVAL;
    switch (cmd) {
    case GETVAL:
        return s->sems[num].val;
    case GETPID:
        return s->sems[num].pid;
    default:
        return count_waiters(s, num, cmd == GETZCNT);
    }
}

long sys_semctl(struct task *t, const struct sysargs *a)
{
    int id = arg_i32(a, 0), num = arg_i32(a, 1), cmd = arg_i32(a, 2);
    uint64_t arg = arg_u64(a, 3);
    struct semid_ds ds;

    if (id < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_INFO:
    case SEM_INFO:
        return sem_info(t, cmd, arg);
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY:
        return sem_stat(t, id, cmd, arg);
    case GETALL:
    case GETVAL:
    case GETPID:
    case GETNCNT:
    case GETZCNT:
    case SETALL:
        return sem_main(t, id, num, cmd, arg);
    case SETVAL:
        return set_value(t, id, num, (int)arg);
    case IPC_SET:
        return get_user(t, &ds, arg) ? -EFAULT : sem_change(t, id, cmd, &ds);
    case IPC_RMID:
        return sem_change(t, id, cmd, NULL);
    default:
        return -EINVAL;
    }
}

int sem_proc_fill(struct task *t, struct strbuf *out)
{
    struct ipc_object *o;
    int i;

    strbuf_puts(out, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime   "
                     "   ctime\n");
    ipc_for_each(i, o, task_current()->ipc, IPC_SEM)
    {
        const struct sem_set *s = container_of(o, struct sem_set, o);
        strbuf_printf(out, "%10d %10d  %4o %10u %5u %5u %5u %5u %10ld %10ld\n", o->key, o->id,
                      o->mode, s->nsems, o->uid, o->gid, o->cuid, o->cgid, (long)s->otime,
                      (long)s->ctime);
    }
    return 0;
}
