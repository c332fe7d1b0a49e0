/*
 * FUTEX_LOCK_PI and relatives: futex(2). The word holds the owner's thread id; an unlock with
 * waiters hands the lock to the first of them. Nobody's priority changes: guests share the host's
 * fair scheduler.
 *
 * Guest threads change a word only from 0 to their id and back. Once FUTEX_WAITERS is set both
 * fail, so that the word changes here only: setting that bit is the one step that must be atomic,
 * and the host does it, from inside the address space.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/ns/ns.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm.h"

struct pi_waiter { /* on the stack of the task that waits */
    struct list node;
    struct futex_key key;
    struct task *task;
    uint64_t addr;
    pid_t owner;
    bool granted; /* the word names us already */
    struct waitq wq;
};

static struct list waiters = LIST_INIT(waiters); /* first come, first served */

static struct pi_waiter *first_waiter(const struct futex_key *key)
{
    struct pi_waiter *w;

    list_for_each(w, &waiters, node) {
        if (futex_same_key(&w->key, key))
            return w;
    }
    return NULL;
}

/* Takes w off the list and makes it the owner; those behind it wait for it now. */
static int grant(struct pi_waiter *w, uint32_t bits)
{
    struct pi_waiter *o;
    pid_t tid = pid_nr(w->task->pid_ns, w->task->tid);

    list_del(&w->node);
    if (first_waiter(&w->key))
        bits |= FUTEX_WAITERS;
    if (store_u32(w->task, w->addr, (uint32_t)tid | bits)) {
        list_add(&waiters, &w->node);
        return -EFAULT;
    }
    list_for_each(o, &waiters, node) {
        if (futex_same_key(&o->key, &w->key))
            o->owner = tid;
    }
    w->granted = true;
    waitq_wake_all(&w->wq);
    return 0;
}

static int set_waiters_bit(struct task *t, uint64_t addr)
{
    const unsigned long or_bit_31 =
        (unsigned long)(FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT) << 28 | 31UL << 12;
    struct platform_hostcall call = {
        .nr = SYS_futex, .args = {addr, FUTEX_WAKE_OP_PRIVATE, 0, 0, addr, or_bit_31}, .fd = -1};

    return platform->hostcall(t->thr, &call);
}

/* Whom the word names: 0 nobody, -EDEADLK the caller, -ESRCH nobody that lives. */
static int read_owner(struct task *t, uint64_t addr, uint32_t *val)
{
    if (fetch_u32(t, addr, val))
        return -EFAULT;
    pid_t owner = (pid_t)(*val & FUTEX_TID_MASK);
    if (owner == task_nr(t))
        return -EDEADLK;
    return owner && !task_find_nr(owner) ? -ESRCH : owner;
}

static long wait_for(struct task *t, struct pi_waiter *w, uint64_t deadline)
{
    int err;

    waitq_init(&w->wq);
    list_add_tail(&waiters, &w->node);
    do
        err = task_wait(t, &w->wq, deadline);
    while (!err && !w->granted);
    if (w->granted)
        return 0;
    list_del(&w->node);
    return err == -ERESTARTSYS ? -ERESTARTNOINTR : err;
}

long futex_lock_pi(struct task *t, uint64_t addr, bool private_, bool try, uint64_t deadline)
{
    struct pi_waiter w = {.task = t, .addr = addr};
    uint32_t val = 0;
    int err = mm_futex_key(t, addr, private_, &w.key);
    int owner = err ? err : read_owner(t, addr, &val);

    if (owner < 0)
        return owner;
    /* While the call parked, a handover may have overwritten the bit. */
    do {
        err = set_waiters_bit(t, addr);
        owner = err ? err : read_owner(t, addr, &val);
        if (owner < 0)
            return owner;
    } while (!(val & FUTEX_WAITERS));
    if (owner == 0) {
        uint32_t bits = val & FUTEX_OWNER_DIED;
        if (first_waiter(&w.key))
            bits |= FUTEX_WAITERS;
        return store_u32(t, addr, (uint32_t)task_nr(t) | bits);
    }
    if (try)
        return -EAGAIN;
    w.owner = owner;
    return wait_for(t, &w, deadline);
}

long futex_unlock_pi(struct task *t, uint64_t addr, bool private_)
{
    struct futex_key key;
    uint32_t val;

    if (fetch_u32(t, addr, &val))
        return -EFAULT;
    if ((pid_t)(val & FUTEX_TID_MASK) != task_nr(t))
        return -EPERM;
    int err = mm_futex_key(t, addr, private_, &key);
    if (err)
        return err;
    struct pi_waiter *w = first_waiter(&key);
    return w ? grant(w, 0) : store_u32(t, addr, 0);
}

void futex_pi_exit(struct task *t)
{
    struct pi_waiter *w, *tmp;

    list_for_each_safe(w, tmp, &waiters, node) {
        if (w->owner == task_nr(t))
            grant(w, FUTEX_OWNER_DIED);
    }
}
