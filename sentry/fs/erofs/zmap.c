/*
 * Where compressed data is. A file is a row of logical clusters; the index of each says whether an
 * extent (a physical cluster, compressed) begins in it, and where, or how far back its beginning
 * is. Indexes have two forms, full (8 bytes) and compact (packs whose items share one address):
 * fs/erofs/zmap.c of Linux.
 *
 * Distances are the image's: every step is checked to go back, or on, and no extent is larger than
 * EROFS_DCLUSTER_MAX, which bounds all loops.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/fs/erofs/reader.h"

#define ALIGN(x, a) (((x) + (a)-1) & ~((uint64_t)(a)-1))

struct lcluster { /* one index, decoded */
    uint64_t lcn, pblk;
    uint64_t next_pack; /* compact: where the pack ends, in the image */
    uint32_t clusterofs, cblks;
    uint32_t back, ahead; /* NONHEAD: distances */
    uint8_t type;
};

struct mapper {
    struct erofs_image *im;
    struct erofs_node *n;
    const struct erofs_zinfo *z;
};

/* --- full indexes --- */
static int load_full(const struct mapper *m, uint64_t lcn, struct lcluster *l)
{
    struct erofs_disk_zindex x;
    uint64_t pos = ALIGN(m->n->pos + m->n->body_len, 8) + sizeof(struct erofs_disk_zheader) + 8 +
                   lcn * sizeof(x);
    int err = erofs_meta(m->im, pos, &x, sizeof(x));

    if (err)
        return err;
    *l = (struct lcluster){.lcn = lcn, .type = le16toh(x.advise) & EROFS_Z_TYPE_MASK};
    l->next_pack = pos + sizeof(x);
    if (l->type != EROFS_Z_NONHEAD) {
        l->clusterofs = le16toh(x.clusterofs);
        l->pblk = le32toh(x.blkaddr);
        return l->clusterofs >= 1U << m->z->lclusterbits ? -EUCLEAN : 0;
    }
    l->clusterofs = 1U << m->z->lclusterbits;
    l->back = le16toh(x.delta[0]);
    l->ahead = le16toh(x.delta[1]);
    if (l->back & EROFS_Z_D0_CBLKCNT) {
        if (!(m->z->advise & (EROFS_Z_BIG_PCLUSTER_1 | EROFS_Z_BIG_PCLUSTER_2)))
            return -EUCLEAN;
        l->cblks = l->back & ~EROFS_Z_D0_CBLKCNT;
        l->back = 1;
    }
    return 0;
}

/* --- compact indexes --- */
struct pack {
    uint8_t data[32 + 4]; /* and what a read of 4 bytes may touch behind it */
    unsigned int items, lobits, itembits;
};

static unsigned int item(const struct pack *p, unsigned int i, uint8_t *type)
{
    unsigned int bit = p->itembits * i;
    uint32_t v;

    memcpy(&v, p->data + bit / 8, sizeof(v));
    v = le32toh(v) >> (bit & 7);
    *type = v >> p->lobits & EROFS_Z_TYPE_MASK;
    return v & ((1U << p->lobits) - 1);
}

static unsigned int distance_ahead(const struct pack *p, unsigned int i)
{
    unsigned int lo = 0, d = 0;
    uint8_t type;

    for (; i < p->items; i++, d++) {
        lo = item(p, i, &type);
        if (type != EROFS_Z_NONHEAD)
            return d;
    }
    return lo & EROFS_Z_D0_CBLKCNT || !lo ? d : d + lo - 1; /* the last one has the distance */
}

/* A pack has the address of its first extent: those between it and item i are counted. */
static int blocks_before(const struct pack *p, bool big, int i, uint32_t *out)
{
    uint32_t n = big ? 0 : 1;
    uint8_t type;

    while (i > 0) {
        unsigned int lo = item(p, (unsigned int)--i, &type);
        if (!big) {
            if (type == EROFS_Z_NONHEAD)
                i -= (int)lo;
            n += i >= 0;
        } else if (type != EROFS_Z_NONHEAD) {
            n++;
        } else if (lo & EROFS_Z_D0_CBLKCNT) {
            i--;
            n += lo & ~EROFS_Z_D0_CBLKCNT;
        } else if (lo <= 1) {
            return -EUCLEAN;
        } else {
            i -= (int)lo - 2;
        }
    }
    *out = n;
    return 0;
}

