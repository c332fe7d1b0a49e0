/*
 * EROFS directories: blocks of entries, sorted within a block and from block to block, whose names
 * follow the entries. A block is copied and checked before anything in it is believed.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/fs/erofs/reader.h"

#define DIRENT_SIZE sizeof(struct erofs_disk_dirent)
#define NAME_MAX_LEN 255

struct block {
    uint32_t len, n; /* entries */
    uint8_t data[];
};

static void entry_at(const struct block *b, uint32_t i, struct erofs_disk_dirent *d)
{
    memcpy(d, b->data + i * DIRENT_SIZE, sizeof(*d));
    d->nid = le64toh(d->nid);
    d->nameoff = le16toh(d->nameoff);
}

/* The last name ends with the block or a NUL. Checked: check_block(). */
static const char *name_at(const struct block *b, uint32_t i, size_t *len)
{
    struct erofs_disk_dirent d, next;

    entry_at(b, i, &d);
    const char *name = (const char *)b->data + d.nameoff;
    if (i + 1 < b->n) {
        entry_at(b, i + 1, &next);
        *len = (size_t)(next.nameoff - d.nameoff);
    } else {
        *len = strnlen(name, b->len - d.nameoff);
    }
    return name;
}

/* Names are within the block, in the order of their entries, and names that a file can have. */
static int check_block(struct block *b)
{
    struct erofs_disk_dirent first, d, next;

    if (b->len < DIRENT_SIZE)
        return -EUCLEAN;
    entry_at(b, 0, &first);
    if (first.nameoff < DIRENT_SIZE || first.nameoff >= b->len || first.nameoff % DIRENT_SIZE)
        return -EUCLEAN;
    b->n = first.nameoff / (uint32_t)DIRENT_SIZE;
    d = first;
    for (uint32_t i = 0; i < b->n; i++, d = next) {
        uint32_t end = b->len;
        if (i + 1 < b->n) {
            entry_at(b, i + 1, &next);
            end = next.nameoff;
        }
        if (d.nameoff < first.nameoff || end <= d.nameoff || end > b->len)
            return -EUCLEAN;
        size_t len;
        const char *name = name_at(b, i, &len);
        if (!len || len > NAME_MAX_LEN || memchr(name, '/', len) || memchr(name, 0, len))
            return -EUCLEAN;
    }
    return 0;
}

/* Block no of the directory; buf has room for one of the image's. */
static int load(struct erofs_image *im, struct erofs_node *dir, uint64_t no, struct block *b)
{
    uint64_t at = no << im->blkbits;
    size_t want = MIN(1ULL << im->blkbits, dir->size - at);
    ssize_t n = erofs_read(im, dir, b->data, want, at);

    if (n < 0)
        return (int)n;
    b->len = (uint32_t)n;
    return (size_t)n == want ? check_block(b) : -EUCLEAN;
}

static struct block *block_new(const struct erofs_image *im)
{
    return malloc(sizeof(struct block) + (1U << im->blkbits));
}

static int compare(const char *a, size_t alen, const char *b, size_t blen)
{
    int c = memcmp(a, b, MIN(alen, blen));

    return c ? c : (alen > blen) - (alen < blen);
}

static uint64_t nblocks(const struct erofs_image *im, const struct erofs_node *dir)
{
    return (dir->size + (1ULL << im->blkbits) - 1) >> im->blkbits;
}

int erofs_lookup(struct erofs_image *im, struct erofs_node *dir, const char *name, size_t len,
                 uint64_t *nid)
{
    cleanup_free struct block *b = block_new(im);
    uint64_t low = 0, high = nblocks(im, dir);
    struct erofs_disk_dirent d;

    if (!b)
        return -ENOMEM;
    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        int err = load(im, dir, mid, b);
        if (err)
            return err;
        uint32_t from = 0, to = b->n;
        while (from < to) { /* the first entry that is not smaller */
            uint32_t i = from + (to - from) / 2;
            size_t n;
            const char *there = name_at(b, i, &n);
            int c = compare(name, len, there, n);
            if (!c) {
                entry_at(b, i, &d);
                *nid = d.nid;
                return 0;
            }
            if (c < 0)
                to = i;
            else
                from = i + 1;
        }
        if (!from)
            high = mid;
        else if (from == b->n)
            low = mid + 1;
        else
            return -ENOENT;
    }
    return -ENOENT;
}

static uint8_t dt_of(uint8_t file_type)
{
    static const uint8_t types[] = {0, 8, 4, 2, 6, 1, 12, 10};

    return file_type < ARRAY_SIZE(types) ? types[file_type] : 0;
}

int erofs_list(struct erofs_image *im, struct erofs_node *dir, uint64_t pos,
               bool (*emit)(void *arg, const struct erofs_entry *e), void *arg)
{
    cleanup_free struct block *b = block_new(im);
    uint64_t mask = (1ULL << im->blkbits) - 1;

    if (!b)
        return -ENOMEM;
    while (pos < dir->size) {
        uint64_t base = pos & ~mask;
        int err = load(im, dir, base >> im->blkbits, b);
        if (err)
            return err;
        uint64_t after = MIN(base + mask + 1, dir->size);
        for (uint64_t i = ((pos & mask) + DIRENT_SIZE - 1) / DIRENT_SIZE; i < b->n; i++) {
            struct erofs_disk_dirent d;
            size_t len;
            entry_at(b, (uint32_t)i, &d);
            struct erofs_entry e = {.nid = d.nid,
                                    .name = name_at(b, (uint32_t)i, &len),
                                    .next = i + 1 < b->n ? base + (i + 1) * DIRENT_SIZE : after,
                                    .type = dt_of(d.file_type)};
            e.len = (uint8_t)len;
            if (!emit(arg, &e))
                return 0;
        }
        pos = after;
    }
    return 0;
}
