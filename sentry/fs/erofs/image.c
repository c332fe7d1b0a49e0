/* EROFS images: the superblock, and pieces of metadata through a small cache. */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/fs/erofs/reader.h"

#define PAGE 4096U
#define BLKBITS_MIN 9
#define BLKBITS_MAX 12 /* one page, as Linux */

struct erofs_page {
    unsigned int refs;
    uint32_t len; /* fewer bytes than a page: the image ends */
    uint64_t no;
    char data[PAGE];
};

/* --- reading --- */
int erofs_raw(struct erofs_image *im, uint64_t pos, void *buf, size_t len)
{
    while (len) {
        ssize_t n = pos > INT64_MAX - len ? 0 : im->read(im, buf, len, pos);
        if (n <= 0)
            return n ? (int)n : -EUCLEAN; /* it ends before its contents */
        buf = (char *)buf + n;
        pos += (uint64_t)n;
        len -= MIN((size_t)n, len);
    }
    return 0;
}

static void page_put(struct erofs_page *p)
{
    if (p && !--p->refs)
        free(p);
}

/* Reading may park, and then others use and replace what is in the slot. */
static int page_get(struct erofs_image *im, uint64_t no, struct erofs_page **out)
{
    struct erofs_page **slot = &im->pages[no % EROFS_META_PAGES], *p = *slot;

    if (p && p->no == no) {
        p->refs++;
        *out = p;
        return 0;
    }
    p = malloc(sizeof(*p));
    if (!p)
        return -ENOMEM;
    *p = (struct erofs_page){.refs = 2, .no = no};
    while (p->len < PAGE) {
        ssize_t n = im->read(im, p->data + p->len, PAGE - p->len, no * PAGE + p->len);
        if (n < 0) {
            free(p);
            return (int)n;
        }
        if (!n)
            break;
        p->len += (uint32_t)n;
    }
    page_put(*slot);
    *slot = p;
    *out = p;
    return 0;
}

int erofs_meta(struct erofs_image *im, uint64_t pos, void *buf, size_t len)
{
    if (pos > INT64_MAX - PAGE - len)
        return -EUCLEAN;
    while (len) {
        struct erofs_page *p = NULL;
        size_t at = pos % PAGE, n = MIN(len, PAGE - at);
        int err = page_get(im, pos / PAGE, &p);
        if (err)
            return err;
        if (at + n > p->len)
            err = -EUCLEAN;
        else
            memcpy(buf, p->data + at, n);
        page_put(p);
        if (err)
            return err;
        buf = (char *)buf + n;
        pos += n;
        len -= n;
    }
    return 0;
}

