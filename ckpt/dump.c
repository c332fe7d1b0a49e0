/* Looking at records without making objects of them. As careful as reader.c: see there. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ckpt/record_internal.h"

#define BYTES_SHOWN 32
#define VALUE_MAX 512

struct cursor {
    const uint8_t *at, *end;
    bool bad;
};

static bool take(struct cursor *c, void *to, size_t n)
{
    if (c->bad || n > (size_t)(c->end - c->at)) {
        c->bad = true;
        memset(to, 0, n);
        return false;
    }
    memcpy(to, c->at, n);
    c->at += n;
    return true;
}

/* Printable characters as they are, others as \xNN. */
static void show_text(char *out, const uint8_t *s, size_t n)
{
    size_t len = 0;

    out[len++] = '"';
    for (size_t i = 0; i < n && len < VALUE_MAX - 16; i++) {
        if (s[i] >= ' ' && s[i] < 0x7f && s[i] != '"' && s[i] != '\\')
            out[len++] = (char)s[i];
        else
            len += (size_t)snprintf(out + len, 8, "\\x%02x", s[i]);
    }
    snprintf(out + len, 8, "\"%s", len >= VALUE_MAX - 16 ? "..." : "");
}

static void show_bytes(char *out, const uint8_t *s, size_t n)
{
    size_t len = 0;

    for (size_t i = 0; i < n && i < BYTES_SHOWN; i++)
        len += (size_t)snprintf(out + len, 4, "%02x", s[i]);
    if (n > BYTES_SHOWN)
        snprintf(out + len, 32, "... (%zu bytes)", n);
}

static void show_uint(char *out, const struct ckpt_field *f, struct cursor *c)
{
    uint64_t v = 0;

    if (f->size > sizeof(v))
        c->bad = true;
    else if (take(c, &v, f->size))
        snprintf(out, VALUE_MAX, v > 4096 ? "%" PRIu64 " (%#" PRIx64 ")" : "%" PRIu64, v, v);
}

static void show_counted(char *out, const struct ckpt_field *f, struct cursor *c)
{
    uint32_t n = 0;
    uint8_t n8 = 0;
    bool symbol = f->kind == CKPT_KIND_SYMBOL;

    if (symbol ? !take(c, &n8, 1) : !take(c, &n, sizeof(n)))
        return;
    if (symbol)
        n = n8 ? n8 : CKPT_NULL_STRING;
    if (n == CKPT_NULL_STRING) {
        snprintf(out, VALUE_MAX, "NULL");
        return;
    }
    if (n > (size_t)(c->end - c->at)) {
        c->bad = true;
        return;
    }
    show_text(out, c->at, n);
    c->at += n;
}

static void show_field(char *out, const struct ckpt_field *f, struct cursor *c)
{
    uint32_t id;
    uint64_t ns;

    switch (f->kind) {
    case CKPT_KIND_UINT:
    case CKPT_KIND_BOOL:
        show_uint(out, f, c);
        break;
    case CKPT_KIND_BYTES:
        if (f->size > (size_t)(c->end - c->at)) {
            c->bad = true;
            break;
        }
        show_bytes(out, c->at, f->size);
        c->at += f->size;
        break;
    case CKPT_KIND_TIME:
        if (!take(c, &ns, sizeof(ns)))
            break;
        if (ns == CKPT_NO_TIME)
            snprintf(out, VALUE_MAX, "never");
        else
            snprintf(out, VALUE_MAX, "in %.6f s", (double)(int64_t)ns / 1e9);
        break;
    case CKPT_KIND_STRING:
    case CKPT_KIND_SYMBOL:
        show_counted(out, f, c);
        break;
    default:
        if (!take(c, &id, sizeof(id)))
            break;
        if (id)
            snprintf(out, VALUE_MAX, "-> %u", id);
        else
            snprintf(out, VALUE_MAX, "NULL");
    }
}

static int dump_fields(const struct ckpt_type *type, const struct ckpt_record_header *h,
                       struct cursor *c, struct ckpt_dump *d)
{
    static const struct ckpt_field rest = {.name = "(more)", .kind = CKPT_KIND_BYTES};
    char value[VALUE_MAX] = "";

    for (unsigned int i = 0; i < type->nfields; i++) {
        if (!ckpt_field_in(&type->fields[i], h->version))
            continue;
        show_field(value, &type->fields[i], c);
        if (c->bad)
            return -EBADMSG;
        if (d->field)
            d->field(d, &type->fields[i], value);
    }
    if (d->rest)
        d->rest(d, type, h->version, c->at, (size_t)(c->end - c->at));
    if (c->at == c->end || !d->field)
        return 0;
    snprintf(value, sizeof(value), "%zu bytes", (size_t)(c->end - c->at));
    d->field(d, &rest, value);
    return 0;
}

static int dump_record(struct cursor *file, uint32_t id, struct ckpt_dump *d)
{
    struct ckpt_record_header h;
    char name[32];

    if (!take(file, &h, sizeof(h)) || h.len > (size_t)(file->end - file->at))
        return -EBADMSG;
    struct cursor c = {file->at, file->at + h.len, false};
    file->at += h.len;
    const struct ckpt_type *type = ckpt_type_find(h.type);
    snprintf(name, sizeof(name), "type %u", h.type);
    const struct ckpt_type unknown = {.name = name, .id = h.type, .version = h.version};
    bool known = type && h.version && h.version <= type->version;
    if (d->record)
        d->record(d, type ? type : &unknown, id, h.len + sizeof(h));
    return dump_fields(known ? type : &unknown, &h, &c, d);
}

int ckpt_dump(const void *data, size_t len, struct ckpt_dump *d)
{
    struct ckpt_header h;

    if (ckpt_header_check(data, len, &h))
        return -EBADMSG;
    struct cursor file = {(const uint8_t *)data + sizeof(h), (const uint8_t *)data + len, false};
    for (uint32_t i = 1; i <= h.nrecords; i++) {
        int err = dump_record(&file, i, d);
        if (err)
            return err;
    }
    return file.at == file.end ? 0 : -EBADMSG;
}
