/* Paths: a mount and a dentry, one reference each; what they are called. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/kernel/task.h"
#include "sentry/vfs/vfs_internal.h"

void path_put(struct path *p)
{
    struct path old = *p;

    *p = (struct path){0};
    dentry_put(old.dentry);
    mount_put(old.mnt);
}

bool path_same(const struct path *a, const struct path *b)
{
    return a->mnt == b->mnt && a->dentry == b->dentry;
}

/* A directory that was moved out of the part of the tree a mount shows has no way up. */
bool dentry_is_beneath(const struct dentry *d, const struct dentry *top)
{
    while (d != top && d->parent != d)
        d = d->parent;
    return d == top;
}

/* --- names of paths --- */
int vfs_path_seen(const struct path *root, const struct path *p, char **out, bool *seen)
{
    char buf[2 * PATH_MAX_LEN], *at = buf + sizeof(buf) - 1;
    struct path c = *p;
    bool deleted = c.dentry->parent != c.dentry && !c.dentry->hashed;

    *seen = true;
    if (c.dentry->parent == c.dentry && (!c.mnt || c.mnt->root != c.dentry)) {
        *out = strdup(c.dentry->name); /* never had a directory */
        return *out ? 0 : -ENOMEM;
    }
    *at = 0;
    if (deleted) {
        at -= 10;
        memcpy(at, " (deleted)", 10);
    }
    while (!root || !path_same(&c, root)) {
        if (c.mnt && c.dentry == c.mnt->root) {
            if (!c.mnt->parent) {
                *seen = !root;
                break;
            }
            c = (struct path){c.mnt->parent, c.mnt->mountpoint};
            continue;
        }
        if (c.dentry->parent == c.dentry) {
            *seen = !c.mnt;
            break;
        }
        size_t len = c.dentry->name_len;
        if ((size_t)(at - buf) < len + 16)
            return -ENAMETOOLONG;
        at -= len;
        memcpy(at, c.dentry->name, len);
        *--at = '/';
        c.dentry = c.dentry->parent;
    }
    if (!*at || !strcmp(at, " (deleted)"))
        *--at = '/';
    *out = strdup(at);
    return *out ? 0 : -ENOMEM;
}

char *file_map_name(struct task *t, const struct file *f)
{
    const struct dentry *d = f->path.dentry;
    char *name = NULL;

    if (!d)
        return NULL;
    if (d->parent == d && !f->path.mnt) {
        if (asprintf(&name, "/%s (deleted)", d->name + (d->name[0] == '/')) < 0)
            name = NULL;
    } else if (vfs_path_string(t, &f->path, &name)) {
        name = NULL;
    }
    return name;
}

int vfs_path_string(struct task *t, const struct path *p, char **out)
{
    bool seen;

    return vfs_path_seen(t && t->fs ? &t->fs->root : NULL, p, out, &seen);
}