/* --- the superblock --- */
/* Castagnoli's polynomial, four bits a step; Linux does not invert the result. */
static uint32_t crc32c(uint32_t crc, const uint8_t *p, size_t len)
{
    static const uint32_t table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
                                       0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
                                       0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                       0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

    for (; len; len--, p++) {
        crc ^= *p;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}

static int check_sum(struct erofs_image *im, const struct erofs_disk_super *d, char *why)
{
    size_t block = 1U << im->blkbits,
           len = block > EROFS_SUPER_OFFSET ? block - EROFS_SUPER_OFFSET : block;
    uint8_t *buf = malloc(len);
    int err = buf ? erofs_raw(im, EROFS_SUPER_OFFSET, buf, len) : -ENOMEM;

    if (!err && len >= 8) {
        memset(buf + 4, 0, 4);
        uint32_t sum = crc32c(~0U, buf, len);
        if (sum != le32toh(d->checksum)) {
            snprintf(why, EROFS_WHY_MAX, "the superblock's checksum is %08x, should be %08x",
                     le32toh(d->checksum), sum);
            err = -EBADMSG;
        }
    }
    free(buf);
    return err;
}

static int check_features(const struct erofs_image *im, const struct erofs_disk_super *d, char *why)
{
    static const char *const algorithms[] = {"LZ4", "LZMA", "DEFLATE", "Zstandard"};
    static const char *const features[] = {[7] = "48-bit addresses", [8] = "metabox"};
    uint32_t unknown = im->incompat & ~(uint32_t)EROFS_INCOMPAT_KNOWN;

    for (unsigned int bit = 0; bit < 32; bit++) {
        if (!(unknown >> bit & 1))
            continue;
        if (bit < ARRAY_SIZE(features) && features[bit])
            snprintf(why, EROFS_WHY_MAX, "it needs the feature '%s', which is not supported",
                     features[bit]);
        else
            snprintf(why, EROFS_WHY_MAX, "it needs an unknown feature (bit %u)", bit);
        return -EINVAL;
    }
    if (d->extra_devices) {
        snprintf(why, EROFS_WHY_MAX, "it has extra devices, which are not supported");
        return -EOPNOTSUPP;
    }
    for (unsigned int a = EROFS_ALG_LZMA; a < 16; a++) {
        if (!(im->algorithms >> a & 1))
            continue;
        snprintf(why, EROFS_WHY_MAX, "it is compressed by %s, which is not supported (LZ4 is)",
                 a < ARRAY_SIZE(algorithms) ? algorithms[a] : "an unknown algorithm");
        return -EOPNOTSUPP;
    }
    return 0;
}

static void take_super(struct erofs_image *im, const struct erofs_disk_super *d)
{
    im->compat = le32toh(d->feature_compat);
    im->incompat = le32toh(d->feature_incompat);
    im->algorithms =
        im->incompat & EROFS_INCOMPAT_COMPR_CFGS ? le16toh(d->algorithms) : 1U << EROFS_ALG_LZ4;
    im->checksum = le32toh(d->checksum);
    im->root_nid = le16toh(d->root_nid);
    im->packed_nid = le64toh(d->packed_nid);
    im->inos = le64toh(d->inos);
    im->blocks = le32toh(d->blocks);
    im->build_time = (int64_t)le64toh(d->build_time);
    im->build_nsec = MIN(le32toh(d->build_time_nsec), 999999999U);
    im->meta_pos = (uint64_t)le32toh(d->meta_blkaddr) << im->blkbits;
    im->xattr_pos = (uint64_t)le32toh(d->xattr_blkaddr) << im->blkbits;
    im->xattr_prefixes = im->incompat & EROFS_INCOMPAT_XATTR_PREFIXES ? d->xattr_prefix_count : 0;
    im->xattr_prefix_pos = (uint64_t)le32toh(d->xattr_prefix_start) << 2;
    memcpy(im->uuid, d->uuid, sizeof(im->uuid));
}

int erofs_open(struct erofs_image *im, char why[EROFS_WHY_MAX])
{
    struct erofs_disk_super d;
    int err = erofs_raw(im, EROFS_SUPER_OFFSET, &d, sizeof(d));

    list_init(&im->clusters);
    im->has_lists = true;
    snprintf(why, EROFS_WHY_MAX, "it cannot be read");
    if (err && err != -EUCLEAN)
        return err;
    if (err || le32toh(d.magic) != EROFS_MAGIC) {
        snprintf(why, EROFS_WHY_MAX, "it is no EROFS image");
        return -EINVAL;
    }
    if (d.blkszbits < BLKBITS_MIN || d.blkszbits > BLKBITS_MAX || d.dirblkbits) {
        snprintf(why, EROFS_WHY_MAX,
                 "blocks of 2^%d and directory blocks of 2^%d bytes are not "
                 "supported (512 to 4096 are)",
                 d.blkszbits, d.blkszbits + d.dirblkbits);
        return -EINVAL;
    }
    im->blkbits = d.blkszbits;
    take_super(im, &d);
    err = im->compat & EROFS_COMPAT_SB_CHKSUM ? check_sum(im, &d, why) : 0;
    return err ? err : check_features(im, &d, why);
}

void erofs_drop_caches(struct erofs_image *im)
{
    for (unsigned int i = 0; i < EROFS_META_PAGES; i++) {
        page_put(im->pages[i]);
        im->pages[i] = NULL;
    }
    if (im->has_lists)
        erofs_clusters_free(im);
}

void erofs_close(struct erofs_image *im)
{
    erofs_drop_caches(im);
    erofs_prefixes_free(im);
    free(im->packed);
    im->packed = NULL;
}
