/*
 * Reading EROFS images: knows nothing of the sentry's VFS, so that it can be fuzzed alone.
 *
 * An image may say anything, and may change while it is read: each piece is copied once, checked
 * and used. Work and memory of one call are bounded by the size of what is asked for and by
 * EROFS_DCLUSTER_MAX. Errors: -EUCLEAN for an image that is damaged, -EOPNOTSUPP for what it may
 * contain and is not known here, and what the image's read function says. That function may park
 * the caller: other fibers may then use the same image.
 */
#ifndef NV_SENTRY_FS_EROFS_READER_H
#define NV_SENTRY_FS_EROFS_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "sentry/fs/erofs/format.h"

#define EROFS_META_PAGES 64

struct erofs_page;
struct erofs_cluster;

struct erofs_node {
    uint64_t nid, size, rdev, blocks;
    int64_t mtime;
    uint32_t mtime_nsec, nlink, uid, gid, u;
    mode_t mode;
    uint8_t layout;
    uint64_t pos, body_len; /* where it is, and its length with inline attributes */
    uint32_t xattr_len;
    struct erofs_zinfo {
        bool known;
        uint8_t lclusterbits, algorithm[2];
        uint16_t advise, idata_size;
        uint64_t fragmentoff, idata_pos, tail_lcn;
    } z;
};

struct erofs_image {
    /* Up to len bytes at off: fewer at the end only. Negative errno. */
    ssize_t (*read)(struct erofs_image *im, void *buf, size_t len, uint64_t off);
    void *arg; /* of read */

    uint8_t blkbits, uuid[16], xattr_prefixes;
    uint32_t checksum, compat, incompat, algorithms, build_nsec;
    uint64_t root_nid, packed_nid, inos, blocks, meta_pos, xattr_pos, xattr_prefix_pos;
    int64_t build_time;
    struct erofs_node *packed; /* the file that fragments of others are in; read when needed */
    char **prefixes;           /* of attributes; the same */

    struct erofs_page *pages[EROFS_META_PAGES];
    struct list clusters; /* decompressed, most recently used first */
    bool has_lists;
};

/* Reads the superblock. On failure *why says what is wrong, in words; static or in why_buf. */
#define EROFS_WHY_MAX 128
int erofs_open(struct erofs_image *im, char why[EROFS_WHY_MAX]);
void erofs_close(struct erofs_image *im); /* frees caches */
void erofs_drop_caches(struct erofs_image *im);

int erofs_node_read(struct erofs_image *im, uint64_t nid, struct erofs_node *n);
/* Contents; 0 at the end. Short only at the end, or where the image fails after the first bytes. */
ssize_t erofs_read(struct erofs_image *im, struct erofs_node *n, void *buf, size_t len,
                   uint64_t off);

/* What the image has of an uncompressed file from off on, without interruption. */
struct erofs_extent {
    uint64_t pos, len; /* in the image */
    bool hole;
};
int erofs_map(struct erofs_image *im, const struct erofs_node *n, uint64_t off,
              struct erofs_extent *e);
static inline bool erofs_is_compressed(const struct erofs_node *n)
{
    return n->layout == EROFS_COMPRESSED_FULL || n->layout == EROFS_COMPRESSED_COMPACT;
}

/* dir.c. The entry called name: -ENOENT if there is none. */
int erofs_lookup(struct erofs_image *im, struct erofs_node *dir, const char *name, size_t len,
                 uint64_t *nid);
/*
 * Entries from position pos on; emit returns false to stop. Positions are those of Linux: bytes of
 * the directory where the entry is.
 */
struct erofs_entry {
    uint64_t nid, next;
    const char *name;
    uint8_t len, type; /* DT_* */
};
int erofs_list(struct erofs_image *im, struct erofs_node *dir, uint64_t pos,
               bool (*emit)(void *arg, const struct erofs_entry *e), void *arg);

/* xattr.c: as getxattr(2) and listxattr(2). */
ssize_t erofs_getxattr(struct erofs_image *im, struct erofs_node *n, const char *name, void *buf,
                       size_t size);
ssize_t erofs_listxattr(struct erofs_image *im, struct erofs_node *n, char *buf, size_t size);

/* --- inside --- */
/* Metadata at pos, through a cache of pages. -EUCLEAN: the image ends before. */
int erofs_meta(struct erofs_image *im, uint64_t pos, void *buf, size_t len);
/* File contents of the image, all of them. */
int erofs_raw(struct erofs_image *im, uint64_t pos, void *buf, size_t len);

void erofs_prefixes_free(struct erofs_image *im);

struct erofs_zextent {
    uint64_t la, llen, pa;
    uint32_t plen;
    uint8_t algorithm;
    bool interlaced, fragment, meta;
};
int erofs_zmap(struct erofs_image *im, struct erofs_node *n, uint64_t off, struct erofs_zextent *e);
ssize_t erofs_zread(struct erofs_image *im, struct erofs_node *n, void *buf, size_t len,
                    uint64_t off);
void erofs_clusters_free(struct erofs_image *im);

#endif
