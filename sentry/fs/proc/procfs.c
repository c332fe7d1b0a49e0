/*
 * procfs: proc(5). Files are described by tables (root.c, pid.c) and generated when they are read
 * from the start; processes and descriptors are looked up by number each time.
 */
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "ckpt/record.h"
#include "sentry/fs/fs.h"
#include "sentry/ckpt/types.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/sandbox.h"
#include "sentry/kernel/task.h"
#include "sentry/mm/mm.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/file.h"
#include "sentry/vfs/locks.h"

static const struct inode_ops dir_ops, link_ops, file_ops_inode;

struct task *proc_task(const struct inode *i)
{
    return PROC_I(i)->pid ? task_find(PROC_I(i)->pid) : NULL;
}

static const struct inode_ops *ops_of(mode_t mode)
{
    return S_ISDIR(mode) ? &dir_ops : S_ISLNK(mode) ? &link_ops : &file_ops_inode;
}

static int make_inode(struct dentry *d, const struct proc_inode *tmpl, mode_t mode)
{
    struct proc_inode *pi = malloc(sizeof(*pi));
    struct inode *i = pi ? inode_new(d->sb, ops_of(mode), mode) : NULL;

    if (!i) {
        free(pi);
        return -ENOMEM;
    }
    *pi = *tmpl;
    i->priv = pi;
    if (S_ISDIR(mode))
        i->nlink = 2;
    struct task *t = proc_task(i);
    if (t && t->tg->dumpable) {
        i->uid = t->cred->euid;
        i->gid = t->cred->egid;
    }
    dentry_set_inode(d, i);
    return 0;
}

static bool parse_number(const struct dentry *d, int *n)
{
    char *end;

    if (d->name[0] < '0' || d->name[0] > '9' || (d->name[0] == '0' && d->name_len > 1))
        return false;
    long v = strtol(d->name, &end, 10);
    *n = (int)v;
    return !*end && v < INT32_MAX;
}

mode_t proc_kind_fmt(enum proc_kind kind)
{
    static const mode_t fmt[] = {
        [PROC_DIR] = S_IFDIR,     [PROC_FILE] = S_IFREG,   [PROC_LINK] = S_IFLNK,
        [PROC_PIDDIR] = S_IFDIR,  [PROC_FDDIR] = S_IFDIR,  [PROC_FDINFODIR] = S_IFDIR,
        [PROC_TASKDIR] = S_IFDIR, [PROC_MEM] = S_IFREG,    [PROC_FD] = S_IFLNK,
        [PROC_FDINFO] = S_IFREG,  [PROC_SPECIAL] = S_IFREG};

    return fmt[kind];
}

static int lookup_entry(struct dentry *d, const struct proc_entry *e, pid_t pid)
{
    struct proc_inode pi = {.kind = e->kind, .entry = e, .children = e->children, .pid = pid};

    int err = make_inode(d, &pi, proc_kind_fmt(e->kind) | e->mode);
    if (!err && e->kind == PROC_SPECIAL) {
        d->inode->uid = sandbox->uid;
        d->inode->gid = sandbox->gid;
    }
    return err;
}

static int lookup_pid(struct dentry *d, int nr, bool threads_of, pid_t pid)
{
    pid_t n = pid_id(d->sb->priv, nr);
    struct task *t = task_find(n);

    if (!t || (threads_of && (!task_find(pid) || t->tg != task_find(pid)->tg)))
        return 0;
    struct proc_inode pi = {.kind = PROC_PIDDIR,
                            .children = threads_of ? proc_tid_entries : proc_pid_entries,
                            .pid = n};
    return make_inode(d, &pi, S_IFDIR | 0555);
}

static int lookup_fd(struct dentry *d, int n, pid_t pid, bool info)
{
    struct task *t = task_find(pid);
    struct file *f = t && t->fds ? fd_get_path_ok(t, n) : NULL;

    if (!f)
        return 0;
    mode_t mode = S_IFLNK | (file_readable(f) || (f->flags & O_PATH) ? 0500 : 0) |
                  (file_writable(f) || (f->flags & O_PATH) ? 0300 : 0);
    file_put(f);
    struct proc_inode pi = {.kind = info ? PROC_FDINFO : PROC_FD, .pid = pid, .fd = n};
    return make_inode(d, &pi, info ? S_IFREG | 0444 : mode);
}

