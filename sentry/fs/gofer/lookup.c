/*
 * Looking names up: what of it needs the gofer, and what else to ask then.
 *
 * A round trip costs as much as ten to twenty of the looks the gofer makes for us. So it walks down
 * the rest of a path in one request; and a few lookups in one directory have all of it listed: from
 * then on names that are not there cost nothing. The more lookups there were, the larger may be a
 * directory whose attributes come along; when most of them were used, those of its neighbours come
 * at once. Writable exports are believed for a second, and never in that a name is not there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "sentry/fs/gofer/goferfs.h"
#include "sentry/kernel/task.h"

#define ATTRS_MAX 512
#define MISSES_MAX 6
#define MISSES_LIST 2
#define HITS_MIN 4 /* lookups served by attributes, and a part of all entries */
#define HITS_PART 4
#define MISSES_WRITABLE 3
#define MISSES_AGE_NS (1 * NSEC_PER_SEC)

enum want {
    WANT_STEP, /* a component before the last: is asked for together with what follows */
    WANT_READ, /* an open for reading: needs a trip for the descriptor, if the file is there */
    WANT_ATTR,
};

/* --- by the directory's listing --- */
/* Of how many entries attributes are worth having, to save the trips that more misses would cost.
 */
static uint32_t attrs_for(const struct gofer_inode *gi, const struct gofer_inode *above)
{
    if (above->wants_attrs)
        return ATTRS_MAX;
    return gi->misses < MISSES_LIST ? 0 : MIN(8U << gi->misses, (unsigned int)ATTRS_MAX);
}

/* The gofer was asked about one name in dir. */
static void missed(struct inode *dir)
{
    struct gofer_inode *gi = GOFER_I(dir);

    if (!GOFER_S(dir->sb)->readonly && now_ns() - gi->misses_ns > MISSES_AGE_NS) {
        gi->misses = 0;
        gi->misses_ns = now_ns();
    }
    gi->misses += gi->misses < MISSES_MAX;
}

static int list_for_lookup(struct dentry *dir, uint32_t attrs)
{
    struct gofer_inode *gi = GOFER_I(dir->inode);
    struct gofer_fetch how = {.attrs = attrs, .flags = GOFER_LIST_SMALL};
    struct gofer_listing *l;

    int err = goferfs_fetch(dir, &how, &l);
    gi->big |= err == -E2BIG;
    if (err)
        return err;
    gi->big |= !l->complete || (attrs >= l->entries && !l->attrs);
    gofer_listing_put(l);
    return 0;
}

/* Of a writable directory only names that are there are believed, and only for a while. */
static bool refresh_names(struct dentry *dir)
{
    struct gofer_inode *gi = GOFER_I(dir->inode);

    if (gi->misses < MISSES_WRITABLE || gi->big)
        return false;
    gi->misses = 0;
    return !list_for_lookup(dir, ATTRS_MAX);
}

static int listed_writable(const struct dentry *d)
{
    struct dentry *now =
        refresh_names(d->parent) ? dentry_cached(d->parent, d->name, d->name_len) : NULL;
    bool there = now && now->inode;

    dentry_put(now);
    return there ? 1 : -EAGAIN;
}

/* Is it time to list dir, or to list it again with attributes? l: what there is. */
static bool worth_fetching(const struct inode *dir, const struct gofer_listing *l, uint32_t attrs,
                           enum want want)
{
    const struct gofer_inode *gi = GOFER_I(dir);

    if (want == WANT_STEP || gi->big)
        return false;
    return l ? !l->attrs && attrs >= l->entries : gi->misses >= MISSES_LIST || attrs;
}

/* An entry of the listing served a lookup; directories have attributes for other reasons, too. */
static void count_hit(struct gofer_listing *l, const struct gofer_dirent *e,
                      struct gofer_inode *above)
{
    l->hits += l->attrs && !S_ISDIR(gofer_entry_attr(e)->mode);
    above->wants_attrs |= l->hits >= HITS_MIN && l->hits * HITS_PART >= l->entries;
}

/*
 * Looks for d in the listing of its directory, fetching that after some misses. 1: d is filled, or
 * the cache has it; 0: certainly not there; -EAGAIN: ask the gofer.
 */
static int find_listed(struct inode *dir, struct dentry *d, enum want want)
{
    struct gofer_inode *above = GOFER_I(d->parent->parent->inode);

    if (!GOFER_S(dir->sb)->readonly)
        return want == WANT_ATTR ? listed_writable(d) : -EAGAIN;
    struct gofer_listing *l = goferfs_use_listing(dir);
    const struct gofer_dirent *e = l ? gofer_listing_find(l, d->name, d->name_len) : NULL;
    if (l && !e)
        return 0;
    uint32_t attrs = want == WANT_ATTR ? attrs_for(GOFER_I(dir), above) : 0;
    if ((!e || !e->has_attr) && worth_fetching(dir, l, attrs, want)) {
        list_for_lookup(d->parent, attrs);
        l = goferfs_use_listing(dir);
        e = l ? gofer_listing_find(l, d->name, d->name_len) : NULL;
        if (l && !e)
            return 0;
    }
    if (!e || !e->has_attr)
        return -EAGAIN;
    count_hit(l, e, above);
    int err = goferfs_attach_entry(d, e);
    return err ? err : 1;
}

