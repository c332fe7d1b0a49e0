/* Byte rings; see ring.h. */
#include "sentry/ipc/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "ckpt/record.h"
#include "sentry/kernel/buffers.h"

#define RING_FIRST 4096

static int resize(struct ring *r, size_t cap)
{
    if (!buffers_book(cap - r->cap))
        return -ENOMEM;
    char *buf = malloc(cap);
    if (!buf) {
        buffers_unbook(cap - r->cap);
        return -ENOMEM;
    }
    if (r->used) {
        size_t first = MIN(r->used, r->cap - r->head);
        memcpy(buf, r->buf + r->head, first);
        memcpy(buf + first, r->buf, r->used - first);
    }
    free(r->buf);
    r->buf = buf;
    r->cap = cap;
    r->head = 0;
    return 0;
}

int ring_reserve(struct ring *r, size_t more)
{
    size_t cap = r->cap ? r->cap : RING_FIRST, need;

    if (__builtin_add_overflow(r->used, more, &need) || need > SIZE_MAX / 4)
        return -ENOMEM;
    while (cap < need)
        cap *= 2;
    return cap > r->cap ? resize(r, cap) : 0;
}

void ring_free(struct ring *r)
{
    buffers_unbook(r->cap);
    free(r->buf);
    *r = (struct ring){0};
}

ssize_t ring_put(struct ring *r, struct uio *u, size_t len)
{
    size_t done = 0;

    while (done < len) {
        size_t tail = (r->head + r->used) & (r->cap - 1);
        size_t n = MIN(len - done, r->cap - tail);
        ssize_t got = uio_read(u, r->buf + tail, n);
        if (got <= 0)
            return done ? (ssize_t)done : got;
        r->used += (size_t)got;
        done += (size_t)got;
        if ((size_t)got < n)
            break;
    }
    return (ssize_t)done;
}

ssize_t ring_peek(const struct ring *r, size_t off, struct uio *u, size_t len)
{
    size_t done = 0;

    if (off >= r->used)
        return 0;
    len = MIN(len, r->used - off);
    while (done < len) {
        size_t at = (r->head + off + done) & (r->cap - 1);
        size_t n = MIN(len - done, r->cap - at);
        ssize_t put = uio_write(u, r->buf + at, n);
        if (put <= 0)
            return done ? (ssize_t)done : put;
        done += (size_t)put;
        if ((size_t)put < n)
            break;
    }
    return (ssize_t)done;
}

void ring_skip(struct ring *r, size_t len)
{
    len = MIN(len, r->used);
    r->used -= len;
    /* An empty ring starts over, so that small transfers stay in few cache lines. */
    r->head = r->used ? (r->head + len) & (r->cap - 1) : 0;
}

void ring_drop(struct ring *r, size_t len)
{
    r->used -= MIN(len, r->used);
}

ssize_t ring_get(struct ring *r, struct uio *u, size_t len)
{
    ssize_t n = ring_peek(r, 0, u, len);

    if (n > 0)
        ring_skip(r, (size_t)n);
    return n;
}

void ring_unget(struct ring *r, const void *data, size_t len)
{
    size_t head = (r->head - len) & (r->cap - 1);
    size_t first = MIN(len, r->cap - head);

    memcpy(r->buf + head, data, first);
    memcpy(r->buf, (const char *)data + first, len - first);
    r->head = head;
    r->used += len;
}

void ring_save(struct ckpt_writer *w, const struct ring *r)
{
    size_t first = MIN(r->used, r->cap - r->head);

    ckpt_put_u32(w, (uint32_t)r->used);
    if (!r->used)
        return;
    ckpt_put_bytes(w, r->buf + r->head, first);
    ckpt_put_bytes(w, r->buf, r->used - first);
}

void ring_load(struct ckpt_reader *rd, struct ring *r, size_t max)
{
    uint32_t n = ckpt_get_count(rd, (uint32_t)MIN(max, (size_t)UINT32_MAX), 1);

    if (!n)
        return;
    if (ring_reserve(r, n)) {
        ckpt_bad(rd, "out of memory");
        return;
    }
    ckpt_get_bytes(rd, r->buf, n);
    r->used = n;
}
