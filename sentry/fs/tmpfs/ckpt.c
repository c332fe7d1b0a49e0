/*
 * Checkpoints of tmpfs: the tree is complete in the directories' entries. Contents go to the pages
 * file without their holes and pages of zeros; small files are part of the record. A restored file
 * stays in the image until it is changed or mapped.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/fs/tmpfs/tmpfs.h"

#define INLINE_MAX 1024
#define SIZE_MAX_ 0x3fffffffffffffff /* FILE_MAX of data.c */
#define NAMES_MAX (1U << 24)
#define XATTRS_MAX 65536
#define XATTR_SIZE_MAX 65536
#define SEALS_ALL 0x3f

enum form { FORM_EMPTY, FORM_INLINE, FORM_PAGES };

/* --- superblocks --- */
static const struct ckpt_field super_fields[] = {
    CKPT_UINT(struct tmpfs_super, max_pages),
    CKPT_UINT(struct tmpfs_super, max_inodes),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct tmpfs_super, root_mode, .max = 07777),
};

const struct ckpt_type ckpt_tmpfs = {
    .name = "tmpfs",
    .id = CT_TMPFS,
    .version = 2,
    .size = sizeof(struct tmpfs_super),
    CKPT_TABLE(super_fields),
};
CKPT_TYPE_REGISTER(ckpt_tmpfs);
CKPT_SYMBOL("super_ops", "tmpfs", tmpfs_super_ops);
CKPT_SYMBOL("file_ops", "tmpfs directory", tmpfs_dir_file_ops);

const struct inode_ops *tmpfs_ops_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return &tmpfs_dir_ops;
    case S_IFREG:
        return &tmpfs_file_ops_inode;
    case S_IFLNK:
        return &tmpfs_link_ops;
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK:
        return &tmpfs_node_ops;
    default:
        return NULL;
    }
}

static const struct ckpt_field inode_fields[] = {
    CKPT_UINT_MAX(struct tmpfs_inode, seals, SEALS_ALL),
    CKPT_BOOL(struct tmpfs_inode, sealing),
    CKPT_STRING(struct tmpfs_inode, link, 4096),
    CKPT_UINT_MAX(struct tmpfs_inode, next_cookie, INT64_MAX),
};

/* --- names --- */
static void save_names(struct ckpt_writer *w, const struct tmpfs_inode *ti)
{
    const struct tmpfs_entry *e;

    ckpt_put_u32(w, (uint32_t)ti->nentries);
    list_for_each(e, &ti->entries, node) {
        ckpt_put_u64(w, e->cookie);
        ckpt_put_ref(w, &ckpt_inode, e->inode);
        ckpt_put_u8(w, e->len);
        ckpt_put_bytes(w, e->name, e->len);
    }
}

static bool plain_name(const char *name, size_t len)
{
    return len && !memchr(name, 0, len) && !memchr(name, '/', len) && strcmp(name, ".") &&
           strcmp(name, "..");
}

static void load_names(struct ckpt_reader *r, struct inode *dir)
{
    struct tmpfs_inode *ti = TMPFS_I(dir);
    uint32_t n = ckpt_get_count(r, NAMES_MAX, 14);
    uint64_t last = 1;

    for (; n && !ckpt_failed(r); n--) {
        uint64_t cookie = ckpt_get_u64(r);
        struct tmpfs_entry *e = calloc(1, sizeof(*e) + UINT8_MAX + 1);
        if (!e) {
            ckpt_bad(r, "out of memory");
            return;
        }
        ckpt_get_ref(r, &ckpt_inode, &e->inode);
        e->len = ckpt_get_u8(r);
        ckpt_get_bytes(r, e->name, e->len);
        e->dir = dir;
        e->cookie = cookie;
        list_add_tail(&ti->entries, &e->node);
        ti->nentries++;
        if (!plain_name(e->name, e->len))
            ckpt_bad(r, "a name that is none");
        else if (cookie <= last || cookie >= ti->next_cookie)
            ckpt_bad(r, "names out of order");
        last = cookie;
    }
}

/* NULL: the name is right. */
static const char *link_name(struct inode *dir, struct tmpfs_entry *e)
{
    struct inode *i = e->inode;

    if (!i || i->sb != dir->sb || i->ops != tmpfs_ops_of(i->mode))
        return "is a name of nothing";
    if (tmpfs_entry_restored(e))
        return "is there twice";
    if (!S_ISDIR(i->mode))
        return NULL;
    if (TMPFS_I(i)->parent || !dir->sb->root || i == dir->sb->root->inode)
        return "has two names";
    TMPFS_I(i)->parent = dir;
    return NULL;
}

static void link_names(struct ckpt_reader *r, struct inode *dir)
{
    struct tmpfs_entry *e;

    list_for_each(e, &TMPFS_I(dir)->entries, node) {
        const char *wrong = link_name(dir, e);
        if (wrong) {
            ckpt_bad(r, "'%s' %s", e->name, wrong);
            return;
        }
    }
}

/* --- extended attributes --- */
static void save_xattrs(struct ckpt_writer *w, const struct tmpfs_inode *ti)
{
    const struct tmpfs_xattr *x;
    uint32_t n = 0;

    list_for_each(x, &ti->xattrs, node)
        n++;
    ckpt_put_u32(w, n);
    list_for_each(x, &ti->xattrs, node) {
        ckpt_put_string(w, x->name);
        ckpt_put_u32(w, (uint32_t)x->size);
        ckpt_put_bytes(w, x->value, x->size);
    }
}

