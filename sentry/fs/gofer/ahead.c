/*
 * Listing directories, and which with them.
 *
 * A program that lists one directory after another gets those that come next in the same reply:
 * what is below the one it asks for and its next siblings, in the order of the listing, up to a
 * window of directories. The window grows with those of them that are used, and shrinks when they
 * are not; when nothing is left of it there is a pause, which doubles. Only for read-only exports:
 * of a writable one nothing may be believed for long.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/fs/gofer/goferfs.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/task.h"

#define WINDOW_FIRST 4
#define WINDOW_PROVEN 16
#define UNUSED_REPLIES 3
#define PAUSE_FIRST 16
#define PAUSE_MAX 1024
#define SIBLINGS_SEEN_MAX 4096 /* entries passed over in search of directories */
#define STRAY_DIRS 8           /* listed in any order, before all the others are expected, too */

/* --- the window --- */
/* Directories that came ahead and were used make it grow, several replies' worth of others shrink.
 */
static void judge(struct gofer_super *s)
{
    if (s->unused <= UNUSED_REPLIES * s->window)
        return;
    s->unused = 0;
    s->window /= 2;
    if (s->window < 2) {
        s->window = 0;
        s->pause = MAX(s->pause_next, (unsigned int)PAUSE_FIRST);
        s->pause_next = MIN(s->pause * 2, (unsigned int)PAUSE_MAX);
    }
}

void goferfs_ahead_used(struct gofer_super *s)
{
    s->unused -= s->unused > 0;
    s->window += s->window && s->window < GOFER_SECTIONS_MAX;
    if (s->window >= WINDOW_PROVEN)
        s->pause_next = PAUSE_FIRST;
}

/* The position of an entry's follower, as its neighbours in the listing see it; 0: no entry. */
static uint64_t position(struct dentry *dir, uint64_t *before)
{
    struct gofer_listing *above = GOFER_I(dir->parent->inode)->listing;
    const struct gofer_dirent *e, *self;
    uint64_t last_dir = 0;

    self = above ? gofer_listing_find(above, dir->name, dir->name_len) : NULL;
    if (!self)
        return 0;
    for_each_gofer_entry(e, above)
    {
        if (e == self)
            break;
        if (e->type == DT_DIR)
            last_dir = e->next;
    }
    *before = last_dir;
    return self->next;
}

/* Is this one of the directories that a walk through all of them lists? */
static bool in_walk(struct dentry *dir)
{
    struct gofer_inode *gi = GOFER_I(dir->inode), *gp = GOFER_I(dir->parent->inode);

    gp->listed_below += gp->listed_below < UINT8_MAX;
    if (!gp->walked) {
        uint64_t before = 0, next = position(dir, &before);
        gp->walked = (next && before && before == gp->next_below) || gp->listed_below > STRAY_DIRS;
        gp->next_below = next;
    }
    gi->walked = gp->walked;
    return gp->walked;
}

/* How many directories to ask for when dir is wanted. */
static unsigned int window_for(struct dentry *dir)
{
    struct gofer_super *s = GOFER_S(dir->sb);

    if (dir->parent == dir || !in_walk(dir))
        return 1;
    if (s->window)
        judge(s);
    else if (s->pause)
        s->pause--;
    else
        s->window = WINDOW_FIRST;
    return MAX(s->window, 1U);
}

/* --- what comes back --- */
struct fetch {
    struct gofer_call call;
    struct dentry *base, *dir; /* the path of the request; what is to be listed */
    char names[GOFER_PATH_MAX];
    struct dentry *ahead[GOFER_SECTIONS_MAX]; /* those named besides dir; references */
    unsigned int nahead;
    struct gofer_listing *first;
};

static struct gofer_listing *listing_new(const struct gofer_section *s)
{
    size_t head = ROUND_UP(sizeof(*s) + s->name_len, 8UL);
    uint32_t len = s->len - (uint32_t)head, n;
    const char *data = (const char *)s + head;

    if (!gofer_entries_ok(data, len, &n))
        return NULL;
    struct gofer_listing *l = malloc(sizeof(*l) + len);
    if (!l)
        return NULL;
    *l = (struct gofer_listing){
        .refs = 1, .len = len, .entries = n, .complete = s->complete, .attrs = s->attrs};
    list_init(&l->lru);
    memcpy(l->data, data, len);
    return l;
}

