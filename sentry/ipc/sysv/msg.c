/* Message queues: msgget(2), msgop(2), msgctl(2). */
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "sentry/ipc/sysv/sysv_internal.h"
#include "sentry/kernel/buffers.h"
#include "sentry/kernel/task.h"
#include "sentry/kernel/uaccess.h"

static size_t cost(size_t len)
{
    return len + sizeof(struct msg) + 16;
}

struct msg *msg_new(size_t len)
{
    struct msg *m = buffers_book(cost(len)) ? malloc(sizeof(*m) + len) : NULL;

    if (m)
        m->len = len;
    return m;
}

void msg_free(struct msg *m)
{
    buffers_unbook(cost(m->len));
    free(m);
}

struct msg_queue *msg_queue_new(void)
{
    struct msg_queue *q = calloc(1, sizeof(*q));

    if (!q)
        return NULL;
    list_init(&q->msgs);
    waitq_init(&q->senders);
    waitq_init(&q->receivers);
    q->refs = 1;
    q->o.kind = IPC_MSG;
    return q;
}

void msg_append(struct ipc_ns *ns, struct msg_queue *q, struct msg *m)
{
    list_add_tail(&q->msgs, &m->node);
    q->cbytes += m->len;
    q->qnum++;
    ns->msg_bytes += m->len;
    ns->msg_count++;
}

static void unlink_msg(struct ipc_ns *ns, struct msg_queue *q, struct msg *m)
{
    list_del(&m->node);
    q->cbytes -= m->len;
    q->qnum--;
    ns->msg_bytes -= m->len;
    ns->msg_count--;
}

static void queue_put(struct msg_queue *q)
{
    if (!--q->refs)
        free(q);
}

static void queue_remove(struct ipc_ns *ns, struct msg_queue *q)
{
    struct msg *m, *next;

    list_for_each_safe(m, next, &q->msgs, node) {
        unlink_msg(ns, q, m);
        msg_free(m);
    }
    ipc_remove(ns, &q->o);
    q->removed = true;
    waitq_wake_all(&q->senders);
    waitq_wake_all(&q->receivers);
    queue_put(q);
}

void msg_ns_exit(struct ipc_ns *ns)
{
    struct ipc_object *o;
    int i;

    ipc_for_each(i, o, ns, IPC_MSG) queue_remove(ns, container_of(o, struct msg_queue, o));
}

static struct msg_queue *find(struct task *t, int id)
{
    struct ipc_object *o = ipc_find(t->ipc, IPC_MSG, id);

    return o ? container_of(o, struct msg_queue, o) : NULL;
}

/* --- msgget --- */
static int make_queue(struct task *t, struct ipc_ns *ns, const struct ipc_create *c,
                      struct ipc_object **out)
{
    struct msg_queue *q = msg_queue_new();

    if (!q)
        return -ENOMEM;
    q->qbytes = ns->msg_mnb;
    q->ctime = ipc_time();
    *out = &q->o;
    return 0;
}

static void discard_queue(struct ipc_ns *ns, struct ipc_object *o)
{
    queue_put(container_of(o, struct msg_queue, o));
}

long sys_msgget(struct task *t, const struct sysargs *a)
{
    return ipc_get(t, IPC_MSG,
                   &(struct ipc_create){.key = arg_i32(a, 0),
                                        .flags = arg_i32(a, 1),
                                        .make = make_queue,
                                        .discard = discard_queue});
}

/* --- msgsnd --- */
static bool fits(const struct msg_queue *q, size_t len)
{
    return len + q->cbytes <= q->qbytes && 1 + (uint64_t)q->qnum <= q->qbytes;
}

/* 0: there is room; the queue is held and may have been removed when it is not. */
static int wait_room(struct task *t, struct msg_queue *q, size_t len, int flags)
{
    for (;;) {
        int err = ipc_permitted(t, &q->o, 0222);
        if (err)
            return err;
        if (fits(q, len))
            return 0;
        if (flags & IPC_NOWAIT)
            return -EAGAIN;
        err = task_wait(t, &q->senders, NO_DEADLINE);
        if (q->removed)
            return -EIDRM;
        if (err)
            return -ERESTARTNOHAND;
    }
}