static int decode(const struct mapper *m, const struct pack *p, unsigned int i, struct lcluster *l)
{
    bool big = m->z->advise & EROFS_Z_BIG_PCLUSTER_1;
    unsigned int lo = item(p, i, &l->type);
    uint32_t base, before = 0;

    if (l->type != EROFS_Z_NONHEAD) {
        l->clusterofs = lo;
        memcpy(&base, p->data + (p->items == 2 ? 4 : 28), sizeof(base));
        int err = blocks_before(p, big, (int)i, &before);
        l->pblk = (uint64_t)le32toh(base) + before;
        return err ? err : lo >= 1U << m->z->lclusterbits ? -EUCLEAN : 0;
    }
    l->clusterofs = 1U << m->z->lclusterbits;
    l->ahead = distance_ahead(p, i);
    if (lo & EROFS_Z_D0_CBLKCNT) {
        l->cblks = lo & ~EROFS_Z_D0_CBLKCNT;
        l->back = 1;
        return big ? 0 : -EUCLEAN;
    }
    if (i + 1 != p->items) {
        l->back = lo;
        return 0;
    }
    /* The last item has the distance ahead: the one back is that of the item before, and one. */
    uint8_t type;
    lo = item(p, i - 1, &type);
    l->back = (type != EROFS_Z_NONHEAD ? 0 : lo & EROFS_Z_D0_CBLKCNT ? 1 : lo) + 1;
    return 0;
}

static int load_compact(const struct mapper *m, uint64_t lcn, struct lcluster *l)
{
    uint64_t base = ALIGN(m->n->pos + m->n->body_len, 8) + sizeof(struct erofs_disk_zheader);
    uint64_t total = (m->n->size + (1ULL << m->im->blkbits) - 1) >> m->im->blkbits, at = lcn;
    uint64_t first4 = (32 - base % 32) / 4 & 7, n2 = 0, pos = base;
    unsigned int shift = 2; /* of an item's share of its pack */
    struct pack p = {.items = 2};

    if (lcn >= total || m->z->lclusterbits > 14)
        return -EUCLEAN;
    if (m->z->advise & EROFS_Z_COMPACTED_2B && first4 < total)
        n2 = (total - first4) & ~15ULL;
    if (at >= first4) {
        pos += first4 * 4;
        at -= first4;
        if (at < n2) {
            shift = 1;
        } else {
            pos += n2 * 2;
            at -= n2;
        }
    }
    pos += at << shift;
    if (shift == 1 && m->z->lclusterbits > 12)
        return -EOPNOTSUPP;
    p.items = shift == 1 ? 16 : 2;
    unsigned int bytes = p.items << shift;
    uint64_t start = pos & ~(uint64_t)(bytes - 1);
    p.lobits = MAX(m->z->lclusterbits, 12U);
    p.itembits = (bytes - 4) * 8 / p.items;
    *l = (struct lcluster){.lcn = lcn, .next_pack = start + bytes};
    int err = erofs_meta(m->im, start, p.data, bytes);
    return err ? err : decode(m, &p, (unsigned int)(pos - start) >> shift, l);
}

static int load(const struct mapper *m, uint64_t lcn, struct lcluster *l)
{
    return m->n->layout == EROFS_COMPRESSED_COMPACT ? load_compact(m, lcn, l)
                                                    : load_full(m, lcn, l);
}

