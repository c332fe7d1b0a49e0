/* tmpfs: the tree of names, inodes and their attributes: tmpfs(5). */
#include "sentry/fs/tmpfs/tmpfs.h"

#include <errno.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "sentry/fs/fs.h"
#include "sentry/ipc/pipe.h"
#include "sentry/kernel/task.h"

#define DIRENT_SIZE 20

static struct hash table;

static uint32_t entry_hash(const struct inode *dir, const char *name, size_t len)
{
    uint64_t h = (uint64_t)dir >> 4;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)name[i]) * 0x100000001b3ULL;
    return (uint32_t)(h ^ h >> 32);
}

static struct tmpfs_entry *entry_find(struct inode *dir, const char *name, size_t len)
{
    struct tmpfs_entry *e;

    hash_for_each(e, &table, entry_hash(dir, name, len), in_hash)
    {
        if (e->dir == dir && e->len == len && !memcmp(e->name, name, len))
            return e;
    }
    return NULL;
}

/* Takes a reference on i. */
static int entry_add(struct inode *dir, const struct dentry *d, struct inode *i)
{
    struct tmpfs_inode *ti = TMPFS_I(dir);
    struct tmpfs_entry *e = calloc(1, sizeof(*e) + d->name_len + 1UL);

    if (!e)
        return -ENOMEM;
    e->dir = dir;
    e->inode = inode_get(i);
    e->len = d->name_len;
    memcpy(e->name, d->name, d->name_len);
    e->cookie = ti->next_cookie++;
    hash_add(&table, &e->in_hash, entry_hash(dir, d->name, d->name_len));
    list_add_tail(&ti->entries, &e->node);
    ti->nentries++;
    dir->size += DIRENT_SIZE;
    inode_touch(dir, true, false);
    return 0;
}

int tmpfs_entry_restored(struct tmpfs_entry *e)
{
    if (entry_find(e->dir, e->name, e->len))
        return -EEXIST;
    hash_add(&table, &e->in_hash, entry_hash(e->dir, e->name, e->len));
    return 0;
}

static void entry_unlink(struct tmpfs_entry *e)
{
    hash_del(&table, &e->in_hash);
    list_del(&e->node);
    TMPFS_I(e->dir)->nentries--;
    e->dir->size -= DIRENT_SIZE;
    inode_touch(e->dir, true, false);
}

static void entry_del(struct tmpfs_entry *e)
{
    entry_unlink(e);
    inode_put(e->inode);
    free(e);
}

/* The names of a directory that goes as a whole: level by level, a tree may be very deep. */
static void drop_entries(struct tmpfs_inode *ti)
{
    static struct list dropped = LIST_INIT(dropped);
    static bool dropping;
    struct tmpfs_entry *e, *tmp;

    list_for_each_safe(e, tmp, &ti->entries, node) {
        entry_unlink(e);
        list_add_tail(&dropped, &e->node);
    }
    if (dropping)
        return;
    dropping = true;
    while (!list_empty(&dropped)) {
        e = list_first(&dropped, struct tmpfs_entry, node);
        list_del(&e->node);
        inode_put(e->inode);
        free(e);
    }
    dropping = false;
}

/* --- inodes --- */
struct inode *tmpfs_inode_new(struct superblock *sb, mode_t mode, dev_t rdev)
{
    struct tmpfs_super *s = TMPFS_S(sb);

    /* Removed directories are kept by what the cache knows not to be in them. */
    if (!tmpfs_inode_book(s)) {
        dentry_drop_unused(sb);
        if (!tmpfs_inode_book(s))
            return NULL;
    }
    struct tmpfs_inode *ti = calloc(1, sizeof(*ti));
    struct inode *i = ti ? inode_new(sb, tmpfs_ops_of(mode), mode) : NULL;
    if (!i) {
        free(ti);
        tmpfs_inode_unbook(s);
        return NULL;
    }
    i->rdev = rdev;
    i->priv = ti;
    ti->memfd = -1;
    ti->next_cookie = 2;
    list_init(&ti->entries);
    list_init(&ti->xattrs);
    if (S_ISDIR(mode)) {
        i->nlink = 2;
        i->size = 2 * DIRENT_SIZE;
    }
    return i;
}

static void tmpfs_evict(struct inode *i)
{
    struct tmpfs_inode *ti = TMPFS_I(i);

    drop_entries(ti);
    tmpfs_data_free(i);
    tmpfs_xattrs_free(i);
    if (i->pipe)
        pipe_inode_evicted(i);
    free(ti->link);
    free(ti);
    tmpfs_inode_unbook(TMPFS_S(i->sb));
}