static long send(struct task *t, struct msg_queue *q, struct msg *m, int flags)
{
    struct ipc_ns *ns = t->ipc;

    q->refs++;
    int err = wait_room(t, q, m->len, flags);
    if (err) {
        msg_free(m);
    } else {
        msg_append(ns, q, m);
        q->lspid = t->tg->tgid;
        q->stime = ipc_time();
        waitq_wake_all(&q->receivers);
    }
    queue_put(q);
    return err;
}

long sys_msgsnd(struct task *t, const struct sysargs *a)
{
    uint64_t buf = arg_u64(a, 1), len = arg_u64(a, 2);
    long type;

    if (get_user(t, &type, buf))
        return -EFAULT;
    if (len > t->ipc->msg_max || (int64_t)len < 0 || arg_i32(a, 0) < 0)
        return -EINVAL;
    if (type < 1)
        return -EINVAL;
    struct msg *m = msg_new(len);
    if (!m)
        return -ENOMEM;
    m->type = type;
    int err = copy_in(t, m->text, buf + sizeof(type), len);
    struct msg_queue *q = err ? NULL : find(t, arg_i32(a, 0));
    if (!q) {
        msg_free(m);
        return err ? err : -EINVAL;
    }
    return send(t, q, m, arg_i32(a, 3));
}

/* --- msgrcv --- */
enum search { ANY, EQUAL, NOT_EQUAL, LESS_EQUAL, NUMBER };

static enum search search_mode(long *type, int flags)
{
    if (flags & MSG_COPY)
        return NUMBER;
    if (!*type)
        return ANY;
    if (*type < 0) {
        *type = *type == LONG_MIN ? LONG_MAX : -*type;
        return LESS_EQUAL;
    }
    return flags & MSG_EXCEPT ? NOT_EQUAL : EQUAL;
}

static struct msg *find_msg(const struct msg_queue *q, enum search mode, long type)
{
    struct msg *m, *best = NULL;
    long n = 0;

    list_for_each(m, &q->msgs, node) {
        switch (mode) {
        case ANY:
            return m;
        case EQUAL:
            if (m->type == type)
                return m;
            break;
        case NOT_EQUAL:
            if (m->type != type)
                return m;
            break;
        case LESS_EQUAL: /* the first of the lowest type */
            if (m->type <= type && (!best || m->type < best->type))
                best = m;
            break;
        case NUMBER:
            if (n++ == type)
                return m;
            break;
        }
    }
    return best;
}

static long deliver(struct task *t, const struct msg *m, uint64_t buf, size_t size)
{
    size_t len = MIN(size, m->len);

    if (put_user(t, &m->type, buf) || copy_out(t, buf + sizeof(m->type), m->text, len))
        return -EFAULT;
    return (long)len;
}

static long receive(struct task *t, struct msg_queue *q, const struct sysargs *a)
{
    size_t size = arg_u64(a, 2);
    long type = arg_i64(a, 3);
    int flags = arg_i32(a, 4);
    enum search mode = search_mode(&type, flags);

    for (;;) {
        int err = ipc_permitted(t, &q->o, 0444);
        if (err)
            return err;
        struct msg *m = find_msg(q, mode, type);
        if (m && size < m->len && !(flags & MSG_NOERROR))
            return -E2BIG;
        if (m && (flags & MSG_COPY))
            return deliver(t, m, arg_u64(a, 1), size);
        if (m) {
            struct ipc_ns *ns = t->ipc;
            unlink_msg(ns, q, m);
            q->lrpid = t->tg->tgid;
            q->rtime = ipc_time();
            waitq_wake_all(&q->senders);
            long n = deliver(t, m, arg_u64(a, 1), size);
            msg_free(m);
            return n;
        }
        if (flags & IPC_NOWAIT)
            return -ENOMSG;
        err = task_wait(t, &q->receivers, NO_DEADLINE);
        if (q->removed)
            return -EIDRM;
        if (err)
            return -ERESTARTNOHAND;
    }
}

long sys_msgrcv(struct task *t, const struct sysargs *a)
{
    int flags = arg_i32(a, 4);

    if (arg_i32(a, 0) < 0 || arg_i64(a, 2) < 0)
        return -EINVAL;
    if ((flags & MSG_COPY) && ((flags & MSG_EXCEPT) || !(flags & IPC_NOWAIT)))
        return -EINVAL;
    struct msg_queue *q = find(t, arg_i32(a, 0));
    if (!q)
        return -EINVAL;
    q->refs++;
    long r = receive(t, q, a);
    queue_put(q);
    return r;
}

