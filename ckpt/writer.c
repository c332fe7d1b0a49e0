/*
 * Writing records. Objects are numbered when they are first referred to and written in that order,
 * so the list of objects is also the work list.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "ckpt/record_internal.h"

#define REFUSALS_MAX 256

struct saved {
    const struct ckpt_type *type;
    void *obj;
};

struct ckpt_writer {
    uint64_t now_ns;
    ckpt_pages_fn pages;
    void *pages_arg;
    unsigned int nmemories;
    uint8_t *buf;
    size_t len, cap;
    struct saved *objs; /* id - 1 */
    const struct ckpt_type *writing;
    uint32_t nobjs, objs_cap;
    uint32_t *hash; /* ids, 0: free; a power of two, at most half full */
    uint32_t hash_size;
    char *refusals[REFUSALS_MAX];
    unsigned int nrefusals;
    int err;
};

struct ckpt_writer *ckpt_writer_new(uint64_t now_ns, ckpt_pages_fn pages, void *arg)
{
    struct ckpt_writer *w = calloc(1, sizeof(*w));

    if (!w)
        return NULL;
    *w = (struct ckpt_writer){.now_ns = now_ns, .pages = pages, .pages_arg = arg};
    struct ckpt_header h = {.magic = CKPT_MAGIC, .format = CKPT_FORMAT};
    ckpt_put_bytes(w, &h, sizeof(h));
    return w;
}

void ckpt_writer_free(struct ckpt_writer *w)
{
    if (!w)
        return;
    for (unsigned int i = 0; i < w->nrefusals; i++)
        free(w->refusals[i]);
    free(w->buf);
    free(w->objs);
    free(w->hash);
    free(w);
}

uint64_t ckpt_now(const struct ckpt_writer *w)
{
    return w->now_ns;
}

void ckpt_fail(struct ckpt_writer *w, int err)
{
    if (!w->err)
        w->err = err;
}

void ckpt_refuse(struct ckpt_writer *w, const char *subject, const char *fmt, ...)
{
    cleanup_free char *why = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&why, fmt, ap) < 0)
        why = NULL;
    va_end(ap);
    ckpt_fail(w, -EBUSY);
    if (w->nrefusals < REFUSALS_MAX &&
        asprintf(&w->refusals[w->nrefusals], "%s: %s", subject, why ? why : "?") >= 0)
        w->nrefusals++;
}

const char *ckpt_refusal(const struct ckpt_writer *w, unsigned int i)
{
    return i < w->nrefusals ? w->refusals[i] : NULL;
}

/* --- objects --- */
static uint32_t *hash_slot(struct ckpt_writer *w, const struct ckpt_type *type, const void *obj)
{
    uint64_t h = ((uint64_t)(uintptr_t)obj >> 4) * 0x9e3779b97f4a7c15ULL + type->id;

    for (uint32_t i = (uint32_t)(h >> 32);; i++) {
        uint32_t *slot = &w->hash[i & (w->hash_size - 1)];
        if (!*slot || (w->objs[*slot - 1].obj == obj && w->objs[*slot - 1].type == type))
            return slot;
    }
}

static int make_room(struct ckpt_writer *w)
{
    if (w->nobjs < w->objs_cap)
        return 0;
    uint32_t cap = w->objs_cap ? w->objs_cap * 2 : 1024;
    struct saved *objs = realloc(w->objs, cap * sizeof(*objs));
    uint32_t *hash = calloc(cap * 2, sizeof(*hash));
    if (objs)
        w->objs = objs;
    if (!objs || !hash || cap > CKPT_RECORDS_MAX) {
        free(hash);
        return -ENOMEM;
    }
    free(w->hash);
    w->hash = hash;
    w->hash_size = cap * 2;
    w->objs_cap = cap;
    for (uint32_t i = 0; i < w->nobjs; i++)
        *hash_slot(w, objs[i].type, objs[i].obj) = i + 1;
    return 0;
}

static uint32_t object_id(struct ckpt_writer *w, const struct ckpt_type *type, const void *obj)
{
    if (!obj)
        return 0;
    if (make_room(w)) {
        ckpt_fail(w, -ENOMEM);
        return 0;
    }
    uint32_t *slot = hash_slot(w, type, obj);
    if (!*slot) {
        w->objs[w->nobjs++] = (struct saved){type, (void *)(uintptr_t)obj};
        *slot = w->nobjs;
    }
    return *slot;
}

bool ckpt_saved(const struct ckpt_writer *w, const void *obj)
{
    for (uint32_t i = 0; i < w->nobjs; i++)
        if (w->objs[i].obj == obj)
            return true;
    return false;
}

/* --- values --- */
void ckpt_put_bytes(struct ckpt_writer *w, const void *p, size_t n)
{
    if (w->err && w->err != -EBUSY)
        return;
    if (w->len + n > w->cap) {
        size_t cap = MAX(w->cap * 2, (w->len + n) * 2);
        uint8_t *buf = realloc(w->buf, cap);
        if (!buf) {
            ckpt_fail(w, -ENOMEM);
            return;
        }
        w->buf = buf;
        w->cap = cap;
    }
    if (n)
        memcpy(w->buf + w->len, p, n);
    w->len += n;
}

