/* Superblocks, inodes and the dentry cache. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/ipc/inotify.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/loop.h"
#include "sentry/kernel/waitq.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/vfs.h"
#include "sentry/vfs/vfs_internal.h"

#define UNUSED_MAX 32768

static struct hash table;
static struct list unused = LIST_INIT(unused); /* hashed, without references, oldest first */
static int nunused;

struct ktime ktime_now(void)
{
    uint64_t ns = realtime_ns();

    return (struct ktime){(int64_t)(ns / NSEC_PER_SEC), (uint32_t)(ns % NSEC_PER_SEC)};
}

/* --- superblocks --- */
static dev_t next_dev = 20;

struct superblock *super_new(const struct super_ops *ops, const char *fstype, uint64_t magic,
                             void *priv)
{
    struct superblock *sb = calloc(1, sizeof(*sb));

    if (!sb)
        return NULL;
    sb->refs = 1;
    sb->ops = ops;
    sb->fstype = fstype;
    sb->magic = magic;
    sb->dev = next_dev++;
    sb->next_ino = 2;
    sb->priv = priv;
    return sb;
}

dev_t super_anon_dev(void)
{
    return next_dev++;
}

void super_dev_restored(dev_t dev)
{
    next_dev = MAX(next_dev, dev + 1);
}

void super_put(struct superblock *sb)
{
    if (!sb || --sb->refs)
        return;
    inotify_super_gone(sb);
    dentry_drop_unused(sb);
    if (sb->root) {
        struct dentry *root = sb->root;
        sb->root = NULL;
        dentry_put(root);
        dentry_drop_unused(sb);
    }
    if (sb->ops && sb->ops->put_super)
        sb->ops->put_super(sb);
    user_ns_put(sb->user_ns);
    free(sb->source);
    free(sb);
}

/* --- inodes --- */
struct inode *inode_new(struct superblock *sb, const struct inode_ops *ops, mode_t mode)
{
    struct inode *i = calloc(1, sizeof(*i));

    if (!i)
        return NULL;
    i->refs = 1;
    i->ops = ops;
    i->sb = sb;
    i->ino = sb->next_ino++;
    i->mode = mode;
    i->nlink = 1;
    i->atime = i->mtime = i->ctime = i->btime = ktime_now();
    list_init(&i->names);
    list_init(&i->watches);
    return i;
}

struct inode *inode_get(struct inode *i)
{
    i->refs++;
    return i;
}

void inode_put(struct inode *i)
{
    if (!i || --i->refs)
        return;
    if (!list_empty(&i->watches))
        inotify_inode_gone(i);
    if (i->locks)
        locks_free(i);
    if (i->sb->ops && i->sb->ops->evict)
        i->sb->ops->evict(i);
    free(i);
}

struct dentry *inode_dentry(const struct inode *i)
{
    struct dentry *d;

    list_for_each(d, &i->names, alias) {
        if (d->hashed)
            return d;
    }
    return list_first_or_null(&i->names, struct dentry, alias);
}

void inode_apply_mode(struct inode *i, const struct setattr *a)
{
    if (a->mask & SETATTR_MODE)
        i->mode = (i->mode & S_IFMT) | (a->mode & 07777);
    if (a->mask & SETATTR_UID)
        i->uid = a->uid;
    if (a->mask & SETATTR_GID)
        i->gid = a->gid;
}

void inode_touch(struct inode *i, bool mtime, bool atime)
{
    struct ktime now = ktime_now();

    if (mtime)
        i->mtime = i->ctime = now;
    if (atime)
        i->atime = now;
}

/* --- dentries --- */
static uint32_t name_hash(const struct dentry *parent, const char *name, size_t len)
{
    uint64_t h = (uint64_t)parent >> 4;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)name[i]) * 0x100000001b3ULL;
    return (uint32_t)(h ^ h >> 32);
}

struct dentry *dentry_alloc(struct dentry *parent, const char *name, size_t len)
{
    struct dentry *d = calloc(1, sizeof(*d) + len + 1);

    if (!d)
        return NULL;
    d->refs = 1;
    d->parent = parent ? dentry_get(parent) : d;
    d->sb = parent ? parent->sb : NULL;
    d->name_len = (uint8_t)len;
    d->name = d->inline_name;
    memcpy(d->name, name, len);
    list_init(&d->child_node);
    list_init(&d->children);
    list_init(&d->lru);
    list_init(&d->alias);
    return d;
}

