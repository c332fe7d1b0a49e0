/*
 * EROFS: a read-only file system in one file, which is a descriptor that the CLI has opened, or a
 * file of a guest (mount(2) with a regular file as source). Nothing of the image is mapped by the
 * sentry: whoever cuts it short gets errors.
 */
#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/strbuf.h"
#include "sentry/fs/erofs/erofs.h"
#include "sentry/fs/fs.h"
#include "sentry/ipc/pipe.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/task.h"

/* --- the image --- */
struct cold {
    int fd;
    void *buf;
    size_t len;
    off_t off;
};

static long read_cold(void *arg)
{
    const struct cold *c = arg;
    ssize_t n = pread(c->fd, c->buf, c->len, c->off);

    return n < 0 ? -errno : n;
}

/* What is not in the host's page cache is read by a worker. */
static ssize_t read_fd(struct erofs_image *im, void *buf, size_t len, uint64_t off)
{
    const struct erofs_super *s = im->arg;
    struct cold c = {s->fd, buf, len, (off_t)off};
    struct iovec iov = {buf, len};
    ssize_t n = preadv2(s->fd, &iov, 1, (off_t)off, RWF_NOWAIT);

    if (n >= 0)
        return n;
    if (errno != EAGAIN && errno != EOPNOTSUPP)
        return -errno;
    return fiber_current() ? worker_call(read_cold, &c) : read_cold(&c);
}

static ssize_t read_file(struct erofs_image *im, void *buf, size_t len, uint64_t off)
{
    const struct erofs_super *s = im->arg;

    return file_read_kernel(NULL, s->file, buf, len, (loff_t)off);
}

void erofs_attach_source(struct erofs_super *s)
{
    s->im.arg = s;
    s->im.read = s->file ? read_file : read_fd;
}

int erofs_depth(const struct file *f)
{
    int depth = 0;

    while (f && depth <= EROFS_STACK_MAX) {
        const struct superblock *sb = f->inode->sb;
        depth++;
        f = sb && sb->ops == &erofs_super_ops && sb->priv ? EROFS_S(sb)->file : NULL;
    }
    return depth;
}

int erofs_ready(struct erofs_super *s)
{
    char why[EROFS_WHY_MAX];

    if (s->opened)
        return 0;
    int err = erofs_open(&s->im, why);
    s->opened = !err;
    return err;
}

/* --- inodes --- */
static uint32_t nid_hash(uint64_t nid)
{
    return (uint32_t)(nid * 0x9e3779b97f4a7c15ULL >> 32);
}

struct inode *erofs_known(struct superblock *sb, uint64_t nid)
{
    struct erofs_inode *ei;

    hash_for_each(ei, &EROFS_S(sb)->nodes, nid_hash(nid), by_nid)
    {
        if (ei->inode->ino == nid)
            return ei->inode;
    }
    return NULL;
}

void erofs_remember(struct inode *i)
{
    EROFS_I(i)->inode = i;
    hash_add(&EROFS_S(i->sb)->nodes, &EROFS_I(i)->by_nid, nid_hash(i->ino));
}

static void apply(struct inode *i, const struct erofs_node *n)
{
    struct ktime time = {n->mtime, n->mtime_nsec};

    i->mode = n->mode;
    i->nlink = n->nlink;
    i->uid = n->uid;
    i->gid = n->gid;
    i->rdev = (dev_t)n->rdev;
    i->size = (loff_t)n->size;
    i->blocks = n->blocks;
    i->atime = i->mtime = i->ctime = time;
}

int erofs_load(struct inode *i)
{
    struct erofs_inode *ei = EROFS_I(i);
    int err = erofs_ready(EROFS_S(i->sb));

    if (err || ei->loaded)
        return err;
    cleanup_free struct erofs_node *n = malloc(sizeof(*n));
    err = n ? erofs_node_read(&EROFS_S(i->sb)->im, i->ino, n) : -ENOMEM;
    if (!err && (n->mode ^ i->mode) & S_IFMT)
        err = -EUCLEAN; /* cppcheck-suppress memleak ; freed by its attribute */
    if (err || ei->loaded)
        return err;
    ei->node = *n;
    ei->loaded = true;
    apply(i, n);
    return 0;
}

