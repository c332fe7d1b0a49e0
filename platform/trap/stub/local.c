/* Calls that need no sentry: private futexes, what a thread may know of itself, clocks, yielding.
 */
#include "platform/trap/stub/stub.h"

#include <asm/unistd.h>
#include <linux/futex.h>

#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2
#define CLOCK_MONOTONIC 1
#define TIMEOUT_MAX_S 4000000000L /* what remains is nanoseconds in 64 bits */
#define SIGKILL_BIT (1UL << 8)
#define SIGSTOP_BIT (1UL << 18)

/*
 * An absolute timeout is of the guest's clock, the host wants its own. What is wrong with it stays
 * so. Not if it cannot be read.
 */
static int64_t host_deadline(uint64_t at, int64_t ts[2])
{
    const volatile struct vdso_params *p = vdso_params();

    if (at >= STUB_TEXT || stub_copy(ts, (const void *)at, 2 * sizeof(*ts)))
        return -1;
    if (ts[0] < 0 || ts[1] < 0 || ts[1] >= 1000000000)
        return 0;
    ts[0] -= p->offset_s;
    ts[1] -= (int64_t)p->offset_ns;
    if (ts[1] < 0) {
        ts[1] += 1000000000;
        ts[0]--;
    }
    if (ts[0] < 0)
        ts[0] = ts[1] = 0; /* long ago */
    return 0;
}

/* A timeout of FUTEX_WAIT as a deadline, so that what remains of it is known. */
static int64_t relative_deadline(uint64_t timeout, int64_t ts[2])
{
    long (*fn)(uint64_t, void *) = (void *)vdso_params()->clock_gettime;
    int64_t now[2];

    if (timeout >= STUB_TEXT || stub_copy(ts, (const void *)timeout, 2 * sizeof(*ts)) ||
        ts[0] < 0 || ts[1] < 0 || ts[1] >= 1000000000)
        return -1;
    if (!fn || fn(CLOCK_MONOTONIC, now))
        return -1;
    if (ts[0] > TIMEOUT_MAX_S)
        ts[0] = TIMEOUT_MAX_S;
    ts[0] += now[0];
    ts[1] += now[1];
    if (ts[1] >= 1000000000) {
        ts[1] -= 1000000000;
        ts[0]++;
    }
    return 0;
}

/* Fills in ts if the host has to have another timeout than the guest gave; its address. */
static uint64_t host_timeout(struct slot *s, uint64_t addr, uint64_t *op, uint64_t *bits,
                             uint64_t timeout, int64_t ts[2])
{
    s->futex_timeout = timeout ? TIMEOUT_ABSOLUTE : TIMEOUT_NONE;
    if (!timeout || *op != FUTEX_WAIT_PRIVATE)
        return timeout;
    uint64_t again = s->again_addr, deadline = s->again_deadline;
    s->again_addr = 0;
    if (again && again == addr) {
        ts[0] = (int64_t)(deadline / 1000000000);
        ts[1] = (int64_t)(deadline % 1000000000);
    } else if (relative_deadline(timeout, ts)) {
        return timeout; /* it is wrong, the host will say so */
    }
    s->futex_timeout = TIMEOUT_RELATIVE;
    s->futex_deadline = (uint64_t)ts[0] * 1000000000 + (uint64_t)ts[1];
    *op = FUTEX_WAIT_BITSET_PRIVATE;
    *bits = FUTEX_BITSET_MATCH_ANY;
    return (uint64_t)ts;
}

static long wait_here(struct slot *s, const struct stub_ucontext *uc, uint64_t timeout)
{
    uint64_t op = uc->mc.si, bits = uc->mc.r9;
    int64_t ts[2];

    timeout = host_timeout(s, uc->mc.di, &op, &bits, timeout, ts);
    s->futex_requeues = ((struct slot *)STUB_SLOTS)->requeues;
    __atomic_store_n(&s->in_futex, 1, __ATOMIC_SEQ_CST);
    long ret =
        stub_futex(uc->mc.di, op, uc->mc.dx, timeout, uc->mc.r8, bits, &slot_fast(s)->interrupted);
    /*
     * From here on the sentry knows us on the way to guest code: text.c. Interrupted, we post
     * before we get there.
     */
    const volatile uint32_t *interrupted = &slot_fast(s)->interrupted;
    __atomic_store_n(&s->in_futex, 0, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&s->text_locked, __ATOMIC_SEQ_CST) && !*interrupted)
        __builtin_ia32_pause();
    return ret;
}

/*
 * Private futexes: the host's own queues. Of a wait that was interrupted the sentry decides between
 * a handler and a restart.
 */
static enum served serve_futex(struct slot *s, struct stub_ucontext *uc, long *ret)
{
    uint64_t op = uc->mc.si, cmd = op & FUTEX_CMD_MASK, timeout = uc->mc.r10;
    int64_t deadline[2];

