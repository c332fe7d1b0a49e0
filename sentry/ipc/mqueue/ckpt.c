/* Checkpoints: the file system with its names, queues as part of their inodes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/ipc/mqueue/mqueue_internal.h"
#include "sentry/socket/socket.h"

#define QUEUES_MAX 65536

/* --- names --- */
static void fs_save(struct ckpt_writer *w, void *obj)
{
    const struct mq_super *s = obj;
    const struct mq_name *n;

    ckpt_put_u32(w, s->count);
    list_for_each(n, &s->names, node) {
        ckpt_put_string(w, n->name);
        ckpt_put_ref(w, &ckpt_inode, n->inode);
    }
}

static void *fs_create(struct ckpt_reader *r)
{
    struct mq_super *s = calloc(1, sizeof(*s));

    if (s) {
        list_init(&s->names);
        s->next_cookie = 2;
    }
    return s;
}

static void fs_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct mq_super *s = obj;
    uint32_t n = ckpt_get_count(r, QUEUES_MAX, 4);

    for (uint32_t i = 0; i < n && !ckpt_failed(r); i++) {
        char *name = ckpt_get_string(r, 255);
        if (!name || !*name || strchr(name, '/')) {
            ckpt_bad(r, "a queue without a name");
            free(name);
            return;
        }
        struct mq_name *e = calloc(1, sizeof(*e) + strlen(name) + 1);
        if (!e) {
            ckpt_bad(r, "out of memory");
            free(name);
            return;
        }
        e->len = (uint8_t)strlen(name);
        memcpy(e->name, name, e->len);
        free(name);
        e->cookie = s->next_cookie++;
        list_add_tail(&s->names, &e->node);
        s->count++;
        ckpt_get_ref(r, &ckpt_inode, &e->inode);
    }
}

static void fs_link(struct ckpt_reader *r, void *obj)
{
    const struct mq_super *s = obj;
    const struct mq_name *n;

    list_for_each(n, &s->names, node) {
        if (!n->inode || !n->inode->sb || n->inode->sb->priv != s || !S_ISREG(n->inode->mode))
            ckpt_bad(r, "'%s' is no queue", n->name);
    }
}

const struct ckpt_type ckpt_mqueue_fs = {
    .name = "mqueue file system",
    .id = CT_MQUEUE_FS,
    .version = 1,
    .save = fs_save,
    .create = fs_create,
    .load = fs_load,
    .link = fs_link,
};
CKPT_TYPE_REGISTER(ckpt_mqueue_fs);

/* --- queues --- */
static const struct ckpt_field queue_fields[] = {
    CKPT_UINT(struct mqueue, uid),
    CKPT_UINT(struct mqueue, charged),
    CKPT_UINT_MAX(struct mqueue, maxmsg, MQ_HARD_MSGS),
    CKPT_UINT_MAX(struct mqueue, msgsize, MQ_HARD_SIZE),
    CKPT_REF(struct mqueue, notify.owner, &ckpt_thread_group),
    CKPT_UINT(struct mqueue, notify.how),
    CKPT_UINT_MAX(struct mqueue, notify.signo, INT32_MAX),
    CKPT_UINT(struct mqueue, notify.value),
    CKPT_REF(struct mqueue, notify.sock, &ckpt_file),
    CKPT_BYTES(struct mqueue, notify.cookie),
};

void mqueue_save_inode(struct ckpt_writer *w, struct inode *i)
{
    const struct mqueue *q = i->priv;
    const struct mq_msg *m;

    if (!S_ISREG(i->mode))
        return;
    ckpt_put_fields(w, queue_fields, ARRAY_SIZE(queue_fields), q);
    ckpt_put_u32(w, (uint32_t)q->curmsgs);
    list_for_each(m, &q->msgs, node) {
        ckpt_put_u32(w, m->prio);
        ckpt_put_u32(w, m->len);
        ckpt_put_bytes(w, m->text, m->len);
    }
}

void mqueue_load_inode(struct ckpt_reader *r, struct inode *i, unsigned int version)
{
    if (!S_ISREG(i->mode)) {
        if (!S_ISDIR(i->mode))
            ckpt_bad(r, "neither a queue nor a directory");
        return;
    }
    struct mqueue *q = mqueue_alloc();
    if (!q) {
        ckpt_bad(r, "out of memory");
        return;
    }
    i->priv = q;
    ckpt_get_fields(r, queue_fields, ARRAY_SIZE(queue_fields), q, version);
    uint32_t n = ckpt_get_count(r, MQ_HARD_MSGS, 8);
    if (q->maxmsg < 1 || q->msgsize < 1 || n > q->maxmsg || q->charged > mqueue_charge(q))
        ckpt_bad(r, "a queue of %ld messages of %ld bytes", (long)q->maxmsg, (long)q->msgsize);
    while (n-- && !ckpt_failed(r)) {
        uint32_t prio = ckpt_get_u32(r), len = ckpt_get_count(r, (uint32_t)q->msgsize, 1);
        struct mq_msg *m = prio < MQ_PRIO_MAX_K ? mq_msg_new(len) : NULL;
        if (!m) {
            ckpt_bad(r, "a message of priority %u and %u bytes", prio, len);
            return;
        }
        m->prio = prio;
        ckpt_get_bytes(r, m->text, len);
        mqueue_insert(q, m);
    }
}

void mqueue_restore_inode(struct ckpt_reader *r, struct inode *i)
{
    const struct mqueue *q = i->priv;

    if (!S_ISREG(i->mode))
        return;
    if (q->notify.sock && (!q->notify.owner || !socket_of(q->notify.sock) ||
                           socket_of(q->notify.sock)->family != AF_NETLINK))
        ckpt_bad(r, "it tells what is no netlink socket");
    else if (q->notify.owner && q->notify.how == SIGEV_SIGNAL && q->notify.signo > NV_NSIG)
        ckpt_bad(r, "it tells by signal %d", q->notify.signo);
}
