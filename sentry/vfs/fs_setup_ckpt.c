/*
 * Checkpoints of what fsopen(2) and fspick(2) give: the file system's type, its parameters so far,
 * and messages that nobody has read. What the types keep of their parameters they declare
 * themselves (fs_type.opts_fields, save_opts).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "sentry/ckpt/types.h"
#include "sentry/vfs/fs_setup.h"
#include "sentry/vfs/vfs_internal.h"

#define TYPE_NAME_MAX 32
#define SOURCE_MAX 4096
#define MESSAGE_MAX 256

static const struct ckpt_field fields[] = {
    CKPT_UINT_MAX(struct setup_file, phase, SETUP_FAILED),
};

static const struct ckpt_field setup_fields[] = {
    CKPT_STRING(struct fs_setup, source, SOURCE_MAX),
    CKPT_UINT_MAX(struct fs_setup, flags, SB_FLAGS),
    CKPT_UINT_MAX(struct fs_setup, flags_mask, SB_FLAGS),
    CKPT_REF(struct fs_setup, sb, &ckpt_superblock),
};
#define NSETUP_FIELDS (sizeof(setup_fields) / sizeof(setup_fields[0]))

static void setup_save(struct ckpt_writer *w, void *obj)
{
    const struct fs_setup *s = ((struct setup_file *)obj)->s;

    ckpt_put_string(w, s->type->name);
    ckpt_put_fields(w, setup_fields, NSETUP_FIELDS, s);
    ckpt_put_u32(w, s->nlog);
    for (unsigned int i = 0; i < s->nlog; i++)
        ckpt_put_string(w, s->log[(s->log_first + i) % SETUP_LOG]);
    ckpt_put_fields(w, s->type->opts_fields, s->type->nopts_fields, s->opts);
    if (s->type->save_opts)
        s->type->save_opts(w, s->opts);
}

static void setup_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct setup_file *sf = obj;
    cleanup_free char *name = ckpt_get_string(r, TYPE_NAME_MAX);
    const struct fs_type *type = name ? fs_type_find(name) : NULL;

    if (!type && name && !strcmp(name, fs_type_other.name))
        type = &fs_type_other;
    if (!type || fs_setup_new(type, NULL, &sf->s)) {
        ckpt_bad(r, "of no file system that there is");
        return;
    }
    struct fs_setup *s = sf->s;
    ckpt_get_fields(r, setup_fields, NSETUP_FIELDS, s, version);
    uint32_t n = ckpt_get_count(r, SETUP_LOG, 1);
    while (s->nlog < n)
        s->log[s->nlog++] = ckpt_get_string(r, MESSAGE_MAX);
    ckpt_get_fields(r, type->opts_fields, type->nopts_fields, s->opts, version);
    if (type->load_opts && !ckpt_failed(r))
        type->load_opts(r, s->opts);
}

static void setup_link(struct ckpt_reader *r, void *obj)
{
    const struct setup_file *sf = obj;
    const struct fs_setup *s = sf->s;

    if (!s || (sf->phase == SETUP_CREATING ? s->sb != NULL : !s->sb && sf->phase != SETUP_FAILED) ||
        (s->sb && (!s->sb->root || !s->sb->fstype || fs_type_of(s->sb) != s->type)))
        ckpt_bad(r, "a file system that is made and is not");
    else if (s->type->link_opts)
        s->type->link_opts(r, s->opts);
}

const struct ckpt_type ckpt_fs_setup = {
    .name = "fs setup",
    .id = CT_FS_SETUP,
    .version = 1,
    .size = sizeof(struct setup_file),
    CKPT_TABLE(fields),
    .save = setup_save,
    .load = setup_load,
    .link = setup_link,
};
CKPT_TYPE_REGISTER(ckpt_fs_setup);