    if (!(op & FUTEX_PRIVATE_FLAG) || uc->mc.di >= STUB_TEXT || s->ask_futex)
        return NOT_SERVED;
    switch (cmd) {
    case FUTEX_WAIT:
        *ret = wait_here(s, uc, timeout);
        return *ret == -4 ? SERVED_FUTEX : SERVED;
    case FUTEX_WAIT_BITSET:
        if (timeout && !(op & FUTEX_CLOCK_REALTIME) &&
            (vdso_params()->offset_s | (int64_t)vdso_params()->offset_ns)) {
            if (host_deadline(timeout, deadline))
                return NOT_SERVED;
            timeout = (uint64_t)deadline;
        }
        *ret = wait_here(s, uc, timeout);
        return *ret == -4 ? SERVED_FUTEX : SERVED;
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
        __atomic_fetch_add(&((struct slot *)STUB_SLOTS)->requeues, 1, __ATOMIC_SEQ_CST);
        break;
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
    case FUTEX_WAKE_OP:
        break;
    default:
        return NOT_SERVED;
    }
    s->futex_timeout = TIMEOUT_NOT_BEGUN;
    s->futex_requeues = ((struct slot *)STUB_SLOTS)->requeues;
    *ret = stub_futex(uc->mc.di, op, uc->mc.dx, timeout, uc->mc.r8, uc->mc.r9,
                      &slot_fast(s)->interrupted);
    return *ret == -4 ? SERVED_FUTEX : SERVED;
}

/*
 * rt_sigprocmask(2): the thread's own affair until a signal waits. What cannot be done here, and
 * how it fails, is the sentry's to say.
 */
static enum served serve_sigmask(struct slot *s, const struct stub_ucontext *uc, long *ret)
{
    uint64_t set = uc->mc.si, old = uc->mc.dx, before = s->sigmask, mask = before;

    if (uc->mc.r10 != sizeof(mask) || set >= STUB_TEXT || old >= STUB_TEXT || s->sigpending)
        return NOT_SERVED;
    if (set) {
        uint64_t given;
        if (stub_copy8(&given, (const void *)set))
            return NOT_SERVED;
        switch ((uint32_t)uc->mc.di) {
        case SIG_BLOCK:
            mask |= given;
            break;
        case SIG_UNBLOCK:
            mask &= ~given;
            break;
        case SIG_SETMASK:
            mask = given;
            break;
        default:
            return NOT_SERVED;
        }
        mask &= ~(SIGKILL_BIT | SIGSTOP_BIT);
    }
    if (old && stub_copy8((void *)old, &before))
        return NOT_SERVED;
    *ret = 0;
    if (mask == before)
        return SERVED;
    __atomic_store_n(&s->sigmask, mask, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&s->sigpending, __ATOMIC_SEQ_CST) ? SERVED_SIGMASK : SERVED;
}

/* The guest's clock, or the host's for a call that the host's vDSO makes: vdso_is_hosts(). */
static long serve_clock(const struct stub_ucontext *uc)
{
    const volatile struct vdso_params *p = vdso_params();
    uint64_t id = (uint32_t)uc->mc.di, to = uc->mc.si;
    long (*fn)(uint64_t, void *) = (void *)p->clock_gettime;
    int64_t ts[2];

    /* REALTIME, MONOTONIC, RAW, COARSE both, BOOTTIME: what the vDSO has without a call. */
    if (!fn || id > 7 || id == 2 || id == 3 || to >= STUB_TEXT)
        return 1;
    if (fn(id, ts))
        return 1;
    if (vdso_is_monotonic(id) && (uc->mc.ip < STUB_VDSO || uc->mc.ip >= STUB_SCRATCH)) {
        ts[0] += p->offset_s;
        ts[1] += (int64_t)p->offset_ns;
        if (ts[1] >= 1000000000) {
            ts[1] -= 1000000000;
            ts[0]++;
        }
    }
    return stub_copy((void *)to, ts, sizeof(ts)) ? -14 : 0;
}

/* Facts are the guest's own to falsify. */
enum served serve_here(struct slot *s, struct stub_ucontext *uc, uint64_t nr, long *ret)
{
    const struct slot_facts *f = &s->facts;

    if (nr == __NR_futex)
        return serve_futex(s, uc, ret);
    if (!f->valid)
        return NOT_SERVED;
    switch (nr) {
    case __NR_getpid:
        *ret = f->pid;
        return SERVED;
    case __NR_gettid:
        *ret = f->tid;
        return SERVED;
    case __NR_getppid:
        *ret = f->ppid;
        return SERVED;
    case __NR_getuid:
        *ret = f->uid;
        return SERVED;
    case __NR_geteuid:
        *ret = f->euid;
        return SERVED;
    case __NR_getgid:
        *ret = f->gid;
        return SERVED;
    case __NR_getegid:
        *ret = f->egid;
        return SERVED;
    case __NR_sched_yield:
        *ret = host_syscall(__NR_sched_yield, 0, 0, 0, 0);
        return SERVED;
    case __NR_clock_gettime:
        *ret = serve_clock(uc);
        return *ret <= 0 ? SERVED : NOT_SERVED;
    case __NR_rt_sigprocmask:
        return serve_sigmask(s, uc, ret);
    default:
        return NOT_SERVED;
    }
}
