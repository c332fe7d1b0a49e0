/*
 * Mounting overlays: parameters, which layers may be together, the work directory. Order and
 * errors are those of Linux's fs/overlayfs/params.c and super.c.
 *
 * Not had: metacopy and verity. As on Linux over file systems without file handles, which nothing
 * here has, index and nfs_export fall back to off.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/fs/fs.h"
#include "sentry/fs/overlay/opts.h"
#include "sentry/fs/overlay/overlay.h"
#include "sentry/fs/tmpfs/tmpfs.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/fs_setup.h"
#include "sentry/vfs/vfs_internal.h"

#define CAP_SYS_ADMIN 21

static void drop_lowers(struct ovl_opts *o)
{
    for (unsigned int k = 0; k < o->n; k++) {
        path_put(&o->lowers[k].path);
        free(o->lowers[k].name);
    }
    free(o->lowers);
    o->lowers = NULL;
    o->n = 0;
}

static void free_opts(void *opts)
{
    struct ovl_opts *o = opts;

    drop_lowers(o);
    path_put(&o->upper);
    path_put(&o->work);
    ovl_free_config(&o->c);
}

/* --- layers --- */
/* A backslash quotes what follows. */
static void unescape(char *s)
{
    char *to = s;

    for (; *s; s++) {
        if (*s == '\\' && s[1])
            s++;
        *to++ = *s;
    }
    *to = 0;
}

/* May it be a layer at all, and an upper one? */
static int check_dir(struct fs_setup *s, const struct path *p, const char *name, bool upper)
{
    const struct inode *i = p->dentry->inode;

    if (!i || !S_ISDIR(i->mode))
        return fs_setup_fail(s, -EINVAL, "overlay: %s is not a directory", name);
    if (!upper)
        return 0;
    if (p->dentry->sb->ops != &tmpfs_super_ops)
        return fs_setup_fail(s, -EINVAL, "overlay: filesystem on %s not supported as upperdir",
                             name);
    if (path_readonly(p))
        return fs_setup_fail(s, -EINVAL, "overlay: filesystem on %s is read-only", name);
    return 0;
}

static int find_dir(struct fs_setup *s, const char *name, bool upper, struct path *out)
{
    cleanup_path struct path p = {0};

    int err = *name ? vfs_walk(s->t, AT_FDCWD, name, 0, &p) : -EINVAL;
    if (err) {
        fs_setup_fail(s, err, "overlay: failed to resolve '%s': %i", name, err);
        return err;
    }
    err = check_dir(s, &p, name, upper);
    if (!err)
        *out = path_get(&p);
    return err;
}

static int add_lower(struct fs_setup *s, const struct path *p, const char *name, bool data)
{
    struct ovl_opts *o = s->opts;
    struct lower_opt l = {.path = *p, .name = strdup(name), .data = data};

    if (o->n == OVL_LAYERS_MAX) {
        free(l.name);
        return fs_setup_fail(s, -EINVAL, "overlay: too many lower directories, limit is %d",
                             OVL_LAYERS_MAX);
    }
    struct lower_opt *v = l.name ? realloc(o->lowers, (o->n + 1UL) * sizeof(l)) : NULL;
    if (!v) {
        free(l.name);
        return -ENOMEM;
    }
    o->lowers = v;
    path_get(p);
    o->lowers[o->n++] = l;
    return 0;
}

/* The end of a directory's name: a colon that is not quoted. */
static char *name_end(char *s)
{
    while (*s && *s != ':')
        s += *s == '\\' && s[1] ? 2 : 1;
    return s;
}

static int add_named(struct fs_setup *s, const char *name, bool data)
{
    struct path p = {0};

    int err = find_dir(s, name, false, &p);
    if (!err)
        err = add_lower(s, &p, name, data);
    path_put(&p);
    return err;
}