/* A new object in dir: owner and set-group-id as mkdir(2) and open(2) say. */
static int make(struct task *t, struct inode *dir, struct dentry *d, mode_t mode, dev_t rdev,
                struct inode **out)
{
    if (!dir->nlink)
        return -ENOENT; /* removed */
    struct inode *i = tmpfs_inode_new(dir->sb, mode, rdev);
    if (!i)
        return -ENOSPC;
    i->uid = t->cred->fsuid;
    i->gid = t->cred->fsgid;
    if (dir->mode & S_ISGID) {
        i->gid = dir->gid;
        if (S_ISDIR(mode))
            i->mode |= S_ISGID;
    }
    int err = entry_find(dir, d->name, d->name_len) ? -EEXIST : entry_add(dir, d, i);
    if (err) {
        inode_put(i);
        return err;
    }
    TMPFS_I(i)->parent = dir;
    dentry_set_inode(d, i);
    if (out)
        *out = i;
    return 0;
}

static int tmpfs_lookup(struct task *t, struct inode *dir, struct dentry *d)
{
    struct tmpfs_entry *e = entry_find(dir, d->name, d->name_len);

    if (e)
        dentry_set_inode(d, inode_get(e->inode));
    return 0;
}

static int tmpfs_create(struct task *t, struct inode *dir, struct dentry *d, mode_t mode)
{
    return make(t, dir, d, mode, 0, NULL);
}

static int tmpfs_mkdir(struct task *t, struct inode *dir, struct dentry *d, mode_t mode)
{
    int err = make(t, dir, d, mode, 0, NULL);

    if (!err)
        dir->nlink++;
    return err;
}

static int tmpfs_mknod(struct task *t, struct inode *dir, struct dentry *d, mode_t mode, dev_t rdev)
{
    return make(t, dir, d, mode, rdev, NULL);
}

static int tmpfs_symlink(struct task *t, struct inode *dir, struct dentry *d, const char *target)
{
    char *copy = strdup(target);
    struct inode *i;

    if (!copy)
        return -ENOMEM;
    int err = make(t, dir, d, S_IFLNK | 0777, 0, &i);
    if (err) {
        free(copy);
        return err;
    }
    TMPFS_I(i)->link = copy;
    i->size = (loff_t)strlen(copy);
    return 0;
}

static int tmpfs_link(struct task *t, struct dentry *old, struct inode *dir, struct dentry *d)
{
    struct inode *i = old->inode;

    if (!dir->nlink)
        return -ENOENT;
    int err = entry_add(dir, d, i);
    if (err)
        return err;
    i->nlink++;
    i->ctime = ktime_now();
    dentry_set_inode(d, inode_get(i));
    return 0;
}

static int remove_name(struct inode *dir, struct dentry *d)
{
    struct tmpfs_entry *e = entry_find(dir, d->name, d->name_len);

    if (!e || e->inode != d->inode)
        return -ENOENT;
    d->inode->ctime = ktime_now();
    entry_del(e);
    return 0;
}

static int tmpfs_unlink(struct task *t, struct inode *dir, struct dentry *d)
{
    int err = remove_name(dir, d);

    if (!err)
        d->inode->nlink--;
    return err;
}

static int tmpfs_rmdir(struct task *t, struct inode *dir, struct dentry *d)
{
    if (TMPFS_I(d->inode)->nentries)
        return -ENOTEMPTY;
    int err = remove_name(dir, d);
    if (!err) {
        d->inode->nlink = 0;
        dir->nlink--;
    }
    return err;
}

static void moved_dir(struct inode *i, struct inode *from, struct inode *to)
{
    if (!S_ISDIR(i->mode) || from == to)
        return;
    from->nlink--;
    to->nlink++;
    TMPFS_I(i)->parent = to;
}

static int exchange(struct inode *odir, struct dentry *od, struct inode *ndir, struct dentry *nd)
{
    struct tmpfs_entry *a = entry_find(odir, od->name, od->name_len);
    struct tmpfs_entry *b = entry_find(ndir, nd->name, nd->name_len);

    if (!a || !b)
        return -ENOENT;
    struct inode *i = a->inode;
    a->inode = b->inode;
    b->inode = i;
    moved_dir(b->inode, odir, ndir);
    moved_dir(a->inode, ndir, odir);
    return 0;
}

