/*
 * Guard pages (MADV_GUARD_INSTALL) in images. Which pages they are only the host knows: it is asked
 * when an image is made, of areas where any were ever installed (VM_GUARDS), and told again when
 * the address space is restored.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/macros.h"
#include "sentry/ckpt/pagemap.h"
#include "sentry/mm/mm_internal.h"

#define GUARDS_MAX (1U << 20)

bool mm_has_guards(const struct mm *mm)
{
    for (int i = 0; i < mm->vmas->n; i++)
        if (mm->vmas->v[i].flags & VM_GUARDS)
            return true;
    return false;
}

static int found(void *arg, uint64_t start, uint64_t end)
{
    struct mm_guards *g = arg;

    if (g->n == g->cap) {
        uint32_t cap = g->cap ? g->cap * 2 : 64;
        struct mm_guard *v = cap <= GUARDS_MAX ? reallocarray(g->v, cap, sizeof(*v)) : NULL;
        if (!v)
            return -ENOMEM;
        g->v = v;
        g->cap = cap;
    }
    g->v[g->n++] = (struct mm_guard){start, (end - start) / NV_PAGE_SIZE};
    return 0;
}

int guards_find(const struct mm *mm, int pagemap, struct mm_guards *g)
{
    int err = 0;

    for (int i = 0; !err && i < mm->vmas->n; i++) {
        const struct vma *v = &mm->vmas->v[i];
        if (v->flags & VM_GUARDS)
            err = pagemap_guards(pagemap, v->start, v->end, found, g);
    }
    return err;
}

const struct mm_guard *guards_after(const struct mm_guards *g, uint64_t addr)
{
    uint32_t lo = 0, hi = g->n;

    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (guard_end(&g->v[mid]) <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < g->n ? &g->v[lo] : NULL;
}

void guards_save(struct ckpt_writer *w, const struct mm_guards *g)
{
    ckpt_put_u32(w, g->n);
    for (uint32_t i = 0; i < g->n; i++) {
        ckpt_put_u64(w, g->v[i].start);
        ckpt_put_u64(w, g->v[i].npages);
    }
}

/* In the order of addresses, each within one area that may have some. */
void guards_load(struct ckpt_reader *r, struct mm *mm)
{
    struct mm_guards *g = &mm->image->guards;
    uint32_t n = ckpt_get_count(r, GUARDS_MAX, sizeof(struct mm_guard));
    uint64_t floor = 0;

    if (!n)
        return;
    g->v = calloc(n, sizeof(*g->v));
    if (!g->v) {
        ckpt_bad(r, "out of memory");
        return;
    }
    for (uint32_t i = 0; i < n && !ckpt_failed(r); i++) {
        struct mm_guard *k = &g->v[i];
        k->start = ckpt_get_u64(r);
        k->npages = ckpt_get_u64(r);
        const struct vma *v = vma_find(mm, k->start);
        if (!v || k->start < floor || k->start < v->start || PAGE_OFF(k->start) || !k->npages ||
            k->npages > (v->end - k->start) / NV_PAGE_SIZE || !(v->flags & VM_GUARDS)) {
            ckpt_bad(r, "guard pages %u are not valid", i);
            return;
        }
        floor = guard_end(k);
        g->n++;
    }
}

int guards_restore(struct mm *mm)
{
    const struct mm_guards *g = &mm->image->guards;
    cleanup_free struct platform_hostcall *c = g->n ? calloc(g->n, sizeof(*c)) : NULL;

    if (!g->n)
        return 0;
    if (!c)
        return -ENOMEM;
    for (uint32_t i = 0; i < g->n; i++)
        c[i] = (struct platform_hostcall){
            .nr = SYS_madvise,
            .args = {g->v[i].start, g->v[i].npages * NV_PAGE_SIZE, MADV_GUARD_INSTALL_K},
            .fd = -1};
    int err = platform->hostcalls(mm->keeper, c, g->n);
    for (uint32_t i = 0; !err && i < g->n; i++) {
        if (!c[i].result)
            continue;
        err = c[i].result < 0 && c[i].result > -4096 ? (int)c[i].result : -EIO;
        log_warn("guard pages at %lx cannot be restored, which takes Linux 6.15 or newer",
                 (unsigned long)g->v[i].start);
    }
    return err;
}
