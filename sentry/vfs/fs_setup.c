/* Parameters of file systems and what becomes of them: fs/fs_context.c, fs/super.c of Linux. */
#include "sentry/vfs/fs_setup.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/vfs_internal.h"

const struct fs_type *fs_type_find(const char *name)
{
    for (int i = 0; fs_types[i]; i++)
        if (!strcmp(fs_types[i]->name, name))
            return fs_types[i];
    return NULL;
}

/* They have nothing that could be changed. */
const struct fs_type fs_type_other = {.name = "none", .ignores_unknown = true};

const struct fs_type *fs_type_of(const struct superblock *sb)
{
    const struct fs_type *type = fs_type_find(sb->fstype);

    /* The name may be an image's. */
    return type && (!type->super || type->super == sb->ops) ? type : &fs_type_other;
}

int fs_setup_new(const struct fs_type *type, struct superblock *sb, struct fs_setup **out)
{
    struct fs_setup *s = calloc(1, sizeof(*s));

    if (s)
        s->opts = calloc(1, type->opts_size + 1);
    if (!s || !s->opts) {
        free(s);
        return -ENOMEM;
    }
    s->type = type;
    s->sb = sb;
    if (sb)
        sb->refs++;
    *out = s;
    return 0;
}

void fs_setup_free(struct fs_setup *s)
{
    if (!s)
        return;
    if (s->type->free_opts)
        s->type->free_opts(s->opts);
    free(s->opts);
    super_put(s->sb);
    for (unsigned int i = 0; i < SETUP_LOG; i++)
        free(s->log[i]);
    free(s->source);
    free(s);
}

int fs_setup_fail(struct fs_setup *s, int err, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    int n = snprintf(text, sizeof(text), "e ");
    va_start(ap, fmt);
    vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
    va_end(ap);
    if (s->nlog == SETUP_LOG) { /* the oldest goes */
        free(s->log[s->log_first]);
        s->log[s->log_first] = NULL;
        s->log_first = (s->log_first + 1) % SETUP_LOG;
        s->nlog--;
    }
    s->log[(s->log_first + s->nlog) % SETUP_LOG] = strdup(text);
    s->nlog++;
    return err;
}

int fs_setup_bad_value(struct fs_setup *s, const char *key)
{
    return fs_setup_fail(s, -EINVAL, "%s: Bad value for '%s'", s->type->name, key);
}

/* Flags of every superblock: vfs_parse_sb_flag(). */
static bool flag_param(struct fs_setup *s, const char *key)
{
    static const struct {
        const char *name;
        unsigned long set, clear;
    } flags[] = {
        {"dirsync", MS_DIRSYNC, 0},     {"lazytime", MS_LAZYTIME, 0}, {"mand", MS_MANDLOCK, 0},
        {"ro", MS_RDONLY, 0},           {"sync", MS_SYNCHRONOUS, 0},  {"async", 0, MS_SYNCHRONOUS},
        {"nolazytime", 0, MS_LAZYTIME}, {"nomand", 0, MS_MANDLOCK},   {"rw", 0, MS_RDONLY},
    };

    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        if (strcmp(key, flags[i].name) != 0)
            continue;
        s->flags = (s->flags | flags[i].set) & ~flags[i].clear;
        s->flags_mask |= flags[i].set | flags[i].clear;
        return true;
    }
    return false;
}

int fs_setup_param(struct fs_setup *s, const char *key, const char *value)
{
    if (!*key)
        return fs_setup_fail(s, -EINVAL, "Unnamed parameter");
    if (flag_param(s, key))
        return 0;
    int err = s->type->param ? s->type->param(s, key, value) : -ENOPARAM_;
    if (err != -ENOPARAM_)
        return err;
    if (!strcmp(key, "source")) {
        if (!value)
            return fs_setup_fail(s, -EINVAL, "Non-string source");
        if (s->source)
            return fs_setup_fail(s, -EINVAL, "Multiple sources");
        s->source = strdup(value);
        return s->source ? 0 : -ENOMEM;
    }
    if (s->type->ignores_unknown)
        return 0;
    return fs_setup_fail(s, -EINVAL, "%s: Unknown parameter '%s'", s->type->name, key);
}