static int tmpfs_rename(struct task *t, struct inode *odir, struct dentry *od, struct inode *ndir,
                        struct dentry *nd, unsigned int flags)
{
    if (flags & RENAME_EXCHANGE)
        return exchange(odir, od, ndir, nd);
    struct tmpfs_entry *old = entry_find(odir, od->name, od->name_len);
    if (!old)
        return -ENOENT;
    struct inode *i = old->inode, *wh = NULL;
    if (nd->inode && S_ISDIR(nd->inode->mode) && TMPFS_I(nd->inode)->nentries)
        return -ENOTEMPTY;
    if (flags & RENAME_WHITEOUT) {
        wh = tmpfs_inode_new(odir->sb, S_IFCHR, makedev(0, 0));
        if (!wh)
            return -ENOSPC;
    }
    if (nd->inode) {
        int err = S_ISDIR(nd->inode->mode) ? tmpfs_rmdir(t, ndir, nd) : tmpfs_unlink(t, ndir, nd);
        if (err) {
            inode_put(wh);
            return err;
        }
    }
    int err = entry_add(ndir, nd, i);
    if (err) {
        inode_put(wh);
        return err;
    }
    entry_del(old);
    i->ctime = ktime_now();
    moved_dir(i, odir, ndir);
    if (wh) {
        entry_add(odir, od, wh);
        inode_put(wh);
    }
    return 0;
}

static int tmpfs_readlink(struct task *t, struct inode *i, char **out)
{
    *out = strdup(TMPFS_I(i)->link);
    return *out ? 0 : -ENOMEM;
}

static int tmpfs_tmpfile(struct task *t, struct inode *dir, mode_t mode, struct inode **out)
{
    struct inode *i = tmpfs_inode_new(dir->sb, mode, 0);

    if (!i)
        return -ENOSPC;
    i->uid = t->cred->fsuid;
    i->gid = dir->mode & S_ISGID ? dir->gid : t->cred->fsgid;
    i->nlink = 0;
    *out = i;
    return 0;
}

int tmpfs_setattr(struct task *t, struct dentry *d, const struct setattr *a)
{
    struct inode *i = d->inode;

    if ((a->mask & SETATTR_MODE) && (TMPFS_I(i)->seals & F_SEAL_EXEC) && (i->mode ^ a->mode) & 0111)
        return -EPERM;
    if (a->mask & SETATTR_SIZE) {
        int err = tmpfs_truncate(i, a->size);
        if (err)
            return err;
    }
    inode_apply_mode(i, a);
    if (a->mask & SETATTR_ATIME)
        i->atime = a->atime;
    if (a->mask & SETATTR_MTIME)
        i->mtime = a->mtime;
    if (a->mask & SETATTR_CTIME)
        i->ctime = a->ctime;
    return 0;
}

/* --- directories --- */
static int dir_readdir(struct task *t, struct file *f, struct dir_context *c)
{
    struct inode *dir = f->inode;
    struct tmpfs_entry *e;

    if (c->pos == 0 && !c->emit(c, ".", 1, 1, dir->ino, 4))
        return 0;
    if (c->pos <= 1) {
        struct inode *up = TMPFS_I(dir)->parent;
        if (!c->emit(c, "..", 2, 2, up ? up->ino : dir->ino, 4))
            return 0;
    }
    list_for_each(e, &TMPFS_I(dir)->entries, node) {
        if ((loff_t)e->cookie < c->pos)
            continue;
        if (!c->emit(c, e->name, e->len, (loff_t)e->cookie + 1, e->inode->ino,
                     (unsigned char)(e->inode->mode >> 12)))
            break;
    }
    return 0;
}

static int dir_restore(struct file *f)
{
    return f->inode->ops == &tmpfs_dir_ops ? 0 : -EINVAL;
}

const struct file_ops tmpfs_dir_file_ops = {
    .kind = "tmpfs directory",
    .readdir = dir_readdir,
    .llseek = dir_llseek,
    .restore = dir_restore,
};

int tmpfs_open(struct task *t, struct inode *i, const struct path *p, int flags, struct file **out)
{
    *out = file_new(S_ISDIR(i->mode) ? &tmpfs_dir_file_ops : &tmpfs_file_ops, i, p, flags);
    return *out ? 0 : file_new_error();
}

#define COMMON_OPS                                                                                 \
    .setattr = tmpfs_setattr, .getxattr = tmpfs_getxattr, .setxattr = tmpfs_setxattr,              \
    .listxattr = tmpfs_listxattr, .removexattr = tmpfs_removexattr

#define WITH_ACL .acl = tmpfs_acl