/* --- extents --- */
/* From an index to the beginning of the extent that it is in. */
static int go_back(const struct mapper *m, struct lcluster *l, uint32_t distance)
{
    uint64_t first = l->lcn;

    for (;;) {
        if (!distance || distance > l->lcn)
            return -EUCLEAN;
        uint64_t lcn = l->lcn - distance;
        if ((first - lcn) << m->z->lclusterbits > EROFS_DCLUSTER_MAX)
            return -EUCLEAN;
        int err = load(m, lcn, l);
        if (err || l->type != EROFS_Z_NONHEAD)
            return err;
        distance = l->back;
    }
}

/* The extent that begins with head ends where the next one begins, or the file. */
static int find_end(const struct mapper *m, const struct lcluster *head, uint64_t la, uint64_t *end)
{
    unsigned int bits = m->z->lclusterbits;
    uint64_t lcn = head->lcn + 1;

    while (lcn << bits < m->n->size) {
        struct lcluster l;
        if ((lcn << bits) - la > EROFS_DCLUSTER_MAX)
            return -EUCLEAN;
        int err = load(m, lcn, &l);
        if (err)
            return err;
        if (l.type != EROFS_Z_NONHEAD) {
            *end = MIN((lcn << bits) + l.clusterofs, m->n->size);
            return 0;
        }
        lcn += l.ahead ? l.ahead : 1;
    }
    *end = m->n->size;
    return 0;
}

static int compressed_blocks(const struct mapper *m, const struct lcluster *head, uint32_t *n)
{
    bool big = m->z->advise &
               (head->type == EROFS_Z_HEAD1 ? EROFS_Z_BIG_PCLUSTER_1 : EROFS_Z_BIG_PCLUSTER_2);
    struct lcluster l;

    *n = 1;
    if (!big || (head->lcn + 1) << m->z->lclusterbits >= m->n->size)
        return 0;
    int err = load(m, head->lcn + 1, &l);
    if (err || l.type != EROFS_Z_NONHEAD)
        return err;
    *n = l.cblks;
    return l.back == 1 && l.cblks ? 0 : -EUCLEAN;
}

static int finish(const struct mapper *m, const struct lcluster *head, uint64_t la,
                  struct erofs_zextent *e)
{
    uint64_t end = 0, block = 1ULL << m->im->blkbits;
    uint32_t nblocks;

    int err = find_end(m, head, la, &end);
    if (err)
        return err;
    if (end <= la || end - la > EROFS_DCLUSTER_MAX)
        return -EUCLEAN;
    e->la = la;
    e->llen = end - la;
    e->algorithm = head->type == EROFS_Z_PLAIN   ? EROFS_ALG_PLAIN
                   : head->type == EROFS_Z_HEAD2 ? m->z->algorithm[1]
                                                 : m->z->algorithm[0];
    e->interlaced = m->z->advise & EROFS_Z_INTERLACED;
    bool tail = head->lcn == m->z->tail_lcn;
    if (tail && m->z->idata_size) {
        e->meta = true;
        e->pa = m->z->idata_pos;
        e->plen = m->z->idata_size;
        return e->pa % block + e->plen > block ? -EUCLEAN : 0;
    }
    if (tail && m->z->advise & EROFS_Z_FRAGMENT) {
        e->fragment = true;
        return 0;
    }
    err = compressed_blocks(m, head, &nblocks);
    e->pa = head->pblk << m->im->blkbits;
    e->plen = nblocks << m->im->blkbits;
    return err ? err : e->plen > EROFS_PCLUSTER_MAX ? -EUCLEAN : 0;
}

/* The index of the extent that off is in. *first: what was looked at before going back. */
static int find_head(const struct mapper *m, uint64_t off, struct lcluster *l,
                     struct lcluster *first)
{
    unsigned int bits = m->z->lclusterbits;
    int err = load(m, off >> bits, l);

    *first = *l;
    if (err)
        return err;
    if (l->type == EROFS_Z_NONHEAD)
        return go_back(m, l, l->back);
    if ((off & ((1ULL << bits) - 1)) >= l->clusterofs)
        return 0;
    return go_back(m, l, 1); /* what begins here begins behind off */
}

