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
#include "sentry/kernel/futex_internal.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm.h"
#include "sentry/time/clock.h"

#define BUCKETS 256

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

void futex_enqueue(struct futex_wait *w)
{
    w->order = ++arrivals;
    w->woken = false;
    w->is_queued = true;
    list_add_tail(bucket(&w->key), &w->node);
}

void futex_dequeue(struct futex_wait *w)
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

    futex_enqueue(f);
    list_del(&f->node);
    f->order = order;
    arrivals = MAX(arrivals, MIN(order, UINT64_MAX / 2));
    list_for_each(o, b, node) {
        if (o->order > order)
            break;
    }
    list_add_tail(&o->node, &f->node);
}

void futex_wake_waiter(struct futex_wait *w)
{
    futex_dequeue(w);
    w->woken = true;
    if (w->wq)
        waitq_wake_all(w->wq);
}

struct futex_wait *futex_first(const struct futex_key *key)
{
    struct futex_wait *w;

    list_for_each(w, bucket(key), node) {
        if (futex_same_key(&w->key, key))
            return w;
    }
    return NULL;
}

int futex_wake_key(const struct futex_key *key, int n, uint32_t bitset)
{
    struct list *b = bucket(key);
    struct futex_wait *w, *tmp;
    int woken = 0;

    list_for_each_safe(w, tmp, b, node) {
        if (woken >= n)
            break;
        if (!futex_same_key(&w->key, key))
            continue;
        if (w->pi_addr) /* only FUTEX_CMP_REQUEUE_PI may */
            return -EINVAL;
        if (w->bitset & bitset) {
            futex_wake_waiter(w);
            woken++;
        }
    }
    return woken;
}

int futex_wake_addr(struct task *t, uint64_t addr, bool private_, int n)
{
    struct futex_key key;
    int err = mm_futex_key(t, addr, private_, &key);

    return err ? err : futex_wake_key(&key, n, FUTEX_BITSET_MATCH_ANY);
}

int futex_start_wait(struct task *t, uint64_t addr, bool private_, uint32_t val, uint32_t bitset)
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
    futex_dequeue(w); /* an image may have queued it in front of another call */
    *w = (struct futex_wait){.task = t, .key = key, .addr = addr, .bitset = bitset};
    futex_enqueue(w);
    return 0;
}

long futex_wait_addr(struct task *t, uint64_t addr, bool private_, uint32_t val, uint64_t deadline,
                     uint32_t bitset)
{
    struct futex_wait *w = &t->futex;
    struct waitq wq;
    int err = 0;

    /* One that comes back is still in its queue, wherever it was moved to. */
    if (!(t->resuming && w->kept))
        err = futex_start_wait(t, addr, private_, val, bitset);
    if (err)
        return err;
    waitq_init(&wq);
    w->wq = &wq;
    while (!err && !w->woken)
        err = task_wait(t, &wq, deadline);
    w->wq = NULL;
    w->kept = !w->woken && futex_stays(t, err);
    if (w->woken)
        return 0;
    if (!w->kept)
        futex_dequeue(w);
    return err;
}

bool futex_stays(const struct task *t, int err)
{
    return err == -ERESTARTSYS && !task_signal_waiting(t);
}

static long drop_many(struct task *t, long result)
{
    int woken = futex_many_end(t);

    return woken >= 0 ? woken : result;
}

