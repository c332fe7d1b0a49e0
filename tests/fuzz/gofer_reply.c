/* Replies of a gofer that lies: to lookups, and listings of directories that came ahead. */
#include "sentry/fs/gofer/rpc.c"
/* Its static names do not collide with those above. */
#include "sentry/fs/gofer/ahead.c"
/* Nor these. */
#include "sentry/fs/gofer/lookup.c"

#include "sentry/vfs/vfs_internal.h"
#include "tests/fuzz/fuzz.h"

static struct gofer_super super = {.readonly = true};
static struct superblock *sb;
static struct gofer_attr dir_attr = {.mode = S_IFDIR | 0755, .ino = 2, .dev = 1};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    sb = super_new(&gofer_super_ops, "gofer", 0, &super);
    REQUIRE(sb);
    REQUIRE(dentry_new_root(sb, goferfs_inode_new(sb, &dir_attr)));
    return 0;
}

/* Every listing that is kept has only names that can be looked up. */
static void check_listing(struct gofer_listing *l)
{
    const struct gofer_dirent *e;

    for_each_gofer_entry(e, l)
    {
        const char *name = gofer_entry_name(e);
        REQUIRE(e->name_len && !memchr(name, '/', e->name_len));
        REQUIRE(gofer_listing_find(l, name, e->name_len));
    }
}

static void check_dentry(struct dentry *d)
{
    REQUIRE(d->name_len && !strchr(d->name, '/') && strcmp(d->name, "..") && strcmp(d->name, "."));
    if (d->inode && GOFER_I(d->inode)->listing)
        check_listing(GOFER_I(d->inode)->listing);
}

/* All that hangs below root: every dentry with children is met on the way to its own. */
static void check_tree(struct dentry *root)
{
    struct dentry *d, *at = root;

    while (at) {
        struct dentry *down = NULL;
        list_for_each(d, &at->children, child_node) {
            check_dentry(d);
            if (!list_empty(&d->children))
                down = d;
        }
        at = down;
    }
}

static void finish_lookup(struct gofer_call *c)
{
    struct dentry *d = dentry_new_child(sb->root, "d", 1);

    REQUIRE(d);
    if (!take_lookup(d, c))
        check_tree(d);
    if (c->data)
        REQUIRE(strlen(c->data) <= c->len);
    dentry_put(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char steps[] = "a/b/c/d";
    struct fetch f = {.base = sb->root, .dir = sb->root};
    struct gofer_pending *p = &f.call.pending;
    size_t n = size < sizeof(in.bytes) ? size : sizeof(in.bytes);

    if (n < sizeof(struct gofer_reply))
        return 0;
    memcpy(in.bytes, data, n);
    bool listing = data[n - 1] & 2;
    if (data[n - 1] & 1) {
        in.rep.result = 0;
        in.rep.len = (uint32_t)(n - sizeof(struct gofer_reply));
        in.rep.stop = in.rep.stop > 0 ? -ENOENT : in.rep.stop;
        in.rep.steps %= 5;
    }
    f.call.fd = -1;
    f.call.path2 = steps;
    f.call.take = listing ? take_sections : NULL;
    p->id = in.rep.id;
    list_add_tail(&waiting, &p->node);
    deliver(n);
    REQUIRE(p->done && p->result <= 0);
    if (!p->result && !listing)
        finish_lookup(&f.call);
    if (f.first)
        check_listing(f.first);
    check_tree(sb->root);
    gofer_listing_put(f.first);
    goferfs_forget_listing(sb->root->inode);
    free(f.call.data);
    dentry_drop_unused(sb);
    return 0;
}
