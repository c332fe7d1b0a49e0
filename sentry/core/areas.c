/* Which pages of which areas go into a core file: vma_dump_size() of fs/coredump.c. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "platform/vdso/vdso.h"
#include "sentry/ckpt/pagemap.h"
#include "sentry/core/core_internal.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm_internal.h"
#include "sentry/vfs/file.h"

#define CHUNK (16 * NV_PAGE_SIZE)

static int found(void *arg, uint64_t start, uint64_t end)
{
    return 1;
}

/* Has the process written to it? What the host maps of an image is its own as well. */
static bool has_own(const struct core_dump *c, const struct vma *v)
{
    struct mm *mm = c->dumper->mm;

    return c->pagemap < 0 || image_map_meets(mm, v->start, v->end) ||
           pagemap_scan(c->pagemap, v->start, v->end, found, NULL) != 0;
}

static bool is_unlinked(const struct file *f)
{
    return !f->path.mnt || !f->inode->nlink;
}

static bool is_elf(const struct core_dump *c, const struct vma *v)
{
    char magic[SELFMAG];

    return mm_peek(c->dumper->mm, magic, v->start, sizeof(magic)) == sizeof(magic) &&
           !memcmp(magic, ELFMAG, SELFMAG);
}

static enum core_pages pages_of(const struct core_dump *c, const struct vma *v)
{
    uint32_t filter = c->dumper->mm->core_filter;

    if (v->flags & VM_DONTDUMP)
        return CORE_NOTHING;
    if (v->flags & VM_SHARED)
        return v->file && filter & (is_unlinked(v->file) ? CORE_ANON_SHARED : CORE_MAPPED_SHARED)
                   ? CORE_FILE
                   : CORE_NOTHING;
    if (!v->file)
        return filter & CORE_ANON_PRIVATE && has_own(c, v) ? CORE_OWN : CORE_NOTHING;
    /* Code that calls were patched in has pages of its own, of which its program knows nothing. */
    bool may_be_written = !(v->flags & VM_EXEC) || v->flags & VM_WRITE;
    if (filter & CORE_ANON_PRIVATE && may_be_written && has_own(c, v))
        return CORE_ALL;
    if (filter & CORE_MAPPED_PRIVATE)
        return CORE_ALL;
    return filter & CORE_ELF_HEADERS && !v->pgoff && v->flags & VM_READ && is_elf(c, v)
               ? CORE_HEAD
               : CORE_NOTHING;
}

static void add_area(struct core_dump *c, const struct vma *v, enum core_pages pages)
{
    struct core_area *a = &c->areas[c->nareas++];

    *a = (struct core_area){.start = v->start, .end = v->end, .pgoff = v->pgoff, .pages = pages};
    a->file = v->file ? file_get(v->file) : NULL;
    a->flags = (v->flags & VM_READ ? PF_R : 0) | (v->flags & VM_WRITE ? PF_W : 0) |
               (v->flags & VM_EXEC ? PF_X : 0);
    a->filesz = pages == CORE_NOTHING ? 0 : pages == CORE_HEAD ? NV_PAGE_SIZE : v->end - v->start;
}

/* What is not to be read can still be dumped: the memory is nobody else's and about to go. */
static void make_readable(struct core_dump *c, const struct vma *v, enum core_pages pages)
{
    struct task *t = c->dumper;

    if ((pages != CORE_OWN && pages != CORE_ALL) || v->flags & VM_READ ||
        t->mm->refs > (unsigned int)t->tg->ntasks)
        return;
    mm_host(t->thr, SYS_mprotect, v->start, v->end - v->start,
            (uint64_t)(prot_to_host(v->flags) | PROT_READ), 0, -1, 0);
}

int core_areas(struct core_dump *c)
{
    struct mm *mm = c->dumper->mm;
    const struct vma vdso = {
        .start = mm->vdso, .end = mm->vdso + VDSO_IMAGE_SIZE, .flags = VM_READ | VM_EXEC};

    c->areas = calloc((size_t)mm->vmas->n + 1, sizeof(*c->areas));
    if (!c->areas)
        return -ENOMEM;
    c->pagemap = stub_file_open(platform->aspace_pid(mm->as), STUB_PAGEMAP);
    for (int i = 0; i < mm->vmas->n; i++) { /* locked: it stays as it is */
        const struct vma *v = &mm->vmas->v[i];
        if (v->name && !strcmp(v->name, "[thunks]"))
            continue;
        enum core_pages pages = pages_of(c, v);
        add_area(c, v, pages);
        make_readable(c, v, pages);
    }
    if (mm->vdso)
        add_area(c, &vdso, CORE_ALL);
    return 0;
}

