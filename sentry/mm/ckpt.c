/*
 * Checkpoints of address spaces: numbers, areas, and of each private area the pages that are its
 * own. Pages that are zero or equal their file are left out, so are thunks; code is saved as it was
 * before calls were patched. Shared mappings are the file's to save.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/macros.h"
#include "platform/vdso/vdso.h"
#include "sentry/ckpt/pagemap.h"
#include "sentry/ckpt/pages.h"
#include "sentry/ckpt/types.h"
#include "sentry/ipc/aio.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm_internal.h"
#include "sentry/vfs/file.h"

#define CHUNK_PAGES 256UL
#define GAP_MAX 32 /* zero pages beside others that become a hole of the file: fewer mappings */
#define SEGMENTS_MAX (1U << 20)
#define VM_KNOWN                                                                                   \
    (VM_READ | VM_WRITE | VM_EXEC | VM_SHARED | VM_GROWSDOWN | VM_LOCKED | VM_DONTFORK |           \
     VM_WIPEONFORK | VM_NORESERVE | VM_STACK | VM_HEAP | VM_MAYWRITE | VM_SEALED | VM_DONTDUMP |   \
     VM_POLICY | VM_DROPPABLE | VM_GUARDS)

/* Names of areas, by the number they have in images. */
static const char *const names[] = {NULL, "[stack]", "[heap]", "[vdso]"};

static bool is_thunks(const struct vma *v)
{
    return v->name && !strcmp(v->name, "[thunks]");
}

const char *mm_area_name(unsigned int number)
{
    return number < ARRAY_SIZE(names) ? names[number] : NULL;
}

static int name_number(const struct vma *v)
{
    for (size_t i = 1; v->name && i < ARRAY_SIZE(names); i++)
        if (!strcmp(v->name, names[i]))
            return (int)i;
    return 0;
}

/* --- saving --- */
struct saver {
    struct ckpt_writer *w;
    struct mm *mm;
    unsigned int memory; /* the file its pages go to */
    const struct vma *v; /* the area being saved, and what backs it: */
    int host_fd;
    uint64_t host_off;
    bool readable;
    char *buf, *file; /* CHUNK_PAGES each */
    struct mm_segment *seg;
    uint32_t n, cap;
    uint32_t first; /* of this area's segments */
    struct mm_guards guards;
};

static int add_segment(struct saver *s, uint64_t start, uint64_t npages, uint64_t offset)
{
    if (!s->seg || s->n == s->cap) {
        uint32_t cap = s->cap ? s->cap * 2 : 256;
        struct mm_segment *seg = reallocarray(s->seg, cap, sizeof(*seg));
        if (!seg || cap > SEGMENTS_MAX) {
            s->seg = seg ? seg : s->seg;
            return -ENOMEM;
        }
        s->seg = seg;
        s->cap = cap;
    }
    s->seg[s->n++] = (struct mm_segment){start, npages, offset};
    return 0;
}

static uint64_t segment_end(const struct mm_segment *g)
{
    return g->start + g->npages * NV_PAGE_SIZE;
}

/* Pages to keep, in ascending order. */
static int keep(struct saver *s, uint64_t start, const char *data, uint64_t npages)
{
    struct mm_segment *last = s->n > s->first ? &s->seg[s->n - 1] : NULL;
    uint64_t from = last ? segment_end(last) : s->v->start, gap = (start - from) / NV_PAGE_SIZE;
    bool joins = last && !gap;

    if (gap && gap <= GAP_MAX && !s->v->file) {
        uint64_t offset = ckpt_put_pages(s->w, s->memory, NULL, gap);
        int err = last ? 0 : add_segment(s, from, 0, offset);
        if (err)
            return err;
        last = &s->seg[s->n - 1];
        last->npages += gap;
        joins = true;
    }
    uint64_t offset = ckpt_put_pages(s->w, s->memory, data, npages);
    if (!joins)
        return add_segment(s, start, npages, offset);
    last->npages += npages;
    return 0;
}

/* The area's end, too, if it is near. */
static void keep_end(struct saver *s)
{
    struct mm_segment *last = s->n > s->first ? &s->seg[s->n - 1] : NULL;
    uint64_t gap = last ? (s->v->end - segment_end(last)) / NV_PAGE_SIZE : 0;

    if (!gap || gap > GAP_MAX || s->v->file)
        return;
    ckpt_put_pages(s->w, s->memory, NULL, gap);
    last->npages += gap;
}

static bool is_zero(const char *page)
{
    const uint64_t *p = (const uint64_t *)page;

    for (size_t i = 0; i < NV_PAGE_SIZE / 8; i += 8)
        if (p[i] | p[i + 1] | p[i + 2] | p[i + 3] | p[i + 4] | p[i + 5] | p[i + 6] | p[i + 7])
            return false;
    return true;
}

