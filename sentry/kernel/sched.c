/* sched_*(2), priorities, affinity, getcpu(2), rlimits. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/macros.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/ns/ns.h"
#include "sentry/mm/mm.h"
#include "sentry/sandbox.h"
#include "sentry/time/cputimer.h"

#define CAP_SYS_NICE 23
#define CAP_SYS_RESOURCE 24
#define NR_OPEN_MAX 1048576

static struct task *sched_target(struct task *t, pid_t pid)
{
    return pid == 0 ? t : pid > 0 ? task_find_nr(pid) : NULL;
}

/* Only one's own tasks, or with CAP_SYS_NICE: check_same_owner(). */
static bool may_schedule(const struct task *t, const struct task *o)
{
    return t->cred->euid == o->cred->uid || t->cred->euid == o->cred->euid ||
           cred_capable(t->cred, CAP_SYS_NICE);
}

long sys_sched_yield(struct task *t, const struct sysargs *a)
{
    fiber_yield();
    return 0;
}

static void all_cpus(cpu_set_t *set)
{
    CPU_ZERO(set);
    for (int i = 0; i < sandbox->ncpus && i < CPU_SETSIZE; i++)
        CPU_SET(i, set);
}

/* The CPUs of the sandbox are the first ones of those that the host allows it, in order. */
static void host_cpus(const cpu_set_t *guest, cpu_set_t *host)
{
    const cpu_set_t *allowed = loop_cpus();
    int n = loop_ncpus(), k = 0;

    CPU_ZERO(host);
    for (int i = 0; i < CPU_SETSIZE && n > 0; i++) {
        if (!CPU_ISSET(i, allowed))
            continue;
        for (int g = k; g < sandbox->ncpus && g < CPU_SETSIZE; g += n)
            if (CPU_ISSET(g, guest))
                CPU_SET(i, host);
        k++;
    }
}

void sched_pin(struct task *t)
{
    cpu_set_t host;

    if (!t->thr || !t->affinity)
        return;
    host_cpus(t->affinity, &host);
    if (CPU_COUNT(&host))
        platform->set_cpus(t->thr, &host);
}

void sched_unpin(struct task *t)
{
    if (t->thr && t->affinity)
        platform->set_cpus(t->thr, loop_cpus());
}

long sys_sched_getaffinity(struct task *t, const struct sysargs *a)
{
    struct task *o = sched_target(t, arg_i32(a, 0));
    uint32_t len = arg_u32(a, 1); /* in bits it wraps around on Linux, too */
    cpu_set_t set;

    if (len * 8 < (uint32_t)sandbox->ncpus || len % sizeof(long))
        return -EINVAL;
    if (!o)
        return -ESRCH;
    if (o->affinity)
        set = *o->affinity;
    else
        all_cpus(&set);
    /* The kernel's mask is as long as its CPU count needs, in words. */
    len = MIN(len, ROUND_UP((uint32_t)sandbox->ncpus, 64U) / 8);
    return copy_out(t, arg_u64(a, 2), &set, len) ? -EFAULT : (long)len;
}

long sys_sched_setaffinity(struct task *t, const struct sysargs *a)
{
    struct task *o = sched_target(t, arg_i32(a, 0));
    cpu_set_t set, all;

    CPU_ZERO(&set);
    if (copy_in(t, &set, arg_u64(a, 2), MIN((size_t)arg_u32(a, 1), sizeof(set))))
        return -EFAULT;
    if (!o)
        return -ESRCH;
    if (!may_schedule(t, o))
        return -EPERM;
    all_cpus(&all);
    CPU_AND(&set, &set, &all);
    if (CPU_COUNT(&set) == 0)
        return -EINVAL;
    if (!o->affinity)
        o->affinity = malloc(sizeof(set));
    if (!o->affinity)
        return -ENOMEM;
    *o->affinity = set;
    sched_pin(o);
    return 0;
}

