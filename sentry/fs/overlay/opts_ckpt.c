/* Checkpoints of overlays that are not mounted yet: fsopen(2). */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/macros.h"
#include "sentry/fs/overlay/opts.h"
#include "sentry/vfs/ckpt.h"

#define NAME_MAX_ 4096

static const struct ckpt_field fields[] = {
    CKPT_UINT_MAX(struct ovl_opts, c.redirect, OVL_REDIRECT_ON),
    CKPT_UINT_MAX(struct ovl_opts, c.xino, OVL_XINO_ON),
    CKPT_UINT_MAX(struct ovl_opts, c.uuid, OVL_UUID_ON),
    CKPT_UINT_MAX(struct ovl_opts, c.fsync, OVL_FSYNC_VOLATILE),
    CKPT_BOOL(struct ovl_opts, c.userxattr),
    CKPT_BOOL(struct ovl_opts, c.index),
    CKPT_BOOL(struct ovl_opts, c.nfs_export),
    CKPT_BOOL(struct ovl_opts, c.default_permissions),
    CKPT_BOOL(struct ovl_opts, c.lowers_added),
    CKPT_STRING(struct ovl_opts, c.upper, NAME_MAX_),
    CKPT_STRING(struct ovl_opts, c.work, NAME_MAX_),
    CKPT_BOOL(struct ovl_opts, set_redirect),
    CKPT_BOOL(struct ovl_opts, set_index),
    CKPT_BOOL(struct ovl_opts, set_nfs_export),
};

void ovl_opts_save(struct ckpt_writer *w, const void *opts)
{
    const struct ovl_opts *o = opts;

    ckpt_put_fields(w, fields, ARRAY_SIZE(fields), o);
    ovl_lowers_save(w, &o->c);
    ckpt_put_path(w, &o->upper);
    ckpt_put_path(w, &o->work);
    ckpt_put_u32(w, o->n);
    for (unsigned int k = 0; k < o->n; k++) {
        ckpt_put_path(w, &o->lowers[k].path);
        ckpt_put_string(w, o->lowers[k].name);
        ckpt_put_u8(w, o->lowers[k].data);
    }
}

void ovl_opts_load(struct ckpt_reader *r, void *opts)
{
    struct ovl_opts *o = opts;

    ckpt_get_fields(r, fields, ARRAY_SIZE(fields), o, 1);
    ovl_lowers_load(r, &o->c);
    ckpt_get_path(r, &o->upper);
    ckpt_get_path(r, &o->work);
    uint32_t n = ckpt_get_count(r, OVL_LAYERS_MAX, 3);
    o->lowers = n ? calloc(n, sizeof(*o->lowers)) : NULL;
    if (n && !o->lowers) {
        ckpt_bad(r, "out of memory");
        return;
    }
    for (; o->n < n && !ckpt_failed(r); o->n++) {
        struct lower_opt *l = &o->lowers[o->n];
        ckpt_get_path(r, &l->path);
        l->name = ckpt_get_string(r, NAME_MAX_);
        l->data = ckpt_get_u8(r);
    }
}

static bool dir_ok(struct ckpt_reader *r, const struct path *p, const char *name)
{
    if (!name && !p->dentry)
        return true;
    return name && ckpt_path_ok(r, p) && S_ISDIR(p->dentry->inode->mode);
}

void ovl_opts_link(struct ckpt_reader *r, const void *opts)
{
    const struct ovl_opts *o = opts;
    bool ok = dir_ok(r, &o->upper, o->c.upper) && dir_ok(r, &o->work, o->c.work);

    for (unsigned int k = 0; k < o->n && ok; k++)
        ok = o->lowers[k].name && dir_ok(r, &o->lowers[k].path, o->lowers[k].name);
    if (!ok)
        ckpt_bad(r, "a layer that is no directory");
}
