/*
 * Listings of directories as the gofer sends them: checking, finding names, and the cache of those
 * of read-only directories, which bounds their memory and forgets the one not used for longest.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/fs/gofer/goferfs.h"

#define KEPT_BYTES_MAX (16UL << 20)
#define INDEX_MIN 8 /* entries that are found by looking at each */

static size_t kept_bytes;
static struct list kept = LIST_INIT(kept); /* oldest use first */

static bool plain(const char *name, size_t len)
{
    return len && !memchr(name, '/', len) && !memchr(name, 0, len) &&
           !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

static bool entry_ok(const char *data, uint32_t len, uint32_t off)
{
    const struct gofer_dirent *e = (const void *)(data + off);

    if (len - off < sizeof(*e) || e->has_attr > 1)
        return false;
    size_t attr = e->has_attr ? sizeof(struct gofer_attr) : 0;
    size_t used = sizeof(*e) + attr + e->name_len + e->link_len;
    const char *name = e->data + attr;
    return e->reclen >= used && e->reclen <= len - off && e->reclen % 8 == 0 &&
           plain(name, e->name_len) && !memchr(name + e->name_len, 0, e->link_len);
}

bool gofer_entries_ok(const char *data, uint32_t len, uint32_t *n)
{
    *n = 0;
    for (uint32_t off = 0; off < len; ++*n) {
        if (!entry_ok(data, len, off))
            return false;
        off += ((const struct gofer_dirent *)(const void *)(data + off))->reclen;
    }
    return true;
}

void gofer_listing_put(struct gofer_listing *l)
{
    if (!l || --l->refs)
        return;
    free(l->index);
    free(l);
}

/* --- finding names --- */
static uint32_t name_hash(const char *name, size_t len)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)name[i]) * 16777619u;
    return h ^ h >> 15;
}

static bool is_named(const struct gofer_dirent *e, const char *name, size_t len)
{
    return e->name_len == len && !memcmp(gofer_entry_name(e), name, len);
}

static bool make_index(struct gofer_listing *l)
{
    const struct gofer_dirent *e;
    uint32_t size = 16;

    while (size < l->entries * 2)
        size *= 2;
    l->index = calloc(size, sizeof(*l->index));
    if (!l->index)
        return false;
    l->mask = size - 1;
    for_each_gofer_entry(e, l)
    {
        uint32_t h = name_hash(gofer_entry_name(e), e->name_len);
        while (l->index[h & l->mask])
            h++;
        l->index[h & l->mask] = off_ + 1;
    }
    return true;
}

const struct gofer_dirent *gofer_listing_find(struct gofer_listing *l, const char *name, size_t len)
{
    const struct gofer_dirent *e;

    if (l->entries <= INDEX_MIN || (!l->index && !make_index(l))) {
        for_each_gofer_entry(e, l)
        {
            if (is_named(e, name, len))
                return e;
        }
        return NULL;
    }
    for (uint32_t h = name_hash(name, len), at; (at = l->index[h & l->mask]); h++) {
        e = gofer_entry_at(l, at - 1);
        if (is_named(e, name, len))
            return e;
    }
    return NULL;
}

int goferfs_attach_entry(struct dentry *d, const struct gofer_dirent *e)
{
    const char *link = e->link_len ? gofer_entry_name(e) + e->name_len : NULL;

    return goferfs_attach(d, gofer_entry_attr(e), link, e->link_len);
}

/* --- the cache --- */
static void drop(struct gofer_listing *l)
{
    kept_bytes -= l->len;
    list_del(&l->lru);
    if (l->owner)
        l->owner->listing = NULL;
    l->owner = NULL;
    gofer_listing_put(l);
}

void goferfs_keep_listing(struct gofer_inode *gi, struct gofer_listing *l)
{
    if (gi->listing)
        drop(gi->listing);
    kept_bytes += l->len;
    l->refs++;
    l->owner = gi;
    gi->listing = l;
    list_add_tail(&kept, &l->lru);
    while (kept_bytes > KEPT_BYTES_MAX) {
        struct gofer_listing *oldest = list_first(&kept, struct gofer_listing, lru);
        if (oldest == l)
            break;
        drop(oldest);
    }
}

void goferfs_forget_listing(struct inode *i)
{
    if (GOFER_I(i)->listing)
        drop(GOFER_I(i)->listing);
}

struct gofer_listing *goferfs_use_listing(struct inode *dir)
{
    struct gofer_listing *l = GOFER_I(dir)->listing;

    if (!l)
        return NULL;
    list_del(&l->lru);
    list_add_tail(&kept, &l->lru);
    if (l->ahead)
        goferfs_ahead_used(GOFER_S(dir->sb));
    l->ahead = false;
    return l;
}
