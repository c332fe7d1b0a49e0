/* Reading records; see record.h. Nothing of the file is believed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ckpt/record_internal.h"

struct loaded {
    const struct ckpt_type *type;
    void *obj;
};

struct fixup {
    void **slot;
    const struct ckpt_type *type;
    uint32_t id;
    bool hold;
};

struct ckpt_reader {
    const uint8_t *at, *end; /* of the record being read */
    const uint8_t *next, *file_end;
    uint64_t now_ns;
    uint32_t nrecords;
    struct loaded *objs; /* id - 1 */
    uint32_t nobjs;
    struct fixup *fixups;
    size_t nfixups, fixups_cap;
    const struct ckpt_type *type; /* of the record being read */
    void *arg;
    bool failed;
    char error[256];
};

/* --- errors --- */
void ckpt_bad(struct ckpt_reader *r, const char *fmt, ...)
{
    va_list ap;

    if (r->failed)
        return;
    r->failed = true;
    int n = r->type
                ? snprintf(r->error, sizeof(r->error), "record %u (%s): ", r->nobjs, r->type->name)
                : 0;
    va_start(ap, fmt);
    vsnprintf(r->error + n, sizeof(r->error) - (size_t)n, fmt, ap);
    va_end(ap);
}

bool ckpt_failed(const struct ckpt_reader *r)
{
    return r->failed;
}

const char *ckpt_reader_error(const struct ckpt_reader *r)
{
    return r->failed ? r->error : NULL;
}

/* --- values --- */
void ckpt_get_bytes(struct ckpt_reader *r, void *p, size_t n)
{
    if (!r->failed && n > (size_t)(r->end - r->at))
        ckpt_bad(r, "ends too early");
    if (r->failed) {
        memset(p, 0, n);
        return;
    }
    memcpy(p, r->at, n);
    r->at += n;
}

uint8_t ckpt_get_u8(struct ckpt_reader *r)
{
    uint8_t v;

    ckpt_get_bytes(r, &v, sizeof(v));
    return v;
}

uint32_t ckpt_get_u32(struct ckpt_reader *r)
{
    uint32_t v;

    ckpt_get_bytes(r, &v, sizeof(v));
    return v;
}

uint64_t ckpt_get_u64(struct ckpt_reader *r)
{
    uint64_t v;

    ckpt_get_bytes(r, &v, sizeof(v));
    return v;
}

uint64_t ckpt_get_time(struct ckpt_reader *r)
{
    uint64_t v = ckpt_get_u64(r);

    if (v == CKPT_NO_TIME)
        return v;
    if ((int64_t)v < 0) /* it has passed */
        return v + r->now_ns > r->now_ns ? 0 : v + r->now_ns;
    return v > CKPT_NO_TIME - 1 - r->now_ns ? CKPT_NO_TIME - 1 : v + r->now_ns;
}

uint32_t ckpt_get_count(struct ckpt_reader *r, uint32_t max, size_t item)
{
    uint32_t n = ckpt_get_u32(r);

    if (n > max)
        ckpt_bad(r, "%u is too many (%u)", n, max);
    else if (item && n > (size_t)(r->end - r->at) / item)
        ckpt_bad(r, "%u do not fit", n);
    return r->failed ? 0 : n;
}

char *ckpt_get_string(struct ckpt_reader *r, size_t max)
{
    uint32_t n = ckpt_get_u32(r);

    if (r->failed || n == CKPT_NULL_STRING)
        return NULL;
    if (n > max || n > (size_t)(r->end - r->at) || memchr(r->at, 0, n)) {
        ckpt_bad(r, "a string is too long or has a zero");
        return NULL;
    }
    char *s = strndup((const char *)r->at, n);
    if (!s)
        ckpt_bad(r, "out of memory");
    r->at += n;
    return s;
}

