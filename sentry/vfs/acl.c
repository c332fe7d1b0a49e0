/*
 * Access control lists, acl(5): fs/posix_acl.c of Linux. A list is kept by the file system as the
 * value of its attribute, checked when it was set, with ids of the first user namespace. File
 * systems that keep lists have inode_ops.acl. The group bits of a mode are the list's mask.
 */
#include "sentry/vfs/acl.h"

#include <errno.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/vfs_internal.h"

#define CAP_FOWNER 3
#define CAP_FSETID 4

typedef struct posix_acl_xattr_entry entry;

static size_t count_of(size_t size)
{
    return (size - sizeof(struct posix_acl_xattr_header)) / sizeof(entry);
}

static entry *entries(const void *v)
{
    return (entry *)((uintptr_t)v + sizeof(struct posix_acl_xattr_header));
}

bool acl_is_name(const char *xattr)
{
    return !strcmp(xattr, ACL_ACCESS) || !strcmp(xattr, ACL_DEFAULT);
}

bool acl_is_sane(size_t size)
{
    return size > sizeof(struct posix_acl_xattr_header) &&
           (size - sizeof(struct posix_acl_xattr_header)) % sizeof(entry) == 0;
}

static void *list_of(const struct inode *i, bool dflt, size_t *size)
{
    return i->ops->acl ? i->ops->acl(i, dflt, size) : NULL;
}

static entry *find_tag(entry *e, size_t n, unsigned int tag)
{
    for (size_t k = 0; k < n; k++)
        if (e[k].e_tag == tag)
            return &e[k];
    return NULL;
}

/* --- what they allow --- */
int acl_permission(struct task *t, const struct inode *i, int mask)
{
    size_t size;
    const void *v = list_of(i, false, &size);
    const entry *found = NULL;
    bool in_group = false;

    if (!v)
        return 1;
    entry *e = entries(v);
    size_t n = count_of(size);
    for (size_t k = 0; k < n && !found; k++) {
        bool group = (e[k].e_tag == ACL_GROUP_OBJ && cred_in_group(t->cred, i->gid)) ||
                     (e[k].e_tag == ACL_GROUP && cred_in_group(t->cred, (gid_t)e[k].e_id));
        in_group |= group;
        if ((e[k].e_tag == ACL_USER && e[k].e_id == t->cred->fsuid) ||
            (group && (e[k].e_perm & mask) == mask))
            found = &e[k];
    }
    if (!found) {
        const entry *other = find_tag(e, n, ACL_OTHER);
        return !in_group && other && (other->e_perm & mask) == mask ? 0 : -EACCES;
    }
    const entry *m = find_tag(e, n, ACL_MASK);
    return (found->e_perm & mask & (m ? m->e_perm : 7)) == mask ? 0 : -EACCES;
}

void acl_chmod(struct inode *i, mode_t mode)
{
    size_t size;
    void *v = list_of(i, false, &size);

    if (!v)
        return;
    entry *e = entries(v);
    size_t n = count_of(size);
    entry *group = find_tag(e, n, ACL_MASK);
    if (!group)
        group = find_tag(e, n, ACL_GROUP_OBJ);
    entry *user = find_tag(e, n, ACL_USER_OBJ), *other = find_tag(e, n, ACL_OTHER);
    if (user && group && other) {
        user->e_perm = mode >> 6 & 7;
        group->e_perm = mode >> 3 & 7;
        other->e_perm = mode & 7;
    }
}

/* --- setting and getting --- */
/* Ids become the sentry's, or -EINVAL. */
static int map_ids(struct task *t, entry *e, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        uint32_t id = e[k].e_id;
        switch (e[k].e_tag) {
        case ACL_USER_OBJ:
        case ACL_GROUP_OBJ:
        case ACL_MASK:
        case ACL_OTHER:
            e[k].e_id = (uint32_t)ACL_UNDEFINED_ID;
            continue;
        case ACL_USER:
            id = make_kuid(t->cred->user_ns, id);
            break;
        case ACL_GROUP:
            id = make_kgid(t->cred->user_ns, id);
            break;
        default:
            return -EINVAL;
        }
        if (id == NO_KID)
            return -EINVAL;
        e[k].e_id = id;
    }
    return 0;
}

