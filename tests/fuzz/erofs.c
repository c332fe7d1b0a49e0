/*
 * EROFS images: everything in them is looked at. The checksum is set right, so that changes of the
 * superblock are not in vain, and what is large in number is looked at up to a limit.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "sentry/fs/erofs/image.c"
#include "tests/fuzz/fuzz.h"

#define NODES_MAX 64
#define NAMES_MAX 400
#define READ_MAX 65536

struct memory {
    const uint8_t *p;
    size_t size;
};

static ssize_t read_memory(struct erofs_image *im, void *buf, size_t len, uint64_t off)
{
    const struct memory *m = im->arg;

    if (off >= m->size)
        return 0;
    len = MIN(len, m->size - off);
    memcpy(buf, m->p + off, len);
    return (ssize_t)len;
}

struct walk {
    struct erofs_image *im;
    uint64_t nids[NODES_MAX];
    int n, names;
    struct erofs_node dir;
};

static bool see(void *arg, const struct erofs_entry *e)
{
    struct walk *w = arg;
    uint64_t nid;

    REQUIRE(e->len && !memchr(e->name, '/', e->len) && !memchr(e->name, 0, e->len));
    char *name = malloc(e->len); /* exactly as long, so that reading on is found */
    memcpy(name, e->name, e->len);
    erofs_lookup(w->im, &w->dir, name, e->len, &nid);
    free(name);
    int i = 0;
    while (i < w->n && w->nids[i] != e->nid)
        i++;
    if (i == w->n && w->n < NODES_MAX)
        w->nids[w->n++] = e->nid;
    return ++w->names < NAMES_MAX;
}

static void look_at_data(struct erofs_image *im, struct erofs_node *n)
{
    static char buf[READ_MAX], again[READ_MAX];
    const uint64_t places[] = {0, n->size / 2, n->size > 100 ? n->size - 100 : 0, n->size - 1};

    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        struct erofs_extent e;
        ssize_t r = erofs_read(im, n, buf, READ_MAX, places[i]);
        REQUIRE(r <= READ_MAX);
        if (r > 0) { /* the same, by another way */
            ssize_t s = erofs_read(im, n, again, (size_t)r, places[i]);
            REQUIRE(s == r && !memcmp(buf, again, (size_t)r));
            REQUIRE(places[i] + (uint64_t)r <= n->size);
        }
        if (!erofs_is_compressed(n) && !erofs_map(im, n, places[i], &e))
            REQUIRE(e.len && e.len <= n->size - places[i]);
    }
}

static void look_at(struct walk *w, uint64_t nid)
{
    static char names[65536], value[65536];
    struct erofs_node n;

    if (erofs_node_read(w->im, nid, &n))
        return;
    ssize_t len = erofs_listxattr(w->im, &n, names, sizeof(names));
    for (ssize_t at = 0, seen = 0; at < len && seen < 50; at += (ssize_t)strlen(names + at) + 1)
        seen += erofs_getxattr(w->im, &n, names + at, value, sizeof(value)) != -ERANGE;
    if (n.size)
        look_at_data(w->im, &n);
    if (S_ISDIR(n.mode)) {
        w->dir = n;
        erofs_list(w->im, &n, 0, see, w);
        erofs_list(w->im, &n, n.size / 2, see, w);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[EROFS_WHY_MAX];
    uint8_t *image = malloc(size + 1);
    struct memory m = {image, size};
    struct erofs_image im = {.read = read_memory, .arg = &m};
    struct walk w = {.im = &im};

    memcpy(image, data, size);
    if (size > EROFS_SUPER_OFFSET + sizeof(struct erofs_disk_super)) {
        struct erofs_disk_super *d = (void *)(image + EROFS_SUPER_OFFSET);
        size_t block = d->blkszbits <= 12 ? 1U << d->blkszbits : 0;
        size_t len = block > EROFS_SUPER_OFFSET ? block - EROFS_SUPER_OFFSET : block;
        if (len >= 8 && size >= EROFS_SUPER_OFFSET + len) {
            d->checksum = 0;
            d->checksum = htole32(crc32c(~0U, image + EROFS_SUPER_OFFSET, len));
        }
    }
    if (!erofs_open(&im, why)) {
        w.nids[w.n++] = im.root_nid;
        if (im.packed_nid)
            w.nids[w.n++] = im.packed_nid;
        for (int i = 0; i < w.n; i++)
            look_at(&w, w.nids[i]);
    }
    erofs_close(&im);
    free(image);
    return 0;
}