static void get_pointer(struct ckpt_reader *r, const struct ckpt_type *type, void *slot, bool hold)
{
    uint32_t id = ckpt_get_u32(r);

    memset(slot, 0, sizeof(void *));
    if (r->failed || !id)
        return;
    if (id > r->nrecords) {
        ckpt_bad(r, "refers to record %u of %u", id, r->nrecords);
        return;
    }
    if (r->nfixups == r->fixups_cap) {
        size_t cap = r->fixups_cap ? r->fixups_cap * 2 : 1024;
        struct fixup *f = reallocarray(r->fixups, cap, sizeof(*f));
        if (!f) {
            ckpt_bad(r, "out of memory");
            return;
        }
        r->fixups = f;
        r->fixups_cap = cap;
    }
    r->fixups[r->nfixups++] = (struct fixup){slot, type, id, hold};
}

void ckpt_get_ref(struct ckpt_reader *r, const struct ckpt_type *type, void *slot)
{
    get_pointer(r, type, slot, true);
}

void ckpt_get_weak(struct ckpt_reader *r, const struct ckpt_type *type, void *slot)
{
    get_pointer(r, type, slot, false);
}

const void *ckpt_get_symbol(struct ckpt_reader *r, const char *group)
{
    uint8_t n = ckpt_get_u8(r);
    bool found;

    if (r->failed || !n)
        return NULL;
    if (n > r->end - r->at) {
        ckpt_bad(r, "ends too early");
        return NULL;
    }
    const char *name = (const char *)r->at;
    const void *ptr = ckpt_symbol_find(group, name, n, &found);
    r->at += n;
    if (!found)
        ckpt_bad(r, "%s: no %.*s here", group, n, name);
    return ptr;
}

static uint64_t as_uint(const void *at, unsigned int size)
{
    uint64_t v = 0;

    memcpy(&v, at, size <= sizeof(v) ? size : sizeof(v));
    return v;
}

static void get_field(struct ckpt_reader *r, const struct ckpt_field *f, void *at)
{
    void *ptr;
    uint64_t v;

    switch (f->kind) {
    case CKPT_KIND_UINT:
    case CKPT_KIND_BOOL:
        ckpt_get_bytes(r, at, f->size);
        v = as_uint(at, f->size);
        if ((f->max && v > f->max) || (f->kind == CKPT_KIND_BOOL && v > 1)) {
            memset(at, 0, f->size);
            ckpt_bad(r, "%s: %llu is out of range", f->name, (unsigned long long)v);
        }
        break;
    case CKPT_KIND_BYTES:
        ckpt_get_bytes(r, at, f->size);
        break;
    case CKPT_KIND_TIME:
        v = ckpt_get_time(r);
        memcpy(at, &v, sizeof(v));
        break;
    case CKPT_KIND_STRING:
        ptr = ckpt_get_string(r, f->max ? f->max : 4096);
        memcpy(at, &ptr, sizeof(ptr));
        break;
    case CKPT_KIND_SYMBOL:
        ptr = (void *)(uintptr_t)ckpt_get_symbol(r, f->group);
        memcpy(at, &ptr, sizeof(ptr));
        break;
    default:
        get_pointer(r, f->type, at, f->kind == CKPT_KIND_REF);
    }
}

void ckpt_get_fields(struct ckpt_reader *r, const struct ckpt_field *f, unsigned int n, void *at,
                     unsigned int version)
{
    for (unsigned int i = 0; i < n; i++)
        if (ckpt_field_in(&f[i], version))
            get_field(r, &f[i], (char *)at + f[i].offset);
}

/* --- the whole --- */
const char *ckpt_header_check(const void *data, size_t len, struct ckpt_header *h)
{
    if (len < sizeof(*h))
        return "the file is too short";
    memcpy(h, data, sizeof(*h));
    if (memcmp(h->magic, CKPT_MAGIC, sizeof(h->magic)))
        return "the file is not of this kind";
    if (h->format > CKPT_FORMAT)
        return "the format is newer than this program";
    if (h->format + 1 < CKPT_FORMAT || !h->format)
        return "the format is too old for this program";
    if (!h->nrecords || h->nrecords > CKPT_RECORDS_MAX ||
        h->nrecords > len / sizeof(struct ckpt_record_header))
        return "the number of records is wrong";
    return NULL;
}