/* Those of sysfs that are made when they are first needed: a restored sandbox has not needed them.
 */
static const struct proc_entry *children_of(const struct proc_inode *pi)
{
    if (pi->entry && pi->kind == PROC_DIR && (!pi->children || !pi->children->name)) {
        sys_tables_init();
        return pi->entry->children;
    }
    return pi->children;
}

static int proc_lookup(struct task *t, struct inode *dir, struct dentry *d)
{
    const struct proc_inode *pi = PROC_I(dir);
    int n;

    if (pi->kind == PROC_FDDIR || pi->kind == PROC_FDINFODIR)
        return parse_number(d, &n) ? lookup_fd(d, n, pi->pid, pi->kind == PROC_FDINFODIR) : 0;
    if (pi->kind == PROC_TASKDIR)
        return parse_number(d, &n) ? lookup_pid(d, n, true, pi->pid) : 0;
    for (const struct proc_entry *e = children_of(pi); e && e->name; e++)
        if (!strcmp(e->name, d->name))
            return lookup_entry(d, e, pi->pid);
    if (pi->children == proc_root_entries && parse_number(d, &n))
        return lookup_pid(d, n, false, 0);
    if (!pi->pid)
        explain_missing("proc", "%s", d->name);
    return 0;
}

/* Nothing about processes may be remembered: they come and go. */
static int proc_revalidate(struct task *t, struct dentry *d)
{
    if (!d->inode)
        return 0;
    const struct proc_inode *pi = PROC_I(d->inode);
    if (pi->kind == PROC_FD || pi->kind == PROC_FDINFO)
        return 0;
    return !pi->pid || (proc_task(d->inode) != NULL &&
                        (proc_task(d->inode)->state != TASK_ZOMBIE || pi->kind != PROC_PIDDIR));
}

/* --- symlinks --- */
static int fd_link_text(struct task *viewer, struct file *f, struct strbuf *out)
{
    const struct dentry *d = f->path.dentry;
    cleanup_free char *s = NULL;

    if (d && d->parent == d && (!f->path.mnt || f->path.mnt->root != d)) { /* without a directory */
        if (!strncmp(d->name, "memfd:", 6))
            strbuf_printf(out, "/%s (deleted)", d->name);
        else
            strbuf_puts(out, d->name);
        return 0;
    }
    int err = vfs_path_string(viewer, &f->path, &s);
    if (!err)
        strbuf_puts(out, s);
    return err;
}

/* Whose numbers a link tells: of the file system that is being read. Targets do not park. */
const struct pid_ns *proc_link_ns;

static int proc_readlink(struct task *viewer, struct inode *i, char **out)
{
    const struct proc_inode *pi = PROC_I(i);
    struct task *t = proc_task(i);
    struct strbuf b = STRBUF_INIT;
    int err;

    if (pi->pid && !t)
        return -ENOENT;
    if ((pi->kind == PROC_FD || (t && pi->entry->follow)) && t && !task_may_access(viewer, t))
        return -EACCES;
    if (pi->kind == PROC_FD) {
        cleanup_file struct file *f = t->fds ? fd_get_path_ok(t, pi->fd) : NULL;
        err = f ? fd_link_text(viewer, f, &b) : -ENOENT;
    } else {
        proc_link_ns = i->sb->priv;
        err = pi->entry->target(pi->pid ? t : viewer, &b);
    }
    if (!err && b.failed)
        err = -ENOMEM;
    if (err) {
        strbuf_free(&b);
        return err;
    }
    *out = b.data;
    return 0;
}

static int proc_follow(struct task *viewer, struct inode *i, struct path *out)
{
    const struct proc_inode *pi = PROC_I(i);
    struct task *t = proc_task(i);

    if (t && !task_may_access(viewer, t))
        return -EACCES;
    if (pi->kind == PROC_FD) {
        cleanup_file struct file *f = t && t->fds ? fd_get_path_ok(t, pi->fd) : NULL;
        if (!f || !f->path.dentry)
            return -ENOENT;
        *out = path_get(&f->path);
        return 0;
    }
    if (!pi->entry->follow)
        return -ENOTSUP;
    return t ? pi->entry->follow(t, out) : -ENOENT;
}

