/* EROFS extended attributes: in line behind the inode, and shared by several. */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/fs/erofs/reader.h"

#define NAME_MAX_LEN 255
#define ALIGN4(x) (((x) + 3) & ~3ULL)

static const char *const prefixes[] = {
    "", "user.",    "system.posix_acl_access", "system.posix_acl_default", "trusted.",
    "", "security."};

/* One that was found: its name in full, and where its value is. */
struct found {
    char name[2 * NAME_MAX_LEN + 32];
    uint64_t value_pos;
    uint32_t size;
};

/* --- prefixes that the image defines: one of the usual ones, and more --- */
/* They are one after the other, in the packed inode if there is one. */
static int prefix_piece(struct erofs_image *im, struct erofs_node *packed, uint64_t pos, void *buf,
                        size_t len)
{
    if (!packed)
        return erofs_meta(im, pos, buf, len);
    ssize_t n = erofs_read(im, packed, buf, len, pos);
    return n < 0 ? (int)n : (size_t)n == len ? 0 : -EUCLEAN;
}

static int prefix_read(struct erofs_image *im, struct erofs_node *packed, uint64_t *pos, char **out)
{
    char item[1 + NAME_MAX_LEN];
    uint16_t len;
    int err = prefix_piece(im, packed, *pos, &len, 2);

    len = le16toh(len);
    if (!err && (!len || len > sizeof(item)))
        err = -EUCLEAN;
    if (!err)
        err = prefix_piece(im, packed, *pos + 2, item, len);
    if (!err && (uint8_t)item[0] >= ARRAY_SIZE(prefixes))
        err = -EUCLEAN;
    if (err)
        return err;
    *pos += ALIGN4(2ULL + len);
    return asprintf(out, "%s%.*s", prefixes[(uint8_t)item[0]], len - 1, item + 1) < 0 ? -ENOMEM : 0;
}

static void prefixes_free(char **v, unsigned int n)
{
    for (unsigned int i = 0; v && i < n; i++)
        free(v[i]);
    free(v);
}

void erofs_prefixes_free(struct erofs_image *im)
{
    prefixes_free(im->prefixes, im->xattr_prefixes);
    im->prefixes = NULL;
}

/* All of them, once. */
static int prefixes_load(struct erofs_image *im)
{
    cleanup_free struct erofs_node *packed = im->packed_nid ? malloc(sizeof(*packed)) : NULL;
    char **v = calloc(im->xattr_prefixes + 1U, sizeof(*v));
    uint64_t pos = im->xattr_prefix_pos;
    int err = v && (packed || !im->packed_nid) ? 0 : -ENOMEM;

    if (!err && packed)
        err = erofs_node_read(im, im->packed_nid, packed);
    for (unsigned int i = 0; !err && i < im->xattr_prefixes; i++)
        err = prefix_read(im, packed, &pos, &v[i]);
    if (err || im->prefixes) { /* or another fiber was faster */
        prefixes_free(v, im->xattr_prefixes);
        return err;
    }
    im->prefixes = v;
    return 0;
}

static int long_prefix(struct erofs_image *im, unsigned int no, char *out, size_t room)
{
    int err = im->prefixes || no >= im->xattr_prefixes ? 0 : prefixes_load(im);

    if (err || no >= im->xattr_prefixes)
        return err ? err : -EUCLEAN;
    return snprintf(out, room, "%s", im->prefixes[no]);
}