struct ckpt_reader *ckpt_reader_new(const void *data, size_t len, uint64_t now_ns)
{
    struct ckpt_reader *r = calloc(1, sizeof(*r));
    struct ckpt_header h;

    if (!r)
        return NULL;
    const char *wrong = ckpt_header_check(data, len, &h);
    if (wrong) {
        ckpt_bad(r, "%s", wrong);
        return r;
    }
    r->now_ns = now_ns;
    r->next = (const uint8_t *)data + sizeof(h);
    r->file_end = (const uint8_t *)data + len;
    r->nrecords = h.nrecords;
    r->objs = calloc(h.nrecords, sizeof(*r->objs));
    if (!r->objs)
        ckpt_bad(r, "out of memory");
    return r;
}

void ckpt_reader_free(struct ckpt_reader *r)
{
    if (!r)
        return;
    free(r->objs);
    free(r->fixups);
    free(r);
}

void ckpt_reader_set_arg(struct ckpt_reader *r, void *arg)
{
    r->arg = arg;
}

void *ckpt_reader_arg(const struct ckpt_reader *r)
{
    return r->arg;
}

uint64_t ckpt_reader_now(const struct ckpt_reader *r)
{
    return r->now_ns;
}

static void load_record(struct ckpt_reader *r)
{
    struct ckpt_record_header h;

    r->type = NULL;
    if (sizeof(h) > (size_t)(r->file_end - r->next)) {
        ckpt_bad(r, "the file ends at record %u of %u", r->nobjs + 1, r->nrecords);
        return;
    }
    memcpy(&h, r->next, sizeof(h));
    r->at = r->next + sizeof(h);
    if (h.len > (size_t)(r->file_end - r->at)) {
        ckpt_bad(r, "the file ends in record %u", r->nobjs + 1);
        return;
    }
    r->end = r->next = r->at + h.len;
    const struct ckpt_type *type = ckpt_type_find(h.type);
    if (!type || !h.version || h.version > type->version) {
        ckpt_bad(r, "record %u of type %u version %u is not known to this program", r->nobjs + 1,
                 h.type, h.version);
        return;
    }
    r->type = type;
    r->nobjs++;
    void *obj = type->create ? type->create(r) : calloc(1, type->size);
    if (!obj) {
        ckpt_bad(r, "out of memory");
        return;
    }
    r->objs[r->nobjs - 1] = (struct loaded){type, obj};
    ckpt_get_fields(r, type->fields, type->nfields, obj, h.version);
    if (type->load && !r->failed)
        type->load(r, obj, h.version);
    if (!r->failed && r->at != r->end)
        ckpt_bad(r, "has %zu bytes too many", (size_t)(r->end - r->at));
}

static void resolve(struct ckpt_reader *r)
{
    r->type = NULL;
    for (size_t i = 0; i < r->nfixups && !r->failed; i++) {
        const struct fixup *f = &r->fixups[i];
        const struct loaded *l = &r->objs[f->id - 1];
        if (l->type != f->type) {
            ckpt_bad(r, "record %u is a %s where a %s is referred to", f->id, l->type->name,
                     f->type->name);
            return;
        }
        *f->slot = l->obj;
        if (f->hold && f->type->hold)
            f->type->hold(l->obj);
    }
}

void *ckpt_load_root(struct ckpt_reader *r, const struct ckpt_type *type)
{
    while (!r->failed && r->nobjs < r->nrecords)
        load_record(r);
    if (!r->failed && r->next != r->file_end) {
        r->type = NULL;
        ckpt_bad(r, "the file goes on after the last record");
    }
    if (!r->failed)
        resolve(r);
    for (uint32_t i = 0; i < r->nobjs && !r->failed; i++) {
        r->type = r->objs[i].type;
        if (r->type->link)
            r->type->link(r, r->objs[i].obj);
    }
    if (!r->failed && r->objs[0].type != type)
        ckpt_bad(r, "the first record is a %s", r->objs[0].type->name);
    return r->failed ? NULL : r->objs[0].obj;
}
