/*
 * Robust lists: get_robust_list(2), exit_robust_list() of Linux' kernel/futex/core.c. What a list
 * says is the guest's: it is bounded, and its errors end the walk.
 */
#include <errno.h>
#include <linux/futex.h>

#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm.h"
#include "sentry/ns/ns.h"

#define ROBUST_LIST_LIMIT 2048
#define ENTRY_PI 1UL /* in an entry's address: a lock with priority inheritance */

struct robust_head {
    uint64_t next;
    int64_t offset;
    uint64_t pending;
};

long sys_set_robust_list(struct task *t, const struct sysargs *a)
{
    if (arg_u64(a, 1) != sizeof(struct robust_head))
        return -EINVAL;
    t->robust_list = arg_u64(a, 0);
    return 0;
}

long sys_get_robust_list(struct task *t, const struct sysargs *a)
{
    struct task *o = arg_i32(a, 0) ? task_find_nr(arg_i32(a, 0)) : t;
    uint64_t size = sizeof(struct robust_head);

    if (!o)
        return -ESRCH;
    if (!trace_may_attach(t, o))
        return -EPERM;
    if (put_user(t, &size, arg_u64(a, 2)))
        return -EFAULT;
    return put_user(t, &o->robust_list, arg_u64(a, 1));
}

/* handle_futex_death(). False: the list is not to be believed any further. */
static bool owner_died(struct task *t, uint64_t addr, bool pi, bool pending)
{
    uint32_t val;

    if (addr % 4 || fetch_u32(t, addr, &val))
        return false;
    uint32_t owner = val & FUTEX_TID_MASK;
    /* It died between unlocking and waking, or before it had the lock. */
    if (pending && !pi && !owner) {
        futex_wake_addr(t, addr, false, 1);
        return true;
    }
    if (owner != (uint32_t)task_nr(t))
        return true;
    if (store_u32(t, addr, (val & FUTEX_WAITERS) | FUTEX_OWNER_DIED))
        return false;
    if (!pi && (val & FUTEX_WAITERS)) /* futex_pi_exit() has those of the others */
        futex_wake_addr(t, addr, false, 1);
    return true;
}

void robust_list_exit(struct task *t)
{
    struct robust_head h;
    uint64_t entry, list = t->robust_list;

    t->robust_list = 0;
    if (!list || mm_read(t->mm, &h, list, sizeof(h)) != sizeof(h))
        return;
    entry = h.next;
    for (int i = 0; i < ROBUST_LIST_LIMIT && (entry & ~ENTRY_PI) != list; i++) {
        uint64_t next, at = entry & ~ENTRY_PI;
        bool ok = mm_read(t->mm, &next, at, sizeof(next)) == sizeof(next);
        if (at != (h.pending & ~ENTRY_PI) &&
            !owner_died(t, at + (uint64_t)h.offset, entry & ENTRY_PI, false))
            return;
        if (!ok)
            return;
        entry = next;
    }
    if (h.pending & ~ENTRY_PI)
        owner_died(t, (h.pending & ~ENTRY_PI) + (uint64_t)h.offset, h.pending & ENTRY_PI, true);
}
