/* EROFS inodes, and where the data of uncompressed files is. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/macros.h"
#include "sentry/fs/erofs/reader.h"

static void take_short(const struct erofs_image *im, const struct erofs_disk_inode_short *d,
                       struct erofs_node *n)
{
    n->size = le32toh(d->size);
    n->nlink = le16toh(d->nlink);
    n->uid = le16toh(d->uid);
    n->gid = le16toh(d->gid);
    n->u = le32toh(d->u);
    n->mtime = im->build_time;
    n->mtime_nsec = im->build_nsec;
    n->body_len = sizeof(*d);
}

static void take_long(const struct erofs_disk_inode *d, struct erofs_node *n)
{
    n->size = le64toh(d->size);
    n->nlink = le32toh(d->nlink);
    n->uid = le32toh(d->uid);
    n->gid = le32toh(d->gid);
    n->u = le32toh(d->u);
    n->mtime = (int64_t)le64toh(d->mtime);
    n->mtime_nsec = MIN(le32toh(d->mtime_nsec), 999999999U);
    n->body_len = sizeof(*d);
}

/* What i_u is goes by the kind of inode. */
static int check_kind(const struct erofs_image *im, struct erofs_node *n)
{
    switch (n->mode & S_IFMT) {
    case S_IFREG:
    case S_IFDIR:
    case S_IFLNK:
        break;
    case S_IFCHR:
    case S_IFBLK: /* as new_decode_dev() */
        n->rdev = makedev((n->u & 0xfff00) >> 8, (n->u & 0xff) | (n->u >> 12 & 0xfff00));
        break;
    case S_IFIFO:
    case S_IFSOCK:
        break;
    default:
        return -EUCLEAN;
    }
    if (n->size > INT64_MAX || n->layout >= EROFS_LAYOUTS)
        return n->layout >= EROFS_LAYOUTS ? -EOPNOTSUPP : -EUCLEAN;
    if (n->layout == EROFS_CHUNK_BASED && (n->u & 0xffff & ~EROFS_CHUNK_KNOWN))
        return -EOPNOTSUPP;
    if (erofs_is_compressed(n)) {
        n->blocks = (uint64_t)n->u << (im->blkbits - 9);
    } else {
        uint64_t block = 1ULL << im->blkbits;
        n->blocks = (n->size + block - 1) / block << (im->blkbits - 9);
    }
    return 0;
}

int erofs_node_read(struct erofs_image *im, uint64_t nid, struct erofs_node *n)
{
    union {
        uint16_t format;
        struct erofs_disk_inode_short s;
        struct erofs_disk_inode l;
    } d;

    *n = (struct erofs_node){.nid = nid};
    if (nid > (INT64_MAX >> (EROFS_ISLOT_BITS + 1)))
        return -EUCLEAN;
    n->pos = im->meta_pos + (nid << EROFS_ISLOT_BITS);
    int err = erofs_meta(im, n->pos, &d.s, sizeof(d.s));
    if (err)
        return err;
    unsigned int format = le16toh(d.format);
    if (format & ~EROFS_FORMAT_BITS)
        return -EOPNOTSUPP;
    n->layout = (uint8_t)(format >> 1 & 7);
    n->mode = le16toh(d.s.mode);
    uint16_t icount = le16toh(d.s.xattr_icount);
    if (format & 1) {
        err = erofs_meta(im, n->pos, &d.l, sizeof(d.l));
        if (err)
            return err;
        if (le16toh(d.format) != format || le16toh(d.l.xattr_icount) != icount)
            return -EUCLEAN; /* somebody writes to it */
        n->mode = le16toh(d.l.mode);
        take_long(&d.l, n);
    } else {
        take_short(im, &d.s, n);
    }
    if (icount)
        n->xattr_len = (uint32_t)sizeof(struct erofs_disk_xattr_header) + 4U * (icount - 1U);
    n->body_len += n->xattr_len;
    return check_kind(im, n);
}

/* --- where uncompressed data is --- */
static int map_flat(const struct erofs_image *im, const struct erofs_node *n, uint64_t off,
                    struct erofs_extent *e)
{
    uint64_t block = 1ULL << im->blkbits, plain = n->size;

    if (n->layout == EROFS_FLAT_INLINE)
        plain = (n->size - 1) & ~(block - 1);
    if (off < plain) {
        e->pos = ((uint64_t)n->u << im->blkbits) + off;
        e->len = plain - off;
        return 0;
    }
    e->pos = n->pos + n->body_len + (off & (block - 1));
    e->len = n->size - off;
    /* Inline data does not leave the inode's last block. */
    return (e->pos & (block - 1)) + e->len > block ? -EUCLEAN : 0;
}

static int map_chunk(struct erofs_image *im, const struct erofs_node *n, uint64_t off,
                     struct erofs_extent *e)
{
    unsigned int bits = im->blkbits + (n->u & EROFS_CHUNK_BITS);
    bool indexes = n->u & EROFS_CHUNK_INDEXES;
    uint64_t unit = indexes ? sizeof(struct erofs_disk_chunk) : 4, no = off >> bits, within, pos;
    struct erofs_disk_chunk c = {0};

    if (__builtin_mul_overflow(no, unit, &pos) ||
        __builtin_add_overflow(pos, (n->pos + n->body_len + unit - 1) & ~(unit - 1), &pos))
        return -EUCLEAN;
    int err = indexes ? erofs_meta(im, pos, &c, sizeof(c)) : erofs_meta(im, pos, &c.blkaddr, 4);
    if (err)
        return err;
    within = off & ((1ULL << bits) - 1);
    e->len = MIN((1ULL << bits) - within, n->size - off);
    e->hole = le32toh(c.blkaddr) == EROFS_NULL_ADDR;
    e->pos = ((uint64_t)le32toh(c.blkaddr) << im->blkbits) + within;
    return 0;
}

int erofs_map(struct erofs_image *im, const struct erofs_node *n, uint64_t off,
              struct erofs_extent *e)
{
    *e = (struct erofs_extent){0};
    if (off >= n->size || erofs_is_compressed(n))
        return -EINVAL;
    return n->layout == EROFS_CHUNK_BASED ? map_chunk(im, n, off, e) : map_flat(im, n, off, e);
}

ssize_t erofs_read(struct erofs_image *im, struct erofs_node *n, void *buf, size_t len,
                   uint64_t off)
{
    size_t done = 0;

    if (off >= n->size)
        return 0;
    len = MIN(len, n->size - off);
    if (erofs_is_compressed(n))
        return erofs_zread(im, n, buf, len, off);
    while (done < len) {
        struct erofs_extent e;
        int err = erofs_map(im, n, off + done, &e);
        size_t part = err ? 0 : MIN(len - done, e.len);
        if (!err && e.hole)
            memset((char *)buf + done, 0, part);
        else if (!err)
            err = erofs_raw(im, e.pos, (char *)buf + done, part);
        if (err)
            return done ? (ssize_t)done : err;
        done += part;
    }
    return (ssize_t)done;
}
