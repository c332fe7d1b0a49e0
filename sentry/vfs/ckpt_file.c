/* Checkpoints of open files and descriptor tables; who has what open, for refusals. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/ckpt.h"
#include "sentry/vfs/vfs_internal.h"

/* --- who has it open --- */
static bool is_meant(const struct file *f, const struct file *file, const struct inode *i)
{
    return file ? f == file : f->inode == i || (f->path.dentry && f->path.dentry->inode == i);
}

static const struct task *find_user(const struct file *file, const struct inode *i, int *fd,
                                    struct file **found)
{
    const struct thread_group *tg;
    const struct task *t;

    list_for_each(tg, &all_thread_groups, all_node) {
        list_for_each(t, &tg->tasks, tg_node) {
            *fd = 0;
            while (t->fds && (*fd = fdtable_next(t->fds, *fd, found)) >= 0) {
                if (is_meant(*found, file, i))
                    return t;
                ++*fd;
            }
        }
    }
    return NULL;
}

static const char *subject(const struct file *file, const struct inode *i,
                           char buf[CKPT_SUBJECT_MAX])
{
    struct file *f = NULL;
    cleanup_free char *name = NULL;
    int fd;

    const struct task *t = find_user(file, i, &fd, &f);
    if (!t)
        f = (struct file *)(uintptr_t)file;
    const struct dentry *d = f ? f->path.dentry : i ? inode_dentry(i) : NULL;
    if (t && t->fs && f && f->path.mnt && !path_is_anon(&f->path) &&
        vfs_path_string((struct task *)(uintptr_t)t, &f->path, &name))
        name = NULL;
    const char *shown = name ? name : d ? d->name : f && f->ops->kind ? f->ops->kind : "a file";
    if (t)
        snprintf(buf, CKPT_SUBJECT_MAX, "pid %d fd %d (%s)", t->tg->tgid, fd, shown);
    else
        snprintf(buf, CKPT_SUBJECT_MAX, "a file that is no process's (%s)", shown);
    return buf;
}

const char *ckpt_file_subject(const struct file *f, char buf[CKPT_SUBJECT_MAX])
{
    return subject(f, NULL, buf);
}

const char *ckpt_inode_subject(const struct inode *i, char buf[CKPT_SUBJECT_MAX])
{
    return subject(NULL, i, buf);
}

/* --- open files --- */
static const struct ckpt_field file_fields[] = {
    CKPT_SYM(struct file, ops, "file_ops"),
    CKPT_UINT(struct file, flags),
    CKPT_UINT(struct file, pos),
    CKPT_REF(struct file, inode, &ckpt_inode),
    CKPT_REF(struct file, cred, &ckpt_cred),
    CKPT_UINT(struct file, owner_pid),
    CKPT_UINT(struct file, owner_type),
    CKPT_UINT(struct file, owner_sig),
    CKPT_UINT(struct file, owner_uid),
    CKPT_UINT(struct file, owner_euid),
    CKPT_UINT(struct file, seals_or_leases),
    CKPT_REF(struct file, text, &ckpt_inode),
    CKPT_UINT(struct file, text_claim),
    CKPT_SINCE(2, CKPT_KIND_BOOL, struct file, created),
};

static bool file_refuses(struct ckpt_writer *w, void *obj)
{
    const struct file *f = obj;
    char buf[CKPT_SUBJECT_MAX];

    if (ckpt_symbol_known("file_ops", f->ops) && (!f->priv || f->ops->priv_type))
        return false;
    ckpt_refuse(w, ckpt_file_subject(f, buf), "files of this kind (%s) cannot be saved",
                f->ops->kind ? f->ops->kind : "?");
    return true;
}

static void file_save(struct ckpt_writer *w, void *obj)
{
    const struct file *f = obj;

    ckpt_put_path(w, &f->path);
    ckpt_put_u8(w, f->async != NULL);
    ckpt_put_u32(w, (uint32_t)file_async_fd(f));
    ckpt_put_u8(w, f->priv != NULL);
    if (f->priv)
        ckpt_put_ref(w, f->ops->priv_type, f->priv);
}

/* Where the number of the descriptor waits that O_ASYNC was set through, until link(). */
struct restored_file {
    struct file f;
    bool async;
    int async_fd;
};

static void *file_create(struct ckpt_reader *r)
{
    struct restored_file *rf = calloc(1, sizeof(*rf));

    if (!rf)
        return NULL;
    file_restored();
    waitq_init(&rf->f.pos_wq);
    list_init(&rf->f.epoll_items);
    return rf;
}

static void file_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct restored_file *rf = obj;
    struct file *f = &rf->f;

    ckpt_get_path(r, &f->path);
    rf->async = ckpt_get_u8(r);
    rf->async_fd = (int)ckpt_get_u32(r);
    bool has_priv = ckpt_get_u8(r);
    if (ckpt_failed(r))
        return;
    if (!f->ops)
        ckpt_bad(r, "of no kind");
    else if (has_priv ? !f->ops->priv_type : f->ops->priv_type && !f->ops->priv_optional)
        ckpt_bad(r, "a %s with something else in it", f->ops->kind);
    else if (has_priv)
        ckpt_get_ref(r, f->ops->priv_type, &f->priv);
}

