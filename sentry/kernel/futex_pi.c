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
#include "sentry/kernel/futex_internal.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/ns/ns.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm.h"

#define CHAIN_MAX 1024 /* kernel.max_lock_depth */

struct pi_waiter { /* on the stack of the task that waits */
    struct list node;
    struct futex_key key;
    struct task *task;
    uint64_t addr;
    pid_t owner;  /* as the first namespace numbers it */
    bool granted; /* the word names us already */
    struct waitq *wq;
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

static void add_waiter(struct pi_waiter *w)
{
    list_add_tail(&waiters, &w->node);
    w->task->pi_wait = w;
}

static void remove_waiter(struct pi_waiter *w)
{
    list_del(&w->node);
    w->task->pi_wait = NULL;
}

static uint32_t nr_of(const struct task *t)
{
    return (uint32_t)pid_nr(t->pid_ns, t->tid);
}

/*
 * Takes w off the list and makes it the owner; those behind it wait for it now. FUTEX_WAITERS stays
 * as in wake_futex_pi() of kernel/futex/pi.c: the next unlock comes here.
 */
static int grant(struct pi_waiter *w, uint32_t bits)
{
    struct pi_waiter *o;

    if (store_u32(w->task, w->addr, nr_of(w->task) | FUTEX_WAITERS | bits))
        return -EFAULT;
    remove_waiter(w);
    list_for_each(o, &waiters, node) {
        if (futex_same_key(&o->key, &w->key))
            o->owner = w->task->tid;
    }
    w->granted = true;
    waitq_wake_all(w->wq);
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

/* Whom the word names: NULL nobody. -ESRCH nobody that lives. */
static int read_owner(struct task *t, uint64_t addr, uint32_t *val, struct task **owner)
{
    if (fetch_u32(t, addr, val))
        return -EFAULT;
    pid_t nr = (pid_t)(*val & FUTEX_TID_MASK);
    *owner = nr ? task_find_nr(nr) : NULL;
    return nr && !*owner ? -ESRCH : 0;
}

/* Makes guests unable to change the word, then reads it. */
static int freeze_word(struct task *t, uint64_t addr, uint32_t *val, struct task **owner)
{
    int err;

    do { /* While the call parked, a handover may have overwritten the bit. */
        err = set_waiters_bit(t, addr);
        if (!err)
            err = read_owner(t, addr, val, owner);
    } while (!err && !(*val & FUTEX_WAITERS));
    return err;
}

/* Does owner wait for t, perhaps by way of others? */
static bool would_deadlock(const struct task *t, const struct task *owner)
{
    for (int i = 0; owner && i < CHAIN_MAX; i++) {
        if (owner == t)
            return true;
        owner = owner->pi_wait ? task_find(owner->pi_wait->owner) : NULL;
    }
    return owner != NULL;
}

static long wait_for(struct task *t, struct pi_waiter *w, uint64_t deadline)
{
    int err;

    waitq_init(w->wq);
    add_waiter(w);
    do
        err = task_wait(t, w->wq, deadline);
    while (!err && !w->granted);
    if (w->granted)
        return 0;
    remove_waiter(w);
    return err == -ERESTARTSYS ? -ERESTARTNOINTR : err;
}

long futex_lock_pi(struct task *t, uint64_t addr, bool private_, bool try, uint64_t deadline)
{
    struct waitq wq;
    struct pi_waiter w = {.task = t, .addr = addr, .wq = &wq};
    struct task *owner;
    uint32_t val = 0;
    int err = mm_futex_key(t, addr, private_, &w.key);

    if (!err)
        err = read_owner(t, addr, &val, &owner);
    if (!err && owner == t)
        err = -EDEADLK;
    if (!err)
        err = freeze_word(t, addr, &val, &owner);
    if (err)
        return err;
    if (!owner) {
        uint32_t bits = val & FUTEX_OWNER_DIED;
        if (first_waiter(&w.key))
            bits |= FUTEX_WAITERS;
        return store_u32(t, addr, nr_of(t) | bits);
    }
    if (try)
        return -EAGAIN;
    if (would_deadlock(t, owner))
        return -EDEADLK;
    w.owner = owner->tid;
    return wait_for(t, &w, deadline);
}

long futex_unlock_pi(struct task *t, uint64_t addr, bool private_)
{
    struct futex_key key;
    uint32_t val;

    if (fetch_u32(t, addr, &val))
        return -EFAULT;
    if ((val & FUTEX_TID_MASK) != nr_of(t))
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

    /* Who was made the owner may have had its place behind others: each lock has its first. */
    list_for_each_safe(w, tmp, &waiters, node) {
        if (w->owner == t->tid && w == first_waiter(&w->key))
            grant(w, FUTEX_OWNER_DIED);
    }
}

/* --- waiting for a word, and then for a lock: kernel/futex/requeue.c --- */
static int check_moved(const struct futex_wait *w, const struct futex_key *to)
{
    return w->pi_addr && futex_same_key(&w->pi_key, to) ? 0 : -EINVAL;
}

/* From the word to the lock, whose owner is known. One that is frozen takes its place later. */
static void move_to_lock(struct futex_wait *w, const struct futex_key *to, pid_t owner)
{
    futex_dequeue(w);
    w->pi_requeued = true;
    if (!w->pi)
        return;
    *w->pi = (struct pi_waiter){
        .task = w->task, .key = *to, .addr = w->pi_addr, .owner = owner, .wq = w->wq};
    add_waiter(w->pi);
}

/*
 * The lock for the first waiter, if it is free: futex_proxy_trylock_atomic(). 1: it has it; 0: it
 * is *owner's.
 */
static int lock_for_first(struct task *t, const struct futex_requeue *q,
                          const struct futex_key *from, const struct futex_key *to,
                          struct task **owner)
{
    struct futex_wait *w = futex_first(from);
    uint32_t val;

    int err = check_moved(w, to);
    if (!err)
        err = read_owner(t, q->to, &val, owner);
    if (!err && *owner == w->task)
        err = -EDEADLK;
    if (!err)
        err = freeze_word(t, q->to, &val, owner);
    w = futex_first(from); /* the call has parked */
    if (err || !w)
        return err;
    err = check_moved(w, to);
    if (err)
        return err;
    if (*owner)
        return would_deadlock(w->task, *owner) ? -EDEADLK : 0;
    uint32_t bits = val & FUTEX_OWNER_DIED;
    if (q->nrequeue || first_waiter(to))
        bits |= FUTEX_WAITERS;
    if (store_u32(t, q->to, nr_of(w->task) | bits))
        return -EFAULT;
    *owner = w->task;
    futex_wake_waiter(w);
    return 1;
}

long futex_requeue_pi(struct task *t, const struct futex_requeue *q)
{
    struct futex_key from, to;
    struct futex_wait *w;
    struct task *owner = NULL;
    int done, moved = 0;

    if (q->nwake < 0 || q->nrequeue < 0 || q->from == q->to || q->nwake != 1)
        return -EINVAL;
    int err = futex_requeue_keys(t, q, &from, &to);
    if (!err && futex_same_key(&from, &to))
        err = -EINVAL;
    if (err || !futex_first(&from))
        return err;
    done = lock_for_first(t, q, &from, &to, &owner);
    if (done < 0)
        return done;
    while (done + moved - q->nwake < q->nrequeue && (w = futex_first(&from))) {
        err = check_moved(w, &to);
        if (!err && would_deadlock(w->task, owner))
            err = -EDEADLK;
        if (err)
            return err;
        move_to_lock(w, &to, owner->tid);
        moved++;
    }
    return done + moved;
}

/* The wait that the sandbox's freezing has cut: again for the word, or already for the lock. */
static int begin_wait(struct task *t, const struct sysargs *a, bool private_)
{
    struct futex_key to;
    uint64_t lock = arg_u64(a, 4);

    int err = mm_futex_key(t, lock, private_, &to);
    if (!err)
        err = futex_start_wait(t, arg_u64(a, 0), private_, arg_u32(a, 2), FUTEX_BITSET_MATCH_ANY);
    if (err)
        return err;
    t->futex.pi_addr = lock;
    t->futex.pi_key = to;
    if (!futex_same_key(&t->futex.key, &to))
        return 0;
    futex_dequeue(&t->futex);
    return -EINVAL;
}

/* After the sleep: what has become of the wait. */
static long end_wait(struct task *t, struct pi_waiter *lock, int err)
{
    struct futex_wait *w = &t->futex;

    if (t->pi_wait == lock)
        remove_waiter(lock);
    w->wq = NULL;
    w->pi = NULL;
    w->kept = futex_stays(t, err);
    if (w->woken || lock->granted) {
        w->kept = false;
        return 0;
    }
    if (w->kept)
        return -ERESTARTNOINTR;
    futex_dequeue(w);
    if (err == -ERESTARTSYS) /* from the lock it cannot start over: the word has changed */
        return w->pi_requeued ? -EAGAIN : -ERESTARTNOINTR;
    return err;
}

long futex_wait_requeue_pi(struct task *t, const struct sysargs *a, bool private_,
                           uint64_t deadline)
{
    struct futex_wait *w = &t->futex;
    struct pi_waiter lock = {.granted = false};
    struct waitq wq;
    bool again = t->resuming && w->kept;
    int err = 0;

    if (arg_u64(a, 0) == arg_u64(a, 4))
        return -EINVAL;
    if (again && w->pi_requeued) {
        long ret = futex_lock_pi(t, arg_u64(a, 4), private_, false, deadline);
        w->kept = ret == -ERESTARTNOINTR && !task_signal_waiting(t);
        return ret == -ERESTARTNOINTR && !w->kept ? -EAGAIN : ret;
    }
    if (!again)
        err = begin_wait(t, a, private_);
    if (err)
        return err;
    waitq_init(&wq);
    w->wq = &wq;
    w->pi = &lock;
    while (!err && !w->woken && !lock.granted)
        err = task_wait(t, &wq, deadline);
    return end_wait(t, &lock, err);
}
