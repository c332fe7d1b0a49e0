/*
 * Where the host maps pages of an image in private areas: see mm_internal.h. The host takes such
 * memory for a private mapping of a file: MADV_DONTNEED would bring back what the image
 * holds, growing would show what comes next in the file, and an area is several mappings.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/mm/mm_internal.h"
#include "sentry/vfs/file.h"

struct image_map {
    struct image_range {
        uint64_t start, end;
    } * v; /* sorted, none overlap */
    int n, cap;
};

/* The first range that ends behind addr. */
static int range_index(const struct image_map *m, uint64_t addr)
{
    int lo = 0, hi = m ? m->n : 0;

    while (lo < hi) {
        int mid = (lo + hi) / 2;
        if (m->v[mid].end <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static int open_place(struct image_map *m, int i)
{
    if (m->n == m->cap) {
        int cap = m->cap ? m->cap * 2 : 64;
        struct image_range *v = reallocarray(m->v, (size_t)cap, sizeof(*v));
        if (!v)
            return -ENOMEM;
        m->v = v;
        m->cap = cap;
    }
    memmove(m->v + i + 1, m->v + i, (size_t)(m->n - i) * sizeof(*m->v));
    m->n++;
    return 0;
}

static void close_places(struct image_map *m, int i, int n)
{
    memmove(m->v + i, m->v + i + n, (size_t)(m->n - i - n) * sizeof(*m->v));
    m->n -= n;
}

int image_map_add(struct mm *mm, uint64_t start, uint64_t end)
{
    if (!mm->mapped && !(mm->mapped = calloc(1, sizeof(*mm->mapped))))
        return -ENOMEM;
    struct image_map *m = mm->mapped;
    int i = range_index(m, start), j = i; /* neighbours stay apart: other places of the file */

    while (j < m->n && m->v[j].start < end)
        j++;
    if (j == i) {
        int err = open_place(m, i);
        if (!err)
            m->v[i] = (struct image_range){start, end};
        return err;
    }
    m->v[i].start = MIN(m->v[i].start, start);
    m->v[i].end = MAX(m->v[j - 1].end, end);
    close_places(m, i + 1, j - i - 1);
    return 0;
}

void image_map_cut(struct mm *mm, uint64_t start, uint64_t end)
{
    struct image_map *m = mm->mapped;
    int i = range_index(m, start), n = 0;

    if (!m || i == m->n || m->v[i].start >= end)
        return;
    if (m->v[i].start < start && m->v[i].end > end) {
        if (open_place(m, i))
            return; /* it claims too much */
        m->v[i].end = start;
        m->v[i + 1].start = end;
        return;
    }
    if (m->v[i].start < start)
        m->v[i++].end = start;
    while (i + n < m->n && m->v[i + n].end <= end)
        n++;
    close_places(m, i, n);
    if (i < m->n && m->v[i].start < end)
        m->v[i].start = end;
}

bool image_map_meets(const struct mm *mm, uint64_t start, uint64_t end)
{
    int i = range_index(mm->mapped, start);

    return mm->mapped && i < mm->mapped->n && mm->mapped->v[i].start < end;
}

int image_map_copy(const struct mm *from, struct mm *to)
{
    int err = 0;

    for (int i = 0; from->mapped && !err && i < from->mapped->n; i++)
        err = image_map_add(to, from->mapped->v[i].start, from->mapped->v[i].end);
    return err;
}

void image_map_free(struct mm *mm)
{
    if (mm->mapped)
        free(mm->mapped->v);
    free(mm->mapped);
    mm->mapped = NULL;
}

/* --- host calls --- */
int area_map_call(const struct vma *v, struct platform_hostcall *call)
{
    int flags = v->flags & VM_SHARED ? MAP_SHARED : MAP_PRIVATE, err = 0;
    uint64_t len = v->end - v->start, off = 0;

    *call = (struct platform_hostcall){.nr = SYS_mmap, .fd = -1};
    if (!v->file) {
        flags |= MAP_ANONYMOUS;
    } else {
        err = v->file->ops->mmap(NULL, v->file, v->pgoff, len, prot_to_host(v->flags), flags,
                                 &call->fd, &off);
        if (!err && call->fd < 0)
            err = -ENODEV;
    }
    call->args[0] = v->start;
    call->args[1] = len;
    call->args[2] = (unsigned long)prot_to_host(v->flags);
    call->args[3] = (unsigned long)(flags | MAP_FIXED | MAP_NORESERVE);
    call->args[4] = (unsigned long)-1;
    call->args[5] = off;
    return err;
}

int area_map(struct gthread *thr, const struct vma *v)
{
    struct platform_hostcall call;
    int err = area_map_call(v, &call);

    return err ? err : platform->hostcall(thr, &call);
}

int image_map_discard(struct mm *mm, struct gthread *thr, const struct vma *v, uint64_t start,
                      uint64_t end)
{
    while (!(v->flags & VM_SHARED) && image_map_meets(mm, start, end)) {
        const struct image_range *r = &mm->mapped->v[range_index(mm->mapped, start)];
        struct vma part = *v;
        part.start = MAX(r->start, start);
        part.end = MIN(r->end, end);
        part.pgoff = v->file ? v->pgoff + (part.start - v->start) : 0;
        int err = area_map(thr, &part);
        if (err)
            return err;
        start = part.end;
        image_map_cut(mm, part.start, part.end);
    }
    return 0;
}

uint64_t image_map_piece(const struct mm *mm, uint64_t at, uint64_t end)
{
    const struct image_map *m = mm->mapped;
    int i = range_index(m, at);

    if (!m || i == m->n)
        return end;
    return MIN(end, m->v[i].start > at ? m->v[i].start : m->v[i].end);
}

static struct platform_hostcall move_call(uint64_t from, uint64_t len, uint64_t to)
{
    return (struct platform_hostcall){
        .nr = SYS_mremap, .args = {from, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to}, .fd = -1};
}

int image_map_move(struct mm *mm, struct gthread *thr, uint64_t from, uint64_t len, uint64_t to)
{
    unsigned int n = 0, moved = 0;
    uint64_t at, next;

    for (at = from; at < from + len; at = image_map_piece(mm, at, from + len))
        n++;
    cleanup_free struct platform_hostcall *calls = calloc(n + 1, sizeof(*calls));
    if (!calls)
        return -ENOMEM;
    n = 0;
    for (at = from; at < from + len; at = next) {
        next = image_map_piece(mm, at, from + len);
        calls[n++] = move_call(at, next - at, to + (at - from));
    }
    int err = platform->hostcalls(thr, calls, n);
    for (unsigned int i = 0; !err && i < n; i++)
        moved += (uint64_t)calls[i].result == calls[i].args[4];
    if (err || moved == n)
        return err;
    for (unsigned int i = 0; i < n; i++) /* back, then, what did move */
        if ((uint64_t)calls[i].result == calls[i].args[4]) {
            struct platform_hostcall back =
                move_call(calls[i].args[4], calls[i].args[1], calls[i].args[0]);
            platform->hostcall(thr, &back);
        }
    return -ENOMEM;
}

void image_map_shift(struct mm *mm, uint64_t from, uint64_t len, uint64_t to)
{
    while (image_map_meets(mm, from, from + len)) {
        const struct image_range *r = &mm->mapped->v[range_index(mm->mapped, from)];
        uint64_t start = MAX(r->start, from), end = MIN(r->end, from + len);
        image_map_cut(mm, start, end);
        image_map_add(mm, to + (start - from), to + (end - from));
        len -= end - from;
        to += end - from;
        from = end;
    }
}
