/*
 * Directories of the gofer. What a listing tells about its entries goes into the dentry cache. The
 * listing of a small read-only directory is kept: later readers and lookups need not ask.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/fs/gofer/goferfs.h"
#include "sentry/kernel/task.h"

#define RECORD_MAX ROUND_UP(sizeof(struct gofer_dirent) + 255, 8UL)
#define REPLY_MAX (GOFER_PACKET_MAX - sizeof(struct gofer_reply))
#define KEPT_BYTES_MAX (8UL << 20)
#define MISSES_BEFORE_LISTING 4

static size_t kept_bytes;

struct gofer_dir {              /* an open directory */
    struct gofer_listing *list; /* one reply */
    uint64_t from;              /* position the reply was read at */
};

static void listing_put(struct gofer_listing *l)
{
    if (!l || --l->refs)
        return;
    free(l->data);
    free(l);
}

static const struct gofer_dirent *entry_at(const struct gofer_listing *l, uint32_t off)
{
    return off < l->len ? (const void *)(l->data + off) : NULL;
}

#define for_each_entry(e, l) for (uint32_t off_ = 0; ((e) = entry_at(l, off_)); off_ += (e)->reclen)

static bool entry_ok(const char *data, uint32_t len, uint32_t off)
{
    const struct gofer_dirent *e = (const void *)(data + off);

    return len - off >= sizeof(*e) && e->reclen >= sizeof(*e) + e->name_len &&
           e->reclen <= len - off && e->reclen % 8 == 0 && e->name_len > 0 &&
           !memchr(e->name, '/', e->name_len) && !memchr(e->name, 0, e->name_len);
}

static bool entries_ok(const char *data, uint32_t len)
{
    for (uint32_t off = 0; off < len;) {
        if (!entry_ok(data, len, off))
            return false;
        off += ((const struct gofer_dirent *)(const void *)(data + off))->reclen;
    }
    return true;
}

static int fetch(struct dentry *dir, uint64_t pos, struct gofer_listing **out)
{
    struct gofer_call c = {.type = GOFER_READDIR, .arg = {pos}};
    int err = goferfs_call(dir, &c);

    if (err)
        return err;
    struct gofer_listing *l = calloc(1, sizeof(*l));
    if (!l || !entries_ok(c.data, c.len)) {
        err = l ? -EIO : -ENOMEM;
        free(l);
        free(c.data);
        return err;
    }
    /* The gofer stops early only when an entry did not fit. */
    *l = (struct gofer_listing){
        .refs = 1, .len = c.len, .complete = REPLY_MAX - c.len >= RECORD_MAX, .data = c.data};
    *out = l;
    return 0;
}

/* --- the cache --- */
static void keep_listing(struct gofer_inode *gi, struct gofer_listing *l)
{
    if (gi->listing || kept_bytes + l->len > KEPT_BYTES_MAX)
        return;
    kept_bytes += l->len;
    l->refs++;
    gi->listing = l;
}

void goferfs_forget_listing(struct inode *i)
{
    struct gofer_listing *l = GOFER_I(i)->listing;

    if (!l)
        return;
    kept_bytes -= l->len;
    GOFER_I(i)->listing = NULL;
    listing_put(l);
}

static void prime_one(struct dentry *dir, const struct gofer_dirent *e)
{
    struct dentry *d = dentry_cached(dir, e->name, e->name_len);

    if (d) {
        struct gofer_inode *gi = d->inode ? GOFER_I(d->inode) : NULL;
        if (gi && !gi->wr && gi->host_ino == e->attr.ino && gi->host_dev == e->attr.dev &&
            !GOFER_S(dir->sb)->readonly)
            goferfs_apply(d->inode, &e->attr);
        dentry_put(d);
        return;
    }
    d = dentry_new_child(dir, e->name, e->name_len);
    if (!d)
        return;
    if (!goferfs_attach(d, &e->attr, NULL))
        dentry_add(d);
    dentry_put(d);
}

static void prime(struct dentry *dir, const struct gofer_listing *l)
{
    const struct gofer_dirent *e;

    for_each_entry(e, l)
    {
        if (e->attr.mode)
            prime_one(dir, e);
    }
}

/* A listing that was under way while we changed names could bring back what we removed. */
static int fetch_and_prime(struct dentry *dir, uint64_t pos, struct gofer_listing **out)
{
    struct gofer_inode *gi = GOFER_I(dir->inode);
    uint64_t changes = gi->changes;
    int err = fetch(dir, pos, out);

    if (err)
        return err;
    if (gi->changes == changes)
        prime(dir, *out);
    if (pos == 0 && (*out)->complete && GOFER_S(dir->sb)->readonly)
        keep_listing(gi, *out);
    return 0;
}

int goferfs_listed(struct inode *dir, struct dentry *d)
{
    struct gofer_inode *gi = GOFER_I(dir);
    const struct gofer_dirent *e;
    struct gofer_listing *l;

    if (!GOFER_S(dir->sb)->readonly)
        return -EAGAIN;
    if (!gi->listing && gi->misses == MISSES_BEFORE_LISTING) {
        gi->misses++; /* once: a big directory has no listing */
        if (!fetch(d->parent, 0, &l)) {
            if (l->complete)
                keep_listing(gi, l);
            listing_put(l);
        }
    }
    if (!gi->listing) {
        gi->misses += gi->misses < MISSES_BEFORE_LISTING;
        return -EAGAIN;
    }
    for_each_entry(e, gi->listing)
    {
        if (e->name_len != d->name_len || memcmp(e->name, d->name, e->name_len))
            continue;
        if (!e->attr.mode)
            return -EAGAIN;
        int err = goferfs_attach(d, &e->attr, NULL);
        return err ? err : 1;
    }
    return 0;
}

/* --- open directories --- */
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
    struct gofer_inode *gi = GOFER_I(dir->inode);
    struct gofer_listing *l;

    if (g->list && g->from == pos)
        return 0;
    if (pos == 0 && gi->listing) {
        l = gi->listing;
        l->refs++;
    } else {
        int err = fetch_and_prime(dir, pos, &l);
        if (err)
            return err;
    }
    listing_put(g->list);
    g->list = l;
    g->from = pos;
    return 0;
}

/* Emits what of the loaded reply comes at or after pos; false when the reader is full. */
static bool emit_from(struct gofer_dir *g, struct dir_context *ctx, uint64_t pos)
{
    const struct gofer_dirent *e;
    uint64_t at = g->from;

    for_each_entry(e, g->list)
    {
        if (at == pos) {
            if (!ctx->emit(ctx, e->name, e->name_len, guest_pos(e->next), e->ino, e->type))
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
    for_each_entry(e, g->list)
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
        listing_put(g->list); /* rewinddir(3) shows what there is now */
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

    listing_put(g->list);
    free(g);
}

static const struct file_ops gofer_dir_ops = {
    .kind = "host directory",
    .readdir = gd_readdir,
    .llseek = dir_llseek,
    .release = gd_release,
};

int goferfs_open_dir(struct task *t, struct inode *i, const struct path *p, int flags,
                     struct file **out)
{
    struct gofer_dir *g = calloc(1, sizeof(*g));

    *out = g ? file_new(&gofer_dir_ops, i, p, flags) : NULL;
    if (!*out) {
        free(g);
        return -ENOMEM;
    }
    (*out)->priv = g;
    return 0;
}
