/* madvise(2), mincore(2), msync(2), mseal(2). */
#include <errno.h>
#include <linux/mman.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm_internal.h"
#include "sentry/vfs/file.h"

int mm_set_flags(struct mm *mm, uint64_t addr, uint64_t end, uint32_t set, uint32_t clear)
{
    int err = vma_reserve(mm->vmas, 2);

    if (err)
        return err;
    vma_split_at(mm->vmas, addr);
    vma_split_at(mm->vmas, end);
    for (int i = vma_index(mm->vmas, addr); i < mm->vmas->n && mm->vmas->v[i].start < end; i++) {
        struct vma *v = &mm->vmas->v[i];
        mm_account(mm, v, -1);
        v->flags = (v->flags & ~clear) | set;
        mm_account(mm, v, 1);
    }
    vma_merge_range(mm->vmas, addr, end);
    return 0;
}

/* What the image holds of [start, end) is not to come back. */
static int forget_image(struct task *t, struct vma v, uint64_t start, uint64_t end, int advice)
{
    uint64_t s = MAX(v.start, start), e = MIN(v.end, end);

    if (advice != MADV_DONTNEED && advice != MADV_GUARD_INSTALL_K &&
        (advice != MADV_FREE || v.file))
        return 0;
    return image_map_discard(t->mm, t->thr, &v, s, e);
}

/* The first area that must not have the flag has it: nothing is done from there on. */
static bool meets_flag(const struct mm *mm, uint64_t addr, uint64_t *end, uint32_t flag)
{
    for (int i = vma_index(mm->vmas, addr); i < mm->vmas->n && mm->vmas->v[i].start < *end; i++)
        if (mm->vmas->v[i].flags & flag) {
            *end = MAX(addr, mm->vmas->v[i].start);
            return true;
        }
    return false;
}

/* Passes advice on for what is mapped, in pieces as long as can be; holes give ENOMEM then. */
static int host_advice(struct task *t, uint64_t addr, uint64_t end, int advice)
{
    const struct vma_tree *set = t->mm->vmas;
    bool hole = !vma_covered(set, addr, end);

    for (int i = vma_index(set, addr); i < set->n && set->v[i].start < end;) {
        uint64_t s = MAX(set->v[i].start, addr), e = set->v[i].start;
        for (; i < set->n && set->v[i].start == e && e < end; i++) {
            int err = forget_image(t, set->v[i], addr, end, advice);
            if (err)
                return err;
            e = set->v[i].end;
        }
        e = MIN(e, end);
        int64_t r = mm_host(t->thr, SYS_madvise, s, e - s, (uint64_t)advice, 0, -1, 0);
        if (r < 0)
            return (int)r;
    }
    return hole ? -ENOMEM : 0;
}

/* What is sealed and may not be written may not be emptied either. */
static bool sealed_readonly(const struct mm *mm, uint64_t addr, uint64_t end)
{
    for (int i = vma_index(mm->vmas, addr); i < mm->vmas->n && mm->vmas->v[i].start < end; i++) {
        const struct vma *v = &mm->vmas->v[i];
        if ((v->flags & VM_SEALED) && !v->file && !(v->flags & VM_WRITE))
            return true;
    }
    return false;
}

/* Holes are an error, but only after the rest was done: madvise(2). */
static int advise_flags(struct mm *mm, uint64_t addr, uint64_t end, uint32_t set, uint32_t clear)
{
    bool hole = !vma_covered(mm->vmas, addr, end);
    int err = mm_set_flags(mm, addr, end, set, clear);

    return err ? err : hole ? -ENOMEM : 0;
}

/* What empties memory: not what is locked. */
static int advise_unlocked(struct task *t, uint64_t addr, uint64_t end, int advice)
{
    bool locked = meets_flag(t->mm, addr, &end, VM_LOCKED);
    int err = end > addr ? host_advice(t, addr, end, advice) : 0;

    return (!err || err == -ENOMEM) && locked ? -EINVAL : err;
}

/* From now on accesses are faults: madvise(2). Which pages they are only the host keeps. */
static int install_guards(struct task *t, uint64_t addr, uint64_t end)
{
    struct mm *mm = t->mm;

    for (int i = vma_index(mm->vmas, addr); i < mm->vmas->n && mm->vmas->v[i].start < end; i++)
        mm->vmas->v[i].flags |= VM_GUARDS;
    return advise_unlocked(t, addr, end, MADV_GUARD_INSTALL_K);
}

