/* prctl(2), arch_prctl(2), personality(2). */
#include <asm/prctl.h>
#include <errno.h>
#include <linux/prctl.h>
#include <string.h>
#include <sys/personality.h>

#include "sentry/kernel/task_internal.h"
#include "sentry/ns/ns.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm.h"
#include "sentry/seccomp/seccomp.h"
#include "sentry/vfs/file.h"

#define CAP_SETPCAP 8
#define SECURE_ALL_BITS 0xff

static long change_cred(struct task *t, void (*edit)(struct cred *c, uint64_t v), uint64_t v)
{
    struct cred *n = cred_dup(t->cred);

    if (!n)
        return -ENOMEM;
    edit(n, v);
    cred_put(t->cred);
    t->cred = n;
    return 0;
}

static void drop_bounding(struct cred *c, uint64_t cap)
{
    c->cap_bounding &= ~(1ULL << cap);
}

static void set_securebits(struct cred *c, uint64_t bits)
{
    c->securebits = (uint32_t)bits;
}

static void set_ambient(struct cred *c, uint64_t set)
{
    c->cap_ambient = set;
}

static long prctl_ambient(struct task *t, const struct sysargs *a)
{
    const struct cred *c = t->cred;
    uint64_t cap = arg_u64(a, 2);

    if (arg_u64(a, 3) | arg_u64(a, 4))
        return -EINVAL;
    if (arg_u64(a, 1) == PR_CAP_AMBIENT_CLEAR_ALL)
        return cap ? -EINVAL : change_cred(t, set_ambient, 0);
    if (cap > NV_CAP_LAST)
        return -EINVAL;
    uint64_t bit = 1ULL << cap;
    switch (arg_u64(a, 1)) {
    case PR_CAP_AMBIENT_IS_SET:
        return !!(c->cap_ambient & bit);
    case PR_CAP_AMBIENT_LOWER:
        return change_cred(t, set_ambient, c->cap_ambient & ~bit);
    case PR_CAP_AMBIENT_RAISE:
        if (!(c->cap_permitted & c->cap_inheritable & bit))
            return -EPERM;
        return change_cred(t, set_ambient, c->cap_ambient | bit);
    default:
        return -EINVAL;
    }
}

static long prctl_caps(struct task *t, const struct sysargs *a)
{
    uint64_t v = arg_u64(a, 1);

    switch (arg_i32(a, 0)) {
    case PR_CAPBSET_READ:
        return v > NV_CAP_LAST ? -EINVAL : (long)(t->cred->cap_bounding >> v & 1);
    case PR_CAPBSET_DROP:
        if (!cred_capable_own(t->cred, CAP_SETPCAP))
            return -EPERM;
        return v > NV_CAP_LAST ? -EINVAL : change_cred(t, drop_bounding, v);
    case PR_GET_SECUREBITS:
        return t->cred->securebits;
    case PR_SET_SECUREBITS:
        if (v & ~(uint64_t)SECURE_ALL_BITS)
            return -EPERM;
        return cred_capable_own(t->cred, CAP_SETPCAP) ? change_cred(t, set_securebits, v) : -EPERM;
    case PR_GET_KEEPCAPS:
        return t->tg->keepcaps;
    case PR_SET_KEEPCAPS:
        if (v > 1)
            return -EINVAL;
        t->tg->keepcaps = v;
        return 0;
    default:
        return prctl_ambient(t, a);
    }
}

static long prctl_name(struct task *t, uint64_t addr, bool set)
{
    char name[16] = {0};

    if (!set) {
        memcpy(name, t->comm, sizeof(name));
        return put_user(t, &name, addr);
    }
    ssize_t n = copy_in_str(t, name, addr, sizeof(name));
    if (n < 0 && n != -ENAMETOOLONG)
        return n;
    name[15] = 0;
    memset(t->comm, 0, sizeof(t->comm));
    memcpy(t->comm, name, strlen(name));
    return 0;
}

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1UL
#define PR_GET_MDWE 66
#endif
#define PR_MDWE_NO_INHERIT_K 2UL
#define PR_SET_MEMORY_MERGE_K 67
#define PR_GET_MEMORY_MERGE_K 68
#ifndef PR_GET_AUXV
#define PR_GET_AUXV 0x41555856
#endif
#define AUXV_SIZE 448 /* of struct mm_struct.saved_auxv on x86-64 */

/* What fits of it, and how much there is. */
static long prctl_auxv(struct task *t, uint64_t addr, uint64_t len)
{
    uint64_t auxv[AUXV_SIZE / sizeof(uint64_t)] = {0};

    memcpy(auxv, t->mm->auxv, MIN((size_t)t->mm->auxv_len * sizeof(*auxv), sizeof(auxv)));
    return copy_out(t, addr, auxv, MIN(len, sizeof(auxv))) ? -EFAULT : AUXV_SIZE;
}

