/*
 * rseq(2) and membarrier(2). Both are the host's: it schedules the thread that runs guest code, and
 * knows of each preemption; the area is in the guest's memory. The host keeps a registration for
 * each of its threads, so one that ends or changes hands gives it up, and a restored task has it
 * made again.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <linux/rseq.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm.h"
#include "sentry/sandbox.h"

#define RSEQ_AREA_MIN 32U /* ORIG_RSEQ_SIZE of kernel/rseq.c */

static long host_rseq(struct task *t, uint64_t addr, uint32_t len, int flags, uint32_t sig)
{
    struct platform_hostcall call = {
        .nr = SYS_rseq, .args = {addr, len, (unsigned long)flags, sig}, .fd = -1};

    int err = platform->hostcall(t->thr, &call);
    return err ? err : call.result;
}

/*
 * Programs index tables by the numbers of processors that the host writes, so these must be those
 * that the sandbox has.
 */
bool rseq_offered(void)
{
    const cpu_set_t *cpus = loop_cpus();

    if (CPU_COUNT(cpus) != sandbox->ncpus)
        return false;
    for (int i = 0; i < sandbox->ncpus; i++)
        if (!CPU_ISSET(i, cpus))
            return false;
    return true;
}

long sys_rseq(struct task *t, const struct sysargs *a)
{
    uint64_t addr = arg_u64(a, 0), end;
    uint32_t len = arg_u32(a, 1), sig = arg_u32(a, 3);
    int flags = arg_i32(a, 2);

    if (!rseq_offered())
        return -ENOSYS;
    if (!flags && !t->rseq && (__builtin_add_overflow(addr, len, &end) || end > NV_TASK_SIZE))
        return len < RSEQ_AREA_MIN || addr % RSEQ_AREA_MIN ? -EINVAL : -EFAULT;
    long ret = host_rseq(t, addr, len, flags, sig);
    if (ret)
        return ret;
    t->rseq = flags & RSEQ_FLAG_UNREGISTER ? 0 : addr;
    t->rseq_len = len;
    t->rseq_sig = sig;
    return 0;
}

void task_rseq_leave(struct task *t)
{
    uint64_t addr = t->rseq;

    t->rseq = 0;
    if (!addr || !t->thr || !t->mm || t->mm->refs < 2)
        return;
    /* The host would go on writing there for whoever gets the thread next. */
    if (host_rseq(t, addr, t->rseq_len, RSEQ_FLAG_UNREGISTER, t->rseq_sig))
        tg_exit(t->tg, SIGSEGV);
}

void task_rseq_restore(struct task *t)
{
    const uint32_t nowhere[2] = {0, (uint32_t)RSEQ_CPU_ID_UNINITIALIZED};

    if (t->rseq_len < RSEQ_AREA_MIN || t->rseq > NV_TASK_SIZE - t->rseq_len || !rseq_offered() ||
        host_rseq(t, t->rseq, t->rseq_len, 0, t->rseq_sig)) {
        mm_write(t->mm, t->rseq, nowhere, sizeof(nowhere));
        t->rseq = 0;
    }
}

/*
 * What the host does when it delivers a signal, where our interrupts are none:
 * rseq_ip_fixup() of kernel/rseq.c. A description that is not valid is left to the host.
 */
void task_rseq_abort(struct task *t)
{
    uint64_t at = t->rseq + offsetof(struct rseq, rseq_cs), ptr;
    const uint64_t none = 0;
    struct rseq_cs cs;
    uint32_t sig;

    if (mm_read(t->mm, &ptr, at, sizeof(ptr)) != sizeof(ptr) || !ptr ||
        mm_read(t->mm, &cs, ptr, sizeof(cs)) != sizeof(cs) || cs.version ||
        cs.abort_ip >= NV_TASK_SIZE || cs.abort_ip < sizeof(sig) ||
        task_regs(t)->rip - cs.start_ip >= cs.post_commit_offset ||
        mm_read(t->mm, &sig, cs.abort_ip - sizeof(sig), sizeof(sig)) != sizeof(sig) ||
        sig != t->rseq_sig)
        return;
    mm_write(t->mm, at, &none, sizeof(none));
    t->regs.rip = cs.abort_ip;
    task_regs_dirty(t);
}

static const unsigned int registrations[] = {
    MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED,
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED,
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE,
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ,
};

static long host_membarrier(struct task *t, int cmd, unsigned int flags, int cpu)
{
    struct platform_hostcall call = {
        .nr = SYS_membarrier, .args = {(unsigned long)cmd, flags, (unsigned long)cpu}, .fd = -1};

    int err = platform->hostcall(t->thr, &call);
    return err ? err : call.result;
}

/* The host's process of a restored address space has registered for nothing yet. */
static void register_again(struct task *t)
{
    uint32_t missing = t->mm->membarrier & ~t->mm->membarrier_told;

    for (size_t i = 0; missing && i < ARRAY_SIZE(registrations); i++)
        if (missing & registrations[i])
            host_membarrier(t, (int)registrations[i], 0, 0);
    t->mm->membarrier_told |= missing;
}

long sys_membarrier(struct task *t, const struct sysargs *a)
{
    int cmd = arg_i32(a, 0);

    register_again(t);
    long ret = host_membarrier(t, cmd, arg_u32(a, 1), arg_i32(a, 2));
    for (size_t i = 0; !ret && i < ARRAY_SIZE(registrations); i++)
        if (cmd == (int)registrations[i])
            t->mm->membarrier |= registrations[i];
    t->mm->membarrier_told |= t->mm->membarrier;
    return ret;
}
