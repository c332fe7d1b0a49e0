/* The mm object: lifetime, fork, lookups, futex keys, stack growth. */
#include "sentry/mm/mm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "sentry/ipc/aio.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm_internal.h"
#include "sentry/vfs/file.h"

#define STACK_GUARD_GAP (256 * NV_PAGE_SIZE)
#define STACK_GROW_STEP (128 * 1024UL)

struct mm *mm_new(struct aspace *as)
{
    struct mm *mm = calloc(1, sizeof(*mm));

    if (!mm)
        return NULL;
    mm->vmas = calloc(1, sizeof(*mm->vmas));
    if (!mm->vmas) {
        free(mm);
        return NULL;
    }
    mm->refs = 1;
    mm->as = as;
    mm->core_filter = CORE_FILTER_DEFAULT;
    waitq_init(&mm->lock_wq);
    list_init(&mm->keeper_turns);
    return mm;
}

struct mm *mm_get(struct mm *mm)
{
    mm->refs++;
    return mm;
}

void mm_put(struct mm *mm)
{
    if (--mm->refs)
        return;
    aio_table_free(mm->aio);
    thunks_free(mm);
    vma_clear(mm->vmas);
    free(mm->vmas);
    mm_image_free(mm);
    image_map_free(mm);
    if (mm->spare)
        platform->thread_free(mm->spare);
    if (mm->keeper)
        platform->thread_free(mm->keeper);
    if (mm->as)
        platform->aspace_put(mm->as);
    free(mm);
}

int mm_lock(struct mm *mm, struct task *t)
{
    while (mm->locked)
        if (task_wait_killable(t, &mm->lock_wq))
            return -EINTR;
    mm->locked = true;
    return 0;
}

void mm_unlock(struct mm *mm)
{
    mm->locked = false;
    waitq_wake_one(&mm->lock_wq, ~0U);
}

int64_t mm_host(struct gthread *thr, long nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
                int fd, uint64_t a5)
{
    struct platform_hostcall call = {
        .nr = nr, .args = {a0, a1, a2, a3, (unsigned long)-1, a5}, .fd = fd};
    int err = platform->hostcall(thr, &call);

    return err ? err : call.result;
}

int mm_batch_flush(struct mm_batch *b, struct gthread *thr)
{
    unsigned int n = b->n;
    int err = n ? platform->hostcalls(thr, b->calls, n) : 0;

    b->n = 0;
    for (unsigned int i = 0; !err && i < n; i++)
        err = b->calls[i].result < 0 && b->calls[i].result > -4096 ? (int)b->calls[i].result : 0;
    return err;
}

int mm_batch_add(struct mm_batch *b, struct gthread *thr, const struct platform_hostcall *call)
{
    int err = b->n == MM_BATCH_MAX ? mm_batch_flush(b, thr) : 0;

    if (!err)
        b->calls[b->n++] = *call;
    return err;
}