/* posix_acl_valid(): in order, one of each of the file's own, a mask where others are named. */
static bool is_valid(const entry *e, size_t n)
{
    static const unsigned int order[] = {ACL_USER_OBJ, ACL_USER, ACL_GROUP_OBJ,
                                         ACL_GROUP,    ACL_MASK, ACL_OTHER};
    size_t at = 0, counts[ARRAY_SIZE(order)] = {0};

    for (size_t k = 0; k < n; k++) {
        if (e[k].e_perm & ~7)
            return false;
        while (at < ARRAY_SIZE(order) && order[at] != e[k].e_tag)
            at++;
        if (at == ARRAY_SIZE(order))
            return false;
        counts[at]++;
    }
    return counts[0] == 1 && counts[2] == 1 && counts[5] == 1 && counts[4] <= 1 &&
           (counts[4] || !(counts[1] || counts[3]));
}

bool acl_is_valid(const void *v, size_t size)
{
    const struct posix_acl_xattr_header *h = v;

    return acl_is_sane(size) && h->a_version == POSIX_ACL_XATTR_VERSION &&
           is_valid(entries(v), count_of(size));
}

/* The mode that the list says; false: it says more than a mode can. */
static bool to_mode(const entry *e, size_t n, mode_t *mode)
{
    mode_t m = 0;
    bool all = true;

    for (size_t k = 0; k < n; k++) {
        if (e[k].e_tag == ACL_USER_OBJ)
            m |= (mode_t)(e[k].e_perm & 7) << 6;
        else if (e[k].e_tag == ACL_GROUP_OBJ)
            m |= (mode_t)(e[k].e_perm & 7) << 3;
        else if (e[k].e_tag == ACL_OTHER)
            m |= e[k].e_perm & 7;
        else
            all = false;
        if (e[k].e_tag == ACL_MASK)
            m = (m & ~(mode_t)070) | (mode_t)(e[k].e_perm & 7) << 3;
    }
    *mode = (*mode & ~(mode_t)0777) | m;
    return all;
}

static int store(struct task *t, struct dentry *d, const char *name, const void *v, size_t size)
{
    const struct inode_ops *ops = d->inode->ops;

    if (size)
        return ops->setxattr(t, d, name, v, size, 0);
    int err = ops->removexattr(t, d, name);
    return err == -ENODATA ? 0 : err;
}

static int set_access(struct task *t, const struct path *p, void *v, size_t size)
{
    struct inode *i = p->dentry->inode;
    mode_t mode = i->mode;

    if (size && to_mode(entries(v), count_of(size), &mode))
        size = 0; /* the mode says it all */
    if (!cred_in_group(t->cred, i->gid) && !inode_capable(t->cred, i, CAP_FSETID))
        mode &= ~(mode_t)S_ISGID;
    int err = store(t, p->dentry, ACL_ACCESS, v, size);
    if (err)
        return err;
    struct setattr a = {.mask = SETATTR_MODE, .mode = mode & 07777};
    return do_setattr(t, p, &a);
}

int acl_set(struct task *t, const struct path *p, const char *name, void *v, size_t size)
{
    struct inode *i = p->dentry->inode;
    bool dflt = !strcmp(name, ACL_DEFAULT);
    const struct posix_acl_xattr_header *h = v;

    if (size && (size < sizeof(*h) || h->a_version != POSIX_ACL_XATTR_VERSION))
        return size < sizeof(*h) ? -EINVAL : -EOPNOTSUPP;
    if (size && (size - sizeof(*h)) % sizeof(entry))
        return -EINVAL;
    size_t n = size ? count_of(size) : 0;
    int err = map_ids(t, entries(v), n);
    if (err)
        return err;
    if (!n)
        size = 0;
    if (!i->ops->acl || S_ISLNK(i->mode))
        return -EOPNOTSUPP;
    if (dflt && !S_ISDIR(i->mode))
        return size ? -EACCES : 0;
    if (t->cred->fsuid != i->uid && !inode_capable(t->cred, i, CAP_FOWNER))
        return -EPERM;
    if (size && !is_valid(entries(v), n))
        return -EINVAL;
    if (!dflt)
        return set_access(t, p, v, size);
    err = store(t, p->dentry, ACL_DEFAULT, v, size);
    return err;
}

