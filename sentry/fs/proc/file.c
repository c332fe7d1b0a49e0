/*
 * Open files of /proc: their text is generated when they are read from the start, and kept for who
 * reads on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "ckpt/record.h"
#include "sentry/fs/proc/proc.h"
#include "sentry/kernel/cred.h"
#include "sentry/mm/mm.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/file.h"
#include "sentry/vfs/locks.h"
#include "sentry/vfs/mount.h"

static int fill_fdinfo(const struct proc_inode *pi, struct task *t, const struct pid_ns *ns,
                       struct strbuf *out)
{
    cleanup_file struct file *f = t && t->fds ? fd_get_path_ok(t, pi->fd) : NULL;

    if (!f)
        return -ENOENT;
    strbuf_printf(out, "pos:\t%ld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%lu\n", (long)f->pos,
                  (unsigned)f->flags | (fd_cloexec(t, pi->fd) ? O_CLOEXEC : 0),
                  f->path.mnt ? f->path.mnt->id : 0,
                  (unsigned long)(f->path.dentry ? f->path.dentry->inode : f->inode)->ino);
    locks_fdinfo(f, t->fds, ns, out);
    if (f->ops->fdinfo)
        f->ops->fdinfo(f, out);
    return 0;
}

/* May park: the task is looked up again behind that. */
static int fill_file(const struct inode *i, struct task *viewer, struct strbuf *b)
{
    const struct proc_inode *pi = PROC_I(i);
    const struct proc_entry *e = pi->entry;
    struct task *t = pi->pid ? proc_task(i) : viewer;
    cleanup_strbuf struct strbuf host = {0};

    if (e->ask) {
        struct mm *mm = t->mm ? mm_get(t->mm) : NULL;
        e->ask(mm, &host);
        if (mm)
            mm_put(mm);
        t = pi->pid ? proc_task(i) : viewer;
        if (!t)
            return -ESRCH;
    }
    if (host.failed)
        return -ENOMEM;
    if (e->fill_asked)
        return e->fill_asked(t, host.data ? host.data : "", b);
    return e->fill_of ? e->fill_of(e->number, b) : e->fill ? e->fill(t, b) : -EINVAL;
}

static int generate(struct task *viewer, struct file *f, struct strbuf *out)
{
    const struct proc_inode *pi = PROC_I(f->inode);
    struct proc_file *pf = f->priv;
    struct task *t = proc_task(f->inode);

    if (pi->kind == PROC_FDINFO)
        return t ? fill_fdinfo(pi, t, f->inode->sb->priv, out) : -ESRCH;
    if (pi->entry->show_mounts) {
        int err = pf->mounts ? 0 : proc_mounts_bind(pf, t); /* restored from an older image */
        return err ? err : pi->entry->show_mounts(pf->mounts, &pf->root, out);
    }
    if (pi->pid && !t)
        return -ESRCH;
    return fill_file(f->inode, viewer, out);
}

static ssize_t proc_read(struct task *viewer, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct strbuf *b = &((struct proc_file *)f->priv)->text;

    if (*pos == 0 || !b->data) {
        cleanup_strbuf struct strbuf made = {0};
        int err = generate(viewer, f, &made);
        if (err)
            return err;
        if (made.failed)
            return -ENOMEM;
        strbuf_free(b);
        *b = made;
        made = (struct strbuf){0};
    }
    if (*pos < 0 || (size_t)*pos >= b->len)
        return 0;
    ssize_t n = uio_write(u, b->data + *pos, MIN(u->resid, b->len - (size_t)*pos));
    if (n > 0)
        *pos += n;
    return n;
}

/* --- sysctls --- */
/*
 * Capabilities do not count, but who is root: kernel/sysctl.c test_perm(). Root of the namespace
 * that the limits of IPC are of may set those.
 */
int proc_file_permission(struct task *t, struct inode *i, int mask)
{
    const struct proc_entry *e = PROC_I(i)->entry;
    const struct cred *c = t->cred;
    mode_t mode = i->mode;

    if (!e || !e->sysctl)
        return generic_permission(t, i, mask);
    if (c->euid == 0 || (e->store && !e->change && c->euid == make_kuid(c->user_ns, 0)))
        mode >>= 6;
    else if (c->egid == 0 || cred_in_group(c, 0))
        mode >>= 3;
    return mask & 7 & ~(int)mode ? -EACCES : 0;
}

/*
 * A string goes on where the one written before ends, and one behind its end is dropped; so are
 * numbers that are not written at the start: proc_dostring(), proc_first_pos_non_zero_ignore().
 */
static ssize_t write_sysctl(struct task *t, const struct proc_entry *e, const char *buf, size_t n,
                            loff_t pos)
{
    cleanup_strbuf struct strbuf text = {0};

    if (!n || (pos > 0 && !e->change))
        return (ssize_t)n;
    if (pos > 0) {
        int err = e->fill(t, &text);
        size_t len = err || text.failed ? 0 : strcspn(text.data, "\n");
        if (err || (size_t)pos > len)
            return err ? err : (ssize_t)n;
        text.len = (size_t)pos;
    }
    strbuf_add(&text, buf, n);
    if (text.failed)
        return -ENOMEM;
    int err = e->store(t, text.data, text.len);
    return err ? err : (ssize_t)n;
}

