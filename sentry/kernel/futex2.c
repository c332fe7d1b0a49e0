/*
 * futex_waitv(2) and the calls futex_wait, futex_wake and futex_requeue: kernel/futex/syscalls.c of
 * Linux. A wait for several words, private and shared ones, has to see all who wake: from its first
 * use on the private futexes of an address space are the sentry's, and threads that wait in the
 * host come over.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/kernel/futex_internal.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm.h"
#include "sentry/time/clock.h"

#define WAITV_MAX 128
#define SIZE_MASK 3U
#define SIZE_U32 2U
#define NUMA 4U /* a node's number is behind the word */
#define MPOL 8U /* else the node of the memory's policy */
#define PRIVATE 128U
#define NO_NODE UINT32_MAX

struct waitv {
    uint64_t val, uaddr;
    uint32_t flags, reserved;
};

static int check_flags(uint32_t flags)
{
    return flags & ~(SIZE_MASK | NUMA | MPOL | PRIVATE) || (flags & SIZE_MASK) != SIZE_U32 ? -EINVAL
                                                                                           : 0;
}

/* The node that a word names: there is the first only. Asked for none, the word is told. */
static int check_node(struct task *t, uint64_t addr, uint32_t flags)
{
    uint32_t node;

    if (!(flags & NUMA))
        return 0;
    if (addr % 8)
        return -EINVAL;
    if (fetch_u32(t, addr + 4, &node))
        return -EFAULT;
    if (node == NO_NODE)
        return store_u32(t, addr + 4, 0);
    return node ? -EINVAL : 0;
}

static int get_key(struct task *t, uint64_t addr, uint32_t flags, struct futex_key *key)
{
    int err = check_node(t, addr, flags);

    return err ? err : mm_futex_key(t, addr, flags & PRIVATE, key);
}

static int check_waitv(const struct waitv *v)
{
    return check_flags(v->flags) || v->reserved || v->val > UINT32_MAX ? -EINVAL : 0;
}

static int get_timeout(struct task *t, uint64_t addr, int clock, uint64_t *deadline)
{
    struct timespec ts;

    *deadline = NO_DEADLINE;
    if (!addr)
        return 0;
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
        return -EINVAL;
    int err = futex_get_time(t, addr, &ts);
    if (!err)
        *deadline = futex_deadline(&ts, clock == CLOCK_REALTIME);
    return err;
}

/* Before the sentry may look at private words: nobody waits or wakes in the host any more. */
static int take_over(struct task *t, uint32_t flags)
{
    return flags & PRIVATE ? mm_watch(t, false) : 0;
}

static int last_woken(const struct futex_many *m)
{
    for (uint32_t i = m->n; i-- > 0;)
        if (m->w[i].woken)
            return (int)i;
    return -1;
}

int futex_many_end(struct task *t)
{
    struct futex_many *m = t->futex_many;
    int woken = last_woken(m);

    for (uint32_t i = 0; i < m->n; i++)
        futex_dequeue(&m->w[i]);
    free(m);
    t->futex_many = NULL;
    return woken;
}

/* All words are as expected, and waited for: 0 or negative errno. */
static int queue_many(struct task *t, const struct waitv *v, struct futex_many *m)
{
    for (uint32_t i = 0; i < m->n; i++) {
        int err = get_key(t, v[i].uaddr, v[i].flags, &m->w[i].key);
        if (err)
            return err;
        m->w[i].task = t;
        m->w[i].addr = v[i].uaddr;
        m->w[i].bitset = FUTEX_BITSET_MATCH_ANY;
    }
    for (uint32_t i = 0; i < m->n; i++) {
        uint32_t now;
        if (fetch_u32(t, v[i].uaddr, &now))
            return -EFAULT;
        if (now != v[i].val)
            return -EAGAIN;
        futex_enqueue(&m->w[i]);
    }
    return 0;
}

static long wait_many(struct task *t, uint64_t deadline)
{
    struct futex_many *m = t->futex_many;
    struct waitq wq;
    int err = 0;

    waitq_init(&wq);
    for (uint32_t i = 0; i < m->n; i++)
        m->w[i].wq = &wq;
    while (!err && last_woken(m) < 0)
        err = task_wait(t, &wq, deadline);
    for (uint32_t i = 0; i < m->n; i++)
        m->w[i].wq = NULL;
    if (last_woken(m) < 0 && futex_stays(t, err))
        return err;
    int woken = futex_many_end(t);
    return woken >= 0 ? woken : err;
}