static bool section_ok(const char *data, uint32_t left)
{
    const struct gofer_section *s = (const void *)data;

    return left >= sizeof(*s) && s->len <= left && s->len % 8 == 0 &&
           ROUND_UP(sizeof(*s) + s->name_len, 8UL) <= s->len;
}

/* The child directory of that name, by the cache or the listing; referenced. Does not park. */
static struct dentry *child_dir(struct dentry *dir, const char *name, size_t len)
{
    struct gofer_listing *l = GOFER_I(dir->inode)->listing;
    struct dentry *d = dentry_cached(dir, name, len);
    const struct gofer_dirent *e = d || !l ? NULL : gofer_listing_find(l, name, len);

    if (e && e->has_attr) {
        d = dentry_new_child(dir, name, len);
        if (d && !goferfs_attach_entry(d, e))
            dentry_add(d);
    }
    if (d && (!d->inode || !S_ISDIR(d->inode->mode))) {
        dentry_put(d);
        d = NULL;
    }
    return d;
}

/* The directory that path, not terminated, leads to; referenced. */
static struct dentry *descend(struct dentry *base, const char *path, size_t len)
{
    struct dentry *d = dentry_get(base);

    while (d && len) {
        const char *slash = memchr(path, '/', len);
        size_t n = slash ? (size_t)(slash - path) : len;
        struct dentry *next = n && n <= GOFER_NAME_MAX ? child_dir(d, path, n) : NULL;
        dentry_put(d);
        d = next;
        path += n;
        len -= n;
        if (len) {
            path++;
            len--;
        }
    }
    return d;
}

static void prime_one(struct dentry *dir, const struct gofer_dirent *e)
{
    const struct gofer_attr *a = gofer_entry_attr(e);
    struct dentry *d = dentry_cached(dir, gofer_entry_name(e), e->name_len);

    if (d) {
        struct gofer_inode *gi = d->inode ? GOFER_I(d->inode) : NULL;
        if (gi && !gi->wr && gi->host_ino == a->ino && gi->host_dev == a->dev &&
            !((d->inode->mode ^ a->mode) & S_IFMT))
            goferfs_apply(d->inode, a);
        dentry_put(d);
        return;
    }
    d = dentry_new_child(dir, gofer_entry_name(e), e->name_len);
    if (!d)
        return;
    if (!goferfs_attach_entry(d, e))
        dentry_add(d);
    dentry_put(d);
}

/* One that nobody has asked for. */
static void take_ahead(struct fetch *f, const struct gofer_section *s)
{
    struct gofer_super *sb = GOFER_S(f->base->sb);
    struct dentry *d = s->complete ? descend(f->base, s->name, s->name_len) : NULL;
    struct gofer_listing *l = d && !GOFER_I(d->inode)->listing ? listing_new(s) : NULL;

    if (l) {
        l->ahead = true;
        sb->unused++;
        GOFER_I(d->inode)->walked = true;
        goferfs_keep_listing(GOFER_I(d->inode), l);
        gofer_listing_put(l);
    }
    dentry_put(d);
}

/* The reply where it arrived: a private copy already, checked piece by piece. */
static int take_sections(struct gofer_call *c, const char *data, uint32_t len)
{
    struct fetch *f = container_of(c, struct fetch, call);
    bool readonly = GOFER_S(f->dir->sb)->readonly;

    for (uint32_t off = 0; off < len;) {
        const struct gofer_section *s = (const void *)(data + off);
        if (!section_ok(data + off, len - off))
            return f->first ? 0 : -EIO;
        off += s->len;
        if (!f->first) {
            f->first = listing_new(s);
            if (!f->first)
                return -EIO;
            if (readonly && f->first->complete && !c->arg[READDIR_POS])
                goferfs_keep_listing(GOFER_I(f->dir->inode), f->first);
        } else if (readonly) {
            take_ahead(f, s);
        }
    }
    return 0;
}

/* --- asking --- */
/*
 * Threads of one program look into neighbouring directories at the same time. What one of them has
 * asked for the others wait for.
 */
static struct waitq fetch_wq = {LIST_INIT(fetch_wq.waiters)};

static void fetch_begin(struct fetch *f)
{
    GOFER_I(f->dir->inode)->fetching = true;
    for (unsigned int i = 0; i < f->nahead; i++)
        GOFER_I(f->ahead[i]->inode)->fetching = true;
}

static void fetch_end(struct fetch *f)
{
    GOFER_I(f->dir->inode)->fetching = false;
    for (unsigned int i = 0; i < f->nahead; i++) {
        GOFER_I(f->ahead[i]->inode)->fetching = false;
        dentry_put(f->ahead[i]);
    }
    waitq_wake_all(&fetch_wq);
}

