/*
 * futex(2). On the trap platform private futexes live in the host (the stub serves them); here are
 * the shared ones and, on other platforms, all of them. The word is read from memory after the
 * waiter is known to be alone on the sentry's thread, so that no wake can be lost.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/kernel/fiber.h"
#include "sentry/ns/ns.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm.h"
#include "sentry/time/clock.h"

#define BUCKETS 256
#define ROBUST_LIST_LIMIT 2048

struct futex_waiter {
    struct list node; /* in a bucket */
    struct futex_key key;
    uint32_t bitset;
    bool woken;
    struct waitq wq; /* the task sleeps here alone */
};

static struct list buckets[BUCKETS];

static struct list *bucket(const struct futex_key *k)
{
    uint64_t h = (k->obj * 0x9e3779b97f4a7c15ULL) ^ (k->offset * 0xbf58476d1ce4e5b9ULL);
    struct list *b = &buckets[h >> 56];

    if (!b->next)
        list_init(b);
    return b;
}

bool futex_same_key(const struct futex_key *a, const struct futex_key *b)
{
    return a->obj == b->obj && a->offset == b->offset && a->shared == b->shared;
}

static void wake_waiter(struct futex_waiter *w)
{
    list_del(&w->node);
    w->woken = true;
    waitq_wake_all(&w->wq);
}

static int wake_key(const struct futex_key *key, int n, uint32_t bitset)
{
    struct list *b = bucket(key);
    struct futex_waiter *w, *tmp;
    int woken = 0;

    list_for_each_safe(w, tmp, b, node) {
        if (woken >= n)
            break;
        if (futex_same_key(&w->key, key) && (w->bitset & bitset)) {
            wake_waiter(w);
            woken++;
        }
    }
    return woken;
}

int futex_wake_addr(struct task *t, uint64_t addr, bool private_, int n)
{
    struct futex_key key;
    int err = mm_futex_key(t, addr, private_, &key);

    return err ? err : wake_key(&key, n, FUTEX_BITSET_MATCH_ANY);
}

static long do_wait(struct task *t, uint64_t addr, bool private_, uint32_t val, uint64_t deadline,
                    uint32_t bitset)
{
    struct futex_waiter w = {.bitset = bitset};
    uint32_t now;

    if (!bitset)
        return -EINVAL;
    int err = mm_futex_key(t, addr, private_, &w.key);
    if (err)
        return err;
    if (fetch_u32(t, addr, &now))
        return -EFAULT;
    if (now != val)
        return -EAGAIN;
    waitq_init(&w.wq);
    list_add_tail(bucket(&w.key), &w.node);
    do
        err = task_wait(t, &w.wq, deadline);
    while (!err && !w.woken);
    if (w.woken)
        return 0;
    list_del(&w.node);
    if (err == -ERESTARTSYS && deadline != NO_DEADLINE)
        return -ERESTARTNOHAND; /* a restart keeps the absolute deadline only if it was absolute */
    return err;
}