/* Where the host runs it, as rseq(2) and the vDSO tell. */
long sys_getcpu(struct task *t, const struct sysargs *a)
{
    const struct sysargs at = *a;

    if (arg_u64(&at, 0) >= NV_TASK_SIZE || arg_u64(&at, 1) >= NV_TASK_SIZE)
        return -EFAULT;
    struct platform_hostcall call = {
        .nr = SYS_getcpu, .args = {arg_u64(&at, 0), arg_u64(&at, 1)}, .fd = -1};
    int err = platform->hostcall(t->thr, &call);
    return err ? err : call.result;
}

static bool rt_policy(int p)
{
    return p == SCHED_FIFO || p == SCHED_RR;
}

static bool normal_policy(int p)
{
    return p == SCHED_OTHER || p == SCHED_BATCH || p == SCHED_IDLE;
}

/* Guests share the host's fair scheduler: real-time policies are refused as without privilege. */
static long set_policy(struct task *t, pid_t pid, int policy, uint64_t param)
{
    const int keep = -1; /* sched_setparam(2) */

    struct sched_param sp;

    if (!param || pid < 0)
        return -EINVAL;
    if (get_user(t, &sp, param))
        return -EFAULT;
    struct task *o = sched_target(t, pid);
    if (!o)
        return -ESRCH;
    bool reset = policy == keep ? o->reset_on_fork : policy & SCHED_RESET_ON_FORK;
    policy = policy == keep ? o->policy : policy & ~SCHED_RESET_ON_FORK;
    if (rt_policy(policy)) {
        if (sp.sched_priority < 1 || sp.sched_priority > 99)
            return -EINVAL;
        explain_missing("sched", "real-time policy %d", policy);
        return -EPERM;
    }
    if (!normal_policy(policy) || sp.sched_priority)
        return -EINVAL;
    if (!may_schedule(t, o) || (o->reset_on_fork && !reset && !cred_capable(t->cred, CAP_SYS_NICE)))
        return -EPERM;
    o->policy = policy;
    o->reset_on_fork = reset;
    return 0;
}

long sys_sched_setscheduler(struct task *t, const struct sysargs *a)
{
    return arg_i32(a, 1) < 0 ? -EINVAL : set_policy(t, arg_i32(a, 0), arg_i32(a, 1), arg_u64(a, 2));
}

long sys_sched_setparam(struct task *t, const struct sysargs *a)
{
    return set_policy(t, arg_i32(a, 0), -1, arg_u64(a, 1));
}

long sys_sched_getscheduler(struct task *t, const struct sysargs *a)
{
    struct task *o = sched_target(t, arg_i32(a, 0));

    if (arg_i32(a, 0) < 0)
        return -EINVAL;
    return o ? o->policy | (o->reset_on_fork ? SCHED_RESET_ON_FORK : 0) : -ESRCH;
}

long sys_sched_getparam(struct task *t, const struct sysargs *a)
{
    struct sched_param sp = {0};

    if (!arg_u64(a, 1) || arg_i32(a, 0) < 0)
        return -EINVAL;
    if (!sched_target(t, arg_i32(a, 0)))
        return -ESRCH;
    return put_user(t, &sp, arg_u64(a, 1));
}

long sys_sched_get_priority_max(struct task *t, const struct sysargs *a)
{
    int p = arg_i32(a, 0);

    return rt_policy(p) ? 99 : normal_policy(p) || p == 6 /* SCHED_DEADLINE */ ? 0 : -EINVAL;
}

long sys_sched_get_priority_min(struct task *t, const struct sysargs *a)
{
    int p = arg_i32(a, 0);

    return rt_policy(p) ? 1 : normal_policy(p) || p == 6 ? 0 : -EINVAL;
}

long sys_sched_rr_get_interval(struct task *t, const struct sysargs *a)
{
    struct timespec ts = {0, 4 * NSEC_PER_MSEC};

    if (arg_i32(a, 0) < 0)
        return -EINVAL;
    if (!sched_target(t, arg_i32(a, 0)))
        return -ESRCH;
    return put_user(t, &ts, arg_u64(a, 1));
}

