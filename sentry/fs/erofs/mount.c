/* mount(2) of EROFS: the source is a file of the guest (Linux 6.12: file-backed mounts). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/macros.h"
#include "ckpt/record.h"
#include "sentry/fs/erofs/erofs.h"
#include "sentry/fs/fs.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/fs_setup.h"

static bool is_one_of(const char *s, const char *const *list, size_t n)
{
    for (size_t i = 0; s && i < n; i++)
        if (!strcmp(s, list[i]))
            return true;
    return false;
}

struct opts {
    bool noacl;
};
static const struct ckpt_field opts_fields[] = {
    CKPT_BOOL(struct opts, noacl),
};

static int erofs_param(struct fs_setup *s, const char *key, const char *value)
{
    static const char *const flags[] = {"user_xattr", "acl", "noacl", "directio"};
    struct opts *o = s->opts;

    static const char *const strategies[] = {"disabled", "readahead", "readaround"};
    static const char *const missing[] = {"dax",       "device",       "fsid",
                                          "domain_id", "nouser_xattr", "fsoffset"};

    if (is_one_of(key, flags, ARRAY_SIZE(flags))) {
        if (strstr(key, "acl"))
            o->noacl = *key == 'n';
        return value ? fs_setup_bad_value(s, key) : 0;
    }
    if (!strcmp(key, "cache_strategy"))
        return is_one_of(value, strategies, ARRAY_SIZE(strategies)) ? 0
                                                                    : fs_setup_bad_value(s, key);
    if (is_one_of(key, missing, ARRAY_SIZE(missing)))
        return fs_setup_fail(s, -EINVAL, "erofs: %s is not supported", key);
    return -ENOPARAM_;
}

/* erofs_fc_get_tree() of fs/erofs/super.c: what is no block device must be a file with pages. */
static int erofs_make(struct fs_setup *s, struct superblock **out)
{
    char why[EROFS_WHY_MAX];
    const struct opts *o = s->opts;
    struct file *f;

    if (!s->source || !*s->source)
        return fs_setup_fail(s, -EINVAL, "erofs: No source specified");
    int err = vfs_open(s->t, AT_FDCWD, s->source, O_RDONLY, 0, 0, &f);
    if (err)
        return err;
    if (!S_ISREG(f->inode->mode) || !f->ops->mmap || erofs_depth(f) > EROFS_STACK_MAX) {
        file_put(f);
        return -ENOTBLK;
    }
    const struct erofs_params p = {.fd = -1, .file = f};
    err = erofs_new(&p, out, why);
    file_put(f);
    if (err)
        return fs_setup_fail(s, err, "erofs: %s", why);
    EROFS_S(*out)->noacl = o->noacl;
    return 0;
}

static int erofs_change(struct fs_setup *s)
{
    const struct opts *o = s->opts;

    s->flags |= MS_RDONLY; /* whatever was asked for */
    EROFS_S(s->sb)->noacl = o->noacl;
    return 0;
}

const struct fs_type erofs_type = {.name = "erofs",
                                   .opts_size = sizeof(struct opts),
                                   OPTS_FIELDS(opts_fields),
                                   .param = erofs_param,
                                   .make = erofs_make,
                                   .reconfigure = erofs_change,
                                   .super = &erofs_super_ops};
