/* Open directories of the gofer: what readers see, reply by reply or from a kept listing. */
#include <errno.h>
#include <stdlib.h>

#include "sentry/fs/gofer/goferfs.h"
#include "sentry/kernel/task.h"

#define ATTRS_WANTED 512 /* entries at most, whose attributes come with the listing */

/*
 * Positions: 0 and 1 are "." and "..", then the host's plus 2. The host's last may be the greatest
 * number there is (ext4); what is cut off only matters to who reads on at the end.
 */
static loff_t guest_pos(uint64_t host)
{
    return host > INT64_MAX - 2 ? INT64_MAX : (loff_t)host + 2;
}

static uint64_t host_pos(loff_t guest)
{
    return guest == INT64_MAX ? INT64_MAX : (uint64_t)guest - 2;
}

static int load(struct dentry *dir, struct gofer_dir *g, uint64_t pos)
{
    const struct gofer_inode *gp = GOFER_I(dir->parent->inode);
    struct gofer_fetch how = {
        .pos = pos, .attrs = gp->wants_attrs ? ATTRS_WANTED : 0, .flags = GOFER_LIST_DIRS};
    struct gofer_listing *l = pos ? NULL : goferfs_use_listing(dir->inode);

    if (g->list && g->from == pos)
        return 0;
    if (l) {
        l->refs++;
    } else {
        int err = goferfs_fetch(dir, &how, &l);
        if (err)
            return err;
    }
    gofer_listing_put(g->list);
    g->list = l;
    g->from = pos;
    return 0;
}

/* Emits what of the loaded reply comes at or after pos; false when the reader is full. */
static bool emit_from(struct gofer_dir *g, struct dir_context *ctx, uint64_t pos)
{
    const struct gofer_dirent *e;
    uint64_t at = g->from;

    for_each_gofer_entry(e, g->list)
    {
        if (at == pos) {
            if (!ctx->emit(ctx, gofer_entry_name(e), e->name_len, guest_pos(e->next), e->ino,
                           e->type))
                return false;
            pos = e->next;
        }
        at = e->next;
    }
    return true;
}

static bool has_pos(const struct gofer_dir *g, uint64_t pos)
{
    const struct gofer_dirent *e;

    if (!g->list)
        return false;
    if (g->from == pos)
        return true;
    for_each_gofer_entry(e, g->list)
    {
        bool last = (const char *)e + e->reclen == g->list->data + g->list->len;
        if (e->next == pos) /* what follows the last entry is in the next reply, if anything */
            return !last || g->list->complete;
    }
    return false;
}

static int gd_readdir(struct task *t, struct file *f, struct dir_context *ctx)
{
    struct gofer_dir *g = f->priv;
    struct dentry *dir = inode_dentry(f->inode);

    if (!dir)
        return -ENOENT;
    if (ctx->pos == 0) {
        gofer_listing_put(g->list); /* rewinddir(3) shows what there is now */
        g->list = NULL;
        if (!ctx->emit(ctx, ".", 1, 1, f->inode->ino, 4))
            return 0;
    }
    if (ctx->pos == 1 && !ctx->emit(ctx, "..", 2, 2, dir->parent->inode->ino, 4))
        return 0;
    for (;;) {
        uint64_t pos = host_pos(ctx->pos);
        if (!has_pos(g, pos)) {
            dentry_get(dir);
            int err = load(dir, g, pos);
            dentry_put(dir);
            if (err)
                return err;
        }
        if (!emit_from(g, ctx, pos))
            return 0;
        if (g->list->complete || host_pos(ctx->pos) == pos)
            return 0;
    }
}

static void gd_release(struct file *f)
{
    struct gofer_dir *g = f->priv;

    gofer_listing_put(g->list);
    free(g);
}

const struct file_ops gofer_dir_ops = {
    .kind = "host directory",
    .readdir = gd_readdir,
    .llseek = dir_llseek,
    .release = gd_release,
    .priv_type = &ckpt_gofer_dir,
    .restore = goferfs_restore_dir,
};

int goferfs_open_dir(struct task *t, struct inode *i, const struct path *p, int flags,
                     struct file **out)
{
    struct gofer_dir *g = calloc(1, sizeof(*g));

    *out = g ? file_new(&gofer_dir_ops, i, p, flags) : NULL;
    if (!*out) {
        free(g);
        return file_new_error();
    }
    (*out)->priv = g;
    return 0;
}