struct dentry *dentry_new_root(struct superblock *sb, struct inode *root)
{
    struct dentry *d = dentry_alloc(NULL, "/", 1);

    if (!d)
        return NULL;
    d->sb = sb;
    dentry_set_inode(d, root);
    sb->root = d;
    return d;
}

struct dentry *dentry_new_detached(struct superblock *sb, const char *name, struct inode *i)
{
    struct dentry *d = dentry_alloc(NULL, name, strlen(name));

    if (d) {
        d->sb = sb;
        dentry_set_inode(d, inode_get(i));
    }
    return d;
}

struct dentry *dentry_get(struct dentry *d)
{
    if (d->refs++ == 0) {
        list_del(&d->lru);
        nunused--;
    }
    return d;
}

static void unhash(struct dentry *d)
{
    hash_del(&table, &d->in_hash);
    d->hashed = false;
    list_del(&d->child_node);
}

static struct dentry *dentry_free(struct dentry *d)
{
    struct dentry *parent = d->parent == d ? NULL : d->parent;

    if (d->hashed)
        unhash(d);
    dentry_set_inode(d, NULL);
    if (d->name != d->inline_name)
        free(d->name);
    free(d);
    return parent;
}

/*
 * Freeing a dentry may put others: an overlay's inodes hold those of its layers. They only join the
 * list; the outermost call takes them off it, so that no chain of them is long enough for a stack.
 */
static bool shrinking;

/* NOLINTNEXTLINE(misc-no-recursion): shrinking; the outermost call does the work */
static void shrink_unused(void)
{
    if (shrinking)
        return;
    shrinking = true;
    while (nunused > UNUSED_MAX) {
        struct dentry *d = list_first(&unused, struct dentry, lru);
        list_del(&d->lru);
        nunused--;
        dentry_put(dentry_free(d));
    }
    shrinking = false;
}

/* NOLINTNEXTLINE(misc-no-recursion): shrinking; the outermost call does the work */
void dentry_put(struct dentry *d)
{
    while (d && --d->refs == 0) {
        if (d->hashed) {
            list_add_tail(&unused, &d->lru);
            nunused++;
            shrink_unused();
            return;
        }
        d = dentry_free(d); /* then give up the reference on the parent */
    }
    if (d && !d->hashed && d->inode && !d->inode->nlink && !list_empty(&d->inode->watches))
        inotify_unused(d, 0);
}

/*
 * All unused dentries of sb. A parent that becomes unused joins the list at its end: this pass or
 * the next one meets it. Nothing else leaves the list meanwhile, so tmp stays good.
 */
void dentry_drop_unused(struct superblock *sb)
{
    struct dentry *d, *tmp;
    bool again = true, was_shrinking = shrinking;

    shrinking = true;
    while (again) {
        again = false;
        list_for_each_safe(d, tmp, &unused, lru) {
            if (d->sb != sb)
                continue;
            list_del(&d->lru);
            nunused--;
            dentry_put(dentry_free(d));
            again = true;
        }
    }
    shrinking = was_shrinking;
}

void dentry_hash(struct dentry *d)
{
    hash_add(&table, &d->in_hash, name_hash(d->parent, d->name, d->name_len));
    d->hashed = true;
    list_add_tail(&d->parent->children, &d->child_node);
}

struct dentry *dentry_new_child(struct dentry *dir, const char *name, size_t len)
{
    return dentry_alloc(dir, name, len);
}

void dentry_add(struct dentry *d)
{
    dentry_hash(d);
}

struct dentry *dentry_cached(struct dentry *dir, const char *name, size_t len)
{
    struct dentry *d;

    hash_for_each(d, &table, name_hash(dir, name, len), in_hash)
    {
        if (d->parent == dir && d->name_len == len && !memcmp(d->name, name, len))
            return dentry_get(d);
    }
    return NULL;
}

void dentry_set_inode(struct dentry *d, struct inode *i)
{
    struct inode *old = d->inode;

    list_del(&d->alias);
    d->inode = i;
    if (i)
        list_add(&i->names, &d->alias);
    inode_put(old);
}

void dentry_drop(struct dentry *d)
{
    if (!d->hashed)
        return;
    dentry_get(d);
    unhash(d);
    dentry_put(d);
}