static int get_deadline(struct task *t, uint64_t addr, int op, uint64_t *deadline)
{
    struct timespec ts;

    *deadline = NO_DEADLINE;
    if (!addr)
        return 0;
    if (get_user(t, &ts, addr))
        return -EFAULT;
    if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    if ((op & FUTEX_CMD_MASK) == FUTEX_WAIT) {
        *deadline = deadline_after(&ts);
        return 0;
    }
    uint64_t at = (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
    if (op & FUTEX_CLOCK_REALTIME) {
        uint64_t real = realtime_ns(), mono = now_ns();
        at = at > real ? mono + (at - real) : mono;
    } else {
        at = time_from_guest(at);
    }
    *deadline = at;
    return 0;
}

static long do_requeue(struct task *t, const struct sysargs *a, bool private_, bool compare)
{
    struct futex_key from, to;
    struct futex_waiter *w, *tmp;
    int nwake = arg_i32(a, 2), nrequeue = (int)arg_u64(a, 3), moved = 0;
    uint32_t now;

    if (nwake < 0 || nrequeue < 0)
        return -EINVAL;
    int err = mm_futex_key(t, arg_u64(a, 0), private_, &from);
    if (!err)
        err = mm_futex_key(t, arg_u64(a, 4), private_, &to);
    if (err)
        return err;
    if (compare) {
        if (fetch_u32(t, arg_u64(a, 0), &now))
            return -EFAULT;
        if (now != arg_u32(a, 5))
            return -EAGAIN;
    }
    int woken = wake_key(&from, nwake, FUTEX_BITSET_MATCH_ANY);
    list_for_each_safe(w, tmp, bucket(&from), node) {
        if (moved >= nrequeue)
            break;
        if (!futex_same_key(&w->key, &from))
            continue;
        w->key = to;
        list_del(&w->node);
        list_add_tail(bucket(&to), &w->node);
        moved++;
    }
    return woken + moved;
}

static long do_wake_op(struct task *t, const struct sysargs *a, bool private_)
{
    struct futex_key k1, k2;
    uint32_t enc = arg_u32(a, 5), old, new;
    int op = (int)(enc >> 28 & 7), cmp = (int)(enc >> 24 & 15);
    int32_t oparg = (int32_t)(enc << 8) >> 20, cmparg = (int32_t)(enc << 20) >> 20;

    int err = mm_futex_key(t, arg_u64(a, 0), private_, &k1);
    if (!err)
        err = mm_futex_key(t, arg_u64(a, 4), private_, &k2);
    if (err)
        return err;
    if (enc >> 31)
        oparg = (int)(1U << (oparg & 31));
    if (fetch_u32(t, arg_u64(a, 4), &old))
        return -EFAULT;
    switch (op) {
    case FUTEX_OP_SET:
        new = (uint32_t)oparg;
        break;
    case FUTEX_OP_ADD:
        new = old + (uint32_t)oparg;
        break;
    case FUTEX_OP_OR:
        new = old | (uint32_t)oparg;
        break;
    case FUTEX_OP_ANDN:
        new = old & ~(uint32_t)oparg;
        break;
    case FUTEX_OP_XOR:
        new = old ^ (uint32_t)oparg;
        break;
    default:
        return -ENOSYS;
    }
    if (store_u32(t, arg_u64(a, 4), new))
        return -EFAULT;
    int32_t o = (int32_t)old;
    const bool results[] = {o == cmparg, o != cmparg, o<cmparg, o <= cmparg, o> cmparg,
                            o >= cmparg};
    if (cmp >= (int)ARRAY_SIZE(results))
        return -ENOSYS;
    int n = wake_key(&k1, arg_i32(a, 2), FUTEX_BITSET_MATCH_ANY);
    if (results[cmp])
        n += wake_key(&k2, (int)arg_u64(a, 3), FUTEX_BITSET_MATCH_ANY);
    return n;
}

long sys_futex(struct task *t, const struct sysargs *a)
{
    int op = arg_i32(a, 1);
    bool private_ = op & FUTEX_PRIVATE_FLAG;
    uint64_t addr = arg_u64(a, 0), deadline;
    struct futex_key key;
    int err;

    if ((op & FUTEX_CLOCK_REALTIME) && (op & FUTEX_CMD_MASK) != FUTEX_WAIT_BITSET &&
        (op & FUTEX_CMD_MASK) != FUTEX_LOCK_PI2)
        return -ENOSYS;
    switch (op & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
        err = get_deadline(t, arg_u64(a, 3), op, &deadline);
        if (err)
            return err;
        return do_wait(t, addr, private_, arg_u32(a, 2), deadline,
                       (op & FUTEX_CMD_MASK) == FUTEX_WAIT ? FUTEX_BITSET_MATCH_ANY
                                                           : arg_u32(a, 5));
    case FUTEX_WAKE:
        return futex_wake_addr(t, addr, private_, MAX(arg_i32(a, 2), 1));
    case FUTEX_WAKE_BITSET:
        err = mm_futex_key(t, addr, private_, &key);
        if (err || !arg_u32(a, 5))
            return err ? err : -EINVAL;
        return wake_key(&key, MAX(arg_i32(a, 2), 1), arg_u32(a, 5));
    case FUTEX_REQUEUE:
        return do_requeue(t, a, private_, false);
    case FUTEX_CMP_REQUEUE:
        return do_requeue(t, a, private_, true);
    case FUTEX_WAKE_OP:
        return do_wake_op(t, a, private_);
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
        if ((op & FUTEX_CMD_MASK) == FUTEX_LOCK_PI)
            op |= FUTEX_CLOCK_REALTIME;
        err = get_deadline(t, arg_u64(a, 3), op, &deadline);
        return err ? err : futex_lock_pi(t, addr, private_, false, deadline);
    case FUTEX_TRYLOCK_PI:
        return futex_lock_pi(t, addr, private_, true, 0);
    case FUTEX_UNLOCK_PI:
        return futex_unlock_pi(t, addr, private_);
    default:
        explain_missing("futex", "op %d", op & FUTEX_CMD_MASK);
        return -ENOSYS;
    }
}

/* --- robust lists: get_robust_list(2), Documentation/locking/robust-futexes.rst --- */
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
    if (put_user(t, &size, arg_u64(a, 2)))
        return -EFAULT;
    return put_user(t, &o->robust_list, arg_u64(a, 1));
}

static void owner_died(struct task *t, uint64_t addr)
{
    uint32_t val;

    if (addr % 4 || fetch_u32(t, addr, &val) || (val & FUTEX_TID_MASK) != (uint32_t)task_nr(t))
        return;
    store_u32(t, addr, (val & FUTEX_WAITERS) | FUTEX_OWNER_DIED);
    if (val & FUTEX_WAITERS)
        futex_wake_addr(t, addr, false, 1);
}

void robust_list_exit(struct task *t)
{
    struct robust_head h;
    uint64_t entry;

    if (!t->robust_list || mm_read(t->mm, &h, t->robust_list, sizeof(h)) != sizeof(h))
        return;
    entry = h.next & ~1UL;
    for (int i = 0; i < ROBUST_LIST_LIMIT && entry && entry != t->robust_list; i++) {
        uint64_t next;
        bool ok = mm_read(t->mm, &next, entry, sizeof(next)) == sizeof(next);
        if (entry != (h.pending & ~1UL))
            owner_died(t, entry + (uint64_t)h.offset);
        if (!ok)
            break;
        entry = next & ~1UL;
    }
    if (h.pending & ~1UL)
        owner_died(t, (h.pending & ~1UL) + (uint64_t)h.offset);
    t->robust_list = 0;
}
