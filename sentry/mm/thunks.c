/*
 * Which call sites get a thunk, and where thunks are. A site is worth it when it has trapped some
 * times (or at once: --patch=eager, for tests); only code of files, mapped private and not
 * writable, is changed: what a program generates it may also change itself. Code whose protection
 * changes is given back as it was. The areas for thunks are within reach of a 32-bit jump.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm_internal.h"
#include "sentry/mm/mm.h"
#include "sentry/ctl.h"
#include "sentry/sandbox.h"
#include "sentry/vfs/file.h"

#define TRAPS_WORTH 12 /* a patch costs as much as so many traps, and a little more */
#define TRIES 6        /* times that other threads were in the way, before they are stopped */
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

int thunks_restore(struct mm *mm, struct gthread *thr, uint64_t start, uint64_t end)
{
    int i = vma_index(mm->vmas, start);

    if (!platform->patch_restore)
        return 0;
    while (i < mm->vmas->n && mm->vmas->v[i].start < end &&
           (!(mm->vmas->v[i].flags & VM_EXEC) || !mm->vmas->v[i].file))
        i++;
    if (i == mm->vmas->n || mm->vmas->v[i].start >= end)
        return 0;
    thunks_free(mm);
    return platform->patch_restore(thr, start, end);
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

/* The area with a free place near ip, or -1. */
static int area_near(const struct thunks *th, uint64_t ip)
{
    for (int i = 0; i < THUNK_AREAS && th->area[i].addr; i++)
        if (in_reach(th->area[i].addr, ip) && in_reach(th->area[i].addr + AREA_SIZE, ip) &&
            th->area[i].used < AREA_SIZE / THUNK_SIZE)
            return i;
    return -1;
}

static void make_area(struct task *t, uint64_t ip)
{
    struct thunks *th = &t->mm->thunks;
    struct mmap_request r = {.addr = find_place(t->mm, ip),
                             .len = AREA_SIZE,
                             .prot = PROT_READ | PROT_WRITE | PROT_EXEC,
                             .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                             .name = "[thunks]"};

    if (!r.addr || th->area[THUNK_AREAS - 1].addr)
        return;
    int64_t at = mm_mmap(t->mm, t->thr, &r, t);
    for (int i = 0; at >= 0 && i < THUNK_AREAS; i++) {
        if (th->area[i].addr)
            continue;
        th->area[i].addr = (uint64_t)at;
        th->area[i].used = 1; /* the first place holds the way into the stub */
        return;
    }
    if (at >= 0 && !mm_lock(t->mm, t)) { /* others were faster meanwhile */
        mm_munmap(t->mm, t->thr, (uint64_t)at, AREA_SIZE);
        mm_unlock(t->mm);
    }
}

/* --- what --explain says of sites --- */
#define REASONS 16
static unsigned long npatched;
static struct reason {
    const char *why; /* a literal */
    unsigned long count;
} reasons[REASONS];

static void count_refusal(const char *why)
{
    int i = 0;

    while (i < REASONS - 1 && reasons[i].why && strcmp(reasons[i].why, why) != 0)
        i++;
    reasons[i].why = why;
    reasons[i].count++;
}

unsigned long mm_sites_patched(void)
{
    return npatched;
}

const char *mm_sites_refused(int i, unsigned long *count)
{
    if (i >= REASONS)
        return NULL;
    *count = reasons[i].count;
    return reasons[i].why;
}

/* --- patching --- */
static const char *unfit(const struct vma *v, uint64_t ip)
{
    if (!v || v->start > ip - 2 || v->end <= ip)
        return "at the edge of a mapping";
    if (v->flags & VM_WRITE)
        return "writable code";
    if (!v->file)
        return "generated code, not a file's";
    if (!(v->flags & VM_EXEC) || v->flags & VM_SHARED)
        return "code of a shared mapping";
    return NULL;
}

/* For nv run --perf-map: format of /tmp/perf-PID.map. */
static void name_thunk(const struct mm *mm, const struct platform_site *s, const struct vma *v)
{
    const struct dentry *d = v->file->path.dentry;
    char line[256];
    pid_t pid = platform->aspace_pid(mm->as);
    cleanup_close int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (pidfd < 0)
        return;
    int n = snprintf(line, sizeof(line), "%lx %lx thunk:%.200s+0x%lx", s->thunk, THUNK_SIZE + 0UL,
                     d ? d->name : "?", s->ip - 2 - v->start + v->pgoff);
    ctl_send_more(CTL_PERF_MAP, pid, line, MIN((size_t)n, sizeof(line) - 1), pidfd);
}

static int patch_locked(struct task *t, struct platform_site *s)
{
    struct mm *mm = t->mm;
    struct vma *v = vma_find(mm, s->ip - 2);

    s->why = unfit(v, s->ip);
    if (s->why)
        return -ENOEXEC;
    s->text_start = v->start;
    s->text_end = v->end;
    s->prot = prot_to_host(v->flags);
    int i = area_near(&mm->thunks, s->ip);
    s->why = "no place for thunks in reach";
    if (i < 0)
        return -ENOEXEC;
    s->area = mm->thunks.area[i].addr;
    s->thunk = s->area + mm->thunks.area[i].used++ * THUNK_SIZE;
    int err = platform->patch(t->thr, s);
    if (err == -ENOEXEC || err == -EAGAIN || err == -EEXIST) /* nothing leads there */
        mm->thunks.area[i].used--;
    if (!err && unlikely(sandbox->perf_map))
        name_thunk(mm, s, v);
    return err;
}

static int try_patch(struct task *t, uint64_t ip, bool stop)
{
    struct platform_site s = {.ip = ip, .nr = t->ev.sys.nr, .stop = stop};

    if (!unfit(vma_find(t->mm, ip - 2), ip) && area_near(&t->mm->thunks, ip) < 0)
        make_area(t, ip);
    int err = mm_lock(t->mm, t);
    if (err)
        return err;
    err = patch_locked(t, &s);
    mm_unlock(t->mm);
    npatched += !err;
    if (err == -ENOEXEC)
        count_refusal(s.why);
    else if (err && err != -EAGAIN && err != -EEXIST)
        count_refusal("changing the code failed");
    log_debug("task %d: call %ld at %lx: %s", t->tid, s.nr, (unsigned long)ip,
              err == -ENOEXEC ? s.why
              : err           ? strerror(-err)
                              : "patched");
    return err;
}

void mm_site_trapped(struct task *t)
{
    const bool eager = sandbox->patch == PATCH_EAGER;
    uint64_t ip = t->ev.sys.ip;

    if (!platform->patch || sandbox->patch == PATCH_OFF || t->mm->bare || task_fatal_pending(t))
        return;
    if (t->ev.sys.nr == SYS_execve || t->ev.sys.nr == SYS_execveat) /* its site may be gone */
        return;
    struct site_count *c = count_of(t->mm, ip);
    if (!c || c->state == SITE_DONE || (++c->traps < TRAPS_WORTH && !eager))
        return;
    c->traps = 0;
    int err = try_patch(t, ip, eager || c->tries >= TRIES);
    c = count_of(t->mm, ip); /* the table may have been dropped while we were parked */
    if (c && (err != -EAGAIN || ++c->tries > TRIES))
        c->state = SITE_DONE;
}

int mm_watch(struct task *t, bool bare)
{
    struct mm *mm = t->mm;
    int err = 0;

    if (!mm || !t->thr)
        return 0;
    if (!mm->asks && platform->claim_futex)
        err = platform->claim_futex(t->thr);
    if (err)
        return err;
    mm->asks = true;
    if (!bare || mm->bare)
        return 0;
    mm->bare = true;
    thunks_free(mm);
    return platform->patch_never ? platform->patch_never(t->thr) : 0;
}
