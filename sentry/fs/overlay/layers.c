/*
 * The superblock: its layers, how their inode numbers are kept apart, who mounted it.
 *
 * Numbers: with all layers on one file system they are that one's, and the device is the
 * overlay's. Else files show a device for each file system, or (xino=on) numbers with the file
 * system's in their high bits; directories are always the overlay's. Linux's ovl_map_dev_ino().
 */
#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "sentry/fs/fs.h"
#include "sentry/fs/overlay/overlay.h"
#include "sentry/fs/tmpfs/tmpfs.h"
#include "sentry/kernel/task.h"

#define CAP_DAC_OVERRIDE 1
#define CAP_DAC_READ_SEARCH 2
#define CAP_SYS_ADMIN 21
/* The root's upper layer: apart from the lower one's, and exact in a double. */
#define ROOT_UPPER_INO (1ULL << 50)

static struct list with_upper = LIST_INIT(with_upper);

unsigned int ovl_depth_of(const struct superblock *sb)
{
    if (sb->ops == &ovl_super_ops)
        return OVL_S(sb)->depth;
    return !strcmp(sb->fstype, "proc") ? OVL_DEPTH_MAX
                                       : 0; /* as Linux marks it: proc_fill_super() */
}

void ovl_super_listed(struct ovl_super *s)
{
    list_add(&with_upper, &s->node);
}

bool ovl_in_use(const struct dentry *d)
{
    const struct ovl_super *s;

    list_for_each(s, &with_upper, node) {
        if (s->layers[0].root->inode == d->inode || (s->work && s->work->parent->inode == d->inode))
            return true;
    }
    return false;
}

/* Roots of file systems are in no layer. */
bool ovl_is_trap(const struct ovl_super *s, const struct dentry *d)
{
    for (unsigned int k = 0; k < s->nlayers; k++) {
        const struct ovl_layer *l = &s->layers[k];
        if (l->root && l->root != l->sb->root && l->root->inode == d->inode)
            return true;
    }
    return s->work && s->work->inode == d->inode;
}

/* --- numbers --- */
static unsigned int fs_index(struct ovl_super *s, struct superblock *sb)
{
    for (unsigned int k = 0; k < s->nfs; k++)
        if (s->fs[k].sb == sb)
            return k;
    s->fs[s->nfs].sb = sb;
    return s->nfs++;
}

static void number_layers(struct superblock *sb)
{
    struct ovl_super *s = OVL_S(sb);

    s->nfs = 1;
    s->fs[0].sb = s->layers[0].sb; /* NULL: nobody's */
    for (unsigned int k = 1; k < s->nlayers; k++)
        s->layers[k].fs = (uint16_t)fs_index(s, s->layers[k].sb);
    bool same = s->nfs - !s->layers[0].sb == 1;
    bool bits = s->config.xino != OVL_XINO_OFF;
    unsigned int nbits = s->nfs > 1 ? 33U - (unsigned int)__builtin_clz(s->nfs - 1U) : 0;
    for (unsigned int k = 0; k < s->nfs; k++) {
        s->fs[k].dev = same || bits ? sb->dev : super_anon_dev();
        if (k && !same && bits)
            s->fs[k].ino_bits = (uint64_t)k << (65 - nbits);
    }
    s->own_dir_inos = !same && !bits;
}

/* --- making --- */
static int take_layers(struct ovl_super *s, const struct ovl_plan *p)
{
    s->layers = calloc(p->nlayers, sizeof(s->layers[0]));
    s->fs = calloc(p->nlayers + 1UL, sizeof(s->fs[0]));
    if (!s->layers || !s->fs)
        return -ENOMEM;
    s->nlayers = (uint16_t)p->nlayers;
    for (unsigned int k = 0; k < p->nlayers; k++) {
        struct ovl_layer *l = &s->layers[k];
        *l = p->layers[k];
        if (!l->root)
            continue;
        dentry_get(l->root);
        l->sb = l->root->sb;
        l->sb->refs++;
        s->depth = (uint8_t)MAX(s->depth, ovl_depth_of(l->sb) + 1);
        s->remote |= k && l->sb->ops->revalidate && !l->sb->readonly;
    }
    s->work = p->work ? dentry_get(p->work) : NULL;
    return 0;
}

static void take_mounter(struct ovl_super *s, struct cred *c)
{
    if (!c)
        return;
    s->no_attrs = !s->config.userxattr && !cred_capable(c, CAP_SYS_ADMIN);
    if (!cred_capable(c, CAP_DAC_OVERRIDE) || !cred_capable(c, CAP_DAC_READ_SEARCH))
        s->mounter = cred_get(c);
}