/* What follows the comma that ends p, which becomes NUL; NULL: nothing. */
static char *next_param(char *p, bool escapes)
{
    while (*p && *p != ',')
        p += escapes && *p == '\\' && p[1] ? 2 : 1;
    if (!*p)
        return NULL;
    *p = 0;
    return p + 1;
}

/* Empty pieces are skipped; "=value" is an unnamed parameter that is left out, too. */
int fs_setup_params(struct fs_setup *s, char *data)
{
    int err = 0;

    for (char *p = data, *next; p && !err; p = next) {
        next = next_param(p, s->type->escapes);
        char *value = strchr(p, '=');
        if (!*p || value == p)
            continue;
        if (value)
            *value++ = 0;
        err = fs_setup_param(s, p, value);
    }
    return err;
}

static struct user_ns *owner_of(const struct task *t, const struct fs_type *type)
{
    return type->owner ? type->owner(t) : t->cred->user_ns;
}

/*
 * In a user namespace: what can be mounted there, and of those that show the system only what can
 * be seen already (mount_too_revealing()).
 */
bool fs_setup_permitted(struct task *t, const struct fs_type *type)
{
    const struct mount *m;

    if (!t->cred->user_ns)
        return cred_capable(t->cred, CAP_SYS_ADMIN_);
    if (!type->userns || !ns_capable(t->cred, owner_of(t, type), CAP_SYS_ADMIN_))
        return false;
    if (!type->reveals)
        return true;
    list_for_each(m, &t->mnt_ns->mounts, node) {
        if (!strcmp(m->sb->fstype, type->name) && m->root == m->sb->root)
            return true;
    }
    return false;
}

static void apply_flags(struct superblock *sb, unsigned long flags, unsigned long mask)
{
    sb->flags = (sb->flags & ~mask) | (flags & mask & ~(unsigned long)MS_RDONLY);
    if (mask & MS_RDONLY)
        sb->readonly = flags & MS_RDONLY;
}

int fs_setup_make(struct fs_setup *s)
{
    struct superblock *sb = NULL;
    int err = s->type->make(s, &sb);

    if (err)
        return err;
    if (!sb->source)
        sb->source = s->source ? s->source : strdup("none");
    if (sb->source == s->source)
        s->source = NULL;
    s->sb = sb;
    if (sb->refs > 1) /* there is one for all */
        return 0;
    apply_flags(sb, s->flags, s->flags);
    sb->user_ns = user_ns_get(owner_of(s->t, s->type));
    return 0;
}

/* Is a file of sb open for writing, through any mount? */
static bool has_writers(const struct superblock *sb)
{
    const struct mount_ns *ns;
    const struct mount *m;

    list_for_each(ns, &mount_namespaces, node) {
        list_for_each(m, &ns->mounts, node) {
            if (m->sb == sb && m->writers)
                return true;
        }
    }
    return false;
}

int fs_setup_reconfigure(struct fs_setup *s)
{
    struct superblock *sb = s->sb;
    bool to_ro = (s->flags_mask & s->flags & MS_RDONLY) && !sb->readonly;

    if (to_ro && has_writers(sb))
        return -EBUSY;
    int err = s->type->reconfigure ? s->type->reconfigure(s) : 0;
    if (!err)
        apply_flags(sb, s->flags, s->flags_mask);
    return err;
}

int param_u32(const char *value, int base, uint32_t *out)
{
    char *end;

    if (!value || !*value || *value == '-' || *value == ' ')
        return -EINVAL;
    errno = 0;
    unsigned long v = strtoul(value, &end, base);
    if (*end || errno || v > UINT32_MAX)
        return -EINVAL;
    *out = (uint32_t)v;
    return 0;
}

int param_size(const char *value, uint64_t *out)
{
    static const char units[] = "kmgtpe";
    char *end;

    if (!value || *value < '0' || *value > '9')
        return -EINVAL;
    uint64_t v = strtoull(value, &end, 0);
    const char *u = *end ? strchr(units, *end | 0x20) : NULL;
    if (u) {
        int shift = 10 * (int)(u - units + 1);
        v = v > UINT64_MAX >> shift ? UINT64_MAX : v << shift;
        end++;
    }
    *out = v;
    return *end ? (*end == '%' && !end[1] ? 1 : -EINVAL) : 0;
}
