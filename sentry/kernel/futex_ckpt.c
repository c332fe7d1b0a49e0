/*
 * Checkpoints: waits on futexes. What the host or our queues know of a wait is where it is queued;
 * both become a place in our queues, in the same order, that its task comes back for.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>

#include "ckpt/record.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/mm/mm.h"

enum wait_state {
    WAIT_NONE,
    WAIT_QUEUED,
    WAIT_WOKEN,
    WAIT_MANY,     /* of several words: futex_waitv(2) */
    WAIT_FOR_MOVE, /* queued, to be moved to a lock */
    WAIT_MOVED,    /* to the lock */
};

#define MANY_MAX 128 /* FUTEX_WAITV_MAX */

/* Nobody knows in which order the host has them: behind those that are ours. */
#define ORDER_OF_GUESTS (UINT64_MAX / 2)

static struct futex_wait guests_wait(struct task *t)
{
    const struct user_regs_struct *r = task_regs(t);
    uint64_t cmd = r->rsi & FUTEX_CMD_MASK;

    return (struct futex_wait){.addr = r->rdi,
                               .order = ORDER_OF_GUESTS,
                               .bitset = cmd == FUTEX_WAIT_BITSET ? (uint32_t)r->r9
                                                                  : FUTEX_BITSET_MATCH_ANY,
                               .kept = cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET};
}

static enum wait_state state_of(const struct futex_wait *f)
{
    if (f->pi_requeued)
        return WAIT_MOVED;
    if (f->woken || !f->addr)
        return WAIT_WOKEN;
    return f->pi_addr ? WAIT_FOR_MOVE : WAIT_QUEUED;
}

static void put_wait(struct ckpt_writer *w, const struct futex_wait *f)
{
    enum wait_state state = state_of(f);

    ckpt_put_u8(w, (uint8_t)state);
    ckpt_put_u8(w, f->key.shared);
    ckpt_put_u64(w, f->addr);
    ckpt_put_u64(w, f->order);
    ckpt_put_u32(w, f->bitset);
    if (state == WAIT_FOR_MOVE)
        ckpt_put_u64(w, f->pi_addr);
}

void futex_wait_save(struct ckpt_writer *w, struct task *t, bool by_guest)
{
    struct futex_wait f = by_guest ? guests_wait(t) : t->futex;
    const struct futex_many *m = t->futex_many;

    if (m) {
        ckpt_put_u8(w, WAIT_MANY);
        ckpt_put_u32(w, m->n);
        for (uint32_t i = 0; i < m->n; i++)
            put_wait(w, &m->w[i]);
    } else if (f.kept) {
        put_wait(w, &f);
    } else {
        ckpt_put_u8(w, WAIT_NONE);
    }
}

static void get_wait(struct ckpt_reader *r, struct task *t, struct futex_wait *f,
                     unsigned int state)
{
    f->task = t;
    f->kept = true;
    f->woken = state == WAIT_WOKEN;
    f->pi_requeued = state == WAIT_MOVED;
    f->key.shared = ckpt_get_u8(r);
    f->addr = ckpt_get_u64(r);
    f->order = ckpt_get_u64(r);
    f->bitset = ckpt_get_u32(r);
    if (state == WAIT_FOR_MOVE)
        f->pi_addr = ckpt_get_u64(r);
}

static void load_many(struct ckpt_reader *r, struct task *t)
{
    uint32_t n = ckpt_get_count(r, MANY_MAX, 1);

    t->futex_many = calloc(1, sizeof(struct futex_many) + n * sizeof(struct futex_wait));
    if (!t->futex_many) {
        ckpt_bad(r, "out of memory");
        return;
    }
    t->futex_many->n = n;
    for (uint32_t i = 0; i < n; i++) {
        unsigned int state = ckpt_get_u8(r);
        if (state != WAIT_QUEUED && state != WAIT_WOKEN)
            ckpt_bad(r, "a futex wait that is none of several");
        get_wait(r, t, &t->futex_many->w[i], state);
    }
}

void futex_wait_load(struct ckpt_reader *r, struct task *t)
{
    unsigned int state = ckpt_get_u8(r);

    if (state == WAIT_NONE)
        return;
    if (state > WAIT_MOVED || !t->cut_short)
        ckpt_bad(r, "a futex wait outside of a call");
    else if (state == WAIT_MANY)
        load_many(r, t);
    else
        get_wait(r, t, &t->futex, state);
}

static int restore_wait(struct task *t, struct futex_wait *f)
{
    if (!f->kept || f->woken || f->pi_requeued)
        return 0;
    int err = mm_futex_key(t, f->addr, !f->key.shared, &f->key);
    if (!err && f->pi_addr)
        err = mm_futex_key(t, f->pi_addr, !f->key.shared, &f->pi_key);
    if (!err)
        futex_enqueue_restored(f);
    return err;
}

int futex_wait_restore(struct task *t)
{
    int err = restore_wait(t, &t->futex);

    for (uint32_t i = 0; !err && t->futex_many && i < t->futex_many->n; i++)
        err = restore_wait(t, &t->futex_many->w[i]);
    return err;
}