/* The directory of an entry if it is worth listing ahead; referenced, or NULL. */
static struct dentry *worth_listing(const struct fetch *f, const struct gofer_dirent *e)
{
    const struct gofer_attr *a = gofer_entry_attr(e);

    if (!a || !S_ISDIR(a->mode) || a->dev != GOFER_I(f->dir->inode)->host_dev)
        return NULL;
    struct dentry *d = child_dir(f->dir->parent, gofer_entry_name(e), e->name_len);
    if (d && (GOFER_I(d->inode)->listing || GOFER_I(d->inode)->fetching || d->mounted)) {
        dentry_put(d);
        d = NULL;
    }
    return d;
}

/* The names of dir and of the directories after it in its parent. False: there are none. */
static bool name_siblings(struct fetch *f, struct gofer_listing *l, unsigned int window)
{
    const struct gofer_dirent *e = gofer_listing_find(l, f->dir->name, f->dir->name_len);
    size_t used = f->dir->name_len;

    if (!e)
        return false;
    memcpy(f->names, f->dir->name, used);
    uint32_t off = (uint32_t)((const char *)e - l->data) + e->reclen;
    for (unsigned int seen = 0; f->nahead + 1 < window && seen < SIBLINGS_SEEN_MAX; seen++) {
        e = gofer_entry_at(l, off);
        if (!e || used + e->name_len + 2 > sizeof(f->names))
            break;
        off += e->reclen;
        struct dentry *d = worth_listing(f, e);
        if (!d)
            continue;
        f->ahead[f->nahead++] = d;
        f->names[used++] = '/';
        memcpy(f->names + used, gofer_entry_name(e), e->name_len);
        used += e->name_len;
    }
    f->names[used] = 0;
    return f->nahead;
}

struct fetch_waiter {
    struct waiter w;
    struct fiber *fiber;
};

static void fetch_ended(struct waiter *w, uint32_t events)
{
    fiber_wake(container_of(w, struct fetch_waiter, w)->fiber);
}

/* True: while we waited for another's request a listing has come that is as good. */
static bool wait_for_other(const struct gofer_inode *gi, const struct gofer_fetch *how)
{
    struct fetch_waiter fw = {.w = {.mask = ~0U, .wake = fetch_ended}, .fiber = fiber_current()};

    if (!gi->fetching)
        return false;
    waitq_add(&fetch_wq, &fw.w);
    while (gi->fetching)
        fiber_park();
    waitq_del(&fw.w);
    return gi->listing && (gi->listing->attrs || how->attrs < gi->listing->entries);
}

int goferfs_fetch(struct dentry *dir, const struct gofer_fetch *how, struct gofer_listing **out)
{
    struct gofer_inode *gi = GOFER_I(dir->inode);
    struct gofer_listing *above = GOFER_I(dir->parent->inode)->listing;
    bool whole = !how->pos && GOFER_S(dir->sb)->readonly;

    if (whole && wait_for_other(gi, how)) {
        *out = goferfs_use_listing(dir->inode);
        (*out)->refs++;
        return 0;
    }
    unsigned int window = whole ? window_for(dir) : 1;
    uint64_t changes = gi->changes;
    const struct gofer_dirent *e;
    struct fetch f = {.call = {.type = GOFER_READDIR,
                               .arg = {how->pos, how->attrs, window, how->flags},
                               .take = take_sections},
                      .base = dir,
                      .dir = dir};

    f.names[0] = 0;
    if (window > 1)
        f.call.arg[READDIR_FLAGS] |= GOFER_LIST_DIRS;
    if (window > 1 && above && name_siblings(&f, above, window)) {
        f.base = dir->parent;
        f.call.path2 = f.names;
    }
    if (whole)
        fetch_begin(&f);
    int err = goferfs_call(f.base, &f.call);
    if (whole)
        fetch_end(&f);
    if (!err && !f.first)
        err = -EIO; /* there is a first section, even of an empty directory */
    if (err) {
        gofer_listing_put(f.first);
        return err;
    }
    /* One that was under way while we changed names could bring back what we removed. */
    if (!GOFER_S(dir->sb)->readonly && gi->changes == changes) {
        for_each_gofer_entry(e, f.first)
        {
            if (e->has_attr)
                prime_one(dir, e);
        }
    }
    *out = f.first;
    return 0;
}
