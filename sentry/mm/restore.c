/*
 * The host's part of a restored address space: a stub out of the zygote that maps what the record
 * says, in as few host calls as possible, and then touches the working set.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/timeline.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm_internal.h"
#include "sentry/mm/wset.h"
#include "sentry/vfs/file.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#define POPULATE_PAGES_MAX (1U << 16) /* of one working set */
#define PIECE 32U                     /* calls for which the keeper is not to be had */

struct calls {
    struct platform_hostcall *v;
    unsigned int n, cap;
};

static struct platform_hostcall *add(struct calls *c, long nr)
{
    if (!c->v || c->n == c->cap) {
        unsigned int cap = c->cap ? c->cap * 2 : 512;
        struct platform_hostcall *v = reallocarray(c->v, cap, sizeof(*v));
        if (!v)
            return NULL;
        c->v = v;
        c->cap = cap;
    }
    c->v[c->n] = (struct platform_hostcall){.nr = nr, .fd = -1};
    return &c->v[c->n++];
}

static int add_map(struct calls *c, uint64_t start, uint64_t len, uint32_t vm_flags, int flags,
                   int fd, uint64_t off)
{
    struct platform_hostcall *call = c->n ? &c->v[c->n - 1] : NULL;

    /* It may just go on where the last one ends. */
    flags |= MAP_FIXED | MAP_NORESERVE;
    if (call && call->args[0] + call->args[1] == start && call->fd == fd &&
        call->args[2] == (unsigned long)prot_to_host(vm_flags) &&
        call->args[3] == (unsigned long)flags && (fd < 0 || call->args[5] + call->args[1] == off)) {
        call->args[1] += len;
        return 0;
    }
    call = add(c, SYS_mmap);
    if (!call)
        return -ENOMEM;
    call->args[0] = start;
    call->args[1] = len;
    call->args[2] = (unsigned long)prot_to_host(vm_flags);
    call->args[3] = (unsigned long)flags;
    call->args[4] = (unsigned long)-1;
    call->args[5] = off;
    call->fd = fd;
    return 0;
}

static int map_base(struct calls *c, const struct vma *v)
{
    struct platform_hostcall m;
    int err = area_map_call(v, &m);

    return err ? err : add_map(c, v->start, m.args[1], v->flags, (int)m.args[3], m.fd, m.args[5]);
}

/* The area, and over it its own pages. */
static int map_area(struct calls *c, const struct vma *v, const struct mm_segment *seg, uint32_t n,
                    int fd)
{
    bool whole = n == 1 && seg->npages * NV_PAGE_SIZE == v->end - v->start;
    int err = whole ? 0 : map_base(c, v);

    for (uint32_t i = 0; !err && i < n; i++)
        err = add_map(c, seg[i].start, seg[i].npages * NV_PAGE_SIZE, v->flags, MAP_PRIVATE, fd,
                      seg[i].offset);
    return err;
}

static int map_all(struct mm *mm, struct calls *c)
{
    const struct mm_image *im = mm->image;
    uint32_t at = 0;
    int err = 0;

    for (int i = 0; !err && i < mm->vmas->n; i++) {
        const struct vma *v = &mm->vmas->v[i];
        uint32_t n = 0;
        while (at + n < im->n && im->seg[at + n].start < v->end)
            n++;
        err = map_area(c, v, im->seg + at, n, im->fd);
        at += n;
        if (err)
            log_warn("restoring the area at %lx: %s", (unsigned long)v->start, strerror(-err));
    }
    return err;
}

static int run_maps(struct mm *mm, struct calls *c)
{
    int err = platform->hostcalls(mm->keeper, c->v, c->n);

    for (unsigned int i = 0; !err && i < c->n; i++) {
        if ((uint64_t)c->v[i].result == c->v[i].args[0])
            continue;
        int64_t r = c->v[i].result;
        err = r < 0 && r > -4096 ? (int)r : -EIO;
        log_warn("restoring %lu bytes at %lx: %s", c->v[i].args[1], c->v[i].args[0],
                 strerror(-err));
    }
    return err;
}

/* --- the working set --- */
/* The parts of a range that may be written to. */
static void populate(struct mm *mm, const struct wset_range *r, struct calls *c, uint32_t *left)
{
    uint64_t start = r->start, end = start + (uint64_t)r->npages * NV_PAGE_SIZE;

    for (int i = vma_index(mm->vmas, start); i < mm->vmas->n && start < end; i++) {
        const struct vma *v = &mm->vmas->v[i];
        uint64_t from = MAX(start, v->start), to = MIN(end, v->end);
        if (from >= to)
            return;
        start = to;
        uint64_t pages = (to - from) / NV_PAGE_SIZE;
        if (!(v->flags & VM_WRITE) || (v->flags & VM_SHARED) || pages > *left)
            continue;
        struct platform_hostcall *call = add(c, SYS_madvise);
        if (!call)
            return;
        *left -= (uint32_t)pages;
        call->args[0] = from;
        call->args[1] = to - from;
        call->args[2] = MADV_POPULATE_WRITE;
    }
}

static void collect_set(struct mm *mm, struct calls *c)
{
    const struct wset *ws = wset_used();
    uint32_t left = POPULATE_PAGES_MAX;

    for (uint32_t i = 0; i < ws->n; i++)
        if (ws->v[i].mm == mm->image_id)
            populate(mm, &ws->v[i], c, &left);
}

/*
 * Runs beside the guest: a thread is ready for the task that comes first, then the keeper touches
 * the working set, in short pieces, for others may need it. What cannot be touched now will fault
 * later: failures do not matter.
 */
static void make_ready(void *arg)
{
    struct mm *mm = arg;
    struct calls c = {.n = 0};
    int err = 0;

    if (mm->refs > 2) {
        keeper_lock(mm);
        if (mm->keeper)
            err = platform->thread_new(mm->keeper, &mm->spare);
        keeper_unlock(mm);
        timeline_mark(PHASE_IMAGE_THREAD);
    }
    collect_set(mm, &c);
    /* The only task would take the keeper away. */
    unsigned int piece = mm->refs > 2 ? PIECE : c.n;
    for (unsigned int at = 0; !err && at < c.n; at += piece) {
        keeper_lock(mm);
        err = mm->keeper ? platform->hostcalls(mm->keeper, c.v + at, MIN(c.n - at, piece)) : -ESRCH;
        keeper_unlock(mm);
    }
    timeline_mark(PHASE_IMAGE_WSET);
    free(c.v);
    mm_put(mm);
}

int mm_restore(struct mm *mm)
{
    struct calls c = {.n = 0};

    if (!mm->image || mm->as)
        return -EINVAL;
    int err = platform->aspace_new(&mm->as, &mm->keeper);
    if (err)
        return err;
    const struct task *t = task_current();
    if (t && t->mm == mm && t->tg->oom_score_adj)
        mm_tell_oom_score(mm, t->tg->oom_score_adj);
    timeline_mark(PHASE_IMAGE_STUB);
    if (platform->ask_futex)
        platform->ask_futex(mm->as);
    err = map_all(mm, &c);
    for (uint32_t i = 0; !err && i < mm->image->n; i++) {
        const struct mm_segment *s = &mm->image->seg[i];
        err = image_map_add(mm, s->start, s->start + s->npages * NV_PAGE_SIZE);
    }
    if (!err)
        err = run_maps(mm, &c);
    if (!err)
        err = guards_restore(mm);
    timeline_mark(PHASE_IMAGE_MEMORY);
    free(c.v);
    mm_image_free(mm);
    if (!err && !fiber_start(make_ready, mm_get(mm)))
        err = -ENOMEM;
    return err;
}