static int make_root(struct superblock *sb, unsigned int ndata)
{
    struct ovl_super *s = OVL_S(sb);
    unsigned int n = s->nlayers - 1U - ndata;
    struct ovl_lower *v = calloc(n + 1UL, sizeof(*v));

    if (!v)
        return -ENOMEM;
    for (unsigned int k = 0; k < n; k++) {
        v[k] = (struct ovl_lower){s->layers[k + 1].root, (uint16_t)(k + 1)};
        s->layers[k + 1].xwhiteouts = ovl_opaque_mark(s, v[k].d) == 'x';
    }
    struct inode *root = ovl_inode_get(sb, s->layers[0].root, v, n);
    free(v);
    if (!root || !dentry_new_root(sb, root)) {
        inode_put(root);
        return -ENOMEM;
    }
    if (s->layers[0].root && !s->config.is_root && !s->own_dir_inos) /* copied up from nothing */
        root->ino = ovl_shown_ino(s, 0, s->layers[0].root->inode->ino);
    return 0;
}

void ovl_free_config(struct ovl_config *c)
{
    free(c->lowers);
    free(c->upper);
    free(c->work);
}

void ovl_super_free(struct ovl_super *s)
{
    list_del(&s->node);
    dentry_put(s->whiteout);
    dentry_put(s->work);
    for (unsigned int k = 0; s->layers && k < s->nlayers; k++) {
        dentry_put(s->layers[k].root);
        super_put(s->layers[k].sb);
    }
    cred_put(s->mounter);
    ovl_free_config(&s->config);
    hash_free(&s->by_upper);
    free(s->layers);
    free(s->fs);
    free(s);
}

int ovl_super_new(struct ovl_plan *p, struct superblock **out)
{
    struct ovl_super *s = calloc(1, sizeof(*s));
    struct superblock *sb =
        s ? super_new(&ovl_super_ops, "overlay", OVERLAYFS_SUPER_MAGIC, s) : NULL;

    if (!sb) {
        free(s);
        return -ENOMEM;
    }
    list_init(&s->node);
    s->config = p->config;
    p->config = (struct ovl_config){0};
    int err = take_layers(s, p);
    if (!err) {
        take_mounter(s, p->mounter);
        number_layers(sb);
        sb->readonly = !s->layers[0].root;
        sb->constant = !s->remote;
        err = make_root(sb, p->ndata);
    }
    if (err) {
        super_put(sb);
        return err;
    }
    if (s->layers[0].root)
        ovl_super_listed(s);
    *out = sb;
    return 0;
}

/* --- the sandbox's root --- */
static void copy_root_attr(struct inode *to, const struct inode *from)
{
    to->mode = from->mode;
    to->uid = from->uid;
    to->gid = from->gid;
    to->atime = from->atime;
    to->mtime = from->mtime;
}

/* One device, as the guest's disk would be. */
int overlayfs_new(struct superblock *lower, struct superblock *upper, struct superblock **out)
{
    struct ovl_layer layers[2] = {{.root = upper->root}, {.root = lower->root}};
    struct ovl_plan p = {
        .layers = layers,
        .nlayers = 2,
        .config = {.redirect = OVL_NOFOLLOW, .xino = OVL_XINO_ON, .is_root = true}};

    copy_root_attr(upper->root->inode, lower->root->inode);
    int err = ovl_super_new(&p, out);
    super_put(lower);
    super_put(upper);
    if (err)
        return err;
    struct ovl_super *s = OVL_S(*out);
    s->fs[0].ino_bits = ROOT_UPPER_INO;
    s->fs[s->nfs - 1].ino_bits = 0;
    return 0;
}

/* --- /proc/mounts --- */
static void put_value(struct strbuf *out, const char *key, const char *value)
{
    strbuf_printf(out, ",%s=", key);
    for (; *value; value++) {
        if (strchr(", \t\n\\", *value))
            strbuf_printf(out, "\\%03o", (unsigned char)*value);
        else
            strbuf_putc(out, *value);
    }
}

void ovl_show_options(struct superblock *sb, struct strbuf *out)
{
    static const char *const xinos[] = {NULL, "auto", "on"}, *const uuids[] = {NULL, "off", "null",
                                                                               "on"};
    static const char *const fsyncs[] = {NULL, "strict", "volatile"};
    static const char *const redirects[] = {NULL, "nofollow", "on"};
    const struct ovl_config *c = &OVL_S(sb)->config;

    if (c->is_root)
        return;
    for (const char *l = c->lowers; l && *l; l += strlen(l) + 1)
        put_value(out, c->lowers_added ? "lowerdir+" : "lowerdir", l);
    if (c->upper)
        put_value(out, "upperdir", c->upper);
    if (c->work)
        put_value(out, "workdir", c->work);
    if (c->default_permissions)
        strbuf_puts(out, ",default_permissions");
    if (redirects[c->redirect])
        strbuf_printf(out, ",redirect_dir=%s", redirects[c->redirect]);
    if (c->index)
        strbuf_puts(out, ",index=on");
    if (uuids[c->uuid])
        strbuf_printf(out, ",uuid=%s", uuids[c->uuid]);
    if (c->nfs_export)
        strbuf_puts(out, ",nfs_export=on");
    if (xinos[c->xino] && OVL_S(sb)->nfs - !OVL_S(sb)->layers[0].sb > 1)
        strbuf_printf(out, ",xino=%s", xinos[c->xino]);
    if (fsyncs[c->fsync])
        strbuf_printf(out, ",fsync=%s", fsyncs[c->fsync]);
    if (c->userxattr)
        strbuf_puts(out, ",userxattr");
}