/* "a:b::data": the whole list, anew. */
static int lowerdir(struct fs_setup *s, const char *value)
{
    struct ovl_opts *o = s->opts;
    size_t len = strlen(value);
    bool data = false;
    int err = 0;

    drop_lowers(o);
    free(o->c.lowers);
    o->c.lowers_added = false;
    o->c.lowers = calloc(1, len + 2);
    if (!o->c.lowers)
        return -ENOMEM;
    memcpy(o->c.lowers, value, len);
    if (!*value)
        return 0;
    if (*value == ':')
        return fs_setup_fail(s, -EINVAL, "overlay: cannot append lower layer");
    cleanup_free char *list = strdup(value);
    if (!list)
        return -ENOMEM;
    for (char *at = list, *next; !err; at = next) {
        char *end = name_end(at);
        bool more = *end;
        *end = 0;
        next = end + 1;
        unescape(at);
        err = *at ? add_named(s, at, data)
                  : fs_setup_fail(s, -EINVAL, "overlay: invalid empty lowerdir");
        if (!more)
            break;
        if (*next == ':') {
            data = true;
            next++;
        } else if (data) {
            err = fs_setup_fail(s, -EINVAL,
                                "overlay: regular lower layers cannot follow data lower layers");
        }
    }
    if (err)
        drop_lowers(o);
    return err;
}

/* Keeps the names of lowerdir+ for /proc/mounts. */
static int remember_added(struct ovl_opts *o, const char *name)
{
    size_t used = 0, len = strlen(name);

    for (const char *l = o->c.lowers; l && *l; l += strlen(l) + 1)
        used = (size_t)(l - o->c.lowers) + strlen(l) + 1;
    char *all = calloc(1, used + len + 2);
    if (!all)
        return -ENOMEM;
    if (used)
        memcpy(all, o->c.lowers, used);
    memcpy(all + used, name, len + 1);
    free(o->c.lowers);
    o->c.lowers = all;
    o->c.lowers_added = true;
    return 0;
}

static int lowerdir_add(struct fs_setup *s, const struct path *p, const char *name, bool data)
{
    struct ovl_opts *o = s->opts;

    if (o->n && !o->c.lowers_added)
        return fs_setup_fail(s, -EINVAL, "overlay: lowerdir+ cannot follow lowerdir");
    if (data && !o->n)
        return fs_setup_fail(s, -EINVAL,
                             "overlay: data-only lower layers need a regular one above");
    if (!data && o->n && o->lowers[o->n - 1].data)
        return fs_setup_fail(s, -EINVAL,
                             "overlay: regular lower layers cannot follow data lower layers");
    int err = add_lower(s, p, name, data);
    return err ? err : remember_added(o, name);
}

static int upper_or_work(struct fs_setup *s, const struct path *p, const char *name, bool work)
{
    struct ovl_opts *o = s->opts;
    struct path *slot = work ? &o->work : &o->upper;
    char **text = work ? &o->c.work : &o->c.upper, *copy = strdup(name);

    if (!copy)
        return -ENOMEM;
    path_put(slot);
    *slot = path_get(p);
    free(*text);
    *text = copy;
    return 0;
}

static bool is_layer_key(const char *key)
{
    return !strcmp(key, "lowerdir+") || !strcmp(key, "datadir+") || !strcmp(key, "upperdir") ||
           !strcmp(key, "workdir");
}

static int layer_param(struct fs_setup *s, const char *key, const struct path *p, const char *name)
{
    bool upper = key[0] == 'u' || key[0] == 'w';

    int err = check_dir(s, p, name, upper);
    if (err)
        return err;
    return upper ? upper_or_work(s, p, name, key[0] == 'w')
                 : lowerdir_add(s, p, name, key[0] == 'd');
}

static int change_param(struct fs_setup *s)
{
    /* mount(2) has always ignored them. */
    return s->old_api ? 0 : fs_setup_fail(s, -EINVAL, "overlay: No changes allowed in reconfigure");
}

/* FSCONFIG_SET_FD */
static int ovl_param_path(struct fs_setup *s, const char *key, const struct path *p)
{
    cleanup_free char *name = NULL;

    if (!is_layer_key(key))
        return -ENOPARAM_;
    if (s->sb)
        return change_param(s);
    int err = vfs_path_string(s->t, p, &name);
    return err ? err : layer_param(s, key, p, name);
}

