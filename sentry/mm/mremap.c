/* mremap(2). */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm_internal.h"
#include "sentry/vfs/file.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#define MMAP_MIN_ADDR 65536UL

struct remap {
    uint64_t old, old_len, new_len, new;
    int flags;
};

static int64_t host_mremap(struct gthread *thr, const struct remap *m, uint64_t to, int flags)
{
    struct platform_hostcall call = {
        .nr = SYS_mremap,
        .args = {m->old, m->old_len, m->new_len, (unsigned long)flags, to, 0},
        .fd = -1};
    int err = platform->hostcall(thr, &call);

    return err ? err : call.result;
}

/* The mapping [at, at+len) as it looks at another place or size. */
static struct vma moved_vma(const struct vma *src, uint64_t old, uint64_t at, uint64_t len)
{
    struct vma v = *src;

    vma_file_get(&v);
    if (v.file)
        v.pgoff += old - src->start;
    v.start = at;
    v.end = at + len;
    return v;
}

/* To grow it is not to map more of the same host file. */
static bool in_pieces(const struct vma *v)
{
    return v->file && v->file->ops->map_end;
}

/*
 * Pages of an image are moved piece by piece. What is beyond the old length, or stays behind with
 * MREMAP_DONTUNMAP, is mapped anew.
 */
static int move_image(struct mm *mm, struct gthread *thr, const struct remap *m,
                      const struct vma *src, const struct vma *dst)
{
    uint64_t len = MIN(m->old_len, m->new_len);
    struct vma rest = *dst, left = *src;
    int err = image_map_move(mm, thr, m->old, len, dst->start);

    rest.start += len;
    rest.pgoff += rest.file ? len : 0;
    left.start = m->old;
    left.end = m->old + m->old_len;
    left.pgoff += left.file ? m->old - src->start : 0;
    if (!err && rest.start < rest.end)
        err = area_map(thr, &rest);
    if (!err && (m->flags & MREMAP_DONTUNMAP))
        err = area_map(thr, &left);
    else if (!err && m->new_len < m->old_len)
        err = (int)MIN(mm_host(thr, SYS_munmap, m->old + len, m->old_len - len, 0, 0, -1, 0), 0);
    return err;
}

static int64_t remap_move(struct task *t, const struct remap *m, const struct vma *src)
{
    struct mm *mm = t->mm;
    uint64_t to = m->new;

    if (!(m->flags & MREMAP_FIXED))
        to = vma_find_gap(mm->vmas, MMAP_MIN_ADDR, mm->mmap_base, m->new_len);
    if (!to)
        return -ENOMEM;
    int err = thunks_restore(mm, t->thr, m->old, m->old + m->old_len);
    if (err)
        return err;
    struct vma v = moved_vma(src, m->old, to, m->new_len);
    bool image = image_map_meets(mm, m->old, m->old + m->old_len) || in_pieces(src);
    int64_t r = image ? move_image(mm, t->thr, m, src, &v)
                      : host_mremap(t->thr, m, to,
                                    MREMAP_MAYMOVE | MREMAP_FIXED | (m->flags & MREMAP_DONTUNMAP));
    if (r < 0) {
        if (v.file)
            file_put(v.file);
        return r;
    }
    mm_forget(mm, to, to + m->new_len);
    if (image)
        image_map_shift(mm, m->old, MIN(m->old_len, m->new_len), to);
    if (!(m->flags & MREMAP_DONTUNMAP))
        mm_forget(mm, m->old, m->old + m->old_len);
    mm_account(mm, &v, 1);
    vma_insert(mm->vmas, &v);
    return (int64_t)to;
}

static int64_t remap_grow(struct task *t, const struct remap *m, const struct vma *src)
{
    struct mm *mm = t->mm;
    uint64_t end = m->old + m->old_len, new_end = m->old + m->new_len;
    bool fits =
        end == src->end && new_end <= NV_TASK_SIZE && vma_range_free(mm->vmas, end, new_end);

    if (fits) {
        struct vma v = moved_vma(src, end, end, new_end - end);
        int64_t r =
            mm->mapped || in_pieces(src) ? area_map(t->thr, &v) : host_mremap(t->thr, m, 0, 0);
        if (r >= 0) {
            mm_account(mm, &v, 1);
            vma_insert(mm->vmas, &v);
            return (int64_t)m->old;
        }
        if (v.file)
            file_put(v.file);
    }
    return m->flags & MREMAP_MAYMOVE ? remap_move(t, m, src) : -ENOMEM;
}

static int64_t do_mremap(struct task *t, const struct remap *m)
{
    struct mm *mm = t->mm;
    int i = vma_index(mm->vmas, m->old);

    int err = vma_reserve(mm->vmas, 6);
    if (err)
        return err;
    if (i == mm->vmas->n || mm->vmas->v[i].start > m->old)
        return -EFAULT;
    struct vma src = mm->vmas->v[i];
    if (!m->old_len && !(src.flags & VM_SHARED)) /* a second mapping of the same pages */
        return -EINVAL;
    err = mm_may_change(mm, m->old, m->old + MAX(m->old_len, 1UL));
    if (!err && (m->flags & MREMAP_FIXED))
        err = mm_may_change(mm, m->new, m->new + m->new_len);
    if (err)
        return err;
    if (m->new_len < m->old_len && !(m->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))) {
        err = mm_munmap(mm, t->thr, m->old + m->new_len, m->old_len - m->new_len);
        return err ? err : (int64_t)m->old;
    }
    if (m->old + m->old_len > src.end)
        return -EFAULT;
    if (m->new_len > m->old_len &&
        mm_over_limit(t, RLIMIT_AS, mm->total_vm, m->new_len - m->old_len))
        return -ENOMEM;
    if (m->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
        return remap_move(t, m, &src);
    if (m->new_len == m->old_len)
        return (int64_t)m->old;
    return remap_grow(t, m, &src);
}

long sys_mremap(struct task *t, const struct sysargs *a)
{
    struct remap m = {arg_u64(a, 0), PAGE_UP(arg_u64(a, 1)), PAGE_UP(arg_u64(a, 2)), arg_u64(a, 4),
                      arg_i32(a, 3)};

    if (arg_u64(a, 3) & ~(uint64_t)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) ||
        m.old % NV_PAGE_SIZE)
        return -EINVAL;
    if ((m.flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && !(m.flags & MREMAP_MAYMOVE))
        return -EINVAL;
    if ((m.flags & MREMAP_DONTUNMAP) && m.old_len != m.new_len)
        return -EINVAL;
    if (!m.new_len || m.new_len > NV_TASK_SIZE)
        return -EINVAL;
    if (m.old >= NV_TASK_SIZE)
        return -EFAULT; /* nothing can be mapped there */
    if (m.flags & MREMAP_FIXED) {
        if (m.new % NV_PAGE_SIZE || m.new > NV_TASK_SIZE - m.new_len || m.new < MMAP_MIN_ADDR)
            return -EINVAL;
        if (m.new < m.old + m.old_len && m.old < m.new + m.new_len)
            return -EINVAL;
    }
    int err = mm_lock(t->mm, t);
    if (err)
        return err;
    int64_t r = do_mremap(t, &m);
    mm_unlock(t->mm);
    return r;
}
