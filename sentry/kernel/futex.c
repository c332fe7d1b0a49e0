/*
 * futex(2). On the trap platform private futexes live in the host (the stub serves them); here are
 * the shared ones and, on other platforms, all of them. The word is read from memory after the
 * waiter is known to be alone on the sentry's thread, so that no wake can be lost.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "ckpt/record.h"
#include "sentry/kernel/fiber.h"
#include "sentry/ns/ns.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm.h"
#include "sentry/time/clock.h"

#define BUCKETS 256
#define ROBUST_LIST_LIMIT 2048

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

static uint64_t arrivals;

static void enqueue(struct futex_wait *w)
{
    w->order = ++arrivals;
    w->woken = false;
    w->is_queued = true;
    list_add_tail(bucket(&w->key), &w->node);
}

static void dequeue(struct futex_wait *w)
{
    if (w->is_queued)
        list_del(&w->node);
    w->is_queued = false;
}

void futex_enqueue_restored(struct futex_wait *f)
{
    struct list *b = bucket(&f->key);
    struct futex_wait *o;
    uint64_t order = f->order;

    enqueue(f);
    list_del(&f->node);
    f->order = order;
    arrivals = MAX(arrivals, MIN(order, UINT64_MAX / 2));
    list_for_each(o, b, node) {
        if (o->order > order)
            break;
    }
    list_add_tail(&o->node, &f->node);
}

static void wake_waiter(struct futex_wait *w)
{
    dequeue(w);
    w->woken = true;
    if (w->wq)
        waitq_wake_all(w->wq);
}

static int wake_key(const struct futex_key *key, int n, uint32_t bitset)
{
    struct list *b = bucket(key);
    struct futex_wait *w, *tmp;
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

static int start_wait(struct task *t, uint64_t addr, bool private_, uint32_t val, uint32_t bitset)
{
    struct futex_wait *w = &t->futex;
    struct futex_key key;
    uint32_t now;

    if (!bitset)
        return -EINVAL;
    int err = mm_futex_key(t, addr, private_, &key);
    if (err)
        return err;
    if (fetch_u32(t, addr, &now))
        return -EFAULT;
    if (now != val)
        return -EAGAIN;
    dequeue(w); /* an image may have queued it in front of another call */
    w->key = key;
    w->addr = addr;
    w->bitset = bitset;
    enqueue(w);
    return 0;
}

/* FUTEX_WAIT and FUTEX_WAIT_BITSET from the check of the word on. */
static long do_wait(struct task *t, uint64_t addr, bool private_, uint32_t val, uint64_t deadline,
                    uint32_t bitset)
{
    struct futex_wait *w = &t->futex;
    struct waitq wq;
    int err = 0;

    /* One that comes back is still in its queue, wherever it was moved to. */
    if (!(t->resuming && w->kept))
        err = start_wait(t, addr, private_, val, bitset);
    if (err)
        return err;
    waitq_init(&wq);
    w->wq = &wq;
    while (!err && !w->woken)
        err = task_wait(t, &wq, deadline);
    w->wq = NULL;
    w->kept = !w->woken && err == -ERESTARTSYS && !task_signal_waiting(t);
    if (w->woken)
        return 0;
    if (!w->kept)
        dequeue(w);
    return err;
}

bool futex_wait_drop(struct task *t)
{
    struct futex_wait *w = &t->futex;
    bool woken = w->kept && w->woken;

    dequeue(w);
    w->kept = false;
    return woken;
}

/*
 * FUTEX_WAIT with a timeout goes on after a stop with what remains of it. A wait that the guest's
 * side serves goes on there.
 */
static long restart_wait(struct task *t, void *data);
CKPT_FUNCTION("restart", "futex", restart_wait);

long futex_restart_later(struct task *t, uint64_t addr, bool private_, uint32_t val,
                         uint64_t deadline)
{
    t->restart_fn = restart_wait;
    t->restart_deadline_ns = deadline;
    t->restart_data.u64[0] = addr;
    t->restart_data.u64[1] = (private_ ? 1ULL << 32 : 0) | val;
    return -ERESTART_RESTARTBLOCK;
}

static long wait_for_time(struct task *t, uint64_t addr, bool private_, uint32_t val,
                          uint64_t deadline)
{
    long ret = do_wait(t, addr, private_, val, deadline, FUTEX_BITSET_MATCH_ANY);

    if (ret == -ERESTARTSYS)
        ret = futex_restart_later(t, addr, private_, val, deadline);
    return ret;
}

static long restart_wait(struct task *t, void *data)
{
    uint64_t addr = t->restart_data.u64[0], deadline = t->restart_deadline_ns;
    bool private_ = t->restart_data.u64[1] >> 32;

    if (private_ && !t->resuming && platform->futex_again &&
        platform->futex_again(t->thr, addr, deadline)) {
        signal_rewind_call(t, SYS_futex);
        t->ev.kind = PE_INTERRUPTED;
        return 0;
    }
    return wait_for_time(t, addr, private_, (uint32_t)t->restart_data.u64[1], deadline);
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

static const struct task *task_of_wait(const struct futex_wait *w)
{
    return container_of(w, const struct task, futex);
}

static long do_requeue(struct task *t, const struct sysargs *a, bool private_, bool compare)
{
    struct futex_key from, to;
    struct futex_wait *w, *tmp;
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
        dequeue(w);
        w->key = to;
        w->addr = task_of_wait(w)->mm == t->mm ? arg_u64(a, 4) : 0;
        enqueue(w);
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

static long do_timed_wait(struct task *t, const struct sysargs *a, bool private_, uint64_t deadline)
{
    uint64_t addr = arg_u64(a, 0);
    uint32_t val = arg_u32(a, 2);

    if ((arg_i32(a, 1) & FUTEX_CMD_MASK) == FUTEX_WAIT)
        return deadline == NO_DEADLINE
                   ? do_wait(t, addr, private_, val, deadline, FUTEX_BITSET_MATCH_ANY)
                   : wait_for_time(t, addr, private_, val, deadline);
    long ret = do_wait(t, addr, private_, val, deadline, arg_u32(a, 5));
    return ret == -ERESTARTSYS && deadline != NO_DEADLINE ? -ERESTARTNOHAND : ret;
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
        return err ? err : do_timed_wait(t, a, private_, deadline);
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