/* --- directories --- */
static bool emit_fds(struct dir_context *c, struct task *t)
{
    struct file *f;
    char name[16];

    for (int fd = (int)c->pos - 2; (fd = fdtable_next(t->fds, fd, &f)) >= 0; fd++) {
        int len = snprintf(name, sizeof(name), "%d", fd);
        if (!c->emit(c, name, (size_t)len, fd + 3, (uint64_t)fd + 1000, 10))
            return false;
    }
    return true;
}

/* Tasks that have exited and are not released: a leader whose threads go on, what a tracer has not
 * waited for. They are in no list. */
static bool emit_exited(struct dir_context *c, const struct thread_group *tg,
                        const struct pid_ns *ns, loff_t pos)
{
    char name[16];

    if (!tg->nheld && !(tg->leader && tg->leader->state == TASK_ZOMBIE))
        return true;
    for (pid_t tid = 1; tid < PID_MAX; tid++) {
        const struct task *o = task_find(tid);
        if (!o || o->tg != tg || o->state != TASK_ZOMBIE)
            continue;
        int len = snprintf(name, sizeof(name), "%d", pid_nr(ns, tid));
        if (pos++ >= c->pos && !c->emit(c, name, (size_t)len, pos, (uint64_t)tid + 100000, 4))
            return false;
    }
    return true;
}

static bool emit_tasks(struct dir_context *c, struct task *t, const struct pid_ns *ns)
{
    struct task *o;
    char name[16];
    loff_t pos = 2;

    list_for_each(o, &t->tg->tasks, tg_node) {
        int len = snprintf(name, sizeof(name), "%d", pid_nr(ns, o->tid));
        if (pos++ >= c->pos && !c->emit(c, name, (size_t)len, pos, (uint64_t)o->tid + 100000, 4))
            return false;
    }
    return emit_exited(c, t->tg, ns, pos);
}

#define PID_POS 100000 /* positions of processes, after the fixed names */

static void emit_pids(struct dir_context *c, const struct pid_ns *ns)
{
    char name[16];

    for (pid_t pid = c->pos > PID_POS ? (pid_t)(c->pos - PID_POS) : 1; pid < PID_MAX; pid++) {
        if (!tg_find(pid_id(ns, pid)))
            continue;
        int len = snprintf(name, sizeof(name), "%d", pid);
        if (!c->emit(c, name, (size_t)len, pid + PID_POS + 1, (uint64_t)pid + 100000, 4))
            return;
    }
}

static int proc_readdir(struct task *viewer, struct file *f, struct dir_context *c)
{
    const struct proc_inode *pi = PROC_I(f->inode);
    struct task *t = proc_task(f->inode);
    static const unsigned char types[] = {
        [PROC_DIR] = 4,       [PROC_FILE] = 8,    [PROC_LINK] = 10, [PROC_FDDIR] = 4,
        [PROC_FDINFODIR] = 4, [PROC_TASKDIR] = 4, [PROC_MEM] = 8,   [PROC_SPECIAL] = 8};

    if (c->pos == 0 && !c->emit(c, ".", 1, 1, f->inode->ino, 4))
        return 0;
    if (c->pos <= 1 && !c->emit(c, "..", 2, 2, 1, 4))
        return 0;
    if (pi->pid && !t)
        return -ENOENT;
    if (pi->kind == PROC_FDDIR || pi->kind == PROC_FDINFODIR) {
        emit_fds(c, t);
        return 0;
    }
    if (pi->kind == PROC_TASKDIR) {
        emit_tasks(c, t, f->inode->sb->priv);
        return 0;
    }
    loff_t pos = 2;
    for (const struct proc_entry *e = children_of(pi); e && e->name; e++, pos++)
        if (pos >= c->pos &&
            !c->emit(c, e->name, strlen(e->name), pos + 1, (uint64_t)(uintptr_t)e, types[e->kind]))
            return 0;
    if (pi->children == proc_root_entries)
        emit_pids(c, f->inode->sb->priv);
    return 0;
}

static int restore_dir(struct file *f)
{
    return f->inode->ops == &dir_ops ? 0 : -EINVAL;
}

static const struct file_ops proc_dir_file_ops = {.kind = "proc directory",
                                                  .readdir = proc_readdir,
                                                  .llseek = dir_llseek,
                                                  .restore = restore_dir};
CKPT_SYMBOL("file_ops", "proc directory", proc_dir_file_ops);