int erofs_iget(struct superblock *sb, uint64_t nid, struct inode **out)
{
    struct erofs_super *s = EROFS_S(sb);
    struct inode *i = erofs_known(sb, nid);
    struct erofs_inode *ei;

    if (i) {
        *out = inode_get(i);
        return 0;
    }
    ei = calloc(1, sizeof(*ei));
    int err = ei ? erofs_node_read(&s->im, nid, &ei->node) : -ENOMEM;
    i = err ? NULL : erofs_known(sb, nid); /* another fiber was faster */
    if (err || i) {
        free(ei);
        *out = i ? inode_get(i) : NULL;
        return err;
    }
    i = inode_new(sb, &erofs_inode_ops, ei->node.mode);
    if (!i) {
        free(ei);
        return -ENOMEM;
    }
    i->priv = ei;
    i->ino = nid;
    ei->loaded = true;
    apply(i, &ei->node);
    erofs_remember(i);
    *out = i;
    return 0;
}

static void erofs_evict(struct inode *i)
{
    struct erofs_inode *ei = EROFS_I(i);

    hash_del(&EROFS_S(i->sb)->nodes, &ei->by_nid);
    if (i->pipe)
        pipe_inode_evicted(i);
    if (ei->whole)
        file_put(ei->whole);
    if (ei->tail)
        file_put(ei->tail);
    erofs_acls_free(ei);
    free(ei);
}

/* A directory has one name: an image can be made in which it has two, or is in itself. */
static bool has_other_name(const struct inode *i, const struct dentry *d)
{
    const struct dentry *other = S_ISDIR(i->mode) ? inode_dentry(i) : NULL;

    return other && other != d && (other->hashed || other->parent == other);
}

static int erofs_lookup_dentry(struct task *t, struct inode *dir, struct dentry *d)
{
    struct inode *i;
    uint64_t nid;
    int err = erofs_load(dir);

    if (!err)
        err = erofs_lookup(&EROFS_S(dir->sb)->im, &EROFS_I(dir)->node, d->name, d->name_len, &nid);
    if (err)
        return err == -ENOENT ? 0 : err;
    err = erofs_iget(dir->sb, nid, &i);
    if (err)
        return err;
    if (has_other_name(i, d)) {
        inode_put(i);
        return -ELOOP;
    }
    dentry_set_inode(d, i);
    return 0;
}

static int erofs_readlink(struct task *t, struct inode *i, char **out)
{
    if (!S_ISLNK(i->mode))
        return -EINVAL;
    int err = erofs_load(i);
    if (err)
        return err;
    struct erofs_node *n = &EROFS_I(i)->node;
    if (!n->size || n->size >= NV_PAGE_SIZE)
        return -EUCLEAN;
    char *link = calloc(1, n->size + 1);
    ssize_t len = link ? erofs_read(&EROFS_S(i->sb)->im, n, link, n->size, 0) : -ENOMEM;
    if (len >= 0 && strlen(link) != (size_t)i->size)
        len = -EUCLEAN;
    if (len < 0) {
        free(link);
        return (int)len;
    }
    *out = link;
    return 0;
}

static ssize_t erofs_get_attr(struct task *t, struct inode *i, const char *name, void *buf,
                              size_t size)
{
    int err = erofs_load(i);

    return err ? err : erofs_getxattr(&EROFS_S(i->sb)->im, &EROFS_I(i)->node, name, buf, size);
}

static ssize_t erofs_list_attrs(struct task *t, struct inode *i, char *buf, size_t size)
{
    int err = erofs_load(i);

    return err ? err : erofs_listxattr(&EROFS_S(i->sb)->im, &EROFS_I(i)->node, buf, size);
}

