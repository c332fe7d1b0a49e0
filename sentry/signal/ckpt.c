/* Checkpoints: signal actions and pending signals. */
#include <stdlib.h>

#include "sentry/ckpt/types.h"
#include "sentry/signal/signal_internal.h"

#define PENDING_MAX 65536

void sigpending_save(struct ckpt_writer *w, const struct sigpending *p)
{
    struct sigqueue *q;

    ckpt_put_u64(w, p->set);
    ckpt_put_u32(w, (uint32_t)p->count);
    list_for_each(q, &p->queue, node) {
        ckpt_put_u32(w, sigqueue_uid(q));
        ckpt_put_bytes(w, &q->info, sizeof(q->info));
    }
}

void sigpending_load(struct ckpt_reader *r, struct sigpending *p)
{
    siginfo_t info;

    p->set = ckpt_get_u64(r);
    uint32_t n = ckpt_get_count(r, PENDING_MAX, sizeof(uint32_t) + sizeof(info));
    for (uint32_t i = 0; i < n; i++) {
        uid_t uid = ckpt_get_u32(r);
        ckpt_get_bytes(r, &info, sizeof(info));
        if (info.si_signo < 1 || info.si_signo > NV_NSIG || !(p->set & ksig_bit(info.si_signo))) {
            ckpt_bad(r, "a pending signal %d that is not pending", info.si_signo);
            return;
        }
        if (sigpending_restore(p, uid, &info)) {
            ckpt_bad(r, "out of memory");
            return;
        }
    }
}

static void *sighand_create(struct ckpt_reader *r)
{
    struct signal_shared *s = sighand_new();

    if (s)
        s->refs = 0;
    return s;
}

static void sighand_hold(void *obj)
{
    sighand_get(obj);
}

static const struct ckpt_field sighand_fields[] = {
    CKPT_BYTES(struct signal_shared, action),
};

const struct ckpt_type ckpt_sighand = {
    .name = "sighand",
    .id = CT_SIGHAND,
    .version = 1,
    CKPT_TABLE(sighand_fields),
    .create = sighand_create,
    .hold = sighand_hold,
};
CKPT_TYPE_REGISTER(ckpt_sighand);
