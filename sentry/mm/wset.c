/* See wset.h. */
#include "sentry/mm/wset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ckpt/pagemap.h"
#include "sentry/mm/mm_internal.h"

#define MAGIC "NVWSET01"
#define RANGES_MAX (1U << 18)

struct header {
    char magic[8];
    uint32_t n, reserved;
};

static struct wset used;

static int add(struct wset *ws, const struct wset_range *r)
{
    if (ws->n == ws->cap) {
        uint32_t cap = ws->cap ? ws->cap * 2 : 512;
        struct wset_range *v = cap > RANGES_MAX ? NULL : reallocarray(ws->v, cap, sizeof(*v));
        if (!v)
            return -ENOMEM;
        ws->v = v;
        ws->cap = cap;
    }
    ws->v[ws->n++] = *r;
    return 0;
}

struct recorder {
    struct wset *ws;
    uint16_t mm;
};

static int record_range(void *arg, uint64_t start, uint64_t end)
{
    const struct recorder *c = arg;
    const struct wset_range r = {.start = start,
                                 .npages = (uint32_t)((end - start) / NV_PAGE_SIZE),
                                 .mm = c->mm,
                                 .how = WSET_WRITTEN};

    return add(c->ws, &r);
}

int mm_wset_record(struct mm *mm, struct wset *ws)
{
    cleanup_close int fd = stub_file_open(platform->aspace_pid(mm->as), STUB_PAGEMAP);
    int err = fd < 0 ? fd : 0;

    for (int i = 0; !err && i < mm->vmas->n; i++) {
        const struct vma *v = &mm->vmas->v[i];
        struct recorder c = {.ws = ws, .mm = mm->image_id};
        if (v->flags & VM_SHARED)
            continue;
        err = pagemap_scan(fd, v->start, v->end, record_range, &c);
    }
    return err;
}

int wset_write(const struct wset *ws, int fd)
{
    struct header h = {.magic = MAGIC, .n = ws->n};
    size_t len = ws->n * sizeof(*ws->v);

    if (pwrite(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) ||
        pwrite(fd, ws->v, len, sizeof(h)) != (ssize_t)len)
        return errno ? -errno : -EIO;
    return 0;
}

static bool range_ok(const struct wset_range *r)
{
    return !PAGE_OFF(r->start) && r->start >= NV_TASK_MIN && r->start < NV_TASK_SIZE && r->npages &&
           r->npages <= (NV_TASK_SIZE - r->start) / NV_PAGE_SIZE && r->how == WSET_WRITTEN;
}

int wset_parse(const void *data, size_t len, struct wset *ws)
{
    struct header h;
    struct wset_range r;

    if (len < sizeof(h))
        return -EINVAL;
    memcpy(&h, data, sizeof(h));
    if (memcmp(h.magic, MAGIC, sizeof(h.magic)) || h.n > RANGES_MAX ||
        h.n != (len - sizeof(h)) / sizeof(r) || (len - sizeof(h)) % sizeof(r))
        return -EINVAL;
    for (uint32_t i = 0; i < h.n; i++) {
        memcpy(&r, (const char *)data + sizeof(h) + i * sizeof(r), sizeof(r));
        int err = range_ok(&r) ? add(ws, &r) : -EINVAL;
        if (err) {
            wset_free(ws);
            return err;
        }
    }
    return 0;
}

void wset_free(struct wset *ws)
{
    free(ws->v);
    *ws = (struct wset){0};
}

void wset_use(struct wset *ws)
{
    wset_free(&used);
    used = *ws;
    *ws = (struct wset){0};
}

const struct wset *wset_used(void)
{
    return &used;
}