static int named_layer(struct fs_setup *s, const char *key, const char *value)
{
    cleanup_path struct path p = {0};
    cleanup_free char *name = strdup(value);

    if (!name)
        return -ENOMEM;
    if (!strchr(key, '+'))
        unescape(name);
    int err = find_dir(s, name, key[0] == 'u' || key[0] == 'w', &p);
    return err ? err : layer_param(s, key, &p, value);
}

/* --- other parameters --- */
static int choose(struct fs_setup *s, const char *key, const char *value, const char *const *names,
                  uint8_t *out)
{
    for (int k = 0; names[k]; k++) {
        if (value && !strcmp(value, names[k])) {
            *out = (uint8_t)k;
            return 0;
        }
    }
    return fs_setup_bad_value(s, key);
}

static int on_off(struct fs_setup *s, const char *key, const char *value, bool *out)
{
    static const char *const names[] = {"off", "on", NULL};
    uint8_t v = 0;

    int err = choose(s, key, value, names, &v);
    *out = v;
    return err;
}

static int refused_unless_off(struct fs_setup *s, const char *key, const char *value)
{
    static const char *const names[] = {"off", "on", "require", NULL};
    uint8_t v = 0;

    int err = choose(s, key, value, names, &v);
    if (!err && v == 2 && strcmp(key, "verity") != 0)
        err = fs_setup_bad_value(s, key);
    return err || !v ? err
                     : fs_setup_fail(s, -EINVAL, "overlay: %s=%s is not supported", key, value);
}

static int redirect_param(struct fs_setup *s, const char *value)
{
    /* With redirect_always_follow, off is the same as follow. */
    static const char *const names[] = {"follow", "nofollow", "on", "off", NULL};
    struct ovl_opts *o = s->opts;

    int err = choose(s, "redirect_dir", value, names, &o->c.redirect);
    if (!err && o->c.redirect == 3)
        o->c.redirect = OVL_FOLLOW;
    o->set_redirect = true;
    return err;
}

static int ovl_param(struct fs_setup *s, const char *key, const char *value)
{
    static const char *const xinos[] = {"off", "auto", "on", NULL};
    static const char *const uuids[] = {"auto", "off", "null", "on", NULL};
    static const char *const fsyncs[] = {"auto", "strict", "volatile", NULL};
    struct ovl_opts *o = s->opts;

    if (s->sb)
        return change_param(s);
    if (!strcmp(key, "lowerdir"))
        return value ? lowerdir(s, value) : fs_setup_bad_value(s, key);
    if (is_layer_key(key))
        return value ? named_layer(s, key, value) : fs_setup_bad_value(s, key);
    if (!strcmp(key, "redirect_dir"))
        return redirect_param(s, value);
    if (!strcmp(key, "xino"))
        return choose(s, key, value, xinos, &o->c.xino);
    if (!strcmp(key, "uuid"))
        return choose(s, key, value, uuids, &o->c.uuid);
    if (!strcmp(key, "fsync"))
        return choose(s, key, value, fsyncs, &o->c.fsync);
    if (!strcmp(key, "index")) {
        o->set_index = true;
        return on_off(s, key, value, &o->c.index);
    }
    if (!strcmp(key, "nfs_export")) {
        o->set_nfs_export = true;
        return on_off(s, key, value, &o->c.nfs_export);
    }
    if (!strcmp(key, "metacopy") || !strcmp(key, "verity"))
        return refused_unless_off(s, key, value);
    bool creds = !strcmp(key, "override_creds") || !strcmp(key, "nooverride_creds");
    if (creds || !strcmp(key, "volatile") || !strcmp(key, "userxattr") ||
        !strcmp(key, "default_permissions")) {
        if (value)
            return fs_setup_bad_value(s, key);
        if (key[0] == 'n')
            return fs_setup_fail(s, -EINVAL, "overlay: %s is not supported", key);
        if (!strcmp(key, "volatile"))
            o->c.fsync = OVL_FSYNC_VOLATILE;
        o->c.userxattr |= key[0] == 'u';
        o->c.default_permissions |= key[0] == 'd';
        return 0;
    }
    return -ENOPARAM_;
}

