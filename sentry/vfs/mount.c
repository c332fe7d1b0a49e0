/*
 * Mounts, and where they hang. A mount in a tree has one reference for that; it holds its parent
 * and mountpoint. Trees are as deep as a guest likes: nothing here recurses.
 */
#include "sentry/vfs/mount.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "base/macros.h"
#include "sentry/vfs/vfs_internal.h"

#define MOUNT_HASH_BITS 9
#define MOUNT_IDS 16384 /* more than there may be mounts */

static struct mount *hash[1 << MOUNT_HASH_BITS];
static uint64_t ids[MOUNT_IDS / 64];
static uint64_t last_unique_id = MOUNT_ID_UNIQUE_FIRST;
static unsigned int nmounts;

/* --- objects --- */
static int id_alloc(void)
{
    for (int i = 0; i < MOUNT_IDS / 64; i++) {
        uint64_t used = ids[i] | (i == 0); /* 0 is none */
        if (!~used)
            continue;
        int bit = __builtin_ctzll(~used);
        ids[i] |= 1ULL << bit;
        return i * 64 + bit;
    }
    return -1;
}

static void id_free(int id)
{
    if (id > 0 && id < MOUNT_IDS)
        ids[id / 64] &= ~(1ULL << (id % 64));
}

bool mount_table_full(void)
{
    return nmounts >= MOUNTS_MAX;
}

struct mount *mount_new(struct superblock *sb, struct dentry *root, unsigned long flags)
{
    struct mount *m = mount_table_full() ? NULL : calloc(1, sizeof(*m));

    if (!m)
        return NULL;
    m->refs = 1;
    m->id = id_alloc();
    m->unique_id = ++last_unique_id;
    m->sb = sb;
    sb->refs++;
    m->root = dentry_get(root);
    m->flags = flags & MOUNT_FLAGS;
    list_init(&m->children);
    list_init(&m->child_node);
    list_init(&m->node);
    list_init(&m->peer_node);
    list_init(&m->slave_node);
    list_init(&m->prop_node);
    list_init(&m->along_node);
    nmounts++;
    return m;
}

struct mount *mount_get(struct mount *m)
{
    m->refs++;
    return m;
}

/* A loop, because a guest may nest mounts deeper than a fiber's stack. */
void mount_put_passing(struct mount *m)
{
    while (m && --m->refs == 0) {
        struct mount *parent = m->parent;
        dentry_put(m->root);
        dentry_put(m->mountpoint);
        super_put(m->sb);
        id_free(m->id);
        free(m);
        nmounts--;
        m = parent;
    }
}

void mount_put(struct mount *m)
{
    if (m)
        m->expiring = false;
    mount_put_passing(m);
}

bool mount_attached(const struct mount *m)
{
    return m && m->ns;
}

bool path_is_mount(const struct path *p)
{
    return p->mnt && p->dentry == p->mnt->root;
}

struct mount *vfs_private_mount(struct superblock *sb)
{
    struct mount *m = mount_new(sb, sb->root, MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME);

    super_put(sb);
    return m;
}

void vfs_private_umount(struct mount *m)
{
    mount_put(m);
}

void mount_add_writer(struct file *f)
{
    const struct inode *i = f->path.dentry ? f->path.dentry->inode : NULL;

    if (!f->path.mnt || path_is_anon(&f->path) || f->mnt_writer || !file_writable(f) || !i ||
        !S_ISREG(i->mode))
        return;
    f->mnt_writer = true;
    f->path.mnt->writers++;
}

int mount_claim(struct mount *m)
{
    if (mount_table_full() || m->id <= 0 || m->id >= MOUNT_IDS ||
        (ids[m->id / 64] & 1ULL << (m->id % 64)))
        return -EINVAL;
    ids[m->id / 64] |= 1ULL << (m->id % 64);
    if (!m->unique_id)
        m->unique_id = MOUNT_ID_UNIQUE_FIRST + (uint64_t)m->id;
    last_unique_id = MAX(last_unique_id, m->unique_id);
    nmounts++;
    return 0;
}

/* --- where they hang --- */
static struct mount **bucket(const struct mount *parent, const struct dentry *point)
{
    uint64_t h = ((uint64_t)parent >> 4 ^ (uint64_t)point) * 0x9e3779b97f4a7c15ULL;

    return &hash[h >> (64 - MOUNT_HASH_BITS)];
}

struct mount *mount_at(const struct mount *mnt, const struct dentry *d)
{
    struct mount *m = *bucket(mnt, d);

    while (m && (m->parent != mnt || m->mountpoint != d))
        m = m->hash_next;
    return m;
}

void mount_hang(struct mount *m, struct path at)
{
    struct mount **b = bucket(at.mnt, at.dentry);

    m->parent = at.mnt;
    m->mountpoint = at.dentry;
    m->mountpoint->mounted++;
    m->hash_next = *b;
    *b = m;
    list_add_tail(&m->parent->children, &m->child_node);
}

void mount_unhang(struct mount *m)
{
    struct mount *parent = m->parent;
    struct dentry *point = m->mountpoint;

    if (!parent)
        return;
    struct mount **b = bucket(parent, point);
    while (*b != m)
        b = &(*b)->hash_next;
    *b = m->hash_next;
    list_del(&m->child_node);
    m->parent = NULL;
    m->mountpoint = NULL;
    point->mounted--;
    dentry_put(point);
    mount_put_passing(parent);
}

void mount_rehang(struct mount *m, const struct path *at)
{
    struct path to = path_get(at);

    mount_unhang(m);
    mount_hang(m, to);
}

struct mount *mount_next(struct mount *m, const struct mount *top)
{
    if (!list_empty(&m->children))
        return list_first(&m->children, struct mount, child_node);
    while (m != top) {
        if (m->child_node.next != &m->parent->children)
            return list_entry(m->child_node.next, struct mount, child_node);
        m = m->parent;
    }
    return NULL;
}

bool mount_is_above(const struct mount *top, const struct mount *m)
{
    while (m && m != top)
        m = m->parent;
    return m == top;
}

bool path_is_beneath(const struct path *p, const struct path *top)
{
    struct path at = *p;

    while (at.mnt != top->mnt && at.mnt->parent)
        at = (struct path){at.mnt->parent, at.mnt->mountpoint};
    return at.mnt == top->mnt && dentry_is_beneath(at.dentry, top->dentry);
}