/*
 * After rename(2): od takes nd's place in the tree; nd is forgotten. Children, open files and
 * working directories move along, because they point at the dentry.
 */
int dentry_rename_done(struct dentry *od, struct dentry *nd)
{
    char *name = strdup(nd->name);
    struct dentry *old_parent = od->parent;

    dentry_drop(nd);
    if (!name) { /* the file system has moved it: the next lookup will tell where */
        dentry_drop(od);
        return -ENOMEM;
    }
    if (od->hashed)
        unhash(od);
    od->parent = dentry_get(nd->parent);
    if (od->name != od->inline_name)
        free(od->name);
    od->name = name;
    od->name_len = (uint8_t)strlen(name);
    dentry_hash(od);
    dentry_put(old_parent);
    return 0;
}

/* RENAME_EXCHANGE: both stay, each under the other's name. */
int dentry_exchange(struct dentry *a, struct dentry *b)
{
    struct dentry *parent_a = a->parent;
    char *name_a = strdup(a->name), *name_b = strdup(b->name);

    if (!name_a || !name_b) {
        free(name_a);
        free(name_b);
        dentry_drop(a);
        dentry_drop(b);
        return -ENOMEM;
    }
    if (a->hashed)
        unhash(a);
    if (b->hashed)
        unhash(b);
    a->parent = b->parent;
    b->parent = parent_a;
    if (a->name != a->inline_name)
        free(a->name);
    if (b->name != b->inline_name)
        free(b->name);
    a->name = name_b;
    b->name = name_a;
    a->name_len = (uint8_t)strlen(name_b);
    b->name_len = (uint8_t)strlen(name_a);
    dentry_hash(a);
    dentry_hash(b);
    return 0;
}

/*
 * A dentry out of an image: it gets its place in the cache once it is certain that its parents end
 * somewhere. ndentries: that many there are.
 */
static bool parents_end(struct dentry *d, size_t ndentries)
{
    struct dentry *p = d;

    while (!p->checked && p->parent != p) {
        if (!ndentries-- || !p->parent || p->sb != p->parent->sb || !p->parent->inode ||
            !S_ISDIR(p->parent->inode->mode))
            return false;
        p = p->parent;
    }
    for (; !d->checked && d != p; d = d->parent)
        d->checked = true;
    p->checked = true;
    return true;
}

int dentry_restored(struct dentry *d, size_t ndentries)
{
    if (!d->sb || !parents_end(d, ndentries) || (d->hashed && d->parent == d) ||
        (d->inode && d->inode->sb != d->sb))
        return -EINVAL;
    if (d->inode)
        list_add(&d->inode->names, &d->alias);
    if (d->hashed)
        dentry_hash(d);
    if (d->hashed && !d->refs) {
        list_add_tail(&unused, &d->lru);
        nunused++;
    }
    return 0;
}

/* --- names of one directory change one at a time --- */
static struct waitq dir_wq = {LIST_INIT(dir_wq.waiters)};
static bool rename_busy;

static int busy_lock(struct task *t, bool *busy)
{
    while (*busy) {
        if (!t)
            fiber_yield();
        else if (task_wait_killable(t, &dir_wq))
            return -EINTR;
    }
    *busy = true;
    return 0;
}

static void busy_unlock(bool *busy)
{
    *busy = false;
    waitq_wake_all(&dir_wq);
}

int dir_lock(struct task *t, struct inode *dir)
{
    return busy_lock(t, &dir->dir_busy);
}

void dir_unlock(struct inode *dir)
{
    busy_unlock(&dir->dir_busy);
}

/* Two directories are only ever held under the rename lock, so their order does not matter. */
int dir_lock_rename(struct task *t, struct inode *a, struct inode *b)
{
    if (a == b)
        return dir_lock(t, a);
    int err = busy_lock(t, &rename_busy);
    if (err)
        return err;
    err = dir_lock(t, a);
    if (!err) {
        err = dir_lock(t, b);
        if (err)
            dir_unlock(a);
    }
    if (err)
        busy_unlock(&rename_busy);
    return err;
}

void dir_unlock_rename(struct inode *a, struct inode *b)
{
    dir_unlock(a);
    if (a == b)
        return;
    dir_unlock(b);
    busy_unlock(&rename_busy);
}