void ckpt_put_u8(struct ckpt_writer *w, uint8_t v)
{
    ckpt_put_bytes(w, &v, sizeof(v));
}

void ckpt_put_u32(struct ckpt_writer *w, uint32_t v)
{
    ckpt_put_bytes(w, &v, sizeof(v));
}

void ckpt_put_u64(struct ckpt_writer *w, uint64_t v)
{
    ckpt_put_bytes(w, &v, sizeof(v));
}

/* What remains: negative for a time that has passed. */
void ckpt_put_time(struct ckpt_writer *w, uint64_t ns)
{
    ckpt_put_u64(w, ns == CKPT_NO_TIME ? ns : ns - w->now_ns);
}

void ckpt_put_string(struct ckpt_writer *w, const char *s)
{
    size_t n = s ? strlen(s) : 0;

    if (n > CKPT_RECORD_MAX) {
        ckpt_fail(w, -E2BIG);
        return;
    }
    ckpt_put_u32(w, s ? (uint32_t)n : CKPT_NULL_STRING);
    ckpt_put_bytes(w, s, n);
}

void ckpt_put_ref(struct ckpt_writer *w, const struct ckpt_type *type, const void *obj)
{
    ckpt_put_u32(w, object_id(w, type, obj));
}

void ckpt_put_symbol(struct ckpt_writer *w, const char *group, const void *ptr)
{
    const char *name = ptr ? ckpt_symbol_name(group, ptr) : NULL;

    if (ptr && !name) {
        ckpt_refuse(w, w->writing ? w->writing->name : "an object",
                    "one of its kind (%s) has no place in an image", group);
        return;
    }
    ckpt_put_u8(w, name ? (uint8_t)strlen(name) : 0);
    ckpt_put_bytes(w, name, name ? strlen(name) : 0);
}

uint64_t ckpt_put_pages(struct ckpt_writer *w, unsigned int file, const void *data, size_t npages)
{
    int64_t off = w->pages ? w->pages(w->pages_arg, file, data, npages) : 0;

    if (off < 0)
        ckpt_fail(w, (int)off);
    return off < 0 ? 0 : (uint64_t)off;
}

unsigned int ckpt_next_memory(struct ckpt_writer *w)
{
    return w->nmemories++;
}

bool ckpt_wants_pages(const struct ckpt_writer *w)
{
    return w->pages != NULL;
}

static void put_field(struct ckpt_writer *w, const struct ckpt_field *f, const void *at)
{
    void *ptr = NULL;

    switch (f->kind) {
    case CKPT_KIND_UINT:
    case CKPT_KIND_BOOL:
    case CKPT_KIND_BYTES:
        ckpt_put_bytes(w, at, f->size);
        break;
    case CKPT_KIND_TIME:
        ckpt_put_time(w, *(const uint64_t *)at);
        break;
    default:
        memcpy(&ptr, at, sizeof(ptr));
        if (f->kind == CKPT_KIND_STRING)
            ckpt_put_string(w, ptr);
        else if (f->kind == CKPT_KIND_SYMBOL)
            ckpt_put_symbol(w, f->group, ptr);
        else
            ckpt_put_ref(w, f->type, ptr);
    }
}

void ckpt_put_fields(struct ckpt_writer *w, const struct ckpt_field *f, unsigned int n,
                     const void *at)
{
    for (unsigned int i = 0; i < n; i++)
        if (!f[i].until)
            put_field(w, &f[i], (const char *)at + f[i].offset);
}

/* --- the whole --- */
void ckpt_save_root(struct ckpt_writer *w, const struct ckpt_type *type, void *obj)
{
    object_id(w, type, obj);
}

static void put_record(struct ckpt_writer *w, const struct saved *s)
{
    struct ckpt_record_header h = {.type = s->type->id, .version = s->type->version};
    size_t at = w->len;

    if (s->type->refuses && s->type->refuses(w, s->obj))
        return;
    w->writing = s->type;
    ckpt_put_bytes(w, &h, sizeof(h));
    ckpt_put_fields(w, s->type->fields, s->type->nfields, s->obj);
    if (s->type->save)
        s->type->save(w, s->obj);
    size_t len = w->len - at - sizeof(h);
    if (w->err && w->err != -EBUSY)
        return;
    if (len > CKPT_RECORD_MAX) {
        ckpt_fail(w, -E2BIG);
        return;
    }
    h.len = (uint32_t)len;
    memcpy(w->buf + at, &h, sizeof(h));
}

int64_t ckpt_writer_finish(struct ckpt_writer *w, const void **data)
{
    for (uint32_t i = 0; i < w->nobjs; i++) {
        struct saved s = w->objs[i]; /* the array grows */
        put_record(w, &s);
        if (w->err && w->err != -EBUSY)
            return w->err;
    }
    if (w->err)
        return w->err;
    ((struct ckpt_header *)w->buf)->nrecords = w->nobjs;
    *data = w->buf;
    return (int64_t)w->len;
}
