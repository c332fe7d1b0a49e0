/* See contents.h. */
#include "sentry/ckpt/contents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "ckpt/record.h"
#include "sentry/ckpt/pages.h"
#include "sentry/kernel/uaccess.h"

#define CHUNK_PAGES 64UL
#define COPY_CHUNK (256UL << 10)
#define EXTENTS_MAX (1U << 24)

/* --- saving --- */
struct extents {
    struct ckpt_extent *v;
    uint32_t n, cap;
};

static int add_extent(struct extents *x, uint64_t page, uint64_t npages, uint64_t off)
{
    struct ckpt_extent *last = x->n ? &x->v[x->n - 1] : NULL;

    if (last && last->page + last->npages == page &&
        last->off + last->npages * NV_PAGE_SIZE == off) {
        last->npages += npages;
        return 0;
    }
    if (x->n == x->cap) {
        uint32_t cap = x->cap ? x->cap * 2 : 16;
        struct ckpt_extent *v = cap <= EXTENTS_MAX ? reallocarray(x->v, cap, sizeof(*v)) : NULL;
        if (!v)
            return -ENOMEM;
        x->v = v;
        x->cap = cap;
    }
    x->v[x->n++] = (struct ckpt_extent){page, npages, off};
    return 0;
}

static bool is_zero(const char *page)
{
    return !page[0] && !memcmp(page, page + 1, NV_PAGE_SIZE - 1);
}

/* buf: npages from page on. Those that have something in them go out, in few runs. */
static int save_pages(struct ckpt_writer *w, struct extents *x, const char *buf, uint64_t page,
                      size_t npages)
{
    size_t i = 0;

    while (i < npages) {
        size_t from = i;
        while (i < npages && !is_zero(buf + i * NV_PAGE_SIZE))
            i++;
        if (i > from) {
            uint64_t off = ckpt_put_pages(w, CKPT_PAGES, buf + from * NV_PAGE_SIZE, i - from);
            int err = add_extent(x, page + from, i - from, off);
            if (err)
                return err;
        }
        while (i < npages && is_zero(buf + i * NV_PAGE_SIZE))
            i++;
    }
    return 0;
}

static int collect(struct ckpt_writer *w, const struct ckpt_contents_source *s, struct extents *x)
{
    cleanup_free char *buf = malloc(CHUNK_PAGES * NV_PAGE_SIZE);
    int err = buf ? 0 : -ENOMEM;

    for (loff_t pos = 0; !err && pos < s->size;) {
        if (s->next_data)
            pos = MAX(pos, (loff_t)PAGE_DOWN(s->next_data(s->arg, pos)));
        if (pos >= s->size)
            break;
        size_t len = MIN((size_t)(s->size - pos), CHUNK_PAGES * NV_PAGE_SIZE);
        ssize_t n = s->peek(s->arg, buf, len, pos);
        if (n != (ssize_t)len)
            return n < 0 ? (int)n : -EIO; /* cppcheck-suppress memleak ; freed by its attribute */
        memset(buf + len, 0, PAGE_UP(len) - len);
        err = save_pages(w, x, buf, (uint64_t)pos / NV_PAGE_SIZE, PAGE_UP(len) / NV_PAGE_SIZE);
        pos += (loff_t)len;
    }
    return err;
}

int ckpt_contents_save(struct ckpt_writer *w, const struct ckpt_contents_source *s)
{
    struct extents x = {0};
    int err = ckpt_wants_pages(w) ? collect(w, s, &x) : 0;

    ckpt_put_u32(w, x.n);
    ckpt_put_bytes(w, x.v, x.n * sizeof(*x.v));
    free(x.v);
    return err;
}

/* --- restoring --- */
struct ckpt_contents *ckpt_contents_load(struct ckpt_reader *r, loff_t size)
{
    uint32_t n = ckpt_get_count(r, EXTENTS_MAX, sizeof(struct ckpt_extent));
    uint64_t next = 0, limit = PAGE_UP((uint64_t)size) / NV_PAGE_SIZE;
    struct ckpt_contents *c = malloc(sizeof(*c) + n * sizeof(c->v[0]));

