/*
 * mlock(2) and its family: accounted and made resident. The host's pages are not pinned: a sandbox
 * may not keep the host from swapping.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm_internal.h"

static bool may_lock_any(struct task *t)
{
    return cred_capable(t->cred, CAP_IPC_LOCK);
}

int mm_may_lock(struct task *t, uint64_t len, int full)
{
    uint64_t limit = rlimit_cur(t, RLIMIT_MEMLOCK);

    if (may_lock_any(t) || limit == RLIM_INFINITY)
        return 0;
    if (!limit)
        return -EPERM;
    return t->mm->locked_vm > limit || len > limit - t->mm->locked_vm ? full : 0;
}

/* Of [addr, end), what is locked already. */
static uint64_t locked_within(const struct mm *mm, uint64_t addr, uint64_t end)
{
    uint64_t sum = 0;

    for (int i = vma_index(mm->vmas, addr); i < mm->vmas->n && mm->vmas->v[i].start < end; i++) {
        const struct vma *v = &mm->vmas->v[i];
        if (v->flags & VM_LOCKED)
            sum += MIN(v->end, end) - MAX(v->start, addr);
    }
    return sum;
}

/* Droppable memory stays so: mlock_fixup(). */
static int set_locked(struct mm *mm, uint64_t addr, uint64_t end, bool lock)
{
    int err = 0;

    while (!err && addr < end) {
        int i = vma_index(mm->vmas, addr);
        if (i == mm->vmas->n || mm->vmas->v[i].start >= end)
            break;
        const struct vma v = mm->vmas->v[i];
        uint64_t from = MAX(addr, v.start), to = MIN(end, v.end);
        if (!(v.flags & VM_DROPPABLE) && lock != !!(v.flags & VM_LOCKED))
            err = mm_set_flags(mm, from, to, lock ? VM_LOCKED : 0, lock ? 0 : VM_LOCKED);
        addr = to;
    }
    return err;
}

/* Every page is made resident, a private one that can be written to as its own: __mm_populate(). */
static int populate(struct task *t, uint64_t addr, uint64_t end)
{
    struct mm *mm = t->mm;

    for (int i = vma_index(mm->vmas, addr); i < mm->vmas->n && mm->vmas->v[i].start < end; i++) {
        const struct vma *v = &mm->vmas->v[i];
        uint64_t from = MAX(addr, v->start), to = MIN(end, v->end);
        if (!(v->flags & (VM_READ | VM_WRITE | VM_EXEC)))
            return -ENOMEM;
        bool own = (v->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;
        int64_t r = mm_host(t->thr, SYS_madvise, from, to - from,
                            (uint64_t)(own ? MADV_POPULATE_WRITE : MADV_POPULATE_READ), 0, -1, 0);
        if (r == -EFAULT)
            return -ENOMEM;
        if (r == -ENOMEM)
            return -EAGAIN;
    }
    return 0;
}

static int lock_range(struct task *t, uint64_t addr, uint64_t end, bool lock, bool fill)
{
    struct mm *mm = t->mm;

    if (lock) {
        int err = mm_may_lock(t, end - addr - locked_within(mm, addr, end), -ENOMEM);
        if (err)
            return err;
    }
    if (end > NV_TASK_SIZE || !vma_covered(mm->vmas, addr, end))
        return -ENOMEM;
    int err = set_locked(mm, addr, end, lock);
    return !err && fill ? populate(t, addr, end) : err;
}

static long do_mlock(struct task *t, uint64_t addr, uint64_t len, bool lock, bool fill)
{
    uint64_t end = PAGE_UP(len + PAGE_OFF(addr)) + PAGE_DOWN(addr);

    if (lock && !rlimit_cur(t, RLIMIT_MEMLOCK) && !may_lock_any(t))
        return -EPERM;
    addr = PAGE_DOWN(addr);
    if (end < addr)
        return -EINVAL;
    if (end == addr)
        return 0;
    int err = mm_lock(t->mm, t);
    if (err)
        return err;
    err = lock_range(t, addr, end, lock, fill);
    mm_unlock(t->mm);
    return err;
}

long sys_mlock(struct task *t, const struct sysargs *a)
{
    return do_mlock(t, arg_u64(a, 0), arg_u64(a, 1), true, true);
}

long sys_mlock2(struct task *t, const struct sysargs *a)
{
    if (arg_i32(a, 2) & ~MLOCK_ONFAULT)
        return -EINVAL;
    return do_mlock(t, arg_u64(a, 0), arg_u64(a, 1), true, !(arg_i32(a, 2) & MLOCK_ONFAULT));
}

long sys_munlock(struct task *t, const struct sysargs *a)
{
    return do_mlock(t, arg_u64(a, 0), arg_u64(a, 1), false, false);
}

/* What cannot be made resident is no error: apply_mlockall_flags(). */
static int lock_all(struct task *t, bool lock, bool fill)
{
    struct mm *mm = t->mm;
    int err = set_locked(mm, 0, NV_TASK_SIZE, lock);

    for (int i = 0; !err && fill && i < mm->vmas->n; i++)
        populate(t, mm->vmas->v[i].start, mm->vmas->v[i].end);
    return err;
}

static long change_all(struct task *t, int flags)
{
    int err = mm_lock(t->mm, t);

    if (err)
        return err;
    t->mm->lock_future = flags & MCL_FUTURE ? (uint8_t)(flags & ~MCL_CURRENT) : 0;
    if (!flags || (flags & MCL_CURRENT))
        err = lock_all(t, flags, flags && !(flags & MCL_ONFAULT));
    mm_unlock(t->mm);
    return err;
}

long sys_mlockall(struct task *t, const struct sysargs *a)
{
    int flags = arg_i32(a, 0);
    uint64_t limit = rlimit_cur(t, RLIMIT_MEMLOCK);

    if (!flags || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT)
        return -EINVAL;
    if (!may_lock_any(t) && !limit)
        return -EPERM;
    if ((flags & MCL_CURRENT) && !may_lock_any(t) && t->mm->total_vm > limit)
        return -ENOMEM;
    return change_all(t, flags);
}

long sys_munlockall(struct task *t, const struct sysargs *a)
{
    return change_all(t, 0);
}
