/* What has been said of an overlay that is to be mounted: mount.c, and its checkpoints. */
#ifndef NV_SENTRY_FS_OVERLAY_OPTS_H
#define NV_SENTRY_FS_OVERLAY_OPTS_H

#include "sentry/fs/overlay/overlay.h"

struct lower_opt {
    struct path path;
    char *name;
    bool data; /* only for contents that are elsewhere: not shown */
};

struct ovl_opts {
    struct lower_opt *lowers;
    unsigned int n;
    struct path upper, work;
    struct ovl_config c;
    bool set_redirect, set_index, set_nfs_export;
};

void ovl_opts_save(struct ckpt_writer *w, const void *opts);
void ovl_opts_load(struct ckpt_reader *r, void *opts);
void ovl_opts_link(struct ckpt_reader *r, const void *opts);

#endif