static void load_xattrs(struct ckpt_reader *r, struct tmpfs_inode *ti)
{
    uint32_t n = ckpt_get_count(r, XATTRS_MAX, 8);

    for (; n && !ckpt_failed(r); n--) {
        char *name = ckpt_get_string(r, UINT8_MAX);
        uint32_t size = ckpt_get_count(r, XATTR_SIZE_MAX, 1);
        struct tmpfs_xattr *x = name ? tmpfs_xattr_new(name, size) : NULL;
        if (!x) {
            ckpt_bad(r, "an attribute without a name, or too many");
            return;
        }
        ckpt_get_bytes(r, x->value, size);
        list_add_tail(&ti->xattrs, &x->node);
    }
}

/* --- contents --- */
static ssize_t peek(const void *arg, void *buf, size_t len, loff_t pos)
{
    return tmpfs_peek(arg, buf, len, pos);
}

static loff_t next_data(const void *arg, loff_t pos)
{
    const struct inode *i = arg;

    if (TMPFS_I(i)->memfd < 0)
        return pos;
    loff_t at = lseek(TMPFS_I(i)->memfd, pos, SEEK_DATA);
    return at >= 0 ? at : errno == ENXIO ? i->size : pos;
}

static void save_data(struct ckpt_writer *w, const struct inode *i)
{
    const struct tmpfs_inode *ti = TMPFS_I(i);
    bool memfd = ti->memfd >= 0 || (ti->image && ti->to_memfd);
    char small[INLINE_MAX];

    ckpt_put_u8(w, memfd);
    if (!i->size) {
        ckpt_put_u8(w, FORM_EMPTY);
    } else if (i->size <= INLINE_MAX && !memfd) {
        ckpt_put_u8(w, FORM_INLINE);
        if (tmpfs_peek(i, small, (size_t)i->size, 0) != i->size)
            ckpt_fail(w, -EIO);
        ckpt_put_bytes(w, small, (size_t)i->size);
    } else {
        const struct ckpt_contents_source source = {i, i->size, peek, next_data};
        ckpt_put_u8(w, FORM_PAGES);
        int err = ckpt_contents_save(w, &source);
        if (err)
            ckpt_fail(w, err);
    }
}

static void load_inline(struct ckpt_reader *r, struct inode *i)
{
    struct tmpfs_inode *ti = TMPFS_I(i);

    if (i->size > INLINE_MAX) {
        ckpt_bad(r, "a small file of %lld bytes", (long long)i->size);
        return;
    }
    ti->cap = (size_t)MAX(i->size, 1);
    ti->data = calloc(1, ti->cap);
    if (ti->data)
        ckpt_get_bytes(r, ti->data, (size_t)i->size);
    else
        ckpt_bad(r, "out of memory");
}

static void load_data(struct ckpt_reader *r, struct inode *i)
{
    TMPFS_I(i)->to_memfd = ckpt_get_u8(r);
    uint8_t form = ckpt_get_u8(r);

    if (i->size > SIZE_MAX_ || (form == FORM_EMPTY) != !i->size)
        ckpt_bad(r, "a file of %lld bytes", (long long)i->size);
    else if (form == FORM_INLINE)
        load_inline(r, i);
    else if (form == FORM_PAGES)
        TMPFS_I(i)->image = ckpt_contents_load(r, i->size);
    else if (form != FORM_EMPTY)
        ckpt_bad(r, "contents of kind %u", form);
}

/* --- inodes --- */
void tmpfs_save_inode(struct ckpt_writer *w, struct inode *i)
{
    const struct tmpfs_inode *ti = TMPFS_I(i);

    ckpt_put_fields(w, inode_fields, ARRAY_SIZE(inode_fields), ti);
    save_xattrs(w, ti);
    if (S_ISDIR(i->mode))
        save_names(w, ti);
    if (S_ISREG(i->mode))
        save_data(w, i);
}

void tmpfs_load_inode(struct ckpt_reader *r, struct inode *i, unsigned int version)
{
    struct tmpfs_inode *ti = calloc(1, sizeof(*ti));

    if (!ti) {
        ckpt_bad(r, "out of memory");
        return;
    }
    i->priv = ti;
    ti->memfd = -1;
    list_init(&ti->entries);
    list_init(&ti->xattrs);
    ckpt_get_fields(r, inode_fields, ARRAY_SIZE(inode_fields), ti, version);
    load_xattrs(r, ti);
    if (S_ISDIR(i->mode))
        load_names(r, i);
    if (S_ISREG(i->mode))
        load_data(r, i);
    if (S_ISLNK(i->mode) != (ti->link != NULL))
        ckpt_bad(r, "a symlink to nowhere");
}

void tmpfs_restore_inode(struct ckpt_reader *r, struct inode *i)
{
    const struct tmpfs_inode *ti = TMPFS_I(i);
    uint64_t all = PAGE_UP((uint64_t)i->size) / NV_PAGE_SIZE;
    uint64_t pages = ti->image && ti->to_memfd ? ckpt_contents_pages(ti->image) : all;
    bool had_all = i->blocks / 8 >= all;

    i->blocks = 0;
    tmpfs_inode_book_always(TMPFS_S(i->sb));
    /* Its pages of zeros, which are not in the image, come back when it is changed or mapped. */
    if (had_all && all > pages && !tmpfs_room(i, all))
        pages = all;
    if (S_ISREG(i->mode))
        tmpfs_book(i, pages);
    link_names(r, i);
}
