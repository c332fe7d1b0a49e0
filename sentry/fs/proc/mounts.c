/* /proc/PID/mountinfo, mounts and mountstats: what the process can see of its namespace's tree. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/mount.h"

/* Blanks end fields: mangle_path(). */
static void put_escaped(struct strbuf *out, const char *s)
{
    for (; *s; s++) {
        if (strchr(" \t\n\\#", *s))
            strbuf_printf(out, "\\%03o", (unsigned char)*s);
        else
            strbuf_putc(out, *s);
    }
}

static void put_mount_flags(struct strbuf *out, const struct mount *m)
{
    static const struct {
        unsigned long flag;
        const char *name;
    } names[] = {{MS_NOSUID, ",nosuid"},          {MS_NODEV, ",nodev"},
                 {MS_NOEXEC, ",noexec"},          {MS_NOATIME, ",noatime"},
                 {MS_NODIRATIME, ",nodiratime"},  {MS_RELATIME, ",relatime"},
                 {MS_NOSYMFOLLOW, ",nosymfollow"}};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (m->flags & names[i].flag)
            strbuf_puts(out, names[i].name);
}

static void put_super_options(struct strbuf *out, struct superblock *sb)
{
    if (sb->flags & MS_SYNCHRONOUS)
        strbuf_puts(out, ",sync");
    if (sb->flags & MS_DIRSYNC)
        strbuf_puts(out, ",dirsync");
    if (sb->flags & MS_MANDLOCK)
        strbuf_puts(out, ",mand");
    if (sb->flags & MS_LAZYTIME)
        strbuf_puts(out, ",lazytime");
}

static void put_source(struct strbuf *out, const struct superblock *sb)
{
    put_escaped(out, sb->source && *sb->source ? sb->source : "none");
}

static void put_propagation(struct strbuf *out, const struct mount *m, const struct path *root)
{
    if (m->group)
        strbuf_printf(out, " shared:%d", m->group->id);
    if (m->master) {
        int dom = mount_dominating_id(m, root);
        strbuf_printf(out, " master:%d", m->master->id);
        if (dom && dom != m->master->id)
            strbuf_printf(out, " propagate_from:%d", dom);
    }
    if (m->unbindable)
        strbuf_puts(out, " unbindable");
}

/* False: it cannot be seen from the process's root. */
static bool place(const struct path *root, struct mount *m, char **at)
{
    struct path p = {m, m->root};
    bool seen;

    if (vfs_path_seen(root, &p, at, &seen))
        return false;
    if (!seen) {
        free(*at);
        *at = NULL;
    }
    return seen;
}

/* mounts_open_common(): what the task does later does not matter to who has the file open. */
int proc_mounts_bind(struct proc_file *pf, const struct task *t)
{
    if (!t || !t->mnt_ns)
        return -EINVAL;
    if (!t->fs)
        return -ENOENT;
    pf->mounts = mount_ns_get(t->mnt_ns);
    pf->root = path_get(&t->fs->root);
    return 0;
}

int proc_show_mountinfo(const struct mount_ns *ns, const struct path *root, struct strbuf *out)
{
    struct mount *m;

    list_for_each(m, &ns->mounts, node) {
        struct path top = {NULL, m->root};
        cleanup_free char *at = NULL, *from = NULL;
        if (!place(root, m, &at))
            continue;
        if (m->root != m->sb->root && vfs_path_string(NULL, &top, &from))
            continue;
        strbuf_printf(out, "%d %d %u:%u ", m->id, m->parent ? m->parent->id : 0, major(m->sb->dev),
                      minor(m->sb->dev));
        put_escaped(out, from ? from : "/");
        strbuf_putc(out, ' ');
        put_escaped(out, at);
        strbuf_puts(out, m->flags & MS_RDONLY ? " ro" : " rw");
        put_mount_flags(out, m);
        put_propagation(out, m, root);
        strbuf_printf(out, " - %s ", m->sb->fstype);
        put_source(out, m->sb);
        strbuf_puts(out, m->sb->readonly ? " ro" : " rw");
        put_super_options(out, m->sb);
        if (m->sb->ops->show_options)
            m->sb->ops->show_options(m->sb, out);
        strbuf_putc(out, '\n');
    }
    return 0;
}

int proc_show_mounts(const struct mount_ns *ns, const struct path *root, struct strbuf *out)
{
    struct mount *m;

    list_for_each(m, &ns->mounts, node) {
        cleanup_free char *at = NULL;
        if (!place(root, m, &at))
            continue;
        put_source(out, m->sb);
        strbuf_putc(out, ' ');
        put_escaped(out, at);
        strbuf_printf(out, " %s %s", m->sb->fstype,
                      (m->flags & MS_RDONLY) || m->sb->readonly ? "ro" : "rw");
        put_super_options(out, m->sb);
        put_mount_flags(out, m);
        if (m->sb->ops->show_options)
            m->sb->ops->show_options(m->sb, out);
        strbuf_puts(out, " 0 0\n");
    }
    return 0;
}

int proc_show_mountstats(const struct mount_ns *ns, const struct path *root, struct strbuf *out)
{
    struct mount *m;

    list_for_each(m, &ns->mounts, node) {
        cleanup_free char *at = NULL;
        if (!place(root, m, &at))
            continue;
        strbuf_puts(out, "device ");
        put_source(out, m->sb);
        strbuf_puts(out, " mounted on ");
        put_escaped(out, at);
        strbuf_printf(out, " with fstype %s\n", m->sb->fstype);
    }
    return 0;
}
