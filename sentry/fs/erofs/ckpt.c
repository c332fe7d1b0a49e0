/*
 * Checkpoints of EROFS. The image is not in the checkpoint: the CLI opens it again (export_index),
 * and it must be what it was; an image in a guest's file comes back with that file. Inodes are read
 * again when they are used.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/fs/erofs/erofs.h"
#include "sentry/sandbox.h"
#include "sentry/vfs/ckpt.h"

static const struct ckpt_field super_fields[] = {
    CKPT_REF(struct erofs_super, file, &ckpt_file),
    CKPT_UINT(struct erofs_super, export_index),
    CKPT_UINT(struct erofs_super, size),
    CKPT_UINT(struct erofs_super, mtime_sec),
    CKPT_UINT(struct erofs_super, mtime_nsec),
    CKPT_BYTES(struct erofs_super, uuid),
    CKPT_UINT(struct erofs_super, checksum),
    CKPT_SINCE(2, CKPT_KIND_BOOL, struct erofs_super, noacl),
};

static void *super_create(struct ckpt_reader *r)
{
    struct erofs_super *s = calloc(1, sizeof(*s));

    if (s)
        s->fd = -1;
    return s;
}

static const struct sandbox_mount *mount_of(unsigned int export_index)
{
    for (int i = 0; sandbox && i < sandbox->nmounts; i++)
        if (sandbox->mounts[i].export_index == export_index)
            return &sandbox->mounts[i];
    return NULL;
}

static void open_again(struct ckpt_reader *r, struct erofs_super *s)
{
    const struct sandbox_mount *m = mount_of(s->export_index);
    const char *where = m ? m->dst : "/";
    char why[EROFS_WHY_MAX];
    struct stat st;

    s->fd = !sandbox ? 0 : !s->export_index ? sandbox->root_image : m ? m->image : 0;
    if (!s->fd || fstat(s->fd, &st)) {
        s->fd = -1;
        ckpt_bad(r, "an EROFS image was mounted on %s: give it again", where);
        return;
    }
    if ((uint64_t)st.st_size != s->size)
        ckpt_bad(r,
                 "the EROFS image of %s has changed since the checkpoint (its size was %llu, is "
                 "%llu)",
                 where, (unsigned long long)s->size, (unsigned long long)st.st_size);
    else if ((uint64_t)st.st_mtim.tv_sec != s->mtime_sec ||
             (uint32_t)st.st_mtim.tv_nsec != s->mtime_nsec)
        ckpt_bad(r, "the EROFS image of %s has changed since the checkpoint (it was modified)",
                 where);
    else if (erofs_ready(s) && erofs_open(&s->im, why))
        ckpt_bad(r, "the EROFS image of %s: %s", where, why);
    else if (memcmp(s->uuid, s->im.uuid, sizeof(s->uuid)) != 0 || s->checksum != s->im.checksum)
        ckpt_bad(r, "the EROFS image of %s is another one than at the checkpoint", where);
}

static void super_link(struct ckpt_reader *r, void *obj)
{
    struct erofs_super *s = obj;
    const struct inode *i = s->file ? s->file->inode : NULL;

    erofs_attach_source(s);
    if (!s->file)
        open_again(r, s);
    else if (!i || !S_ISREG(i->mode) || !s->file->ops || !s->file->ops->mmap ||
             !file_readable(s->file) || erofs_depth(s->file) > EROFS_STACK_MAX)
        ckpt_bad(r, "an EROFS image in a file that cannot have it");
}

const struct ckpt_type ckpt_erofs = {
    .name = "EROFS",
    .id = CT_EROFS,
    .version = 2,
    CKPT_TABLE(super_fields),
    .create = super_create,
    .link = super_link,
};
CKPT_TYPE_REGISTER(ckpt_erofs);
CKPT_SYMBOL("super_ops", "erofs", erofs_super_ops);
CKPT_SYMBOL("file_ops", "erofs file", erofs_file_ops);
CKPT_SYMBOL("file_ops", "erofs directory", erofs_dir_ops);

const struct inode_ops *erofs_ops_of(mode_t mode)
{
    return &erofs_inode_ops;
}

void erofs_load_inode(struct ckpt_reader *r, struct inode *i, unsigned int version)
{
    i->priv = calloc(1, sizeof(struct erofs_inode));
    if (!i->priv)
        ckpt_bad(r, "out of memory");
}

void erofs_restore_inode(struct ckpt_reader *r, struct inode *i)
{
    if (erofs_known(i->sb, i->ino))
        ckpt_bad(r, "two files of an EROFS image are one");
    else
        erofs_remember(i);
}
