/*
 * Extended attributes of the overlay: its own ones in the layers, and what is left for others.
 *
 * Those of ours are hidden. Who sets one of such a name gets it under an escaped one, so that what
 * is in an overlay can be the layers of another: "trusted.overlay.x" is "trusted.overlay.overlay.x"
 * in the layer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/fs/overlay/overlay.h"
#include "sentry/kernel/task.h"

#define ESCAPE "overlay."
#define NAME_MAX_XATTR 255

static const char *prefix(const struct ovl_super *s)
{
    return s->config.userxattr ? "user.overlay." : "trusted.overlay.";
}

static void own_name(const struct ovl_super *s, enum ovl_attr a, char name[OVL_ATTR_NAME])
{
    static const char *const words[] = {
        [OVL_OPAQUE] = "opaque", [OVL_REDIRECT] = "redirect", [OVL_ORIGIN] = "origin",
        [OVL_IMPURE] = "impure", [OVL_METACOPY] = "metacopy", [OVL_WHITEOUT] = "whiteout",
        [OVL_UUID] = "uuid",
    };

    snprintf(name, OVL_ATTR_NAME, "%s%s", prefix(s), words[a]);
}

ssize_t ovl_get_attr(const struct ovl_super *s, struct dentry *d, enum ovl_attr a, void *buf,
                     size_t size)
{
    const struct inode_ops *ops = d->inode->ops;
    char name[OVL_ATTR_NAME];

    if (!ops->getxattr || s->no_attrs)
        return -ENODATA;
    own_name(s, a, name);
    return ops->getxattr(NULL, d->inode, name, buf, size);
}

int ovl_set_attr(struct task *t, const struct ovl_super *s, struct dentry *upper, enum ovl_attr a,
                 const void *value, size_t size)
{
    mode_t mode = upper->inode->mode;
    char name[OVL_ATTR_NAME];

    if (s->no_attrs)
        return -EOPNOTSUPP;
    if (s->config.userxattr && !S_ISREG(mode) && !S_ISDIR(mode))
        return -EPERM; /* others have no such attributes: xattr(7) */
    own_name(s, a, name);
    return upper->inode->ops->setxattr(t, upper, name, value, size, 0);
}

/* --- what came from where --- */
int ovl_set_origin(struct task *t, const struct ovl_super *s, struct dentry *upper,
                   const struct dentry *lower)
{
    const struct ovl_origin o = {.magic = OVL_ORIGIN_MAGIC,
                                 .len = sizeof(o),
                                 .dev = (uint32_t)lower->sb->dev,
                                 .ino = lower->inode->ino};
    struct ktime ctime = upper->inode->ctime;

    int err = ovl_set_attr(t, s, upper, OVL_ORIGIN, &o, sizeof(o));
    upper->inode->ctime = ctime;
    return err == -EOPNOTSUPP || err == -EPERM ? 0 : err;
}

/* Whoever may write to the upper layer may say anything here: it only chooses a number to show. */
bool ovl_get_origin(const struct ovl_super *s, struct dentry *upper, uint64_t *ino, uint16_t *fs)
{
    struct ovl_origin o;
    ssize_t n = ovl_get_attr(s, upper, OVL_ORIGIN, &o, sizeof(o));

    if (n == sizeof(o.ino)) { /* of images of version 1, where there is one lower layer */
        memcpy(ino, &o, sizeof(*ino));
        *fs = (uint16_t)(s->nfs - 1);
        return true;
    }
    if (n != sizeof(o) || o.magic != OVL_ORIGIN_MAGIC || o.version)
        return false;
    for (unsigned int k = 1; k < s->nlayers; k++) {
        if (s->layers[k].sb->dev == o.dev) {
            *ino = o.ino;
            *fs = s->layers[k].fs;
            return true;
        }
    }
    return false;
}

