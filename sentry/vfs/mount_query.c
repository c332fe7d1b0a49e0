/* statmount(2), listmount(2). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "base/strbuf.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/vfs_internal.h"

#define REQ_SIZE_0 24
#define IDS_MAX 1000000
#define ROOT_ID UINT64_MAX /* LSMT_ROOT */

/* struct mnt_id_req of linux/mount.h. */
struct id_req {
    uint32_t size, spare;
    uint64_t mnt_id, param, ns_id;
};

enum {
    SB_BASIC = 1,
    MNT_BASIC = 2,
    PROPAGATE_FROM = 4,
    MNT_ROOT = 8,
    MNT_POINT = 0x10,
    FS_TYPE = 0x20,
    MNT_NS_ID = 0x40,
    MNT_OPTS = 0x80,
};

/* struct statmount; strings are offsets in what follows it. */
struct statmount_k {
    uint32_t size, mnt_opts;
    uint64_t mask;
    uint32_t sb_dev_major, sb_dev_minor;
    uint64_t sb_magic;
    uint32_t sb_flags, fs_type;
    uint64_t mnt_id, mnt_parent_id;
    uint32_t mnt_id_old, mnt_parent_id_old;
    uint64_t mnt_attr, mnt_propagation, mnt_peer_group, mnt_master, propagate_from;
    uint32_t mnt_root, mnt_point;
    uint64_t mnt_ns_id;
    uint64_t spare[49];
};
_Static_assert(sizeof(struct statmount_k) == 512, "struct statmount");

static int get_req(struct task *t, uint64_t addr, struct id_req *req)
{
    uint32_t size;

    if (get_user(t, &size, addr))
        return -EFAULT;
    if (size > NV_PAGE_SIZE)
        return -E2BIG;
    if (size < REQ_SIZE_0)
        return -EINVAL;
    int err = copy_in_struct(t, req, sizeof(*req), addr, size);
    if (err)
        return err;
    return req->spare || req->mnt_id <= MOUNT_ID_UNIQUE_FIRST ? -EINVAL : 0;
}

static struct mount_ns *find_ns(struct task *t, uint64_t id)
{
    struct mount_ns *ns;

    if (!id || id == t->mnt_ns->id)
        return t->mnt_ns;
    list_for_each(ns, &mount_namespaces, node) {
        if (ns->id == id && !ns->anonymous)
            return ns;
    }
    return NULL;
}

static uint32_t put_text(struct strbuf *b, const char *s)
{
    uint32_t at = (uint32_t)b->len;

    strbuf_add(b, s, strlen(s) + 1);
    return at;
}

static uint64_t propagation_of(const struct mount *m)
{
    return (m->group ? MS_SHARED : 0UL) | (m->master ? MS_SLAVE : 0UL) |
           (m->unbindable ? MS_UNBINDABLE : 0UL) |
           (!m->group && !m->master && !m->unbindable ? MS_PRIVATE : 0UL);
}

static void put_basics(struct statmount_k *k, const struct mount *m, uint64_t mask)
{
    if (mask & SB_BASIC) {
        k->sb_dev_major = major(m->sb->dev);
        k->sb_dev_minor = minor(m->sb->dev);
        k->sb_magic = m->sb->magic;
        k->sb_flags = (uint32_t)(m->sb->flags & (MS_SYNCHRONOUS | MS_DIRSYNC | MS_LAZYTIME)) |
                      (m->sb->readonly ? MS_RDONLY : 0);
    }
    if (mask & MNT_BASIC) {
        const struct mount *up = m->parent ? m->parent : m;
        k->mnt_id = m->unique_id;
        k->mnt_parent_id = up->unique_id;
        k->mnt_id_old = (uint32_t)m->id;
        k->mnt_parent_id_old = (uint32_t)up->id;
        k->mnt_attr = mount_attrs(m);
        k->mnt_propagation = propagation_of(m);
        k->mnt_peer_group = m->group ? (uint64_t)m->group->id : 0;
        k->mnt_master = m->master ? (uint64_t)m->master->id : 0;
    }
    if (mask & MNT_NS_ID)
        k->mnt_ns_id = m->ns->id;
    k->mask = mask & (SB_BASIC | MNT_BASIC | PROPAGATE_FROM | MNT_NS_ID);
}

/* Strings in Linux's order. */
static int put_texts(struct task *t, struct statmount_k *k, struct mount *m, uint64_t mask,
                     struct strbuf *b)
{
    struct path at = {m, m->root}, top = {NULL, m->root};
    cleanup_free char *root = NULL, *point = NULL;
    bool seen;

