/*
 * Decompression. What was decompressed last is kept, so that a file is not decompressed again for
 * each of its pages: for all images together within CACHE_MAX.
 */
#include <errno.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/fs/erofs/reader.h"

#define CACHE_MAX (4UL << 20)

struct erofs_cluster {
    unsigned int refs;
    struct list node; /* in its image's clusters */
    uint64_t nid, la;
    uint32_t len;
    char data[];
};

static size_t cached;

static void cluster_put(struct erofs_cluster *c)
{
    if (!--c->refs)
        free(c);
}

static void forget(struct erofs_cluster *c)
{
    list_del(&c->node);
    cached -= c->len;
    cluster_put(c);
}

void erofs_clusters_free(struct erofs_image *im)
{
    while (!list_empty(&im->clusters))
        forget(list_first(&im->clusters, struct erofs_cluster, node));
}

static struct erofs_cluster *find(struct erofs_image *im, uint64_t nid, uint64_t off)
{
    struct erofs_cluster *c;

    list_for_each(c, &im->clusters, node) {
        if (c->nid != nid || off < c->la || off - c->la >= c->len)
            continue;
        list_del(&c->node);
        list_add(&im->clusters, &c->node);
        c->refs++;
        return c;
    }
    return NULL;
}

static void keep(struct erofs_image *im, struct erofs_cluster *c)
{
    while (!list_empty(&im->clusters) && cached + c->len > CACHE_MAX)
        forget(list_last(&im->clusters, struct erofs_cluster, node));
    if (cached + c->len > CACHE_MAX) /* others have it, or it is too large */
        return;
    c->refs++;
    cached += c->len;
    list_add(&im->clusters, &c->node);
}

/* --- algorithms --- */
static int plain(const struct erofs_image *im, const struct erofs_zextent *e, const char *in,
                 char *out)
{
    uint64_t block = 1ULL << im->blkbits;

    if (e->llen > e->plen)
        return -EUCLEAN;
    if (!e->interlaced) {
        memcpy(out, in, e->llen);
        return 0;
    }
    /* A byte has the place in its block that it has in the file. */
    if (e->plen > block)
        return -EUCLEAN;
    uint64_t skip = e->la & (block - 1), right = MIN(block - skip, e->llen);
    if (skip + right > e->plen || e->llen - right > e->plen)
        return -EUCLEAN;
    memcpy(out, in + skip, right);
    memcpy(out + right, in, e->llen - right);
    return 0;
}

static int lz4(const struct erofs_image *im, const struct erofs_zextent *e, const char *in,
               char *out)
{
    uint32_t skip = 0;

    if (im->incompat & EROFS_INCOMPAT_ZERO_PADDING) {
        while (skip < e->plen && !in[skip])
            skip++;
        if (skip == e->plen)
            return -EUCLEAN;
    }
    int len = (int)e->llen;
    int n = LZ4_decompress_safe_partial(in + skip, out, (int)(e->plen - skip), len, len);
    return n == len ? 0 : -EUCLEAN;
}

static int decompress(struct erofs_image *im, const struct erofs_zextent *e, char *out)
{
    cleanup_free char *in = malloc(e->plen);

    if (!in)
        return -ENOMEM;
    int err = erofs_raw(im, e->pa, in, e->plen);
    if (err)
        return err;
    if (e->algorithm == EROFS_ALG_PLAIN)
        return plain(im, e, in, out);
    if (e->algorithm != EROFS_ALG_LZ4 || !(im->algorithms & 1U << EROFS_ALG_LZ4))
        return -EOPNOTSUPP;
    return lz4(im, e, in, out);
}

/* --- reading --- */
/* What is in the packed inode: a file of its own, which has nothing there itself. */
static ssize_t read_fragment(struct erofs_image *im, const struct erofs_node *n, void *buf,
                             size_t len, uint64_t off)
{
    if (n->nid == im->packed_nid || !im->packed_nid)
        return -EUCLEAN;
    if (!im->packed) {
        struct erofs_node *p = malloc(sizeof(*p));
        int err = p ? erofs_node_read(im, im->packed_nid, p) : -ENOMEM;
        if (!err && !S_ISREG(p->mode))
            err = -EUCLEAN;
        if (err || im->packed) { /* or another fiber was faster */
            free(p);
            p = NULL;
        }
        if (err)
            return err;
        if (p)
            im->packed = p;
    }
    uint64_t at;
    if (__builtin_add_overflow(n->z.fragmentoff, off, &at))
        return -EUCLEAN;
    ssize_t got = erofs_read(im, im->packed, buf, len, at);
    return got == 0 ? -EUCLEAN : got;
}

static int get_cluster(struct erofs_image *im, struct erofs_node *n, const struct erofs_zextent *e,
                       struct erofs_cluster **out)
{
    struct erofs_cluster *c = malloc(sizeof(*c) + e->llen);

    if (!c)
        return -ENOMEM;
    *c = (struct erofs_cluster){.refs = 1, .nid = n->nid, .la = e->la, .len = (uint32_t)e->llen};
    int err = decompress(im, e, c->data);
    if (err) {
        free(c);
        return err;
    }
    keep(im, c);
    *out = c;
    return 0;
}

static ssize_t read_one(struct erofs_image *im, struct erofs_node *n, void *buf, size_t len,
                        uint64_t off)
{
    struct erofs_cluster *c = find(im, n->nid, off);
    struct erofs_zextent e;

    if (!c) {
        int err = erofs_zmap(im, n, off, &e);
        if (err)
            return err;
        if (e.fragment)
            return read_fragment(im, n, buf, MIN(len, e.llen - (off - e.la)), off - e.la);
        err = get_cluster(im, n, &e, &c);
        if (err)
            return err;
    }
    len = MIN(len, c->len - (off - c->la));
    memcpy(buf, c->data + (off - c->la), len);
    cluster_put(c);
    return (ssize_t)len;
}

ssize_t erofs_zread(struct erofs_image *im, struct erofs_node *n, void *buf, size_t len,
                    uint64_t off)
{
    size_t done = 0;

    while (done < len) {
        ssize_t r = read_one(im, n, (char *)buf + done, len - done, off + done);
        if (r <= 0)
            return done ? (ssize_t)done : r;
        done += (size_t)r;
    }
    return (ssize_t)done;
}
