/*
 * Mapping files straight from the image: sandboxes then share its pages in the host's page cache.
 *
 * A stub that maps a piece of the image can map all of it (mremap(2), and the descriptor while it
 * has it). So only processes get it that may read all of the image: those of users who override
 * permissions, and everybody when there is nothing in the image that not all may read. Others map
 * copies in memory.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/fs/erofs/erofs.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/acl.h"

#define SCAN_MAX (1U << 20) /* names that are looked at */
#define CHUNKS_MAX 65536U   /* of a file, that are compared */
#define YIELD_EVERY 1024U

/* --- is there anything that not all may read? --- */
struct scan {
    struct erofs_image *im;
    uint64_t *dirs; /* still to be listed */
    size_t ndirs, cap;
    uint32_t seen;
    bool is_public;
    int err;
    uint64_t *batch; /* nids of the directory at hand */
    size_t nbatch, batch_cap;
};

static bool push(uint64_t **v, size_t *n, size_t *cap, uint64_t nid)
{
    if (*n == *cap) {
        size_t more = *cap ? *cap * 2 : 256;
        uint64_t *grown = reallocarray(*v, more, sizeof(**v));
        if (!grown)
            return false;
        *v = grown;
        *cap = more;
    }
    (*v)[(*n)++] = nid;
    return true;
}

static bool scan_name(void *arg, const struct erofs_entry *e)
{
    struct scan *s = arg;

    if ((e->len == 1 && e->name[0] == '.') || (e->len == 2 && !memcmp(e->name, "..", 2)))
        return true;
    if (++s->seen > SCAN_MAX || !push(&s->batch, &s->nbatch, &s->batch_cap, e->nid))
        s->err = -E2BIG;
    return !s->err;
}

/* Or lists, which may keep out some of those whom the mode lets in. */
static bool has_limits(struct erofs_image *im, struct erofs_node *n)
{
    cleanup_free char *names = n->xattr_len ? malloc(65536) : NULL;
    ssize_t len = names ? erofs_listxattr(im, n, names, 65536) : n->xattr_len ? -ENOMEM : 0;

    for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1)
        if (!strncmp(names + at, "trusted.", 8) || !strcmp(names + at, ACL_ACCESS))
            return true;
    return len < 0;
}

static void scan_node(struct scan *s, uint64_t nid)
{
    struct erofs_node n;
    unsigned int others;

    s->err = erofs_node_read(s->im, nid, &n);
    if (s->err)
        return;
    others = n.mode & 7;
    if ((S_ISREG(n.mode) && n.size && !(others & 4)) || (S_ISDIR(n.mode) && (others & 5) != 5) ||
        has_limits(s->im, &n))
        s->is_public = false;
    else if (S_ISDIR(n.mode) && !push(&s->dirs, &s->ndirs, &s->cap, nid))
        s->err = -ENOMEM;
}

static bool scan_all(struct erofs_image *im)
{
    struct scan s = {.im = im, .is_public = true};
    struct erofs_node dir;
    uint32_t since = 0;

    scan_node(&s, im->root_nid);
    while (!s.err && s.is_public && s.ndirs) {
        s.err = erofs_node_read(im, s.dirs[--s.ndirs], &dir);
        s.nbatch = 0;
        if (!s.err)
            s.err = erofs_list(im, &dir, 0, scan_name, &s);
        for (size_t i = 0; i < s.nbatch && !s.err && s.is_public; i++) {
            scan_node(&s, s.batch[i]);
            if (++since % YIELD_EVERY == 0 && fiber_current())
                fiber_yield();
        }
    }
    free(s.dirs);
    free(s.batch);
    return s.is_public && !s.err;
}

static bool is_public(struct erofs_super *s)
{
    if (s->is_public == PUBLIC_UNKNOWN)
        s->is_public = scan_all(&s->im) ? PUBLIC_YES : PUBLIC_NO;
    return s->is_public == PUBLIC_YES;
}

static bool reads_all(const struct cred *c)
{
    return c && (cred_capable(c, CAP_DAC_READ_SEARCH) || cred_capable(c, CAP_DAC_OVERRIDE));
}

/* By who has opened it, so that the answer for one file stays the same. Does not park. */
bool erofs_maps_directly(const struct file *f)
{
    const struct erofs_super *s = EROFS_S(f->inode->sb);
    const struct erofs_inode *ei = EROFS_I(f->inode);

    return s->fd >= 0 && ei->direct_known && ei->direct_len &&
           (reads_all(f->cred) || s->is_public == PUBLIC_YES);
}

/*
 * What is known of f afterwards does not change any more. A file that somebody else has opened is
 * another one for the areas of who may not map it directly.
 */
struct file *erofs_map_as(struct task *t, struct file *f)
{
    struct erofs_super *s = EROFS_S(f->inode->sb);
    bool all = reads_all(f->cred) && (!t || reads_all(t->cred));

    if (erofs_direct(f->inode) || s->fd < 0 || !EROFS_I(f->inode)->direct_len || all ||
        is_public(s) || !reads_all(f->cred))
        return file_get(f);
    struct file *own = file_new(f->ops, f->inode, &f->path, f->flags);
    if (own)
        own->cred = cred_get(t->cred);
    return own;
}

/* --- where it is --- */
/* The bytes from the file's beginning on that are in one piece, at *pos. */
static int contiguous(struct erofs_image *im, const struct erofs_node *n, uint64_t *pos,
                      uint64_t *len)
{
    struct erofs_extent e;
    uint64_t at = 0;

    for (unsigned int i = 0; at < n->size && i < CHUNKS_MAX; i++, at += e.len) {
        int err = erofs_map(im, n, at, &e);
        if (err)
            return err;
        if (!at)
            *pos = e.pos;
        if (e.hole || e.pos != *pos + at)
            break;
    }
    *len = at;
    return 0;
}

int erofs_direct(struct inode *i)
{
    struct erofs_inode *ei = EROFS_I(i);
    uint64_t pos = 0, len = 0;
    int err = erofs_load(i);

    if (err || ei->direct_known)
        return err;
    if (S_ISREG(i->mode) && !erofs_is_compressed(&ei->node))
        err = contiguous(&EROFS_S(i->sb)->im, &ei->node, &pos, &len);
    if (err)
        return err;
    ei->direct_pos = pos;
    ei->direct_len = pos % NV_PAGE_SIZE ? 0 : len & ~(uint64_t)(NV_PAGE_SIZE - 1);
    ei->direct_known = true;
    return 0;
}