ssize_t acl_get(struct task *t, struct inode *i, const char *name, void *buf, size_t size)
{
    size_t have;

    if (!i->ops->acl || S_ISLNK(i->mode))
        return -EOPNOTSUPP;
    const void *v = list_of(i, !strcmp(name, ACL_DEFAULT), &have);
    if (!v)
        return -ENODATA;
    if (!size)
        return (ssize_t)have;
    if (size < have)
        return -ERANGE;
    memcpy(buf, v, have);
    entry *e = entries(buf);
    for (size_t k = 0; k < count_of(have); k++) {
        if (e[k].e_tag == ACL_USER)
            e[k].e_id = kuid_seen(t, e[k].e_id);
        else if (e[k].e_tag == ACL_GROUP)
            e[k].e_id = kgid_seen(t, e[k].e_id);
    }
    return (ssize_t)have;
}

/* --- new objects --- */
static int copy_list(const void *v, size_t size, void **out, size_t *out_size)
{
    *out = malloc(size);
    if (!*out)
        return -ENOMEM;
    memcpy(*out, v, size);
    *out_size = size;
    return 0;
}

/* posix_acl_create_masq(): what of the default list the caller's mode leaves. */
static void mask_list(entry *e, size_t n, mode_t *mode_p)
{
    entry *user = find_tag(e, n, ACL_USER_OBJ), *other = find_tag(e, n, ACL_OTHER);
    entry *group = find_tag(e, n, ACL_MASK);
    mode_t mode = *mode_p;

    if (!group)
        group = find_tag(e, n, ACL_GROUP_OBJ);
    if (!user || !group || !other)
        return; /* of an image that lies */
    user->e_perm &= mode >> 6 & 7;
    group->e_perm &= mode >> 3 & 7;
    other->e_perm &= mode & 7;
    *mode_p = (mode & ~(mode_t)0777) | (mode_t)(user->e_perm & 7) << 6 |
              (mode_t)(group->e_perm & 7) << 3 | (other->e_perm & 7);
}

int acl_inherit(struct task *t, const struct inode *dir, mode_t *mode, struct acl_new *out)
{
    size_t size;

    /* mode_strip_sgid() of fs/inode.c */
    if ((*mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && !S_ISDIR(*mode) &&
        (dir->mode & S_ISGID) && !cred_in_group(t->cred, dir->gid) &&
        !inode_capable(t->cred, dir, CAP_FSETID))
        *mode &= ~(mode_t)S_ISGID;
    const void *dflt = list_of(dir, true, &size);
    if (!dflt) {
        *mode &= ~t->fs->umask;
        return 0;
    }
    int err = copy_list(dflt, size, &out->access, &out->access_size);
    if (!err && S_ISDIR(*mode))
        err = copy_list(dflt, size, &out->dflt, &out->dflt_size);
    if (err)
        return err;
    mask_list(entries(out->access), count_of(size), mode);
    mode_t same = 0;
    if (to_mode(entries(out->access), count_of(size), &same))
        out->access_size = 0;
    return 0;
}

int acl_inherited(struct task *t, struct dentry *d, const struct acl_new *acl)
{
    int err = 0;

    if (acl->access_size)
        err = store(t, d, ACL_ACCESS, acl->access, acl->access_size);
    if (!err && acl->dflt_size)
        err = store(t, d, ACL_DEFAULT, acl->dflt, acl->dflt_size);
    return err;
}

void acl_new_free(struct acl_new *acl)
{
    free(acl->access);
    free(acl->dflt);
}