/* ovl_fs_params_verify(): what contradicts, what follows from what. */
static int verify(struct fs_setup *s)
{
    struct ovl_opts *o = s->opts;
    struct ovl_config *c = &o->c;

    if (!c->upper) {
        path_put(&o->work);
        free(c->work);
        c->work = NULL;
        c->index = false;
        c->fsync = OVL_FSYNC_AUTO;
        if (c->uuid == OVL_UUID_ON)
            c->uuid = OVL_UUID_NULL;
    }
    if (c->nfs_export && !c->index && o->set_index)
        return fs_setup_fail(s, -EINVAL, "overlay: conflicting options: nfs_export=on,index=off");
    if (c->userxattr && o->set_redirect && c->redirect != OVL_NOFOLLOW)
        return fs_setup_fail(s, -EINVAL, "overlay: conflicting options: userxattr,redirect_dir=%s",
                             c->redirect == OVL_REDIRECT_ON ? "on" : "follow");
    if (c->userxattr)
        c->redirect = OVL_NOFOLLOW;
    else if (o->set_redirect && c->redirect != OVL_NOFOLLOW &&
             !cred_capable(s->t->cred, CAP_SYS_ADMIN))
        return fs_setup_fail(s, -EPERM,
                             "overlay: redirect_dir requires permission to access "
                             "trusted xattrs");
    if (!c->upper && c->redirect == OVL_FOLLOW)
        c->redirect = OVL_REDIRECT_ON;
    return 0;
}

/* --- making --- */
static int check_upper(struct fs_setup *s)
{
    struct ovl_opts *o = s->opts;
    const struct dentry *u = o->upper.dentry, *w = o->work.dentry;

    if (!o->c.upper)
        return 0;
    if (!o->c.work)
        return fs_setup_fail(s, -EINVAL, "overlay: missing 'workdir'");
    if (o->upper.dentry->sb->readonly)
        return fs_setup_fail(s, -EINVAL, "overlay: upper fs is r/o, try multi-lower layers mount");
    if (o->c.index && ovl_in_use(u))
        return fs_setup_fail(s, -EBUSY, "overlay: upperdir is in-use by another mount");
    if (o->upper.mnt != o->work.mnt)
        return fs_setup_fail(s, -EINVAL,
                             "overlay: workdir and upperdir must reside under the same mount");
    if (dentry_is_beneath(u, w) || dentry_is_beneath(w, u))
        return fs_setup_fail(s, -EINVAL, "overlay: workdir and upperdir must be separate subtrees");
    if (o->c.index && ovl_in_use(w))
        return fs_setup_fail(s, -EBUSY, "overlay: workdir is in-use by another mount");
    return 0;
}

/* Is d, or one above it that is not d, in this layer? */
static bool is_above(const struct dentry *top, const struct dentry *d)
{
    return top->sb == d->sb && dentry_is_beneath(d, top);
}

/* No lower layer may be another one, or in one, or the upper one. */
static int check_overlap(struct fs_setup *s)
{
    const struct ovl_opts *o = s->opts;
    const struct dentry *u = o->upper.dentry, *w = o->work.dentry;

    for (unsigned int k = 0; k < o->n; k++) {
        const struct dentry *d = o->lowers[k].path.dentry;
        bool bad = u && (is_above(u, d) || is_above(w, d));
        for (unsigned int j = 0; !bad && j < o->n; j++)
            bad = j != k && is_above(o->lowers[j].path.dentry, d);
        if (bad)
            return fs_setup_fail(s, -ELOOP, "overlay: overlapping lowerdir path");
    }
    return 0;
}