/* --- msgctl --- */
static long msg_info(struct task *t, int cmd, uint64_t buf)
{
    const struct ipc_ns *ns = t->ipc;
    struct msginfo info = {.msgpool = 512000, /* MSGMNI * MSGMNB / 1024 */
                           .msgmap = 16384,
                           .msgmax = (int)ns->msg_max,
                           .msgmnb = (int)ns->msg_mnb,
                           .msgmni = (int)ns->msg_mni,
                           .msgssz = 16,
                           .msgtql = 16384,
                           .msgseg = 0xffff};

    if (cmd == MSG_INFO) {
        info.msgpool = ns->ids[IPC_MSG].in_use;
        info.msgmap = (int)ns->msg_count;
        info.msgtql = (int)MIN(ns->msg_bytes, (uint64_t)INT_MAX);
    }
    return put_user(t, &info, buf) ? -EFAULT : ipc_max_index(ns, IPC_MSG);
}

static long msg_stat(struct task *t, int id, int cmd, uint64_t buf)
{
    struct ipc_object *o;
    struct msqid_ds ds;

    int err = ipc_find_stat(t, IPC_MSG, id, cmd != IPC_STAT, cmd == MSG_STAT_ANY, &o);
    if (err)
        return err;
    const struct msg_queue *q = container_of(o, struct msg_queue, o);
    memset(&ds, 0, sizeof(ds));
    ipc_show_perm(o, &ds.msg_perm);
    ds.msg_stime = q->stime;
    ds.msg_rtime = q->rtime;
    ds.msg_ctime = q->ctime;
    ds.__msg_cbytes = q->cbytes;
    ds.msg_qnum = q->qnum;
    ds.msg_qbytes = q->qbytes;
    ds.msg_lspid = q->lspid;
    ds.msg_lrpid = q->lrpid;
    return put_user(t, &ds, buf) ? -EFAULT : cmd == IPC_STAT ? 0 : o->id;
}

static long msg_set(struct task *t, int id, const struct msqid_ds *ds)
{
    struct msg_queue *q = find(t, id);
    int err = q ? ipc_owned(t, &q->o) : -EINVAL;

    if (err)
        return err;
    if (ds->msg_qbytes > t->ipc->msg_mnb && !cred_capable(t->cred, CAP_SYS_RESOURCE))
        return -EPERM;
    ipc_set_perm(&q->o, &ds->msg_perm);
    q->qbytes = ds->msg_qbytes;
    q->ctime = ipc_time();
    /* Others may be allowed now, or not any more; and there may be more room. */
    waitq_wake_all(&q->receivers);
    waitq_wake_all(&q->senders);
    return 0;
}

static long msg_rmid(struct task *t, int id)
{
    struct msg_queue *q = find(t, id);
    int err = q ? ipc_owned(t, &q->o) : -EINVAL;

    if (!err)
        queue_remove(t->ipc, q);
    return err;
}

long sys_msgctl(struct task *t, const struct sysargs *a)
{
    int id = arg_i32(a, 0), cmd = arg_i32(a, 1);
    uint64_t buf = arg_u64(a, 2);
    struct msqid_ds ds;

    if (id < 0 || cmd < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_INFO:
    case MSG_INFO:
        return msg_info(t, cmd, buf);
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY:
        return msg_stat(t, id, cmd, buf);
    case IPC_SET:
        return get_user(t, &ds, buf) ? -EFAULT : msg_set(t, id, &ds);
    case IPC_RMID:
        return msg_rmid(t, id);
    default:
        return -EINVAL;
    }
}

int msg_proc_fill(struct task *t, struct strbuf *out)
{
    struct ipc_object *o;
    int i;

    strbuf_puts(out, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  "
                     "cuid  cgid      stime      rtime      ctime\n");
    ipc_for_each(i, o, task_current()->ipc, IPC_MSG)
    {
        const struct msg_queue *q = container_of(o, struct msg_queue, o);
        strbuf_printf(out, "%10d %10d  %4o  %10lu %10u %5u %5u %5u %5u %5u %5u %10ld %10ld %10ld\n",
                      o->key, o->id, o->mode, (unsigned long)q->cbytes, q->qnum, q->lspid, q->lrpid,
                      o->uid, o->gid, o->cuid, o->cgid, (long)q->stime, (long)q->rtime,
                      (long)q->ctime);
    }
    return 0;
}