/* What to do about faulty memory; there is none that a guest is told of. */
static long set_mce_kill(struct task *t, uint64_t what, uint64_t policy)
{
    if (what == PR_MCE_KILL_CLEAR && !policy)
        t->mce_kill = 0;
    else if (what == PR_MCE_KILL_SET && policy <= PR_MCE_KILL_DEFAULT)
        t->mce_kill = policy == PR_MCE_KILL_DEFAULT ? 0 : (uint8_t)(policy + 1);
    else
        return -EINVAL;
    return 0;
}

static void set_traits(struct mm *mm, uint8_t mask, uint8_t value)
{
    mm->traits = (uint8_t)((mm->traits & ~mask) | value);
}

/* PR_SET_MDWE: a promise, which is not taken back. */
static long set_mdwe(struct mm *mm, uint64_t bits, uint64_t rest)
{
    uint8_t has = mm->traits & (MM_MDWE | MM_MDWE_NO_INHERIT);
    uint8_t want = (bits & PR_MDWE_REFUSE_EXEC_GAIN ? MM_MDWE : 0) |
                   (bits & PR_MDWE_NO_INHERIT_K ? MM_MDWE_NO_INHERIT : 0);

    if (rest || (bits & ~(uint64_t)(PR_MDWE_REFUSE_EXEC_GAIN | PR_MDWE_NO_INHERIT_K)) ||
        want == MM_MDWE_NO_INHERIT)
        return -EINVAL;
    if (has && has != want)
        return -EPERM;
    set_traits(mm, 0, want);
    return 0;
}

/* What the processor does or reports. */
static long prctl_processor(struct task *t, const struct sysargs *a)
{
    uint64_t v = arg_u64(a, 1), how = arg_u64(a, 2), rest = arg_u64(a, 3) | arg_u64(a, 4);
    int tsc = PR_TSC_ENABLE;

    switch (arg_i32(a, 0)) {
    case PR_GET_SPECULATION_CTRL: /* as a processor without such controls */
        return how | rest ? -EINVAL : -ENODEV;
    case PR_SET_SPECULATION_CTRL:
        return rest ? -EINVAL : -ENODEV;
    case PR_GET_TSC:
        return put_user(t, &tsc, v);
    case PR_SET_TSC: /* instructions are not intercepted */
        return v == PR_TSC_ENABLE ? 0 : -EINVAL;
    case PR_MCE_KILL:
        return rest ? -EINVAL : set_mce_kill(t, v, how);
    default: /* PR_MCE_KILL_GET */
        if (v | how | rest)
            return -EINVAL;
        return t->mce_kill ? t->mce_kill - 1 : PR_MCE_KILL_DEFAULT;
    }
}

/* Settings of address spaces. */
static long prctl_memory(struct task *t, const struct sysargs *a)
{
    struct mm *mm = t->mm;
    uint64_t v = arg_u64(a, 1), how = arg_u64(a, 2), rest = arg_u64(a, 3) | arg_u64(a, 4);

    switch (arg_i32(a, 0)) {
    case PR_SET_THP_DISABLE:
        if (rest || (how & ~2UL) || (!v && how))
            return -EINVAL;
        set_traits(mm, MM_THP_DISABLE | MM_THP_EXCEPT_ADVISED,
                   (v ? MM_THP_DISABLE : 0) | (how ? MM_THP_EXCEPT_ADVISED : 0));
        return 0;
    case PR_GET_THP_DISABLE:
        if (v | how | rest)
            return -EINVAL;
        return (mm->traits & MM_THP_DISABLE ? 1 : 0) | (mm->traits & MM_THP_EXCEPT_ADVISED ? 2 : 0);
    case PR_SET_MDWE:
        return set_mdwe(mm, v, how | rest);
    case PR_GET_MDWE:
        if (v | how | rest)
            return -EINVAL;
        return (mm->traits & MM_MDWE ? (long)PR_MDWE_REFUSE_EXEC_GAIN : 0) |
               (mm->traits & MM_MDWE_NO_INHERIT ? (long)PR_MDWE_NO_INHERIT_K : 0);
    case PR_SET_MEMORY_MERGE_K:
        if (how | rest)
            return -EINVAL;
        set_traits(mm, MM_MERGE_ANY, v ? MM_MERGE_ANY : 0);
        return 0;
    default: /* PR_GET_MEMORY_MERGE_K */
        return v | how | rest ? -EINVAL : !!(mm->traits & MM_MERGE_ANY);
    }
}

