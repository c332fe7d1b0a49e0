/* See describe.h; the layout is that of mm_save() in ckpt.c. */
#include "sentry/mm/describe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/mm/mm_internal.h"

#define AREA_BYTES 33U
#define PIECE_BYTES 24U

struct cursor {
    const uint8_t *at, *end;
    bool bad;
};

static uint64_t take(struct cursor *c, size_t n)
{
    uint64_t v = 0;

    if (n > (size_t)(c->end - c->at)) {
        c->bad = true;
        return 0;
    }
    memcpy(&v, c->at, n);
    c->at += n;
    return v;
}

/* A number of things that the record has room for. */
static uint32_t take_count(struct cursor *c, size_t item)
{
    uint32_t n = (uint32_t)take(c, 4);

    if (n > (size_t)(c->end - c->at) / item)
        c->bad = true;
    return c->bad ? 0 : n;
}

static void take_area(struct cursor *c, struct mm_area *a)
{
    a->start = take(c, 8);
    a->end = take(c, 8);
    take(c, 8); /* place in the file */
    uint32_t flags = (uint32_t)take(c, 4);
    a->name = mm_area_name((unsigned int)take(c, 1));
    a->has_file = take(c, 4) != 0;
    a->perms[0] = flags & VM_READ ? 'r' : '-';
    a->perms[1] = flags & VM_WRITE ? 'w' : '-';
    a->perms[2] = flags & VM_EXEC ? 'x' : '-';
    a->perms[3] = flags & VM_SHARED ? 's' : 'p';
    c->bad |= a->end <= a->start || PAGE_OFF(a->start | a->end);
}

static void take_piece(struct cursor *c, struct mm_piece *p, uint64_t floor)
{
    uint64_t len, end;

    p->start = take(c, 8);
    p->npages = take(c, 8);
    p->offset = take(c, 8);
    c->bad |= p->start < floor || __builtin_mul_overflow(p->npages, NV_PAGE_SIZE, &len) ||
              __builtin_add_overflow(p->start, len, &end) || p->offset > INT64_MAX - len;
}

int mm_describe(const void *data, size_t len, struct mm_description *d)
{
    struct cursor c = {data, (const uint8_t *)data + len, false};
    uint64_t floor = 0;

    *d = (struct mm_description){.id = (uint32_t)take(&c, 4)};
    d->nareas = take_count(&c, AREA_BYTES);
    d->areas = calloc(d->nareas + 1UL, sizeof(*d->areas));
    for (uint32_t i = 0; d->areas && i < d->nareas && !c.bad; i++)
        take_area(&c, &d->areas[i]);
    d->npieces = take_count(&c, PIECE_BYTES);
    d->pieces = calloc(d->npieces + 1UL, sizeof(*d->pieces));
    for (uint32_t i = 0; d->pieces && i < d->npieces && !c.bad; i++) {
        take_piece(&c, &d->pieces[i], floor);
        floor = d->pieces[i].start + d->pieces[i].npages * NV_PAGE_SIZE;
    }
    int err = !d->areas || !d->pieces ? -ENOMEM : c.bad ? -EBADMSG : 0;
    if (err)
        mm_description_free(d);
    return err;
}

void mm_description_free(struct mm_description *d)
{
    free(d->areas);
    free(d->pieces);
    *d = (struct mm_description){.id = 0};
}