/* --- what the file's header says --- */
static int check_header(const struct mapper *m, const struct erofs_zinfo *z)
{
    bool big1 = z->advise & EROFS_Z_BIG_PCLUSTER_1, big2 = z->advise & EROFS_Z_BIG_PCLUSTER_2;

    if (z->advise & ~EROFS_Z_KNOWN || z->lclusterbits > 14)
        return -EOPNOTSUPP;
    if ((big1 || big2) && !(m->im->incompat & EROFS_INCOMPAT_COMPR_CFGS))
        return -EUCLEAN;
    if (m->n->layout == EROFS_COMPRESSED_COMPACT && big1 != big2)
        return -EUCLEAN;
    if (z->advise & EROFS_Z_FRAGMENT && !(m->im->incompat & EROFS_INCOMPAT_FRAGMENTS))
        return -EUCLEAN;
    return 0;
}

static int read_header(const struct mapper *m, struct erofs_zinfo *z)
{
    struct erofs_disk_zheader h;
    struct lcluster l, first;
    uint64_t whole;

    *z = (struct erofs_zinfo){.known = true, .tail_lcn = UINT64_MAX};
    int err = erofs_meta(m->im, ALIGN(m->n->pos + m->n->body_len, 8), &h, sizeof(h));
    if (err)
        return err;
    if (h.clusterbits & 128) {
        memcpy(&whole, &h, sizeof(whole));
        z->advise = EROFS_Z_FRAGMENT;
        z->lclusterbits = m->im->blkbits;
        z->fragmentoff = le64toh(whole) ^ EROFS_Z_WHOLE_FRAGMENT;
        z->tail_lcn = 0;
        return m->im->incompat & EROFS_INCOMPAT_FRAGMENTS ? 0 : -EUCLEAN;
    }
    z->advise = le16toh(h.advise);
    z->lclusterbits = (uint8_t)(m->im->blkbits + (h.clusterbits & 7));
    z->algorithm[0] = h.algorithms & 15;
    z->algorithm[1] = h.algorithms >> 4;
    err = check_header(m, z);
    if (err)
        return err;
    if (z->advise & EROFS_Z_FRAGMENT)
        z->fragmentoff = le32toh(h.fragmentoff);
    else if (z->advise & EROFS_Z_INLINE_PCLUSTER)
        z->idata_size = le16toh(h.idata_size);
    if (!m->n->size || (!(z->advise & EROFS_Z_FRAGMENT) && !z->idata_size))
        return 0;
    /* The file's last extent is elsewhere: which one that is, and where the indexes end. */
    const struct mapper here = {m->im, m->n, z};
    err = find_head(&here, m->n->size - 1, &l, &first);
    if (err)
        return err;
    z->tail_lcn = l.lcn;
    z->idata_pos = first.next_pack;
    if (z->advise & EROFS_Z_FRAGMENT && m->n->layout == EROFS_COMPRESSED_FULL)
        z->fragmentoff |= l.pblk << 32;
    return 0;
}

int erofs_zmap(struct erofs_image *im, struct erofs_node *n, uint64_t off, struct erofs_zextent *e)
{
    struct erofs_zinfo z;
    const struct mapper m = {im, n, &n->z};
    struct lcluster l, first;
    int err = 0;

    *e = (struct erofs_zextent){0};
    if (!n->z.known) {
        err = read_header(&m, &z);
        if (!err)
            n->z = z;
    }
    if (err)
        return err;
    if (off >= n->size)
        return -EINVAL;
    if (n->z.advise & EROFS_Z_FRAGMENT && !n->z.tail_lcn) { /* all of it */
        e->llen = n->size;
        e->fragment = true;
        return 0;
    }
    err = find_head(&m, off, &l, &first);
    if (!err)
        err = finish(&m, &l, (l.lcn << n->z.lclusterbits) | l.clusterofs, e);
    return !err && (off < e->la || off - e->la >= e->llen) ? -EUCLEAN : err;
}