long sys_prctl(struct task *t, const struct sysargs *a)
{
    struct thread_group *tg = t->tg;
    uint64_t v = arg_u64(a, 1), rest = arg_u64(a, 2) | arg_u64(a, 3) | arg_u64(a, 4);
    int val;

    switch (arg_i32(a, 0)) {
    case PR_SET_NAME:
        return prctl_name(t, v, true);
    case PR_GET_NAME:
        return prctl_name(t, v, false);
    case PR_SET_PDEATHSIG:
        if (v > NV_NSIG)
            return -EINVAL;
        t->pdeath_signal = (int)v;
        return 0;
    case PR_GET_PDEATHSIG:
        return put_user(t, &t->pdeath_signal, v);
    case PR_SET_DUMPABLE:
        if (v > 1)
            return -EINVAL;
        tg->dumpable = v;
        return 0;
    case PR_GET_DUMPABLE:
        return tg->dumpable;
    case PR_SET_NO_NEW_PRIVS:
        if (v != 1 || rest)
            return -EINVAL;
        t->no_new_privs = true;
        return 0;
    case PR_GET_NO_NEW_PRIVS:
        return v || rest ? -EINVAL : t->no_new_privs;
    case PR_SET_CHILD_SUBREAPER:
        tg->is_subreaper = v != 0;
        return 0;
    case PR_GET_CHILD_SUBREAPER:
        val = tg->is_subreaper;
        return put_user(t, &val, v);
    case PR_CAPBSET_READ:
    case PR_CAPBSET_DROP:
    case PR_GET_SECUREBITS:
    case PR_SET_SECUREBITS:
    case PR_GET_KEEPCAPS:
    case PR_SET_KEEPCAPS:
    case PR_CAP_AMBIENT:
        return prctl_caps(t, a);
    case PR_SET_TIMERSLACK: /* remembered; our timers have none */
        t->timer_slack_ns = v;
        return 0;
    case PR_GET_TIMERSLACK:
        return (long)task_timer_slack(t);
    case PR_GET_SECCOMP:
        return t->seccomp_mode;
    case PR_SET_SECCOMP:
        return seccomp_prctl(t, v, arg_u64(a, 2));
    case PR_SET_THP_DISABLE:
    case PR_GET_THP_DISABLE:
    case PR_SET_MDWE:
    case PR_GET_MDWE:
    case PR_SET_MEMORY_MERGE_K:
    case PR_GET_MEMORY_MERGE_K:
        return prctl_memory(t, a);
    case PR_SET_SYSCALL_USER_DISPATCH:
        return user_dispatch_set(t, v, arg_u64(a, 2), arg_u64(a, 3), arg_u64(a, 4));
    case PR_GET_SPECULATION_CTRL:
    case PR_SET_SPECULATION_CTRL:
    case PR_GET_TSC:
    case PR_SET_TSC:
    case PR_MCE_KILL:
    case PR_MCE_KILL_GET:
        return prctl_processor(t, a);
    case PR_SET_TIMING:
        return v == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
    case PR_TASK_PERF_EVENTS_DISABLE:
    case PR_TASK_PERF_EVENTS_ENABLE: /* there are none */
        return 0;
    case PR_SET_IO_FLUSHER: /* as without CAP_SYS_RESOURCE over the host */
    case PR_GET_IO_FLUSHER:
        return -EPERM;
    case PR_SET_MM: /* as without CAP_SYS_RESOURCE and CONFIG_CHECKPOINT_RESTORE */
        return arg_u64(a, 4) || (arg_u64(a, 3) && v != PR_SET_MM_AUXV) ? -EINVAL : -EPERM;
    case PR_GET_AUXV:
        return v && rest & ~arg_u64(a, 2) ? -EINVAL : prctl_auxv(t, v, arg_u64(a, 2));
    case PR_GET_TIMING:
        return PR_TIMING_STATISTICAL;
    case PR_GET_TID_ADDRESS:
        return put_user(t, &t->clear_child_tid, v);
    default:
        explain_missing("prctl", "%d", arg_i32(a, 0));
        return -EINVAL;
    }
}

long sys_arch_prctl(struct task *t, const struct sysargs *a)
{
    uint64_t addr = arg_u64(a, 1), val = 0;

    switch (arg_i32(a, 0)) {
    case ARCH_SET_FS:
        if (addr >= NV_TASK_SIZE)
            return -EPERM;
        task_regs(t)->fs_base = addr;
        task_regs_dirty(t);
        return 0;
    case ARCH_GET_FS:
        val = task_regs(t)->fs_base;
        return put_user(t, &val, addr);
    case ARCH_GET_GS:
        return put_user(t, &val, addr);
    case ARCH_SET_GS:
        explain_missing("arch_prctl", "ARCH_SET_GS");
        return -EPERM;
    case ARCH_GET_CPUID:
        return 1;
    case ARCH_SET_CPUID:
        return -ENODEV;
    default:
        explain_missing("arch_prctl", "0x%x", (unsigned)arg_i32(a, 0));
        return -EINVAL;
    }
}

long sys_personality(struct task *t, const struct sysargs *a)
{
    uint32_t p = arg_u32(a, 0), old = t->personality;

    if (p == 0xffffffff)
        return old;
    /*
     * Served: ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC, UNAME26, PER_LINUX32. The others change nothing
     * that a 64-bit program could see, but for where a new program's maps begin.
     */
    t->personality = p;
    return old;
}

long sys_set_tid_address(struct task *t, const struct sysargs *a)
{
    t->clear_child_tid = arg_u64(a, 0);
    return task_nr(t);
}