/* What the file has there; behind its end nothing is equal. */
static size_t read_file(struct saver *s, uint64_t start, size_t len)
{
    uint64_t at = s->host_off + (start - s->v->start);
    size_t done = 0;

    while (s->host_fd >= 0 && done < len) {
        ssize_t n = pread(s->host_fd, s->file + done, len - done, (off_t)(at + done));
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    if (done % NV_PAGE_SIZE) { /* the rest of the last page is zero in memory */
        memset(s->file + done, 0, NV_PAGE_SIZE - done % NV_PAGE_SIZE);
        done = PAGE_UP(done);
    }
    return done;
}

static int save_chunk(struct saver *s, uint64_t start, uint64_t npages)
{
    size_t len = npages * NV_PAGE_SIZE, have = 0;
    uint64_t from = 0;

    if (platform->read_mem(s->mm->as, s->buf, start, len) != (ssize_t)len) {
        log_warn("process %d: memory at %lx cannot be read", platform->aspace_pid(s->mm->as),
                 (unsigned long)start);
        return -EIO;
    }
    if (s->v->file) {
        if (platform->patch_hide)
            platform->patch_hide(s->mm->as, start, s->buf, len);
        have = read_file(s, start, len);
    }
    for (uint64_t i = 0; i <= npages; i++) {
        const char *page = s->buf + i * NV_PAGE_SIZE;
        size_t off = i * NV_PAGE_SIZE;
        bool drop =
            i == npages ||
            (s->v->file ? off < have && !memcmp(page, s->file + off, NV_PAGE_SIZE) : is_zero(page));
        if (!drop)
            continue;
        int err = i > from
                      ? keep(s, start + from * NV_PAGE_SIZE, s->buf + from * NV_PAGE_SIZE, i - from)
                      : 0;
        if (err)
            return err;
        from = i + 1;
    }
    return 0;
}

static int set_readable(struct saver *s, bool on)
{
    struct gthread *thr = mm_parked_thread(s->mm);
    int prot = prot_to_host(s->v->flags) | (on ? PROT_READ : 0);

    if (!thr)
        return -ESRCH;
    int64_t r =
        mm_host(thr, SYS_mprotect, s->v->start, s->v->end - s->v->start, (uint64_t)prot, 0, -1, 0);
    s->readable = on;
    return r < 0 ? (int)r : 0;
}

static int save_range(void *arg, uint64_t start, uint64_t end)
{
    struct saver *s = arg;
    int err = s->readable ? 0 : set_readable(s, true);

    while (!err && start < end) {
        const struct mm_guard *g = guards_after(&s->guards, start);
        if (g && g->start <= start) {
            start = guard_end(g);
            continue;
        }
        uint64_t n = MIN(((g ? MIN(g->start, end) : end) - start) / NV_PAGE_SIZE, CHUNK_PAGES);
        err = save_chunk(s, start, n);
        start += n * NV_PAGE_SIZE;
    }
    return err;
}

static int save_area(struct saver *s, const struct vma *v, int pagemap)
{
    s->v = v;
    s->host_fd = -1;
    s->readable = v->flags & VM_READ;
    s->first = s->n;
    if (v->file) {
        int err = v->file->ops->mmap(NULL, v->file, v->pgoff, v->end - v->start, PROT_READ,
                                     MAP_PRIVATE, &s->host_fd, &s->host_off);
        if (err)
            return err;
    }
    int err = 0;
    for (uint64_t at = v->start, next; !err && at < v->end; at = next) {
        next = image_map_piece(s->mm, at, v->end);
        if (image_map_meets(s->mm, at, next)) /* its pages are a file's to the host, too */
            err = save_range(s, at, next);
        else
            err = pagemap_scan(pagemap, at, next, save_range, s);
    }
    if (!err)
        keep_end(s);
    if (s->readable && !(v->flags & VM_READ)) {
        int back = set_readable(s, false);
        err = err ? err : back;
    }
    return err;
}

static int save_pages(struct saver *s, int pagemap)
{
    cleanup_free char *buf = malloc(2 * CHUNK_PAGES * NV_PAGE_SIZE);
    int err = buf ? 0 : -ENOMEM;

    s->buf = buf;
    s->file = buf ? buf + CHUNK_PAGES * NV_PAGE_SIZE : NULL;
    for (int i = 0; !err && i < s->mm->vmas->n; i++) {
        const struct vma *v = &s->mm->vmas->v[i];
        if (!(v->flags & VM_SHARED) && !is_thunks(v))
            err = save_area(s, v, pagemap);
    }
    return err;
}

/* The guards first: their pages cannot be read. */
static int save_memory(struct saver *s)
{
    bool wanted = ckpt_wants_pages(s->w), has_guards = mm_has_guards(s->mm);
    int pid = platform->aspace_pid(s->mm->as), err = 0;
    cleanup_close int pagemap = wanted || has_guards ? stub_file_open(pid, STUB_PAGEMAP) : -1;

    if (pagemap < 0 && (wanted || has_guards)) {
        log_warn("the pagemap of process %d cannot be opened: %s", pid, strerror(-pagemap));
        return pagemap;
    }
    if (has_guards)
        err = guards_find(s->mm, pagemap, &s->guards);
    if (err == -EOPNOTSUPP) {
        ckpt_refuse(s->w, "memory",
                    "it has guard pages (MADV_GUARD_INSTALL), and which they are "
                    "this host does not tell: Linux before 6.15");
        return 0;
    }
    return err || !wanted ? err : save_pages(s, pagemap);
}

static void save_areas(struct ckpt_writer *w, struct mm *mm)
{
    uint32_t n = 0;

    for (int i = 0; i < mm->vmas->n; i++)
        n += !is_thunks(&mm->vmas->v[i]);
    ckpt_put_u32(w, n);
    for (int i = 0; i < mm->vmas->n; i++) {
        const struct vma *v = &mm->vmas->v[i];
        if (is_thunks(v))
            continue;
        ckpt_put_u64(w, v->start);
        ckpt_put_u64(w, v->end);
        ckpt_put_u64(w, v->pgoff);
        ckpt_put_u32(w, v->flags);
        ckpt_put_u8(w, (uint8_t)name_number(v));
        ckpt_put_ref(w, &ckpt_file, v->file);
    }
}

static void mm_save(struct ckpt_writer *w, void *obj)
{
    struct mm *mm = obj;
    unsigned int id = ckpt_next_memory(w);
    struct saver s = {.w = w, .mm = mm, .memory = CKPT_MEMORY + id};

    ckpt_put_u32(w, id);
    save_areas(w, mm);
    if (id >= CKPT_MEMORIES_MAX) {
        ckpt_refuse(w, "memory", "an image holds that of %d processes at most", CKPT_MEMORIES_MAX);
        return;
    }
    ckpt_put_pages(w, s.memory, NULL, 0); /* it has its file, if only an empty one */
    int err = save_memory(&s);
    if (err)
        ckpt_fail(w, err);
    ckpt_put_u32(w, s.n);
    ckpt_put_bytes(w, s.seg, s.n * sizeof(*s.seg));
    guards_save(w, &s.guards);
    free(s.seg);
    free(s.guards.v);
}

/* --- restoring --- */
static void *mm_create(struct ckpt_reader *r)
{
    struct mm *mm = mm_new(NULL);

    if (mm) {
        mm->refs = 0;
        mm->image = calloc(1, sizeof(*mm->image));
    }
    return mm && mm->image ? mm : NULL;
}

static bool area_ok(const struct vma *v, uint64_t floor)
{
    uint64_t len = v->end - v->start, end;

    return v->start >= floor && v->end > v->start && v->end <= NV_TASK_SIZE &&
           !PAGE_OFF(v->start | v->end | v->pgoff) && !(v->flags & ~VM_KNOWN) &&
           !__builtin_add_overflow(v->pgoff, len, &end) && end <= INT64_MAX;
}

static void load_areas(struct ckpt_reader *r, struct mm *mm)
{
    uint32_t n = ckpt_get_count(r, VMA_MAX, 33);
    uint64_t floor = NV_TASK_MIN;

    if (n && vma_reserve(mm->vmas, (int)n)) {
        ckpt_bad(r, "out of memory");
        return;
    }
    for (uint32_t i = 0; i < n && !ckpt_failed(r); i++) {
        struct vma *v = &mm->vmas->v[i];
        *v = (struct vma){.start = ckpt_get_u64(r)};
        v->end = ckpt_get_u64(r);
        v->pgoff = ckpt_get_u64(r);
        v->flags = ckpt_get_u32(r);
        uint8_t name = ckpt_get_u8(r);
        ckpt_get_ref(r, &ckpt_file, &v->file);
        if (ckpt_failed(r))
            return;
        if (!area_ok(v, floor) || name >= ARRAY_SIZE(names)) {
            ckpt_bad(r, "area %u is not valid", i);
            return;
        }
        v->name = names[name];
        floor = v->end;
        mm->vmas->n++;
        mm_account(mm, v, 1);
    }
}

static void load_segments(struct ckpt_reader *r, struct mm *mm, uint64_t pages)
{
    struct mm_image *im = mm->image;
    uint64_t floor = 0;
    uint32_t n = ckpt_get_count(r, SEGMENTS_MAX, sizeof(*im->seg));

    im->seg = calloc(n ? n : 1, sizeof(*im->seg));
    if (!im->seg) {
        ckpt_bad(r, "out of memory");
        return;
    }
    im->n = n;
    ckpt_get_bytes(r, im->seg, n * sizeof(*im->seg));
    for (uint32_t i = 0; i < n && !ckpt_failed(r); i++) {
        const struct mm_segment *s = &im->seg[i];
        const struct vma *v = vma_find(mm, s->start);
        if (!v || s->start < floor || s->start < v->start || PAGE_OFF(s->start | s->offset) ||
            !s->npages || s->npages > (v->end - s->start) / NV_PAGE_SIZE ||
            (v->flags & VM_SHARED) || s->npages > pages ||
            s->offset / NV_PAGE_SIZE > pages - s->npages) {
            ckpt_bad(r, "piece %u of memory is not valid", i);
            return;
        }
        floor = s->start + s->npages * NV_PAGE_SIZE;
    }
}

static void mm_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct mm *mm = obj;

    mm->image_id = (uint16_t)ckpt_get_u32(r);
    load_areas(r, mm);
    mm->image->fd = version < 2 ? ckpt_pages_fd() : ckpt_memory_fd(mm->image_id);
    if (mm->image->fd < 0)
        ckpt_bad(r, "the image has no file %u of memory", mm->image_id);
    load_segments(r, mm, version < 2 ? ckpt_pages_count() : ckpt_memory_count(mm->image_id));
    if (version >= 7)
        guards_load(r, mm);
    if (mm->brk < mm->brk_start || PAGE_OFF(mm->mmap_base) ||
        mm->auxv_len > (int)ARRAY_SIZE(mm->auxv) || mm->auxv_len < 0)
        ckpt_bad(r, "its numbers are not valid");
    mm->vdso = VDSO_IMAGE;
}

