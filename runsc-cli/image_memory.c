/* nv image diff: which pages of which mappings differ. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "ckpt/record.h"
#include "runsc-cli/image.h"
#include "sentry/ckpt/types.h"
#include "sentry/mm/describe.h"

#define KERNEL_MAX (1UL << 30)

struct memories {
    struct ckpt_dump dump;
    const struct image *img;
    struct mm_description *v;
    unsigned int n;
    int err;
};

static void on_rest(struct ckpt_dump *dump, const struct ckpt_type *type, unsigned int version,
                    const void *data, size_t len)
{
    struct memories *m = container_of(dump, struct memories, dump);

    if (type != &ckpt_mm || m->err)
        return;
    struct mm_description *v = reallocarray(m->v, m->n + 1UL, sizeof(*v));
    if (!v) {
        m->err = -ENOMEM;
        return;
    }
    m->v = v;
    m->err = mm_describe(data, len, &v[m->n]);
    m->n += !m->err;
}

static void memories_free(struct memories *m)
{
    for (unsigned int i = 0; i < m->n; i++)
        mm_description_free(&m->v[i]);
    free(m->v);
}

static int read_memories(struct memories *m, struct error *e)
{
    cleanup_free void *kernel = image_read(m->img, IMAGE_KERNEL, KERNEL_MAX, e);

    if (!kernel)
        return -EIO;
    m->dump.rest = on_rest;
    int err = ckpt_dump(kernel, m->img->manifest.parts[IMAGE_KERNEL].size, &m->dump);
    err = err ? err : m->err;
    return err ? error_set(e, err, "reading the memory of %s", m->img->path) : 0;
}

/* --- pages --- */
struct reader {
    const struct image *img;
    const struct mm_description *d;
    uint32_t at; /* the first piece that ends behind the page at hand: pages come in order */
};

static int memory_fd(const struct reader *r)
{
    if (r->img->manifest.format < 2)
        return r->img->fd[IMAGE_PAGES];
    return r->d->id < CKPT_MEMORIES_MAX ? r->img->fd[IMAGE_MEMORY + r->d->id] : -1;
}

/* 1: it is in the image; 0: it is not; or negative errno. */
static int read_page(struct reader *r, uint64_t addr, void *page)
{
    const struct mm_piece *p = r->d->pieces;

    while (r->at < r->d->npieces && p[r->at].start + p[r->at].npages * NV_PAGE_SIZE <= addr)
        r->at++;
    if (r->at == r->d->npieces || p[r->at].start > addr)
        return 0;
    ssize_t n =
        pread(memory_fd(r), page, NV_PAGE_SIZE, (off_t)(p[r->at].offset + (addr - p[r->at].start)));
    return n == (ssize_t)NV_PAGE_SIZE ? 1 : n < 0 ? -errno : -EBADMSG;
}

static bool is_zero(const char *page)
{
    return !page[0] && !memcmp(page, page + 1, NV_PAGE_SIZE - 1);
}

/* 1: they differ. What is not in the image is zero, or the file's. */
static int compare_page(struct reader *a, struct reader *b, uint64_t addr, bool has_file)
{
    char pa[NV_PAGE_SIZE], pb[NV_PAGE_SIZE];
    int in_a = read_page(a, addr, pa), in_b = read_page(b, addr, pb);

    if (in_a < 0 || in_b < 0)
        return in_a < 0 ? in_a : in_b;
    if (in_a && in_b)
        return memcmp(pa, pb, sizeof(pa)) != 0;
    if (!in_a && !in_b)
        return 0;
    return has_file || !is_zero(in_a ? pa : pb);
}

/* The next page from addr on that one of the images has. */
static uint64_t next_page(const struct reader *r, uint64_t addr, uint64_t end)
{
    for (uint32_t i = r->at; i < r->d->npieces; i++) {
        const struct mm_piece *p = &r->d->pieces[i];
        if (p->start >= end)
            break;
        if (p->start + p->npages * NV_PAGE_SIZE > addr)
            return MAX(addr, p->start);
    }
    return end;
}