/* The inode is what the name leads to, or one of a layer beneath. */
static bool inode_fits(const struct file *f)
{
    const struct dentry *d = f->path.dentry;

    if (d->inode == f->inode)
        return true;
    return d->sb->ops->has_layer && d->inode->sb == d->sb && d->sb->priv && f->inode->sb &&
           d->sb->ops->has_layer(d->sb, f->inode) &&
           ((d->inode->mode ^ f->inode->mode) & S_IFMT) == 0;
}

static void link_claim(struct ckpt_reader *r, struct file *f)
{
    if (!f->text != !f->text_claim || f->text_claim < -1 || f->text_claim > 1) {
        ckpt_bad(r, "a wrong claim on the file's contents");
    } else if (f->text) {
        if (f->text != f->inode && f->text != f->path.dentry->inode)
            ckpt_bad(r, "a claim on another file's contents");
        f->text->write_count += f->text_claim;
    }
}

static void file_link(struct ckpt_reader *r, void *obj)
{
    struct restored_file *rf = obj;
    struct file *f = &rf->f;

    if (!ckpt_path_ok(r, &f->path))
        return;
    if (!f->inode || !inode_fits(f))
        ckpt_bad(r, "a %s over another inode", f->ops->kind);
    else if (f->ops->priv_type && !f->priv && !f->ops->priv_optional)
        ckpt_bad(r, "a %s with nothing in it", f->ops->kind);
    else if (f->pos < 0 && f->ops->priv_type != &ckpt_mm) /* there, positions are addresses */
        ckpt_bad(r, "a negative position");
    else
        link_claim(r, f);
    if (ckpt_failed(r))
        return;
    mount_add_writer(f);
    int err = f->ops->restore ? f->ops->restore(f) : 0;
    if (!err && rf->async)
        err = file_async_arm(f, rf->async_fd);
    if (err)
        ckpt_bad(r, "a %s cannot be restored: %s", f->ops->kind ? f->ops->kind : "file",
                 strerror(-err));
}

static void file_hold(void *obj)
{
    file_get(obj);
}

const struct ckpt_type ckpt_file = {
    .name = "file",
    .id = CT_FILE,
    .version = 2,
    CKPT_TABLE(file_fields),
    .refuses = file_refuses,
    .save = file_save,
    .create = file_create,
    .load = file_load,
    .link = file_link,
    .hold = file_hold,
};
CKPT_TYPE_REGISTER(ckpt_file);

/* --- descriptor tables --- */
static void table_save(struct ckpt_writer *w, void *obj)
{
    const struct fdtable *ft = obj;
    uint32_t n = 0, last = 0;

    for (int fd = 0; fd < ft->cap; fd++)
        if (ft->files[fd]) {
            n++;
            last = (uint32_t)fd;
        }
    ckpt_put_u32(w, last);
    ckpt_put_u32(w, n);
    for (int fd = 0; fd < ft->cap; fd++) {
        if (!ft->files[fd])
            continue;
        ckpt_put_u32(w, (uint32_t)fd);
        ckpt_put_u8(w, ft->cloexec[fd / 64] >> fd % 64 & 1);
        ckpt_put_ref(w, &ckpt_file, ft->files[fd]);
    }
}

static void table_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct fdtable *ft = obj;
    uint32_t last = ckpt_get_u32(r), n = ckpt_get_count(r, NR_OPEN, 9);
    uint32_t next = 0;

    if (last >= NR_OPEN || (n && n - 1 > last))
        ckpt_bad(r, "descriptor %u", last);
    else if (n && !ckpt_failed(r) && fdtable_grow(ft, (int)last))
        ckpt_bad(r, "out of memory");
    for (uint32_t i = 0; i < n && !ckpt_failed(r); i++) {
        uint32_t fd = ckpt_get_u32(r);
        bool cloexec = ckpt_get_u8(r);
        if (fd < next || fd > last) {
            ckpt_bad(r, "descriptor %u after %u", fd, next);
            return;
        }
        next = fd + 1;
        ckpt_get_ref(r, &ckpt_file, &ft->files[fd]);
        if (cloexec)
            ft->cloexec[fd / 64] |= 1ULL << fd % 64;
    }
}

static void table_hold(void *obj)
{
    fdtable_get(obj);
}

const struct ckpt_type ckpt_fdtable = {
    .name = "descriptor table",
    .id = CT_FDTABLE,
    .version = 1,
    .size = sizeof(struct fdtable),
    .save = table_save,
    .load = table_load,
    .hold = table_hold,
};
CKPT_TYPE_REGISTER(ckpt_fdtable);