/* Only files that may be mapped so; the file system has the last word in mm_restore(). */
static void mm_link(struct ckpt_reader *r, void *obj)
{
    struct mm *mm = obj;

    for (int i = 0; i < mm->vmas->n; i++) {
        const struct vma *v = &mm->vmas->v[i];
        bool shared = v->flags & VM_SHARED;
        bool ok = v->file ? v->file->ops && v->file->ops->mmap && file_readable(v->file) : !shared;
        if (shared && v->file && (v->flags & (VM_WRITE | VM_MAYWRITE)) && !file_writable(v->file))
            ok = false;
        if (!ok) {
            ckpt_bad(r, "the file at %lx cannot be mapped so", (unsigned long)v->start);
            return;
        }
    }
}

static void mm_hold(void *obj)
{
    mm_get(obj);
}

void mm_image_free(struct mm *mm)
{
    if (mm->image) {
        free(mm->image->seg);
        free(mm->image->guards.v);
    }
    free(mm->image);
    mm->image = NULL;
}

static const struct ckpt_field fields[] = {
    CKPT_UINT_MAX(struct mm, mmap_base, NV_TASK_SIZE),
    CKPT_UINT_MAX(struct mm, brk_start, NV_TASK_SIZE),
    CKPT_UINT_MAX(struct mm, brk, NV_TASK_SIZE),
    CKPT_UINT_MAX(struct mm, stack_top, NV_TASK_SIZE),
    CKPT_UINT_MAX(struct mm, arg_start, NV_TASK_SIZE),
    CKPT_UINT_MAX(struct mm, arg_end, NV_TASK_SIZE),
    CKPT_UINT_MAX(struct mm, env_start, NV_TASK_SIZE),
    CKPT_UINT_MAX(struct mm, env_end, NV_TASK_SIZE),
    CKPT_BYTES(struct mm, auxv),
    CKPT_UINT(struct mm, auxv_len),
    CKPT_UINT_MAX(struct mm, start_code, NV_TASK_SIZE),
    CKPT_UINT_MAX(struct mm, end_code, NV_TASK_SIZE),
    CKPT_UINT_MAX(struct mm, start_stack, NV_TASK_SIZE),
    CKPT_SINCE(3, CKPT_KIND_REF, struct mm, aio, .type = &ckpt_aio),
    CKPT_SINCE(4, CKPT_KIND_UINT, struct mm, core_filter, .max = CORE_FILTER_BITS),
    CKPT_SINCE(5, CKPT_KIND_UINT, struct mm, membarrier),
    CKPT_SINCE(6, CKPT_KIND_UINT, struct mm, traits, .max = MM_TRAITS),
    CKPT_SINCE(6, CKPT_KIND_UINT, struct mm, lock_future, .max = MCL_FUTURE | MCL_ONFAULT),
};

const struct ckpt_type ckpt_mm = {
    .name = "mm",
    .id = CT_MM,
    .version = 7, /* 2: its pages are in memory.N; 7: guard pages */
    CKPT_TABLE(fields),
    .save = mm_save,
    .create = mm_create,
    .load = mm_load,
    .link = mm_link,
    .hold = mm_hold,
};
CKPT_TYPE_REGISTER(ckpt_mm);
