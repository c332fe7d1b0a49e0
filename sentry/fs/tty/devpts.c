/* devpts: the slaves of ptys by their numbers. */
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/strbuf.h"
#include "sentry/ckpt/types.h"
#include "sentry/fs/fs.h"
#include "sentry/fs/tty/tty.h"
#include "sentry/kernel/task_internal.h"

#define PTMX_DEVICE makedev(5, 2)

static const struct inode_ops pts_dir_ops;
static const struct inode_ops pts_node_ops = {0};

/* Without its master a slave has no name. */
static bool is_there(long n)
{
    return ptys[n] && ptys[n]->masters;
}

static int pts_lookup(struct task *task, struct inode *dir, struct dentry *d)
{
    char *end;
    long n = strtol(d->name, &end, 10);
    bool ptmx = !strcmp(d->name, "ptmx");

    if (!ptmx && (*end || end == d->name || n < 0 || n >= PTYS_MAX || !is_there(n)))
        return 0;
    struct inode *i = inode_new(d->sb, &pts_node_ops, S_IFCHR | (ptmx ? 0666 : 0620));
    if (!i)
        return -ENOMEM;
    i->ino = ptmx ? 2 : (uint64_t)n + 3;
    i->rdev = ptmx ? PTMX_DEVICE : tty_device(ptys[n]);
    i->uid = ptmx ? 0 : ptys[n]->uid;
    i->gid = ptmx ? 0 : ptys[n]->gid;
    const struct devpts_params *o = d->sb->priv;
    if (o && (ptmx ? o->ptmxmode : o->mode))
        i->mode = S_IFCHR | (ptmx ? o->ptmxmode : o->mode);
    if (o && o->has_uid && !ptmx)
        i->uid = o->uid;
    if (o && o->has_gid && !ptmx)
        i->gid = o->gid;
    dentry_set_inode(d, i);
    return 0;
}

static int pts_revalidate(struct task *task, struct dentry *d)
{
    return d->inode && !strcmp(d->name, "ptmx");
}

static int pts_readdir(struct task *task, struct file *f, struct dir_context *c)
{
    char name[16];

    if (c->pos == 0 && !c->emit(c, ".", 1, 1, 1, 4))
        return 0;
    if (c->pos == 1 && !c->emit(c, "..", 2, 2, 1, 4))
        return 0;
    if (c->pos == 2 && !c->emit(c, "ptmx", 4, 3, 2, 2))
        return 0;
    for (loff_t n = c->pos - 3; n < PTYS_MAX; n++) {
        int len = snprintf(name, sizeof(name), "%d", (int)n);
        if (is_there(n) && !c->emit(c, name, (size_t)len, n + 4, (uint64_t)n + 3, 2))
            return 0;
    }
    return 0;
}

static const struct file_ops pts_dir_file_ops = {
    .kind = "devpts directory", .readdir = pts_readdir, .llseek = dir_llseek};

static int pts_open(struct task *task, struct inode *i, const struct path *p, int flags,
                    struct file **out)
{
    *out = file_new(&pts_dir_file_ops, i, p, flags);
    return *out ? 0 : file_new_error();
}

static const struct inode_ops pts_dir_ops = {.lookup = pts_lookup, .open = pts_open};

static const struct inode_ops *pts_ops_of(mode_t mode)
{
    return S_ISDIR(mode) ? &pts_dir_ops : S_ISCHR(mode) ? &pts_node_ops : NULL;
}

static void pts_show_options(struct superblock *sb, struct strbuf *out)
{
    const struct devpts_params *o = sb->priv;

    if (o && o->has_uid)
        strbuf_printf(out, ",uid=%u", o->uid);
    if (o && o->has_gid)
        strbuf_printf(out, ",gid=%u", o->gid);
    strbuf_printf(out, ",mode=%03o,ptmxmode=%03o", o && o->mode ? o->mode : 0620,
                  o && o->ptmxmode ? o->ptmxmode : 0666);
    if (o && o->max)
        strbuf_printf(out, ",max=%u", o->max);
}

const struct ckpt_field devpts_params_fields[7] = {
    CKPT_UINT_MAX(struct devpts_params, mode, 07777),
    CKPT_UINT_MAX(struct devpts_params, ptmxmode, 07777),
    CKPT_UINT(struct devpts_params, uid),
    CKPT_UINT(struct devpts_params, gid),
    CKPT_BOOL(struct devpts_params, has_uid),
    CKPT_BOOL(struct devpts_params, has_gid),
    CKPT_UINT(struct devpts_params, max),
};

static const struct ckpt_type ckpt_devpts = {.name = "devpts",
                                             .id = CT_DEVPTS,
                                             .version = 1,
                                             .size = sizeof(struct devpts_params),
                                             CKPT_TABLE(devpts_params_fields)};
CKPT_TYPE_REGISTER(ckpt_devpts);

static void pts_put_super(struct superblock *sb)
{
    free(sb->priv);
}

static const struct super_ops pts_super_ops = {.revalidate = pts_revalidate,
                                               .inode_ops = pts_ops_of,
                                               .show_options = pts_show_options,
                                               .put_super = pts_put_super,
                                               .priv_type = &ckpt_devpts,
                                               .priv_optional = true};
CKPT_SYMBOL("super_ops", "devpts", pts_super_ops);
CKPT_SYMBOL("file_ops", "devpts directory", pts_dir_file_ops);

int devpts_new_with(const struct devpts_params *p, struct superblock **out)
{
    struct devpts_params *o = p ? malloc(sizeof(*o)) : NULL;
    struct superblock *sb = super_new(&pts_super_ops, "devpts", DEVPTS_SUPER_MAGIC, o);
    struct inode *root = sb ? inode_new(sb, &pts_dir_ops, S_IFDIR | 0755) : NULL;

    if (!root || (p && !o))
        return -ENOMEM;
    if (o)
        *o = *p;
    root->nlink = 2;
    *out = sb;
    return dentry_new_root(sb, root) ? 0 : -ENOMEM;
}

int devpts_new(struct superblock **out)
{
    return devpts_new_with(NULL, out);
}