/* --- inodes --- */
static int proc_open(struct task *t, struct inode *i, const struct path *p, int flags,
                     struct file **out)
{
    if (S_ISDIR(i->mode)) {
        *out = file_new(&proc_dir_file_ops, i, p, flags);
        return *out ? 0 : file_new_error();
    }
    if (PROC_I(i)->kind == PROC_SPECIAL)
        return PROC_I(i)->entry->open(i, p, flags, out);
    if (PROC_I(i)->kind == PROC_MEM) {
        struct task *target = proc_task(i);
        if (!target || !target->mm)
            return -ESRCH;
        if (!task_may_access(t, target))
            return -EACCES;
        *out = proc_mem_file(i, p, flags, target->tid);
        return *out ? 0 : -ENOMEM;
    }
    return proc_file_open(i, p, flags, out);
}

static int proc_setattr(struct task *t, struct dentry *d, const struct setattr *a)
{
    return a->mask & SETATTR_SIZE ? 0 : -EPERM;
}

/* A process always sees its own descriptors, whoever it has become: proc_fd_permission(). */
static int proc_dir_permission(struct task *viewer, struct inode *i, int mask)
{
    const struct task *t = PROC_I(i)->kind == PROC_FDDIR ? proc_task(i) : NULL;
    int err = generic_permission(viewer, i, mask);

    return err && t && t->tg == viewer->tg ? 0 : err;
}

static const struct inode_ops dir_ops = {
    .lookup = proc_lookup, .open = proc_open, .permission = proc_dir_permission};
static const struct inode_ops link_ops = {.readlink = proc_readlink, .follow = proc_follow};
static const struct inode_ops file_ops_inode = {
    .open = proc_open, .setattr = proc_setattr, .permission = proc_file_permission};

static void proc_evict(struct inode *i)
{
    free(i->priv);
}

static void proc_put_super(struct superblock *sb)
{
    pid_ns_put(sb->priv);
}

static const struct super_ops proc_super_ops = {.evict = proc_evict,
                                                .put_super = proc_put_super,
                                                .revalidate = proc_revalidate,
                                                .priv_type = &ckpt_pid_ns,
                                                .priv_optional = true,
                                                .inode_ops = ops_of,
                                                .save_inode = proc_save_inode,
                                                .load_inode = proc_load_inode};
CKPT_SYMBOL("super_ops", "proc", proc_super_ops);

static int tables_new(const char *fstype, uint64_t magic, const struct proc_entry *entries,
                      struct superblock **out)
{
    struct superblock *sb = super_new(&proc_super_ops, fstype, magic, NULL);
    struct proc_inode *pi = calloc(1, sizeof(*pi));
    struct inode *root = sb && pi ? inode_new(sb, &dir_ops, S_IFDIR | 0555) : NULL;

    if (!root) {
        free(pi);
        if (sb)
            super_put(sb);
        return -ENOMEM;
    }
    root->ino = 1;
    root->nlink = 2;
    pi->kind = PROC_DIR;
    pi->children = entries;
    root->priv = pi;
    *out = sb;
    return dentry_new_root(sb, root) ? 0 : -ENOMEM;
}

int procfs_new_for(struct pid_ns *ns, struct superblock **out)
{
    int err = tables_new("proc", PROC_SUPER_MAGIC, proc_root_entries, out);

    if (!err)
        (*out)->priv = pid_ns_get(ns);
    return err;
}

pid_t procfs_dir_pid(const struct inode *i)
{
    const struct proc_inode *pi = i->ops == &dir_ops ? PROC_I(i) : NULL;

    return pi && pi->kind == PROC_PIDDIR && pi->children == proc_pid_entries ? pi->pid : 0;
}

int procfs_new(struct superblock **out)
{
    return procfs_new_for(NULL, out);
}

/* sysfs is made of the same kind of tables: sentry/fs/sys/sysfs.c. */
int sysfs_new(struct superblock **out)
{
    sys_tables_init();
    return tables_new("sysfs", SYSFS_MAGIC, sys_root_entries, out);
}

const struct proc_entry cgroup_root_entries[] = {{0}};

int cgroupfs_new(struct superblock **out)
{
    return tables_new("cgroup2", CGROUP2_SUPER_MAGIC, cgroup_root_entries, out);
}