    if (!c) {
        ckpt_bad(r, "out of memory");
        return NULL;
    }
    c->n = n;
    ckpt_get_bytes(r, c->v, n * sizeof(c->v[0]));
    for (uint32_t i = 0; i < n && !ckpt_failed(r); i++) {
        const struct ckpt_extent *e = &c->v[i];
        if (e->page < next || e->page >= limit || !e->npages || e->npages > limit - e->page ||
            e->off > INT64_MAX - e->npages * NV_PAGE_SIZE || e->off % NV_PAGE_SIZE)
            ckpt_bad(r, "extent %u of a file is wrong", i);
        next = e->page + e->npages;
    }
    if (ckpt_failed(r)) {
        free(c);
        return NULL;
    }
    return c;
}

/* The bytes from pos on that are of one kind: at *off in the image, or a hole (-1). */
static size_t run_at(const struct ckpt_contents *c, loff_t pos, size_t len, off_t *off)
{
    uint32_t lo = 0, hi = c->n;

    while (lo < hi) { /* the first extent that ends after pos */
        uint32_t mid = (lo + hi) / 2;
        if ((c->v[mid].page + c->v[mid].npages) * NV_PAGE_SIZE <= (uint64_t)pos)
            lo = mid + 1;
        else
            hi = mid;
    }
    *off = -1;
    if (lo == c->n)
        return len;
    const struct ckpt_extent *e = &c->v[lo];
    uint64_t start = e->page * NV_PAGE_SIZE, end = start + e->npages * NV_PAGE_SIZE;
    if ((uint64_t)pos < start)
        return MIN(len, start - (uint64_t)pos);
    *off = (off_t)(e->off + ((uint64_t)pos - start));
    return MIN(len, end - (uint64_t)pos);
}

ssize_t ckpt_contents_read(const struct ckpt_contents *c, void *buf, size_t len, loff_t pos)
{
    size_t done = 0;
    off_t off;

    while (done < len) {
        char *at = (char *)buf + done;
        size_t n = run_at(c, pos + (loff_t)done, len - done, &off);
        if (off < 0) {
            memset(at, 0, n);
        } else {
            ssize_t got = pread(ckpt_pages_fd(), at, n, off);
            if (got <= 0)
                return got < 0 ? -errno : -EIO; /* the image is cut off */
            n = (size_t)got;
        }
        done += n;
    }
    return (ssize_t)len;
}

ssize_t ckpt_contents_uio(const struct ckpt_contents *c, struct uio *u, size_t len, loff_t pos)
{
    ssize_t done = 0, n = -EIO;
    off_t off;

    while ((size_t)done < len) {
        size_t run = run_at(c, pos + done, len - (size_t)done, &off);
        n = off < 0 ? uio_zero(u, run)
                    : uio_from_fd(u, &(struct uio_fd){.fd = ckpt_pages_fd(), .offset = off}, run);
        if (n <= 0)
            break;
        done += n;
    }
    return done ? done : n < 0 ? n : -EIO;
}

uint64_t ckpt_contents_pages(const struct ckpt_contents *c)
{
    uint64_t pages = 0;

    for (uint32_t i = 0; i < c->n; i++)
        pages += c->v[i].npages;
    return pages;
}

static int copy_extent(const struct ckpt_extent *e, int fd, loff_t size, char *buf)
{
    loff_t pos = (loff_t)(e->page * NV_PAGE_SIZE);
    loff_t end = MIN(pos + (loff_t)(e->npages * NV_PAGE_SIZE), size);
    off_t off = (off_t)e->off;

    while (pos < end) {
        ssize_t n = pread(ckpt_pages_fd(), buf, MIN((size_t)(end - pos), COPY_CHUNK), off);
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        if (pwrite(fd, buf, (size_t)n, pos) != n)
            return -ENOSPC;
        pos += n;
        off += n;
    }
    return 0;
}

int ckpt_contents_copy(const struct ckpt_contents *c, int fd, loff_t size)
{
    cleanup_free char *buf = malloc(COPY_CHUNK);
    int err = buf ? 0 : -ENOMEM;

    for (uint32_t i = 0; !err && i < c->n; i++)
        err = copy_extent(&c->v[i], fd, size, buf);
    return err;
}