void mm_account(struct mm *mm, const struct vma *v, int sign)
{
    uint64_t len = (v->end - v->start) * (uint64_t)sign;

    mm->total_vm += len;
    if ((v->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
        mm->data_vm += len;
    if (v->flags & VM_LOCKED)
        mm->locked_vm += len;
}

void mm_forget(struct mm *mm, uint64_t start, uint64_t end)
{
    for (int i = vma_index(mm->vmas, start); i < mm->vmas->n && mm->vmas->v[i].start < end; i++) {
        struct vma part = mm->vmas->v[i];
        part.start = MAX(part.start, start);
        part.end = MIN(part.end, end);
        mm_account(mm, &part, -1);
        if (part.flags & VM_EXEC)
            thunks_forget(mm, part.start, part.end);
    }
    vma_remove(mm->vmas, start, end);
    image_map_cut(mm, start, end);
}

int prot_to_host(uint32_t f)
{
    return (f & VM_READ ? PROT_READ : 0) | (f & VM_WRITE ? PROT_WRITE : 0) |
           (f & VM_EXEC ? PROT_EXEC : 0);
}

uint32_t prot_to_vm(int prot)
{
    return (prot & PROT_READ ? VM_READ : 0) | (prot & PROT_WRITE ? VM_WRITE : 0) |
           (prot & PROT_EXEC ? VM_EXEC : 0);
}

uint8_t mm_traits_inherited(const struct mm *from)
{
    return from->traits & MM_MDWE_NO_INHERIT
               ? from->traits & (uint8_t) ~(MM_MDWE | MM_MDWE_NO_INHERIT)
               : from->traits;
}

static int copy_vmas(struct mm *from, struct mm *to)
{
    int err = vma_reserve(to->vmas, from->vmas->n + 4);

    if (err)
        return err;
    memcpy(to->vmas->v, from->vmas->v, (size_t)from->vmas->n * sizeof(struct vma));
    to->vmas->n = from->vmas->n;
    for (int i = 0; i < to->vmas->n; i++) {
        to->vmas->v[i].flags &= ~VM_LOCKED; /* memory locks are not inherited: mlock(2) */
        vma_file_get(&to->vmas->v[i]);
    }
    return 0;
}

/* madvise(2)'s DONTFORK and WIPEONFORK: the host knows nothing of them. */
static void apply_fork_advice(struct mm *mm, struct gthread *thr)
{
    for (int i = 0; i < mm->vmas->n; i++) {
        struct vma v = mm->vmas->v[i];
        uint64_t len = v.end - v.start;
        if (v.flags & VM_DONTFORK) {
            mm_host(thr, SYS_munmap, v.start, len, 0, 0, -1, 0);
            if (!vma_reserve(mm->vmas, 2))
                mm_forget(mm, v.start, v.end);
            i--;
        } else if (v.flags & VM_WIPEONFORK) {
            image_map_discard(mm, thr, &v, v.start, v.end);
            mm_host(thr, SYS_madvise, v.start, len, MADV_DONTNEED, 0, -1, 0);
            if (v.flags & VM_GUARDS)
                mm_host(thr, SYS_madvise, v.start, len, MADV_GUARD_REMOVE_K, 0, -1, 0);
        }
    }
}

int mm_fork(struct task *parent, struct mm **child, struct aspace *as, struct gthread *thr)
{
    struct mm *from = parent->mm;
    struct mm *mm = mm_new(as);

    if (!mm) {
        platform->aspace_kill(as);
        return -ENOMEM;
    }
    struct vma_tree *vmas = mm->vmas;
    unsigned int refs = mm->refs;
    struct waitq wq = mm->lock_wq;
    *mm = *from;
    mm->vmas = vmas;
    mm->refs = refs;
    mm->as = as;
    mm->locked = false;
    mm->lock_wq = wq;
    waitq_init(&mm->lock_wq);
    mm->thunks.counts = NULL;
    mm->keeper = mm->spare = NULL;
    mm->keeper_busy = false;
    list_init(&mm->keeper_turns);
    mm->asks = false; /* the platform serves futexes of the new address space again */
    mm->aio = NULL;
    mm->image = NULL;
    mm->mapped = NULL;
    mm->locked_vm = 0;
    mm->lock_future = 0;
    mm->traits = mm_traits_inherited(from);
    int err = copy_vmas(from, mm);
    if (!err)
        err = image_map_copy(from, mm);
    if (!err)
        apply_fork_advice(mm, thr);
    *child = mm; /* the caller puts it on error too */
    return err;
}

struct vma *vma_find(struct mm *mm, uint64_t addr)
{
    int i = vma_index(mm->vmas, addr);

    return i < mm->vmas->n ? &mm->vmas->v[i] : NULL;
}

struct vma *vma_first(struct mm *mm)
{
    return mm->vmas->n ? mm->vmas->v : NULL;
}

struct vma *vma_next(struct mm *mm, struct vma *v)
{
    return v + 1 < mm->vmas->v + mm->vmas->n ? v + 1 : NULL;
}

bool mm_access_ok(struct mm *mm, uint64_t addr, uint64_t len, uint32_t rights)
{
    uint64_t end = addr + len;

    for (int i = vma_index(mm->vmas, addr); addr < end; i++) {
        const struct vma *v = &mm->vmas->v[i];
        if (i == mm->vmas->n || v->start > addr || (v->flags & rights) != rights)
            return false;
        addr = v->end;
    }
    return true;
}

int mm_futex_key(struct task *t, uint64_t addr, bool private_, struct futex_key *key)
{
    if (addr % 4)
        return -EINVAL;
    if (addr >= NV_TASK_SIZE)
        return -EFAULT;
    *key = (struct futex_key){(uint64_t)t->mm, addr, false};
    if (private_)
        return 0;
    struct vma *v = vma_find(t->mm, addr);
    if (!v || v->start > addr || !(v->flags & VM_READ))
        return -EFAULT;
    key->shared = true;
    if ((v->flags & VM_SHARED) && v->file) {
        key->obj = (uint64_t)v->file->inode;
        key->offset = v->pgoff + (addr - v->start);
    }
    return 0;
}

bool mm_grow_stack(struct task *t, uint64_t addr)
{
    struct mm *mm = t->mm;
    int i = vma_index(mm->vmas, addr);

    if (i == mm->vmas->n || mm->vmas->v[i].start <= addr || !(mm->vmas->v[i].flags & VM_GROWSDOWN))
        return false;
    struct vma v = mm->vmas->v[i];
    uint64_t limit = rlimit_cur(t, RLIMIT_STACK), below = i ? mm->vmas->v[i - 1].end : NV_TASK_MIN;
    uint64_t from = PAGE_DOWN(addr), floor = below + STACK_GUARD_GAP;
    if (limit != RLIM_INFINITY && v.end - from > limit)
        return false;
    if (from < floor || mm_lock(mm, t))
        return false;
    /* Some more than asked for, within limits, so that deep recursion does not fault per page. */
    uint64_t want = from > STACK_GROW_STEP ? from - STACK_GROW_STEP : from;
    if (want >= floor && (limit == RLIM_INFINITY || v.end - want <= limit))
        from = want;
    int64_t r = mm_host(t->thr, SYS_mmap, from, v.start - from, (uint64_t)prot_to_host(v.flags),
                        MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    i = vma_index(mm->vmas, v.start);
    bool ok = r >= 0 && i < mm->vmas->n && mm->vmas->v[i].start == v.start;
    if (ok) {
        mm->vmas->v[i].start = from;
        mm->total_vm += v.start - from;
        mm->data_vm += v.start - from;
    }
    mm_unlock(mm);
    return ok;
}