/* --- by asking --- */
/*
 * The components that a walk will ask for next, as path2 of a LOOKUP; "" if there are none that
 * the gofer could look up without us. Only read-only exports: of what is below a directory that
 * others may move nothing can be said ahead.
 */
static void steps_ahead(const struct superblock *sb, const char *rest, char out[GOFER_PATH_MAX])
{
    size_t used = 0;

    for (int n = 0; GOFER_S(sb)->readonly && n < GOFER_STEPS_MAX; n++) {
        rest += strspn(rest, "/");
        size_t len = strcspn(rest, "/");
        bool dots = rest[0] == '.' && (len == 1 || (len == 2 && rest[1] == '.'));
        if (!len || dots || len > GOFER_NAME_MAX || used + len + 2 > GOFER_PATH_MAX)
            break;
        if (used)
            out[used++] = '/';
        memcpy(out + used, rest, len);
        used += len;
        rest += len;
    }
    out[used] = 0;
}

/* One step below dir as the reply tells it: its dentry, referenced, or NULL. */
static struct dentry *add_step(struct dentry *dir, const char *name, size_t len,
                               const struct gofer_attr *a, const char *link)
{
    struct dentry *d = dentry_cached(dir, name, len);

    if (d)
        return d;
    d = dentry_new_child(dir, name, len);
    if (!d || (a && goferfs_attach(d, a, link, strlen(link)))) {
        dentry_put(d);
        return NULL;
    }
    dentry_add(d);
    return d;
}

/* What the reply tells of the components after d; the dentry that it ends with, referenced. */
static struct dentry *add_steps(struct dentry *d, const struct gofer_call *c)
{
    const char *name = c->path2;
    const char *link = c->data ? c->data + c->steps * sizeof(struct gofer_attr) : "";

    d = dentry_get(d);
    for (uint32_t k = 0; d && *name && k <= c->steps; k++) {
        size_t len = strcspn(name, "/");
        struct gofer_attr a;
        bool missing = !c->data || k == c->steps;
        if (!d->inode || !S_ISDIR(d->inode->mode) || (missing && c->stop != -ENOENT))
            break;
        if (!missing)
            memcpy(&a, c->data + k * sizeof(a), sizeof(a));
        if (!name[len])
            missed(d->inode);
        struct dentry *next = add_step(d, name, len, missing ? NULL : &a, link);
        dentry_put(d);
        d = next;
        name += len + (name[len] == '/');
    }
    return d;
}

/* Fills d from a reply about it, and the cache with what else it tells. */
static int take_lookup(struct dentry *d, struct gofer_call *c)
{
    int err = goferfs_attach(d, &c->attr, c->steps ? NULL : c->data, c->len);

    if (err || (!c->data && !c->stop && c->fd < 0))
        return err;
    bool all = c->steps || c->stop;
    struct dentry *end = all ? add_steps(d, c) : dentry_get(d);
    if (c->fd >= 0 && end && end->inode && S_ISREG(end->inode->mode) && !GOFER_I(end->inode)->rd) {
        goferfs_donated(end->inode, c->fd);
        c->fd = -1;
    }
    dentry_put(end);
    return 0;
}

int goferfs_lookup(struct task *t, struct inode *dir, struct dentry *d)
{
    struct walk_ahead next = vfs_walk_ahead(t);
    bool last = !next.rest[strspn(next.rest, "/")];
    char steps[GOFER_PATH_MAX];
    struct gofer_call c = {
        .type = GOFER_LOOKUP, .path2 = steps, .arg = {next.read ? GOFER_LOOKUP_OPEN : 0}};

    int listed = find_listed(dir, d, !last ? WANT_STEP : next.read ? WANT_READ : WANT_ATTR);
    if (listed >= 0)
        return 0;
    if (listed != -EAGAIN)
        return listed;
    steps_ahead(d->sb, next.rest, steps);
    if (!*steps && !last)
        c.arg[0] = 0;
    int err = goferfs_call(d, &c);
    if (err == -ENOENT || (last && !next.read))
        missed(dir);
    if (!err)
        err = take_lookup(d, &c);
    if (c.fd >= 0)
        close(c.fd);
    free(c.data);
    return err == -ENOENT ? 0 : err;
}

static bool is_fresh(const struct gofer_inode *gi)
{
    return now_ns() - gi->fresh_ns < GOFER_MAX_AGE_NS;
}

int goferfs_revalidate(struct task *t, struct dentry *d)
{
    struct gofer_call c = {.type = GOFER_LOOKUP};

    if (GOFER_S(d->sb)->readonly)
        return 1;
    if (!d->inode)
        return 0;
    struct gofer_inode *gi = GOFER_I(d->inode);
    if (!is_fresh(gi) && d->parent != d) {
        missed(d->parent->inode);
        refresh_names(d->parent);
    }
    if (is_fresh(gi))
        return 1;
    int err = goferfs_call(d, &c);
    bool same = !err && c.attr.ino == gi->host_ino && c.attr.dev == gi->host_dev &&
                (c.attr.mode & S_IFMT) == (d->inode->mode & S_IFMT);
    if (same && gi->wr) { /* a write may have overtaken the reply */
        gi->fresh_ns = now_ns();
        gi->dirty = true;
    } else if (same) {
        goferfs_apply(d->inode, &c.attr);
    }
    free(c.data);
    return same;
}