void core_areas_free(struct core_dump *c)
{
    for (uint32_t i = 0; i < c->nareas; i++)
        if (c->areas[i].file)
            file_put(c->areas[i].file);
    free(c->areas);
    if (c->pagemap >= 0)
        close(c->pagemap);
}

/* --- pages --- */
static bool is_zero(const char *page)
{
    return !page[0] && !memcmp(page, page + 1, NV_PAGE_SIZE - 1);
}

/* Pages of zeros are holes. */
static int put_pages(struct core_dump *c, const char *data, size_t len)
{
    int err = 0;

    for (size_t at = 0, n; !err && at < len; at += n) {
        bool zero = is_zero(data + at);
        for (n = NV_PAGE_SIZE; at + n < len && is_zero(data + at + n) == zero;)
            n += NV_PAGE_SIZE;
        err = zero ? core_skip(c, n) : core_put(c, data + at, n);
    }
    return err;
}

struct writer {
    struct core_dump *c;
    const struct core_area *a;
    uint64_t file_at; /* where the area begins in the core file */
    char *buf;        /* CHUNK */
};

static int skip_to(const struct writer *w, uint64_t addr)
{
    uint64_t at = w->file_at + (addr - w->a->start);

    return at > w->c->pos ? core_skip(w->c, at - w->c->pos) : 0;
}

static int put_range(void *arg, uint64_t start, uint64_t end)
{
    const struct writer *w = arg;
    int err = skip_to(w, start);

    while (!err && start < end) {
        size_t want = MIN(end - start, CHUNK);
        ssize_t n = mm_peek(w->c->dumper->mm, w->buf, start, want);
        size_t have = n > 0 ? (size_t)n & ~(NV_PAGE_SIZE - 1) : 0;
        if (w->c->interrupted || w->c->dumper->tg->exiting)
            return -EINTR;
        err = have ? put_pages(w->c, w->buf, have) : core_skip(w->c, NV_PAGE_SIZE);
        start += have ? have : NV_PAGE_SIZE;
    }
    return err;
}

static int put_own(struct writer *w)
{
    struct mm *mm = w->c->dumper->mm;
    int err = 0;

    for (uint64_t at = w->a->start, next; !err && at < w->a->end; at = next) {
        next = image_map_piece(mm, at, w->a->end);
        if (w->c->pagemap < 0 || image_map_meets(mm, at, next))
            err = put_range(w, at, next);
        else
            err = pagemap_scan(w->c->pagemap, at, next, put_range, w);
    }
    return err;
}

/* Shared memory: from its file, so that no page is made that was not there. */
static int put_file(struct writer *w)
{
    const struct core_area *a = w->a;
    uint64_t off, len = a->end - a->start;
    int fd = -1,
        err = a->file->ops->mmap(NULL, a->file, a->pgoff, len, PROT_READ, MAP_SHARED, &fd, &off);

    for (off_t at = (off_t)off, end = at + (off_t)len, hole; !err && fd >= 0; at = hole) {
        at = lseek(fd, at, SEEK_DATA);
        hole = at < 0 ? -1 : lseek(fd, at, SEEK_HOLE);
        if (at < 0 || at >= end || hole <= at)
            break;
        err = skip_to(w, a->start + (uint64_t)(at - (off_t)off));
        while (!err && at < MIN(hole, end)) {
            size_t want = (size_t)MIN((uint64_t)(MIN(hole, end) - at), CHUNK);
            ssize_t n = pread(fd, w->buf, want, at);
            if (n <= 0)
                break;
            memset(w->buf + n, 0, PAGE_UP((size_t)n) - (size_t)n);
            err = put_pages(w->c, w->buf, PAGE_UP((size_t)n));
            at += (off_t)PAGE_UP((size_t)n);
        }
    }
    return err;
}

int core_area_write(struct core_dump *c, const struct core_area *a)
{
    cleanup_free char *buf = a->filesz ? malloc(CHUNK) : NULL;
    struct writer w = {.c = c, .a = a, .file_at = c->pos, .buf = buf};
    int err = 0;

    if (!a->filesz)
        return 0;
    if (!buf)
        return -ENOMEM;
    if (a->pages == CORE_OWN)
        err = put_own(&w);
    else if (a->pages == CORE_FILE)
        err = put_file(&w);
    else
        err = put_range(&w, a->start, a->start + a->filesz);
    return err ? err : skip_to(&w, a->start + a->filesz);
}
