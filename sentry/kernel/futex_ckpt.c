/*
 * Checkpoints: waits on futexes. What the host or our queues know of a wait is where it is queued;
 * both become a place in our queues, in the same order, that its task comes back for.
 */
#include <errno.h>
#include <linux/futex.h>

#include "ckpt/record.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/mm/mm.h"

enum { WAIT_NONE, WAIT_QUEUED, WAIT_WOKEN };

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

void futex_wait_save(struct ckpt_writer *w, struct task *t, bool by_guest)
{
    struct futex_wait f = by_guest ? guests_wait(t) : t->futex;

    if (!f.kept) {
        ckpt_put_u8(w, WAIT_NONE);
        return;
    }
    ckpt_put_u8(w, f.woken || !f.addr ? WAIT_WOKEN : WAIT_QUEUED);
    ckpt_put_u8(w, f.key.shared);
    ckpt_put_u64(w, f.addr);
    ckpt_put_u64(w, f.order);
    ckpt_put_u32(w, f.bitset);
}

void futex_wait_load(struct ckpt_reader *r, struct task *t)
{
    struct futex_wait *f = &t->futex;
    unsigned int state = ckpt_get_u8(r);

    if (state == WAIT_NONE)
        return;
    f->kept = true;
    f->woken = state == WAIT_WOKEN;
    f->key.shared = ckpt_get_u8(r);
    f->addr = ckpt_get_u64(r);
    f->order = ckpt_get_u64(r);
    f->bitset = ckpt_get_u32(r);
    if (state > WAIT_WOKEN || !t->cut_short)
        ckpt_bad(r, "a futex wait outside of a call");
}

int futex_wait_restore(struct task *t)
{
    struct futex_wait *f = &t->futex;

    if (!f->kept || f->woken)
        return 0;
    int err = mm_futex_key(t, f->addr, !f->key.shared, &f->key);
    if (!err)
        futex_enqueue_restored(f);
    return err;
}