const struct inode_ops erofs_inode_ops = {
    .lookup = erofs_lookup_dentry,
    .readlink = erofs_readlink,
    .open = erofs_open_inode,
    .getxattr = erofs_get_attr,
    .listxattr = erofs_list_attrs,
    .acl = erofs_acl,
};

/* --- the file system --- */
static int erofs_statfs(struct task *t, struct superblock *sb, struct statfs *st)
{
    const struct erofs_image *im = &EROFS_S(sb)->im;
    uint64_t id[2];

    int err = erofs_ready(EROFS_S(sb));
    if (err)
        return err;
    memcpy(id, im->uuid, sizeof(id));
    id[0] ^= id[1];
    st->f_bsize = st->f_frsize = 1L << im->blkbits;
    st->f_blocks = im->blocks;
    st->f_files = UINT64_MAX;
    st->f_ffree = UINT64_MAX - im->inos;
    memcpy(&st->f_fsid, id, sizeof(st->f_fsid));
    return 0;
}

static void erofs_put_super(struct superblock *sb)
{
    struct erofs_super *s = EROFS_S(sb);

    erofs_close(&s->im);
    if (s->file)
        file_put(s->file);
    hash_free(&s->nodes);
    free(s);
}

static void erofs_show_options(struct superblock *sb, struct strbuf *out)
{
    strbuf_puts(out, EROFS_S(sb)->noacl ? ",user_xattr,noacl" : ",user_xattr,acl");
    strbuf_puts(out, ",cache_strategy=readaround");
}

const struct super_ops erofs_super_ops = {
    .evict = erofs_evict,
    .statfs = erofs_statfs,
    .put_super = erofs_put_super,
    .show_options = erofs_show_options,
    .priv_type = &ckpt_erofs,
    .inode_ops = erofs_ops_of,
    .load_inode = erofs_load_inode,
    .restore_inode = erofs_restore_inode,
};

static int add_root(struct superblock *sb)
{
    struct inode *root;
    int err = erofs_iget(sb, EROFS_S(sb)->im.root_nid, &root);

    if (err)
        return err;
    if (!S_ISDIR(root->mode)) {
        inode_put(root);
        return -EUCLEAN;
    }
    return dentry_new_root(sb, root) ? 0 : -ENOMEM;
}

int erofs_new(const struct erofs_params *p, struct superblock **out, char *why)
{
    struct erofs_super *s = calloc(1, sizeof(*s));
    struct stat st;

    snprintf(why, EROFS_WHY_MAX, "no memory");
    if (!s)
        return -ENOMEM;
    s->fd = p->fd;
    s->export_index = (uint16_t)p->export_index;
    s->file = p->file ? file_get(p->file) : NULL;
    erofs_attach_source(s);
    if (!s->file && !fstat(s->fd, &st)) {
        s->size = (uint64_t)st.st_size;
        s->mtime_sec = (uint64_t)st.st_mtim.tv_sec;
        s->mtime_nsec = (uint32_t)st.st_mtim.tv_nsec;
    }
    int err = erofs_open(&s->im, why);
    struct superblock *sb = err ? NULL : super_new(&erofs_super_ops, "erofs", EROFS_MAGIC, s);
    if (!sb) {
        erofs_close(&s->im);
        if (s->file)
            file_put(s->file);
        free(s);
        return err ? err : -ENOMEM;
    }
    s->opened = true;
    memcpy(s->uuid, s->im.uuid, sizeof(s->uuid));
    s->checksum = s->im.checksum;
    sb->readonly = true;
    err = add_root(sb);
    if (err) {
        snprintf(why, EROFS_WHY_MAX, "its root directory cannot be read");
        super_put(sb);
        return err;
    }
    *out = sb;
    return 0;
}

int erofs_new_from_cli(int fd, unsigned int export_index, struct superblock **out)
{
    const struct erofs_params p = {.fd = fd, .export_index = export_index};
    char why[EROFS_WHY_MAX];
    int err = erofs_new(&p, out, why);

    if (err)
        log_warn("the EROFS image cannot be used: %s", why);
    return err;
}