long futex_wait_drop(struct task *t, long result)
{
    struct futex_wait *w = &t->futex;

    if (t->futex_many)
        return drop_many(t, result);
    if (w->kept && w->woken)
        result = 0;
    else if (w->kept && w->pi_requeued) /* futex_wait_requeue_pi() of kernel/futex/requeue.c */
        result = -EAGAIN;
    futex_dequeue(w);
    *w = (struct futex_wait){.task = NULL};
    return result;
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
    long ret = futex_wait_addr(t, addr, private_, val, deadline, FUTEX_BITSET_MATCH_ANY);

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

uint64_t futex_deadline(const struct timespec *ts, bool realtime)
{
    uint64_t at = (uint64_t)ts->tv_sec * NSEC_PER_SEC + (uint64_t)ts->tv_nsec;

    if (!realtime)
        return time_from_guest(at);
    uint64_t real = realtime_ns(), mono = now_ns();
    return at > real ? mono + (at - real) : mono;
}

int futex_get_time(struct task *t, uint64_t addr, struct timespec *ts)
{
    if (get_user(t, ts, addr))
        return -EFAULT;
    return ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= NSEC_PER_SEC ? -EINVAL : 0;
}

static int get_deadline(struct task *t, uint64_t addr, int op, uint64_t *deadline)
{
    struct timespec ts;

    *deadline = NO_DEADLINE;
    if (!addr)
        return 0;
    int err = futex_get_time(t, addr, &ts);
    if (err)
        return err;
    if ((op & FUTEX_CMD_MASK) == FUTEX_LOCK_PI)
        op |= FUTEX_CLOCK_REALTIME;
    *deadline = (op & FUTEX_CMD_MASK) == FUTEX_WAIT
                    ? deadline_after(&ts)
                    : futex_deadline(&ts, op & FUTEX_CLOCK_REALTIME);
    return 0;
}

/* Whoever waits for a lock with priority inheritance is moved by FUTEX_CMP_REQUEUE_PI only. */
static int move_waiters(struct task *t, const struct futex_key *from, const struct futex_requeue *q,
                        const struct futex_key *to)
{
    struct futex_wait *w, *tmp;
    bool same = futex_same_key(from, to); /* moved ones would be met again, without an end */
    int moved = 0;

    list_for_each_safe(w, tmp, bucket(from), node) {
        if (moved >= q->nrequeue)
            break;
        if (!futex_same_key(&w->key, from))
            continue;
        if (w->pi_addr)
            return -EINVAL;
        moved++;
        if (same)
            continue;
        futex_dequeue(w);
        w->key = *to;
        w->addr = w->task->mm == t->mm ? q->to : 0;
        futex_enqueue(w);
    }
    return moved;
}

int futex_requeue_keys(struct task *t, const struct futex_requeue *q, struct futex_key *from,
                       struct futex_key *to)
{
    uint32_t now;

    int err = mm_futex_key(t, q->from, q->from_private, from);
    if (!err)
        err = mm_futex_key(t, q->to, q->to_private, to);
    if (err || !q->expected)
        return err;
    if (fetch_u32(t, q->from, &now))
        return -EFAULT;
    return now == *q->expected ? 0 : -EAGAIN;
}

long futex_requeue(struct task *t, const struct futex_requeue *q)
{
    struct futex_key from, to;

    if (q->nwake < 0 || q->nrequeue < 0)
        return -EINVAL;
    int err = futex_requeue_keys(t, q, &from, &to);
    if (err)
        return err;
    int woken = futex_wake_key(&from, q->nwake, FUTEX_BITSET_MATCH_ANY);
    if (woken < 0)
        return woken;
    int moved = move_waiters(t, &from, q, &to);
    return moved < 0 ? moved : woken + moved;
}

static long do_requeue(struct task *t, const struct sysargs *a, int cmd, bool private_)
{
    uint32_t expected = arg_u32(a, 5);
    const struct futex_requeue q = {.from = arg_u64(a, 0),
                                    .to = arg_u64(a, 4),
                                    .from_private = private_,
                                    .to_private = private_,
                                    .nwake = arg_i32(a, 2),
                                    .nrequeue = (int)arg_u64(a, 3),
                                    .expected = cmd == FUTEX_REQUEUE ? NULL : &expected};

    return cmd == FUTEX_CMP_REQUEUE_PI ? futex_requeue_pi(t, &q) : futex_requeue(t, &q);
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
    int n = futex_wake_key(&k1, MAX(arg_i32(a, 2), 1), FUTEX_BITSET_MATCH_ANY);
    if (n < 0 || !results[cmp])
        return n;
    int more = futex_wake_key(&k2, MAX((int)arg_u64(a, 3), 1), FUTEX_BITSET_MATCH_ANY);
    return more < 0 ? more : n + more;
}

static long do_timed_wait(struct task *t, const struct sysargs *a, bool private_, uint64_t deadline)
{
    uint64_t addr = arg_u64(a, 0);
    uint32_t val = arg_u32(a, 2);

    if ((arg_i32(a, 1) & FUTEX_CMD_MASK) == FUTEX_WAIT)
        return deadline == NO_DEADLINE
                   ? futex_wait_addr(t, addr, private_, val, deadline, FUTEX_BITSET_MATCH_ANY)
                   : wait_for_time(t, addr, private_, val, deadline);
    long ret = futex_wait_addr(t, addr, private_, val, deadline, arg_u32(a, 5));
    return ret == -ERESTARTSYS && deadline != NO_DEADLINE ? -ERESTARTNOHAND : ret;
}

static bool has_timeout(int cmd)
{
    return cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_WAIT_REQUEUE_PI ||
           cmd == FUTEX_LOCK_PI || cmd == FUTEX_LOCK_PI2;
}

static bool has_clock(int cmd)
{
    return cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_WAIT_REQUEUE_PI || cmd == FUTEX_LOCK_PI2;
}

static long do_wake(struct task *t, const struct sysargs *a, bool private_, uint32_t bitset)
{
    struct futex_key key;

    if (!bitset)
        return -EINVAL;
    int err = mm_futex_key(t, arg_u64(a, 0), private_, &key);
    return err ? err : futex_wake_key(&key, MAX(arg_i32(a, 2), 1), bitset);
}

long sys_futex(struct task *t, const struct sysargs *a)
{
    int op = arg_i32(a, 1), cmd = op & FUTEX_CMD_MASK;
    bool private_ = op & FUTEX_PRIVATE_FLAG;
    uint64_t addr = arg_u64(a, 0), deadline = NO_DEADLINE;
    int err = has_timeout(cmd) ? get_deadline(t, arg_u64(a, 3), op, &deadline) : 0;

    if (err)
        return err;
    if ((op & FUTEX_CLOCK_REALTIME) && !has_clock(cmd))
        return -ENOSYS;
    switch (cmd) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
        return do_timed_wait(t, a, private_, deadline);
    case FUTEX_WAKE:
        return do_wake(t, a, private_, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAKE_BITSET:
        return do_wake(t, a, private_, arg_u32(a, 5));
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
    case FUTEX_CMP_REQUEUE_PI:
        return do_requeue(t, a, cmd, private_);
    case FUTEX_WAIT_REQUEUE_PI:
        return futex_wait_requeue_pi(t, a, private_, deadline);
    case FUTEX_WAKE_OP:
        return do_wake_op(t, a, private_);
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
        return futex_lock_pi(t, addr, private_, false, deadline);
    case FUTEX_TRYLOCK_PI:
        return futex_lock_pi(t, addr, private_, true, 0);
    case FUTEX_UNLOCK_PI:
        return futex_unlock_pi(t, addr, private_);
    default:
        return -ENOSYS;
    }
}
