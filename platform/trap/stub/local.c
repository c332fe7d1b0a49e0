/* Calls that need no sentry: private futexes, what a thread may know of itself, clocks, yielding.
 */
#include "platform/trap/stub/stub.h"

#include <asm/unistd.h>
#include <linux/futex.h>

/*
 * Private futexes: the host's own queues. True if the call was served, with *ret; else, when it was
 * interrupted, the sentry decides between a handler and a restart.
 */
static int serve_futex(struct slot *s, struct stub_ucontext *uc, long *ret)
{
    uint64_t op = uc->mc.si, cmd = op & FUTEX_CMD_MASK;

    if (!(op & FUTEX_PRIVATE_FLAG) || uc->mc.di >= STUB_TEXT || s->ask_futex)
        return 0;
    switch (cmd) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
    case FUTEX_WAKE_OP:
        break;
    default:
        return 0;
    }
    if (cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET)
        __atomic_store_n(&s->in_futex, 1, __ATOMIC_SEQ_CST);
    *ret = stub_futex(uc->mc.di, op, uc->mc.dx, uc->mc.r10, uc->mc.r8, uc->mc.r9,
                      &slot_fast(s)->interrupted);
    if (s->in_futex) {
        /* From here on the sentry knows us on the way to guest code: text.c. */
        __atomic_store_n(&s->in_futex, 0, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&s->text_locked, __ATOMIC_SEQ_CST))
            __builtin_ia32_pause();
    }
    return 1;
}

static long serve_clock(uint64_t id, uint64_t to)
{
    long (*fn)(uint64_t, void *) = (void *)stub_shared()->clock_gettime;
    int64_t ts[2];

    /* REALTIME, MONOTONIC, RAW, COARSE both, BOOTTIME: what the vDSO has without a call. */
    if (!fn || id > 7 || id == 2 || id == 3 || to >= STUB_TEXT)
        return 1;
    if (fn(id, ts))
        return 1;
    return stub_copy((void *)to, ts, sizeof(ts)) ? -14 : 0;
}

/* True if the call has its result in *ret. Facts are the guest's own to falsify. */
int serve_here(struct slot *s, struct stub_ucontext *uc, uint64_t nr, long *ret)
{
    const struct slot_facts *f = &s->facts;

    if (nr == __NR_futex)
        return serve_futex(s, uc, ret);
    if (!f->valid)
        return 0;
    switch (nr) {
    case __NR_getpid:
        *ret = f->pid;
        return 1;
    case __NR_gettid:
        *ret = f->tid;
        return 1;
    case __NR_getppid:
        *ret = f->ppid;
        return 1;
    case __NR_getuid:
        *ret = f->uid;
        return 1;
    case __NR_geteuid:
        *ret = f->euid;
        return 1;
    case __NR_getgid:
        *ret = f->gid;
        return 1;
    case __NR_getegid:
        *ret = f->egid;
        return 1;
    case __NR_sched_yield:
        *ret = host_syscall(__NR_sched_yield, 0, 0, 0, 0);
        return 1;
    case __NR_clock_gettime:
        *ret = serve_clock(uc->mc.di, uc->mc.si);
        return *ret <= 0;
    default:
        return 0;
    }
}