/* --- attributes --- */
/* The attribute at pos, which may use room bytes. Its whole length, or negative errno. */
static int64_t read_one(struct erofs_image *im, uint64_t pos, uint64_t room, struct found *f)
{
    struct erofs_disk_xattr x;
    int n = 0;
    int err = room < sizeof(x) ? -EUCLEAN : erofs_meta(im, pos, &x, sizeof(x));

    f->name[0] = 0;
    if (err)
        return err;
    f->size = le16toh(x.value_size);
    uint64_t len = ALIGN4(sizeof(x) + x.name_len + (uint64_t)f->size);
    if (sizeof(x) + x.name_len + f->size > room)
        return -EUCLEAN;
    f->name[0] = 0;
    if (x.name_index & EROFS_XATTR_LONG_PREFIX)
        n = long_prefix(im, x.name_index & ~EROFS_XATTR_LONG_PREFIX, f->name, sizeof(f->name));
    else if (x.name_index < ARRAY_SIZE(prefixes))
        n = snprintf(f->name, sizeof(f->name), "%s", prefixes[x.name_index]);
    if (n < 0)
        return n;
    err = erofs_meta(im, pos + sizeof(x), f->name + n, x.name_len);
    if (err)
        return err;
    f->name[n + x.name_len] = 0;
    if (!n || strlen(f->name) > NAME_MAX_LEN) /* of no kind that is known: nobody can ask for it */
        f->name[0] = 0;
    f->value_pos = pos + sizeof(x) + x.name_len;
    return (int64_t)len;
}

/* Until see() returns other than 0. */
static int64_t walk(struct erofs_image *im, const struct erofs_node *n, struct found *f,
                    int64_t (*see)(struct erofs_image *im, const struct found *f, void *arg),
                    void *arg)
{
    struct erofs_disk_xattr_header h;
    uint64_t start = n->pos + n->body_len - n->xattr_len, end = n->pos + n->body_len;

    if (!n->xattr_len)
        return 0;
    int err = erofs_meta(im, start, &h, sizeof(h));
    if (err)
        return err;
    uint64_t at = start + sizeof(h) + 4ULL * h.shared_count;
    if (at > end)
        return -EUCLEAN;
    while (at < end) {
        int64_t len = read_one(im, at, end - at, f);
        int64_t r = len < 0 ? len : *f->name ? see(im, f, arg) : 0;
        if (r)
            return r;
        at += (uint64_t)len;
    }
    for (unsigned int i = 0; i < h.shared_count; i++) {
        uint32_t id;
        err = erofs_meta(im, start + sizeof(h) + 4ULL * i, &id, 4);
        if (err)
            return err;
        int64_t r = read_one(im, im->xattr_pos + 4ULL * le32toh(id), UINT32_MAX, f);
        if (r >= 0)
            r = *f->name ? see(im, f, arg) : 0;
        if (r)
            return r;
    }
    return 0;
}

struct wanted {
    const char *name;
    void *buf;
    size_t size, used;
    bool found;
};

static int64_t take_value(struct erofs_image *im, const struct found *f, void *arg)
{
    struct wanted *w = arg;

    if (strcmp(f->name, w->name) != 0)
        return 0;
    w->found = true;
    w->used = f->size;
    if (!w->size)
        return 1;
    if (f->size > w->size)
        return -ERANGE;
    int err = erofs_meta(im, f->value_pos, w->buf, f->size);
    return err ? err : 1;
}

static int64_t take_name(struct erofs_image *im, const struct found *f, void *arg)
{
    struct wanted *w = arg;
    size_t len = strlen(f->name) + 1;

    if (w->size && w->used + len > w->size)
        return -ERANGE;
    if (w->size)
        memcpy((char *)w->buf + w->used, f->name, len);
    w->used += len;
    return 0;
}

ssize_t erofs_getxattr(struct erofs_image *im, struct erofs_node *n, const char *name, void *buf,
                       size_t size)
{
    struct wanted w = {.name = name, .buf = buf, .size = buf ? size : 0};
    cleanup_free struct found *f = malloc(sizeof(*f));
    int64_t r = f ? walk(im, n, f, take_value, &w) : -ENOMEM;

    return r < 0 ? (ssize_t)r : w.found ? (ssize_t)w.used : -ENODATA;
}

ssize_t erofs_listxattr(struct erofs_image *im, struct erofs_node *n, char *buf, size_t size)
{
    struct wanted w = {.buf = buf, .size = buf ? size : 0};
    cleanup_free struct found *f = malloc(sizeof(*f));
    int64_t r = f ? walk(im, n, f, take_name, &w) : -ENOMEM;

    return r < 0 ? (ssize_t)r : (ssize_t)w.used;
}