static int check_lowers(struct fs_setup *s, unsigned int *ndata)
{
    const struct ovl_opts *o = s->opts;
    unsigned int depth = 0;

    for (unsigned int k = 0; k < o->n; k++) {
        depth = MAX(depth, ovl_depth_of(o->lowers[k].path.dentry->sb));
        *ndata += o->lowers[k].data;
    }
    if (!o->n)
        return fs_setup_fail(s, -EINVAL, "overlay: missing 'lowerdir'");
    if (!o->c.upper && o->n == 1)
        return fs_setup_fail(s, -EINVAL,
                             "overlay: at least 2 lowerdir are needed while upperdir nonexistent");
    if (depth + 1 > OVL_DEPTH_MAX)
        return fs_setup_fail(s, -EINVAL, "overlay: maximum fs stacking depth exceeded");
    return 0;
}

/* A number of its own for a new upper layer. */
static void choose_uuid(struct task *t, struct ovl_super *s)
{
    struct dentry *up = s->layers[0].root;
    uint8_t uuid[16];

    if (!up || s->config.uuid == OVL_UUID_OFF || s->config.uuid == OVL_UUID_NULL ||
        ovl_get_attr(s, up, OVL_UUID, uuid, sizeof(uuid)) == sizeof(uuid))
        return;
    if (s->config.uuid == OVL_UUID_AUTO && ovl_get_attr(s, up, OVL_IMPURE, NULL, 0) >= 0)
        return;
    if (getrandom(uuid, sizeof(uuid), GRND_NONBLOCK) != sizeof(uuid) ||
        ovl_set_attr(t, s, up, OVL_UUID, uuid, sizeof(uuid)))
        s->config.uuid = OVL_UUID_NULL;
    else
        s->config.uuid = OVL_UUID_ON;
}

static int make_super(struct fs_setup *s, unsigned int ndata, struct superblock **out)
{
    struct ovl_opts *o = s->opts;
    struct ovl_layer *layers = calloc(o->n + 1UL, sizeof(*layers));
    struct ovl_plan p = {
        .layers = layers, .nlayers = o->n + 1, .ndata = ndata, .mounter = s->t->cred};
    int err = layers ? 0 : -ENOMEM;

    if (!err && o->c.upper)
        err = ovl_make_work(s, o->work.dentry, &p.work);
    if (!err && p.work && o->c.fsync == OVL_FSYNC_VOLATILE)
        err = ovl_mark_volatile(s->t, p.work);
    if (!err) {
        layers[0].root = o->upper.dentry;
        for (unsigned int k = 0; k < o->n; k++)
            layers[k + 1].root = o->lowers[k].path.dentry;
        p.config = o->c;
        p.config.index = p.config.nfs_export = false; /* nothing here has file handles */
        o->c = (struct ovl_config){0};
        err = ovl_super_new(&p, out);
        ovl_free_config(&p.config);
    }
    if (!err && !p.work)
        (*out)->readonly = true;
    if (!err)
        choose_uuid(s->t, OVL_S(*out));
    dentry_put(p.work);
    free(layers);
    return err;
}

static int ovl_make_super(struct fs_setup *s, struct superblock **out)
{
    unsigned int ndata = 0;

    int err = verify(s);
    if (!err)
        err = check_lowers(s, &ndata);
    if (!err)
        err = check_upper(s);
    if (!err)
        err = check_overlap(s);
    return err ? err : make_super(s, ndata, out);
}

/* Without an upper layer, or a place to work, there is no writing. */
static int ovl_reconfigure(struct fs_setup *s)
{
    const struct ovl_super *o = OVL_S(s->sb);
    bool to_rw = (s->flags_mask & MS_RDONLY) && !(s->flags & MS_RDONLY);

    return to_rw && (!o->layers[0].root || (!o->work && !o->config.is_root)) ? -EROFS : 0;
}

const struct fs_type overlay_type = {.name = "overlay",
                                     .nodev = true,
                                     .userns = true,
                                     .escapes = true,
                                     .opts_size = sizeof(struct ovl_opts),
                                     .save_opts = ovl_opts_save,
                                     .load_opts = ovl_opts_load,
                                     .link_opts = ovl_opts_link,
                                     .param = ovl_param,
                                     .param_path = ovl_param_path,
                                     .make = ovl_make_super,
                                     .reconfigure = ovl_reconfigure,
                                     .super = &ovl_super_ops,
                                     .free_opts = free_opts};