    int err = vfs_path_seen(&t->fs->root, &at, &point, &seen);
    if (!err && m->root != m->sb->root)
        err = vfs_path_string(NULL, &top, &root);
    if (err)
        return err;
    if (mask & FS_TYPE)
        k->fs_type = put_text(b, m->sb->fstype);
    if (mask & MNT_ROOT)
        k->mnt_root = put_text(b, root ? root : "/");
    if (mask & MNT_POINT)
        k->mnt_point = put_text(b, point);
    k->mask |= mask & (FS_TYPE | MNT_ROOT | MNT_POINT);
    if (mask & MNT_OPTS && m->sb->ops->show_options) {
        struct strbuf o = STRBUF_INIT;
        m->sb->ops->show_options(m->sb, &o);
        if (o.data && o.len > 1) {
            k->mnt_opts = put_text(b, o.data + 1);
            k->mask |= MNT_OPTS;
        }
        strbuf_free(&o);
    }
    return b->failed ? -ENOMEM : 0;
}

long sys_statmount(struct task *t, const struct sysargs *a)
{
    uint64_t buf = arg_u64(a, 1), size = arg_u64(a, 2);
    struct statmount_k k = {0};
    struct id_req req;

    if (arg_u32(a, 3))
        return -EINVAL;
    int err = get_req(t, arg_u64(a, 0), &req);
    if (err)
        return err;
    struct mount_ns *ns = find_ns(t, req.ns_id);
    struct mount *m = ns ? mount_by_id(ns, req.mnt_id) : NULL;
    if (!m)
        return -ENOENT;
    struct path p = {m, m->root};
    if (!path_is_beneath(&p, &t->fs->root) && !may_mount(t))
        return -EPERM;
    put_basics(&k, m, req.param);
    if (req.param & PROPAGATE_FROM)
        k.propagate_from = m->master ? (uint64_t)mount_dominating_id(m, &t->fs->root) : 0;
    cleanup_strbuf struct strbuf b = STRBUF_INIT;
    err = put_texts(t, &k, m, req.param, &b);
    if (err)
        return err;
    if (b.len && (size < sizeof(k) || b.len > size - sizeof(k)))
        return -EOVERFLOW;
    k.size = (uint32_t)(sizeof(k) + b.len);
    if (b.len && copy_out(t, buf + sizeof(k), b.data, b.len))
        return -EFAULT;
    return copy_out(t, buf, &k, MIN(size, sizeof(k))) ? -EFAULT : 0;
}

long sys_listmount(struct task *t, const struct sysargs *a)
{
    uint64_t addr = arg_u64(a, 1), max = arg_u64(a, 2);
    bool reverse = arg_u32(a, 3) & 1;
    struct path from;
    struct id_req req;
    long n = 0;

    if (arg_u32(a, 3) & ~1u)
        return -EINVAL;
    if (max > IDS_MAX)
        return -EOVERFLOW;
    if (!user_range_ok(addr, max * 8))
        return -EFAULT;
    int err = get_req(t, arg_u64(a, 0), &req);
    if (err)
        return err;
    if (req.param && req.param <= MOUNT_ID_UNIQUE_FIRST)
        return -EINVAL;
    struct mount_ns *ns = find_ns(t, req.ns_id);
    if (!ns)
        return -ENOENT;
    if (req.mnt_id == ROOT_ID) {
        from = t->fs->root;
    } else {
        struct mount *m = mount_by_id(ns, req.mnt_id);
        if (!m)
            return -ENOENT;
        from = (struct path){m, m->root};
    }
    if (!path_is_beneath(&from, &t->fs->root) && !may_mount(t))
        return -EPERM;
    for (struct list *l = reverse ? ns->mounts.prev : ns->mounts.next;
         l != &ns->mounts && (uint64_t)n < max; l = reverse ? l->prev : l->next) {
        struct mount *m = list_entry(l, struct mount, node);
        struct path p = {m, m->root};
        if (req.param && (reverse ? m->unique_id >= req.param : m->unique_id <= req.param))
            continue;
        if ((req.mnt_id != ROOT_ID && m->unique_id == req.mnt_id) || !path_is_beneath(&p, &from))
            continue;
        if (put_user(t, &m->unique_id, addr + (uint64_t)n * 8))
            return -EFAULT;
        n++;
    }
    return n;
}