int ovl_set_impure(struct task *t, const struct ovl_super *s, struct dentry *upper_dir)
{
    struct ktime ctime = upper_dir->inode->ctime;

    if (ovl_get_attr(s, upper_dir, OVL_IMPURE, NULL, 0) >= 0)
        return 0;
    int err = ovl_set_attr(t, s, upper_dir, OVL_IMPURE, "y", 1);
    upper_dir->inode->ctime = ctime;
    return err == -EOPNOTSUPP ? 0 : err;
}

/* --- others' --- */
static bool is_own(const struct ovl_super *s, const char *name)
{
    return !strncmp(name, prefix(s), strlen(prefix(s)));
}

static bool is_escaped(const struct ovl_super *s, const char *name)
{
    return is_own(s, name) && !strncmp(name + strlen(prefix(s)), ESCAPE, strlen(ESCAPE));
}

bool ovl_is_private(const struct ovl_super *s, const char *name)
{
    return is_own(s, name) && !is_escaped(s, name);
}

/* The name that the layer has it under. */
static int real_name(const struct ovl_super *s, const char **name, char buf[NAME_MAX_XATTR + 1])
{
    if (!is_own(s, *name))
        return 0;
    int n =
        snprintf(buf, NAME_MAX_XATTR + 1, "%s" ESCAPE "%s", prefix(s), *name + strlen(prefix(s)));
    *name = buf;
    return n > NAME_MAX_XATTR ? -EOPNOTSUPP : 0;
}

ssize_t ovl_getxattr(struct task *t, struct inode *i, const char *name, void *buf, size_t size)
{
    struct inode *r = ovl_real(i);
    char other[NAME_MAX_XATTR + 1];

    int err = real_name(OVL_S(i->sb), &name, other);
    if (err)
        return err;
    return r->ops->getxattr ? r->ops->getxattr(t, r, name, buf, size) : -ENODATA;
}

int ovl_setxattr(struct task *t, struct dentry *d, const char *name, const void *v, size_t n,
                 int flags)
{
    char other[NAME_MAX_XATTR + 1];

    int err = real_name(OVL_S(d->sb), &name, other);
    if (!err)
        err = ovl_copy_up(t, d->inode, OVL_KEEP_ALL);
    struct dentry *u = OVL_I(d->inode)->upper;
    return err ? err : u->inode->ops->setxattr(t, u, name, v, n, flags);
}

ssize_t ovl_listxattr(struct task *t, struct inode *i, char *buf, size_t size)
{
    const struct ovl_super *s = OVL_S(i->sb);
    struct inode *r = ovl_real(i);
    ssize_t all = r->ops->listxattr ? r->ops->listxattr(t, r, NULL, 0) : 0;

    if (all <= 0)
        return all;
    cleanup_free char *names = malloc((size_t)all);
    if (!names)
        return -ENOMEM;
    all = r->ops->listxattr(t, r, names, (size_t)all);
    size_t used = 0;
    for (char *at = names, *next; all > 0 && at < names + all; at = next) {
        next = at + strlen(at) + 1;
        if (ovl_is_private(s, at))
            continue;
        if (is_escaped(s, at)) {
            memmove(at + strlen(ESCAPE), prefix(s), strlen(prefix(s)));
            at += strlen(ESCAPE);
        }
        size_t len = (size_t)(next - at);
        if (buf && used + len > size)
            return -ERANGE;
        if (buf)
            memcpy(buf + used, at, len);
        used += len;
    }
    return all < 0 ? all : (ssize_t)used;
}

int ovl_removexattr(struct task *t, struct dentry *d, const char *name)
{
    char other[NAME_MAX_XATTR + 1];
    ssize_t there = ovl_getxattr(t, d->inode, name, NULL, 0);

    if (there < 0)
        return (int)there;
    int err = real_name(OVL_S(d->sb), &name, other);
    if (!err)
        err = ovl_copy_up(t, d->inode, OVL_KEEP_ALL);
    struct dentry *u = OVL_I(d->inode)->upper;
    return err ? err : u->inode->ops->removexattr(t, u, name);
}