#define FLAG_RESET_ON_FORK 1
#define FLAG_KEEP_POLICY 8
#define FLAG_KEEP_PARAMS 16
#define FLAGS_KNOWN 31 /* those of bandwidth, too */
#define POLICY_DEADLINE 6

struct sched_attr_k {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

long sys_sched_getattr(struct task *t, const struct sysargs *a)
{
    struct task *o = sched_target(t, arg_i32(a, 0));
    struct sched_attr_k k = {.size = sizeof(k)};

    if (!arg_u64(a, 1) || arg_u32(a, 2) < sizeof(k) || arg_u32(a, 2) > NV_PAGE_SIZE ||
        arg_u32(a, 3) || arg_i32(a, 0) < 0)
        return -EINVAL;
    if (!o)
        return -ESRCH;
    k.policy = (uint32_t)o->policy;
    k.flags = o->reset_on_fork ? FLAG_RESET_ON_FORK : 0;
    k.nice = o->tg->nice;
    return put_user(t, &k, arg_u64(a, 1));
}

/* The first size is the smallest; what we do not know must be zero: sched_copy_attr(). */
static int get_attr(struct task *t, uint64_t addr, struct sched_attr_k *k)
{
    uint32_t size, known = sizeof(*k);
    char rest[NV_PAGE_SIZE];

    if (get_user(t, &size, addr))
        return -EFAULT;
    size = size ? size : known;
    if (size >= known && size <= sizeof(rest)) {
        if (get_user(t, k, addr) || copy_in(t, rest, addr + known, size - known))
            return -EFAULT;
        size_t zeros = 0;
        while (zeros < size - known && !rest[zeros])
            zeros++;
        if (zeros == size - known)
            return 0;
    }
    put_user(t, &known, addr);
    return -E2BIG;
}

/* kernel/sched/syscalls.c __sched_setscheduler(), before it looks at rights. */
static bool attr_valid(const struct sched_attr_k *k)
{
    int policy = (int)k->policy;

    if ((k->flags & ~(uint64_t)FLAGS_KNOWN) || k->priority > 99)
        return false;
    if (!normal_policy(policy) && !rt_policy(policy) && policy != POLICY_DEADLINE)
        return false;
    if (policy == POLICY_DEADLINE &&
        (!k->deadline || k->runtime < 1024 || k->runtime > k->deadline ||
         (k->period && k->deadline > k->period)))
        return false;
    return rt_policy(policy) == (k->priority != 0);
}

long sys_sched_setattr(struct task *t, const struct sysargs *a)
{
    struct task *o = sched_target(t, arg_i32(a, 0));
    struct sched_attr_k k;

    if (!arg_u64(a, 1) || arg_u32(a, 2) || arg_i32(a, 0) < 0)
        return -EINVAL;
    int err = get_attr(t, arg_u64(a, 1), &k);
    if (err)
        return err;
    if (!o)
        return -ESRCH;
    if ((int)k.policy < 0)
        return -EINVAL;
    if (k.flags & FLAG_KEEP_POLICY)
        k.policy = (uint32_t)o->policy;
    if (k.flags & FLAG_KEEP_PARAMS)
        k.nice = o->tg->nice;
    if (!attr_valid(&k))
        return -EINVAL;
    if (!normal_policy((int)k.policy))
        return -EPERM;
    int nice = MAX(-20, MIN(19, k.nice));
    bool more = nice < o->tg->nice || (o->reset_on_fork && !(k.flags & FLAG_RESET_ON_FORK));
    if (!may_schedule(t, o) || (more && !cred_capable(t->cred, CAP_SYS_NICE)))
        return -EPERM;
    o->policy = (int)k.policy;
    o->reset_on_fork = k.flags & FLAG_RESET_ON_FORK;
    o->tg->nice = nice;
    return 0;
}

/* --- priorities --- */
static bool prio_match(struct task *t, struct thread_group *tg, int which, int who)
{
    switch (which) {
    case PRIO_PROCESS:
        return who ? tg_nr(tg) == who || (task_find_nr(who) && task_find_nr(who)->tg == tg)
                   : tg == t->tg;
    case PRIO_PGRP:
        return tg->pgrp && tg->pgrp->id == (who ? who : t->tg->pgrp->id);
    default:
        return tg->leader && tg->leader->cred->uid == (who ? (uid_t)who : t->cred->uid);
    }
}

long sys_getpriority(struct task *t, const struct sysargs *a)
{
    struct thread_group *tg;
    long best = -ESRCH;

    if (arg_i32(a, 0) < PRIO_PROCESS || arg_i32(a, 0) > PRIO_USER)
        return -EINVAL;
    list_for_each(tg, &all_thread_groups, all_node) {
        if (!tg->zombie && prio_match(t, tg, arg_i32(a, 0), arg_i32(a, 1)))
            best = MAX(best, 20L - tg->nice);
    }
    return best;
}

long sys_setpriority(struct task *t, const struct sysargs *a)
{
    int nice = MAX(-20, MIN(19, arg_i32(a, 2)));
    struct thread_group *tg;
    long ret = -ESRCH;

    if (arg_i32(a, 0) < PRIO_PROCESS || arg_i32(a, 0) > PRIO_USER)
        return -EINVAL;
    list_for_each(tg, &all_thread_groups, all_node) {
        if (tg->zombie || !prio_match(t, tg, arg_i32(a, 0), arg_i32(a, 1)))
            continue;
        const struct cred *o = tg->leader ? tg->leader->cred : t->cred;
        if (o->uid != t->cred->euid && o->euid != t->cred->euid &&
            !cred_capable(t->cred, CAP_SYS_NICE)) {
            ret = -EPERM;
            continue;
        }
        long floor = 20 - (long)MIN(rlimit_cur(t, RLIMIT_NICE), 40UL);
        if (nice < tg->nice && nice < floor && !cred_capable(t->cred, CAP_SYS_NICE)) {
            ret = -EACCES;
            continue;
        }
        tg->nice = nice;
        ret = ret == -ESRCH ? 0 : ret;
    }
    return ret;
}

/* --- rlimits --- */
static long do_prlimit(struct task *t, struct task *o, unsigned int res, uint64_t new_addr,
                       uint64_t old_addr)
{
    struct rlimit n, old;

    if (res >= RLIM_NLIMITS)
        return -EINVAL;
    if (new_addr && get_user(t, &n, new_addr))
        return -EFAULT;
    old = o->tg->rlim[res];
    if (new_addr) {
        if (n.rlim_cur > n.rlim_max)
            return -EINVAL;
        if (res == RLIMIT_NOFILE && n.rlim_max > NR_OPEN_MAX)
            return -EPERM;
        if (n.rlim_max > old.rlim_max && !cred_capable(t->cred, CAP_SYS_RESOURCE))
            return -EPERM;
        o->tg->rlim[res] = n;
        if (res == RLIMIT_CPU && cpu_limit_changed(o->tg))
            return -ENOMEM;
    }
    return old_addr ? put_user(t, &old, old_addr) : 0;
}

long sys_prlimit64(struct task *t, const struct sysargs *a)
{
    struct task *o = sched_target(t, arg_i32(a, 0));

    if (!o)
        return -ESRCH;
    const struct cred *c = t->cred, *oc = o->cred;
    if (o->tg != t->tg && !cred_capable(c, CAP_SYS_RESOURCE) &&
        !(c->uid == oc->euid && c->uid == oc->suid && c->uid == oc->uid))
        return -EPERM;
    return do_prlimit(t, o, arg_u32(a, 1), arg_u64(a, 2), arg_u64(a, 3));
}

long sys_getrlimit(struct task *t, const struct sysargs *a)
{
    if (arg_u32(a, 0) >= RLIM_NLIMITS)
        return -EINVAL;
    return put_user(t, &t->tg->rlim[arg_u32(a, 0)], arg_u64(a, 1));
}

long sys_setrlimit(struct task *t, const struct sysargs *a)
{
    struct rlimit probe;

    if (get_user(t, &probe, arg_u64(a, 1)))
        return -EFAULT;
    return do_prlimit(t, t, arg_u32(a, 0), arg_u64(a, 1), 0);
}
