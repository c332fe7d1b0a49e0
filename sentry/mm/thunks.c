/*
 * Which call sites get a thunk, and where thunks are. A site is worth it when it has trapped some
 * times; only code of files, mapped private and not writable, is changed: what a program generates
 * it may also change itself. The areas for thunks are within reach of a 32-bit jump.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm_internal.h"
#include "sentry/mm/mm.h"
#include "sentry/sandbox.h"

#define TRAPS_WORTH 12 /* a patch costs as much as so many traps, and a little more */
#define TRIES 6        /* times that other threads were in the way */
#define COUNTS 2048    /* sites that are watched in one address space */
#define AREA_SIZE 65536UL
#define REACH 0x70000000UL

enum site_state { SITE_WATCHED, SITE_DONE };

struct site_counts {
    int n;
    struct site_count {
        uint64_t ip;
        uint8_t state, traps, tries;
    } at[COUNTS];
};

void thunks_free(struct mm *mm)
{
    free(mm->thunks.counts);
    mm->thunks.counts = NULL;
}

void thunks_forget(struct mm *mm, uint64_t start, uint64_t end)
{
    if (platform->patch_forget)
        platform->patch_forget(mm->as, start, end);
    thunks_free(mm); /* other code may come there */
}

static struct site_count *count_of(struct mm *mm, uint64_t ip)
{
    struct site_counts *c = mm->thunks.counts;

    if (!c)
        c = mm->thunks.counts = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    for (uint64_t i = (ip * 0x9e3779b97f4a7c15UL) >> 53;; i++) {
        struct site_count *s = &c->at[i % COUNTS];
        if (s->ip == ip)
            return s;
        if (s->ip)
            continue;
        if (c->n >= COUNTS / 2)
            return NULL;
        c->n++;
        s->ip = ip;
        return s;
    }
}

static bool in_reach(uint64_t a, uint64_t b)
{
    return (a > b ? a - b : b - a) < REACH;
}

/* A place for an area near ip: below if possible, where no heap grows. */
static uint64_t find_place(struct mm *mm, uint64_t ip)
{
    uint64_t low = ip > REACH ? ip - REACH + AREA_SIZE : NV_TASK_MIN;
    uint64_t at = vma_find_gap(mm->vmas, MAX(low, NV_TASK_MIN), PAGE_DOWN(ip), AREA_SIZE);

    if (!at)
        at = vma_find_gap(mm->vmas, PAGE_UP(ip), MIN(ip + REACH - AREA_SIZE, NV_TASK_SIZE),
                          AREA_SIZE);
    return at;
}

static int area_for(struct task *t, uint64_t ip)
{
    struct thunks *th = &t->mm->thunks;
    int i = 0;

    for (; i < THUNK_AREAS && th->area[i].addr; i++)
        if (in_reach(th->area[i].addr, ip) && in_reach(th->area[i].addr + AREA_SIZE, ip) &&
            th->area[i].used < AREA_SIZE / THUNK_SIZE)
            return i;
    if (i == THUNK_AREAS)
        return -1;
    struct mmap_request r = {.addr = find_place(t->mm, ip),
                             .len = AREA_SIZE,
                             .prot = PROT_READ | PROT_WRITE | PROT_EXEC,
                             .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                             .name = "[thunks]"};
    int64_t at = r.addr ? mm_mmap(t->mm, t->thr, &r, t) : -ENOMEM;
    if (at < 0 || i >= THUNK_AREAS || th->area[i].addr)
        return -1; /* or another thread was faster: next time */
    th->area[i].addr = (uint64_t)at;
    th->area[i].used = 1; /* the first place holds the way into the stub */
    return i;
}

static int try_patch(struct task *t, uint64_t ip)
{
    struct mm *mm = t->mm;
    struct vma *v = vma_find(mm, ip - 2);

    if (!v || v->start > ip - 2 || v->end <= ip || !v->file || !(v->flags & VM_EXEC) ||
        (v->flags & (VM_WRITE | VM_SHARED)))
        return -ENOEXEC;
    struct platform_site s = {.ip = ip,
                              .nr = t->sys.nr,
                              .text_start = v->start,
                              .text_end = v->end,
                              .prot = prot_to_host(v->flags)};
    int i = area_for(t, ip);
    if (i < 0)
        return -ENOMEM;
    s.area = mm->thunks.area[i].addr;
    s.thunk = s.area + mm->thunks.area[i].used++ * THUNK_SIZE;
    int err = platform->patch(t->thr, &s);
    log_debug("task %d: call %ld at %lx: %s", t->tid, s.nr, (unsigned long)ip,
              err ? strerror(-err) : "patched");
    if (err &&
        mm->thunks.area[i].addr + mm->thunks.area[i].used * THUNK_SIZE == s.thunk + THUNK_SIZE)
        mm->thunks.area[i].used--;
    return err;
}

/* For --explain. */
static unsigned long npatched, nrefused;

void mm_sites_report(unsigned long *patched, unsigned long *refused)
{
    *patched = npatched;
    *refused = nrefused;
}

void mm_site_trapped(struct task *t)
{
    uint64_t ip = t->ev.sys.ip;

    if (!platform->patch || sandbox->no_patch || task_fatal_pending(t))
        return;
    struct site_count *c = count_of(t->mm, ip);
    if (!c || c->state == SITE_DONE || ++c->traps < TRAPS_WORTH)
        return;
    c->traps = 0;
    int err = try_patch(t, ip);
    npatched += !err;
    nrefused += err == -ENOEXEC;
    c = count_of(t->mm, ip); /* the table may have been dropped while we were parked */
    if (c && (err != -EAGAIN || ++c->tries == TRIES))
        c->state = SITE_DONE;
}
