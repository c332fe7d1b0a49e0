/* Queues: messages in order of priority, what they cost, who is told of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/ipc/mqueue/mqueue_internal.h"
#include "sentry/kernel/buffers.h"
#include "sentry/socket/socket.h"

#define CAP_SYS_RESOURCE 24
/* ipc/mqueue.c mq_treesize(): what a message and a priority cost besides the text. */
#define MSG_COST 48
#define PRIO_COST 48

static struct list queues = LIST_INIT(queues);

struct mqueue *mqueue_alloc(void)
{
    struct mqueue *q = calloc(1, sizeof(*q));

    if (!q)
        return NULL;
    list_init(&q->msgs);
    waitq_init(&q->wq);
    list_add_tail(&queues, &q->node);
    return q;
}

void mqueue_free(struct mqueue *q)
{
    struct mq_msg *m, *next;

    mqueue_forget_notify(q);
    waitq_release(&q->wq);
    list_for_each_safe(m, next, &q->msgs, node)
        mq_msg_free(m);
    list_del(&q->node);
    free(q);
}

uint64_t mqueue_charge(const struct mqueue *q)
{
    return (uint64_t)q->maxmsg * (uint64_t)q->msgsize + (uint64_t)q->maxmsg * MSG_COST +
           (uint64_t)MIN(q->maxmsg, MQ_PRIO_MAX_K) * PRIO_COST;
}

static uint64_t charged_to(uid_t uid)
{
    const struct mqueue *q;
    uint64_t sum = 0;

    list_for_each(q, &queues, node)
        sum += q->uid == uid ? q->charged : 0;
    return sum;
}

int mqueue_new(struct task *t, const struct ipc_ns *ns, const struct mq_attr_k *attr,
               struct mqueue **out)
{
    bool may = cred_capable(t->cred, CAP_SYS_RESOURCE);
    int64_t maxmsg = attr ? attr->maxmsg : MIN(ns->mq_msg_max, ns->mq_msg_default);
    int64_t msgsize = attr ? attr->msgsize : MIN(ns->mq_msgsize_max, ns->mq_msgsize_default);
    uint64_t limit = rlimit_cur(t, RLIMIT_MSGQUEUE), used = charged_to(t->cred->uid);

    if (maxmsg <= 0 || msgsize <= 0 || maxmsg > (may ? MQ_HARD_MSGS : (int64_t)ns->mq_msg_max) ||
        msgsize > (may ? MQ_HARD_SIZE : (int64_t)ns->mq_msgsize_max))
        return -EINVAL;
    struct mqueue *q = mqueue_alloc();
    if (!q)
        return -ENOMEM;
    q->maxmsg = maxmsg;
    q->msgsize = msgsize;
    q->uid = t->cred->uid;
    uint64_t charge = mqueue_charge(q);
    if (limit != RLIM_INFINITY && (used > limit || charge > limit - used)) {
        mqueue_free(q);
        return -EMFILE;
    }
    q->charged = charge;
    *out = q;
    return 0;
}

static size_t weight(uint32_t len)
{
    return len + sizeof(struct mq_msg) + 16;
}

struct mq_msg *mq_msg_new(uint32_t len)
{
    struct mq_msg *m = buffers_book(weight(len)) ? malloc(sizeof(*m) + len) : NULL;

    if (m)
        m->len = len;
    return m;
}

void mq_msg_free(struct mq_msg *m)
{
    buffers_unbook(weight(m->len));
    free(m);
}

void mqueue_insert(struct mqueue *q, struct mq_msg *m)
{
    struct list *at = q->msgs.prev;

    while (at != &q->msgs && list_entry(at, struct mq_msg, node)->prio < m->prio)
        at = at->prev;
    list_add(at, &m->node);
    q->curmsgs++;
    q->bytes += m->len;
}

/* --- notification --- */
static void tell_socket(struct mqueue *q, uint8_t what)
{
    if (!q->notify.sock)
        return;
    q->notify.cookie[MQ_COOKIE_LEN - 1] = what;
    netlink_deliver(q->notify.sock, q->notify.cookie, MQ_COOKIE_LEN);
}

static void end_notify(struct mqueue *q)
{
    struct mq_notify n = q->notify;

    q->notify = (struct mq_notify){0};
    if (n.sock)
        file_put(n.sock);
    tg_put(n.owner);
}

void mqueue_forget_notify(struct mqueue *q)
{
    if (!q->notify.owner)
        return;
    tell_socket(q, 2 /* NOTIFY_REMOVED */);
    end_notify(q);
}

void mqueue_tell(struct mqueue *q, struct task *sender)
{
    siginfo_t info;

    if (!q->notify.owner)
        return;
    if (q->notify.how == SIGEV_SIGNAL && q->notify.signo && !q->notify.owner->zombie) {
        siginfo_user(&info, q->notify.signo, SI_MESGQ, sender);
        info.si_value.sival_ptr = (void *)q->notify.value;
        signal_send_group(q->notify.owner, &info);
    } else if (q->notify.how == SIGEV_THREAD) {
        tell_socket(q, 1 /* NOTIFY_WOKENUP */);
    }
    end_notify(q);
}