static ssize_t proc_write(struct task *viewer, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    const struct proc_inode *pi = PROC_I(f->inode);
    char buf[4096];

    if (!pi->entry || !pi->entry->store)
        return pi->pid ? -EINVAL : -EIO; /* proc_reg_write() */
    if (pi->entry->sysctl && proc_file_permission(viewer, f->inode, MAY_WRITE))
        return -EPERM;
    ssize_t n = uio_read(u, buf, MIN(u->resid, sizeof(buf) - 1));
    if (n < 0)
        return n;
    buf[n] = 0;
    if (pi->entry->sysctl) {
        n = write_sysctl(viewer, pi->entry, buf, (size_t)n, *pos);
        *pos += n > 0 ? n : 0;
        return n;
    }
    struct task *t = pi->pid ? proc_task(f->inode) : viewer;
    int err = t ? pi->entry->store(t, buf, (size_t)n) : -ESRCH;
    return err ? err : n;
}

/* --- what changes --- */
static void watch(struct proc_file *pf, const struct proc_entry *e)
{
    pf->change = pf->mounts ? &pf->mounts->change : e ? e->change : NULL;
    if (pf->change)
        pf->seen = pf->change->count - pf->has_changed;
}

/* mounts_poll(), proc_sys_poll(): a change is told once to each open file. */
static uint32_t proc_poll(struct file *f, struct poll_table *pt)
{
    struct proc_file *pf = f->priv;
    uint32_t events = EPOLLIN | EPOLLRDNORM;

    if (!pf->mounts)
        events |= EPOLLOUT | EPOLLWRNORM;
    if (!pf->change)
        return events;
    poll_wait(pt, &pf->change->q);
    if (pf->seen == pf->change->count)
        return events;
    pf->seen = pf->change->count;
    return EPOLLIN | EPOLLRDNORM | EPOLLERR | EPOLLPRI;
}

/* --- open and close --- */
static void proc_file_free(struct proc_file *pf)
{
    strbuf_free(&pf->text);
    if (pf->mounts) {
        mount_ns_put(pf->mounts);
        path_put(&pf->root);
    }
    free(pf);
}

static void proc_release(struct file *f)
{
    proc_file_free(f->priv);
}

static int restore_file(struct file *f)
{
    const struct proc_inode *pi = S_ISREG(f->inode->mode) ? PROC_I(f->inode) : NULL;
    struct proc_file *pf = f->priv;

    if (!pi || (pi->kind != PROC_FILE && pi->kind != PROC_FDINFO) || pf->refs != 1)
        return -EINVAL;
    if (pf->mounts && !(pi->entry && pi->entry->show_mounts))
        return -EINVAL;
    watch(pf, pi->entry);
    return 0;
}

/* seq_lseek() */
static loff_t proc_llseek(struct task *t, struct file *f, loff_t off, int whence)
{
    return whence > SEEK_CUR ? -EINVAL : generic_llseek(t, f, off, whence);
}

#define FILE_OPS(io_bits, ...)                                                                     \
    {                                                                                              \
        .kind = "proc file", .read = proc_read, .write = proc_write, .llseek = proc_llseek,        \
        .release = proc_release, .io = (io_bits), .priv_type = &ckpt_proc_file,                    \
        .restore = restore_file, ##__VA_ARGS__                                                     \
    }
/* sysctls; what Linux makes by seq_file; a task's files, which have ->read only; of those not by
 * seq_file. */
static const struct file_ops proc_file_ops = FILE_OPS(0, .poll = proc_poll);
static const struct file_ops seq_file_ops = FILE_OPS(FILE_NO_PWRITE, .poll = proc_poll);
static const struct file_ops task_seq_ops = FILE_OPS(FILE_NO_PWRITE);
static const struct file_ops task_file_ops =
    FILE_OPS(FILE_PLAIN_READ | FILE_PLAIN_WRITE | FILE_NO_PWRITE);
static const struct file_ops task_raw_ops = FILE_OPS(FILE_PLAIN_READ | FILE_PLAIN_WRITE);
CKPT_SYMBOL("file_ops", "proc file", proc_file_ops);
CKPT_SYMBOL("file_ops", "proc seq file", seq_file_ops);
CKPT_SYMBOL("file_ops", "proc task seq file", task_seq_ops);
CKPT_SYMBOL("file_ops", "proc task file", task_file_ops);
CKPT_SYMBOL("file_ops", "proc task raw file", task_raw_ops);

static const struct file_ops *file_ops_of(const struct proc_inode *pi)
{
    static const char *const raw[] = {"auxv", "cmdline", "environ", "loginuid", "oom_score_adj"};
    const char *name = pi->entry ? pi->entry->name : "";

    if (!pi->pid)
        return pi->entry && pi->entry->sysctl ? &proc_file_ops : &seq_file_ops;
    if (!strncmp(name, "mount", 5))
        return strcmp(name, "mountstats") ? &seq_file_ops : &task_seq_ops;
    for (size_t i = 0; i < ARRAY_SIZE(raw); i++)
        if (!strcmp(name, raw[i]))
            return &task_raw_ops;
    return &task_file_ops;
}

int proc_file_open(struct inode *i, const struct path *p, int flags, struct file **out)
{
    const struct proc_inode *pi = PROC_I(i);
    struct proc_file *pf = calloc(1, sizeof(*pf));
    int err = 0;

    if (!pf)
        return -ENOMEM;
    if (pi->entry && pi->entry->show_mounts)
        err = proc_mounts_bind(pf, proc_task(i));
    *out = err ? NULL : file_new(file_ops_of(pi), i, p, flags);
    if (!*out) {
        proc_file_free(pf);
        return err ? err : file_new_error();
    }
    (*out)->priv = pf;
    watch(pf, pi->entry);
    return 0;
}