static int get_waitv(struct task *t, uint64_t addr, uint32_t n, struct waitv *v, uint32_t *flags)
{
    for (uint32_t i = 0; i < n; i++) {
        if (copy_in(t, &v[i], addr + i * sizeof(*v), sizeof(*v)))
            return -EFAULT;
        if (check_waitv(&v[i]))
            return -EINVAL;
        *flags |= v[i].flags;
    }
    return 0;
}

long sys_futex_waitv(struct task *t, const struct sysargs *a)
{
    uint64_t addr = arg_u64(a, 0), deadline;
    uint32_t n = arg_u32(a, 1), flags = 0;
    struct waitv v[WAITV_MAX];

    if (arg_u32(a, 2) || !n || n > WAITV_MAX || !addr)
        return -EINVAL;
    int err = get_timeout(t, arg_u64(a, 3), arg_i32(a, 4), &deadline);
    if (err)
        return err;
    if (t->futex_many && t->resuming)
        return wait_many(t, deadline);
    err = get_waitv(t, addr, n, v, &flags);
    if (!err)
        err = take_over(t, flags);
    if (err)
        return err;
    if (t->futex_many) /* an image may have queued it in front of another call */
        futex_many_end(t);
    t->futex_many = calloc(1, sizeof(struct futex_many) + n * sizeof(struct futex_wait));
    if (!t->futex_many)
        return -ENOMEM;
    t->futex_many->n = n;
    err = queue_many(t, v, t->futex_many);
    if (!err)
        return wait_many(t, deadline);
    futex_many_end(t);
    return err;
}

long sys_futex_wake(struct task *t, const struct sysargs *a)
{
    uint64_t mask = arg_u64(a, 1);
    uint32_t flags = arg_u32(a, 3);
    int n = arg_i32(a, 2);
    struct futex_key key;

    if (check_flags(flags) || mask > UINT32_MAX || !mask)
        return -EINVAL;
    int err = get_key(t, arg_u64(a, 0), flags, &key);
    if (!err && n)
        err = take_over(t, flags);
    return err || !n ? err : futex_wake_key(&key, MAX(n, 1), (uint32_t)mask);
}

long sys_futex_wait(struct task *t, const struct sysargs *a)
{
    uint64_t val = arg_u64(a, 1), mask = arg_u64(a, 2), deadline;
    uint32_t flags = arg_u32(a, 3);

    if (check_flags(flags) || val > UINT32_MAX || mask > UINT32_MAX)
        return -EINVAL;
    int err = get_timeout(t, arg_u64(a, 4), arg_i32(a, 5), &deadline);
    if (!err && mask)
        err = check_node(t, arg_u64(a, 0), flags);
    if (!err)
        err = take_over(t, flags);
    if (err)
        return err;
    return futex_wait_addr(t, arg_u64(a, 0), flags & PRIVATE, (uint32_t)val, deadline,
                           (uint32_t)mask);
}

long sys_futex_requeue(struct task *t, const struct sysargs *a)
{
    struct waitv v[2];
    uint32_t flags = 0;

    if (arg_u32(a, 1) || !arg_u64(a, 0))
        return -EINVAL;
    int err = get_waitv(t, arg_u64(a, 0), 2, v, &flags);
    if (err)
        return err;
    uint32_t expected = (uint32_t)v[0].val;
    const struct futex_requeue q = {.from = v[0].uaddr,
                                    .to = v[1].uaddr,
                                    .from_private = v[0].flags & PRIVATE,
                                    .to_private = v[1].flags & PRIVATE,
                                    .nwake = arg_i32(a, 2),
                                    .nrequeue = arg_i32(a, 3),
                                    .expected = &expected};
    for (int i = 0; !err && i < 2; i++)
        err = check_node(t, v[i].uaddr, v[i].flags);
    if (!err)
        err = take_over(t, flags);
    return err ? err : futex_requeue(t, &q);
}