static int do_madvise(struct task *t, uint64_t addr, uint64_t end, int advice)
{
    struct mm *mm = t->mm;

    switch (advice) {
    case MADV_DONTFORK:
        return advise_flags(mm, addr, end, VM_DONTFORK, 0);
    case MADV_DOFORK:
        return advise_flags(mm, addr, end, 0, VM_DONTFORK);
    case MADV_DONTDUMP:
        return advise_flags(mm, addr, end, VM_DONTDUMP, 0);
    case MADV_DODUMP:
        if (meets_flag(mm, addr, &end, VM_DROPPABLE))
            return -EINVAL;
        return advise_flags(mm, addr, end, 0, VM_DONTDUMP);
    case MADV_WIPEONFORK:
        for (int i = vma_index(mm->vmas, addr); i < mm->vmas->n && mm->vmas->v[i].start < end; i++)
            if (mm->vmas->v[i].file || (mm->vmas->v[i].flags & VM_SHARED))
                return -EINVAL;
        return advise_flags(mm, addr, end, VM_WIPEONFORK, 0);
    case MADV_KEEPONFORK:
        if (meets_flag(mm, addr, &end, VM_DROPPABLE))
            return -EINVAL;
        return advise_flags(mm, addr, end, 0, VM_WIPEONFORK);
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_MERGEABLE:
    case MADV_UNMERGEABLE:
        return vma_covered(mm->vmas, addr, end) ? 0 : -ENOMEM;
    case MADV_DONTNEED:
    case MADV_FREE:
        if (sealed_readonly(mm, addr, end))
            return -EPERM;
        return advise_unlocked(t, addr, end, advice);
    case MADV_DONTNEED_LOCKED_K: /* to the host nothing is locked */
        if (sealed_readonly(mm, addr, end))
            return -EPERM;
        return host_advice(t, addr, end, MADV_DONTNEED);
    case MADV_COLD:
    case MADV_PAGEOUT:
    case MADV_REMOVE:
        return advise_unlocked(t, addr, end, advice);
    case MADV_GUARD_INSTALL_K:
        return install_guards(t, addr, end);
    case MADV_WILLNEED:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_COLLAPSE_K:
    case MADV_GUARD_REMOVE_K:
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE:
        return host_advice(t, addr, end, advice);
    default:
        explain_missing("madvise", "%d", advice);
        return -EINVAL;
    }
}

long sys_madvise(struct task *t, const struct sysargs *a)
{
    uint64_t addr = arg_u64(a, 0), len = PAGE_UP(arg_u64(a, 1));

    if (addr % NV_PAGE_SIZE || (arg_u64(a, 1) && !len) || addr + len < addr)
        return -EINVAL;
    if (!len)
        return 0;
    if (addr + len > NV_TASK_SIZE)
        return -ENOMEM;
    int err = mm_lock(t->mm, t);
    if (err)
        return err;
    err = do_madvise(t, addr, addr + len, arg_i32(a, 2));
    mm_unlock(t->mm);
    return err;
}

/*
 * Answered by the host for the memory of the guest, into that memory. Of files it tells those who
 * own them or may write to them: mm/mincore.c can_do_mincore().
 */
long sys_mincore(struct task *t, const struct sysargs *a)
{
    uint64_t addr = arg_u64(a, 0), len = arg_u64(a, 1), vec = arg_u64(a, 2), end, vec_end;

    if (addr % NV_PAGE_SIZE)
        return -EINVAL;
    if (__builtin_add_overflow(addr, len, &end) || end > NV_TASK_SIZE)
        return -ENOMEM;
    if (__builtin_add_overflow(vec, PAGE_UP(len) / NV_PAGE_SIZE, &vec_end) ||
        vec_end > NV_TASK_SIZE)
        return -EFAULT;
    int64_t r = mm_host(t->thr, SYS_mincore, addr, len, vec, 0, -1, 0);
    return r < 0 ? r : 0;
}

long sys_msync(struct task *t, const struct sysargs *a)
{
    uint64_t addr = arg_u64(a, 0), len = PAGE_UP(arg_u64(a, 1));
    int flags = arg_i32(a, 2);

    if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || addr % NV_PAGE_SIZE)
        return -EINVAL;
    if ((flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
        return -EINVAL;
    if (addr + len < addr)
        return -ENOMEM;
    if (!vma_covered(t->mm->vmas, addr, addr + len))
        return -ENOMEM;
    if (!len || !(flags & MS_SYNC))
        return 0;
    int64_t r = mm_host(t->thr, SYS_msync, addr, len, MS_SYNC, 0, -1, 0);
    return r < 0 ? r : 0;
}

/* --- mseal --- */
int mm_may_change(const struct mm *mm, uint64_t start, uint64_t end)
{
    for (int i = vma_index(mm->vmas, start); i < mm->vmas->n && mm->vmas->v[i].start < end; i++)
        if (mm->vmas->v[i].flags & VM_SEALED)
            return -EPERM;
    return 0;
}

long sys_mseal(struct task *t, const struct sysargs *a)
{
    uint64_t addr = arg_u64(a, 0), len = PAGE_UP(arg_u64(a, 1)), end = addr + len;

    if (arg_u64(a, 2) || addr % NV_PAGE_SIZE || (arg_u64(a, 1) && !len) || end < addr)
        return -EINVAL;
    if (!len)
        return 0;
    int err = mm_lock(t->mm, t);
    if (err)
        return err;
    err = end <= NV_TASK_SIZE && vma_covered(t->mm->vmas, addr, end)
              ? mm_set_flags(t->mm, addr, end, VM_SEALED, 0)
              : -ENOMEM;
    mm_unlock(t->mm);
    return err;
}