const struct inode_ops tmpfs_dir_ops = {
    .lookup = tmpfs_lookup,
    .create = tmpfs_create,
    .mkdir = tmpfs_mkdir,
    .mknod = tmpfs_mknod,
    .symlink = tmpfs_symlink,
    .link = tmpfs_link,
    .unlink = tmpfs_unlink,
    .rmdir = tmpfs_rmdir,
    .rename = tmpfs_rename,
    .open = tmpfs_open,
    .tmpfile = tmpfs_tmpfile,
    COMMON_OPS,
    WITH_ACL,
};
const struct inode_ops tmpfs_file_ops_inode = {.open = tmpfs_open, COMMON_OPS, WITH_ACL};
const struct inode_ops tmpfs_link_ops = {.readlink = tmpfs_readlink, COMMON_OPS};
const struct inode_ops tmpfs_node_ops = {COMMON_OPS, WITH_ACL};

/* --- the file system --- */
static int tmpfs_statfs(struct task *t, struct superblock *sb, struct statfs *st)
{
    struct tmpfs_super *s = TMPFS_S(sb);

    st->f_blocks = s->max_pages ? s->max_pages : tmpfs_total_max();
    st->f_bfree = st->f_bavail = tmpfs_free_pages(s);
    st->f_files = s->max_inodes;
    st->f_ffree = s->max_inodes ? s->max_inodes - s->inodes : 0;
    return 0;
}

static void tmpfs_show_options(struct superblock *sb, struct strbuf *out)
{
    const struct tmpfs_super *s = TMPFS_S(sb);
    const struct inode *root = sb->root->inode;

    if (s->max_pages && s->max_pages != tmpfs_total_max())
        strbuf_printf(out, ",size=%luk", (unsigned long)(s->max_pages * (NV_PAGE_SIZE / 1024)));
    if (s->max_inodes && s->max_inodes != tmpfs_total_max())
        strbuf_printf(out, ",nr_inodes=%lu", (unsigned long)s->max_inodes);
    if (s->root_mode && s->root_mode != 01777)
        strbuf_printf(out, ",mode=%03o", s->root_mode);
    if (root->uid)
        strbuf_printf(out, ",uid=%u", root->uid);
    if (root->gid)
        strbuf_printf(out, ",gid=%u", root->gid);
}

static void tmpfs_put_super(struct superblock *sb)
{
    free(sb->priv);
}

const struct super_ops tmpfs_super_ops = {
    .evict = tmpfs_evict,
    .statfs = tmpfs_statfs,
    .put_super = tmpfs_put_super,
    .show_options = tmpfs_show_options,
    .priv_type = &ckpt_tmpfs,
    .inode_ops = tmpfs_ops_of,
    .save_inode = tmpfs_save_inode,
    .load_inode = tmpfs_load_inode,
    .restore_inode = tmpfs_restore_inode,
    .adopt = tmpfs_anon_adopt,
};

int tmpfs_new_with(const struct tmpfs_params *p, struct superblock **out)
{
    struct tmpfs_super *s = calloc(1, sizeof(*s));
    struct superblock *sb = s ? super_new(&tmpfs_super_ops, p->is_ramfs ? "ramfs" : "tmpfs",
                                          p->is_ramfs ? RAMFS_MAGIC : TMPFS_MAGIC, s)
                              : NULL;

    if (!sb) {
        free(s);
        return -ENOMEM;
    }
    s->max_pages = p->size / NV_PAGE_SIZE + (p->size % NV_PAGE_SIZE != 0);
    s->max_inodes = p->inodes;
    s->root_mode = p->mode;
    sb->next_ino = 1;
    struct inode *root = tmpfs_inode_new(sb, S_IFDIR | p->mode, 0);
    if (!root || !dentry_new_root(sb, root)) {
        super_put(sb);
        return -ENOSPC;
    }
    root->uid = p->uid;
    root->gid = p->gid;
    *out = sb;
    return 0;
}

int tmpfs_new(uint64_t size_bytes, uint64_t inodes, mode_t root_mode, struct superblock **out)
{
    const struct tmpfs_params p = {.size = size_bytes, .inodes = inodes, .mode = root_mode};

    return tmpfs_new_with(&p, out);
}

int tmpfs_resize(struct superblock *sb, const uint64_t *size, const uint64_t *inodes)
{
    struct tmpfs_super *s = TMPFS_S(sb);
    uint64_t pages = size ? *size / NV_PAGE_SIZE + (*size % NV_PAGE_SIZE != 0) : s->max_pages;
    uint64_t max_inodes = inodes ? *inodes : s->max_inodes;

    if ((pages && s->pages > pages) || (max_inodes && s->inodes > max_inodes))
        return -EINVAL;
    /* From no limit to one there is no way: shmem_reconfigure() of mm/shmem.c. */
    if ((size && pages && !s->max_pages && s->root_mode) ||
        (inodes && max_inodes && !s->max_inodes && s->root_mode))
        return -EINVAL;
    s->max_pages = pages;
    s->max_inodes = max_inodes;
    return 0;
}