/* Pages of a mapping that differ, as [first, number]... from its start. */
static int compare_area(struct reader *a, struct reader *b, const struct mm_area *v, json_t *ranges,
                        uint64_t *differ)
{
    uint64_t first = 0, n = 0;

    for (uint64_t at = v->start; at < v->end; at += NV_PAGE_SIZE) {
        uint64_t next = MIN(next_page(a, at, v->end), next_page(b, at, v->end));
        int r = next == at ? compare_page(a, b, at, v->has_file) : 0;
        if (r < 0)
            return r;
        *differ += (uint64_t)r;
        if (r && !n++)
            first = (at - v->start) / NV_PAGE_SIZE;
        if (!r && n) {
            json_array_append_new(ranges, json_pack("[I,I]", (json_int_t)first, (json_int_t)n));
            n = 0;
        }
        if (next > at)
            at = next - NV_PAGE_SIZE;
    }
    if (n)
        json_array_append_new(ranges, json_pack("[I,I]", (json_int_t)first, (json_int_t)n));
    return 0;
}

static const struct mm_area *same_area(const struct mm_description *d, const struct mm_area *like)
{
    uint32_t lo = 0, hi = d->nareas;

    while (lo < hi) { /* sorted, unless the image is wrong: then some are not found */
        uint32_t mid = lo + (hi - lo) / 2;
        if (d->areas[mid].start < like->start)
            lo = mid + 1;
        else
            hi = mid;
    }
    const struct mm_area *v = &d->areas[lo];
    return lo < d->nareas && v->start == like->start && v->end == like->end &&
                   v->has_file == like->has_file
               ? v
               : NULL;
}

static json_t *describe_area(uint32_t id, const struct mm_area *v)
{
    char range[40];

    snprintf(range, sizeof(range), "%llx-%llx", (unsigned long long)v->start,
             (unsigned long long)v->end);
    return json_pack("{s:i,s:s,s:s,s:s*,s:I}", "memory", (int)id, "range", range, "perms", v->perms,
                     "name", v->name, "pages", (json_int_t)((v->end - v->start) / NV_PAGE_SIZE));
}

static int diff_area(struct reader *a, struct reader *b, const struct mm_area *v, json_t *out)
{
    json_t *ranges = json_array();
    uint64_t differ = 0;
    int err = compare_area(a, b, v, ranges, &differ);

    if (!err && differ) {
        json_t *j = describe_area(a->d->id, v);
        json_object_set_new(j, "differ", json_integer((json_int_t)differ));
        json_object_set(j, "ranges", ranges);
        json_array_append_new(out, j);
    }
    json_decref(ranges);
    return err;
}

static void only_in(const struct mm_description *d, const struct mm_description *other,
                    const char *which, json_t *out)
{
    for (uint32_t i = 0; i < d->nareas; i++) {
        if (other && same_area(other, &d->areas[i]))
            continue;
        json_t *j = describe_area(d->id, &d->areas[i]);
        json_object_set_new(j, "only_in", json_string(which));
        json_array_append_new(out, j);
    }
}

static const struct mm_description *find(const struct memories *m, uint32_t id)
{
    for (unsigned int i = 0; i < m->n; i++)
        if (m->v[i].id == id)
            return &m->v[i];
    return NULL;
}

static int diff_all(const struct memories *a, const struct memories *b, json_t *out)
{
    int err = 0;

    for (unsigned int i = 0; i < a->n && !err; i++) {
        const struct mm_description *other = find(b, a->v[i].id);
        struct reader ra = {a->img, &a->v[i], 0}, rb = {b->img, other, 0};
        only_in(&a->v[i], other, "first", out);
        for (uint32_t k = 0; other && k < a->v[i].nareas && !err; k++)
            if (same_area(other, &a->v[i].areas[k]))
                err = diff_area(&ra, &rb, &a->v[i].areas[k], out);
    }
    for (unsigned int i = 0; i < b->n && !err; i++)
        only_in(&b->v[i], find(a, b->v[i].id), "second", out);
    return err;
}

json_t *image_diff_memory(const struct image *a, const struct image *b, struct error *e)
{
    struct memories ma = {.img = a}, mb = {.img = b};
    json_t *out = json_array();

    int err = read_memories(&ma, e);
    if (!err)
        err = read_memories(&mb, e);
    if (!err) {
        err = diff_all(&ma, &mb, out);
        if (err)
            error_set(e, err, "comparing the memory of %s and %s", a->path, b->path);
    }
    memories_free(&ma);
    memories_free(&mb);
    if (!err)
        return out;
    json_decref(out);
    return NULL;
}
