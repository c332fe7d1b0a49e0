/*
 * Descriptors from before a copy-up: they read the upper file from then on, as on Linux, while
 * what is mapped through them stays the lower one. The open file gets operations that hold both.
 *
 * Found in the descriptor tables. What is only on its way between two (SCM_RIGHTS), or was opened
 * through an overlay over this one, goes on reading the lower file.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/fs/overlay/overlay.h"
#include "sentry/kernel/task.h"

struct moved {
    struct file *was, *now; /* owned; nobody else has them, and nobody is told of them */
};

static ssize_t moved_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct file *now = ((struct moved *)f->priv)->now;

    return now->ops->read ? now->ops->read(t, now, u, pos, rwf) : -EINVAL;
}

static loff_t moved_llseek(struct task *t, struct file *f, loff_t off, int whence)
{
    struct file *now = ((struct moved *)f->priv)->now;

    now->pos = f->pos;
    loff_t r = now->ops->llseek ? now->ops->llseek(t, now, off, whence) : -ESPIPE;
    if (r >= 0)
        f->pos = now->pos;
    return r;
}

static int moved_mmap(struct task *t, struct file *f, uint64_t off, uint64_t len, int prot,
                      int flags, int *host_fd, uint64_t *host_off)
{
    struct file *was = ((struct moved *)f->priv)->was;

    return was->ops->mmap ? was->ops->mmap(t, was, off, len, prot, flags, host_fd, host_off)
                          : -ENODEV;
}

static int moved_fsync(struct task *t, struct file *f, bool datasync)
{
    struct file *now = ((struct moved *)f->priv)->now;

    return now->ops->fsync ? now->ops->fsync(t, now, datasync) : 0;
}

static void moved_area_made(struct file *f)
{
    struct file *was = ((struct moved *)f->priv)->was;

    if (was->ops->area_made)
        was->ops->area_made(was);
}

static void moved_area_gone(struct file *f)
{
    struct file *was = ((struct moved *)f->priv)->was;

    if (was->ops->area_gone)
        was->ops->area_gone(was);
}

static void moved_release(struct file *f)
{
    struct moved *m = f->priv;

    file_put(m->was);
    file_put(m->now);
    free(m);
}

static const struct file_ops moved_nothing = {.kind = "moved"};
static const struct ckpt_type ckpt_moved;
static int moved_restore(struct file *f);

static const struct file_ops moved_ops = {
    .kind = "file of an overlay from before its copy-up",
    .read = moved_read,
    .llseek = moved_llseek,
    .mmap = moved_mmap,
    .fsync = moved_fsync,
    .area_made = moved_area_made,
    .area_gone = moved_area_gone,
    .release = moved_release,
    .priv_type = &ckpt_moved,
    .restore = moved_restore,
};
CKPT_SYMBOL("file_ops", "moved file of an overlay", moved_ops);

/* Calls under way go on with what they have; f holds it. */
static void move(struct task *t, struct file *f, struct inode *upper)
{
    struct moved *m = calloc(1, sizeof(*m));
    struct file *was = m ? file_new(&moved_nothing, f->inode, &f->path, f->flags) : NULL;
    struct file *now = NULL;

    if (was)
        was->internal = true;
    if (!was || upper->ops->open(t, upper, &f->path, O_RDONLY, &now)) {
        if (was)
            file_put(was);
        free(m);
        return; /* without memory it stays a descriptor of the lower file */
    }
    now->internal = true;
    was->ops = f->ops;
    was->priv = f->priv;
    m->was = was;
    m->now = now;
    f->ops = &moved_ops;
    f->priv = m;
}

static bool reads_lower(const struct file *f, const struct inode *i)
{
    return f->path.dentry && f->path.dentry->inode == i && f->inode != i && f->ops != &moved_ops &&
           !(f->flags & O_PATH) && !file_writable(f) && f->ops->read;
}

void ovl_move_open_files(struct task *t, struct inode *i)
{
    const struct inode *lower = OVL_I(i)->lower->inode;
    struct inode *upper = OVL_I(i)->upper->inode;
    struct thread_group *tg;
    struct task *other;
    struct dentry *d;
    unsigned int names = 0;

    list_for_each(d, &lower->names, alias)
        names++;
    if (!S_ISREG(i->mode) || !t || (lower->refs <= names && lower->sb->ops != &ovl_super_ops))
        return; /* nobody has it open */
    list_for_each(tg, &all_thread_groups, all_node) {
        list_for_each(other, &tg->tasks, tg_node) {
            struct file *f;
            for (int fd = 0; other->fds && (fd = fdtable_next(other->fds, fd, &f)) >= 0; fd++)
                if (reads_lower(f, i))
                    move(t, f, upper);
        }
    }
}

/* --- checkpoints --- */
static const struct ckpt_field moved_fields[] = {
    CKPT_REF(struct moved, was, &ckpt_file),
    CKPT_REF(struct moved, now, &ckpt_file),
};

static void moved_link(struct ckpt_reader *r, void *obj)
{
    const struct moved *m = obj;

    if (!m->was || !m->now) {
        ckpt_bad(r, "without its files");
        return;
    }
    m->was->internal = m->now->internal = true;
}

static const struct ckpt_type ckpt_moved = {
    .name = "moved file of an overlay",
    .id = CT_OVERLAY_MOVED,
    .version = 1,
    .size = sizeof(struct moved),
    CKPT_TABLE(moved_fields),
    .link = moved_link,
};
CKPT_TYPE_REGISTER(ckpt_moved);

/* Neither is one of these again: nothing recurses. */
static int moved_restore(struct file *f)
{
    const struct moved *m = f->priv;

    return m->was && m->now && m->was->ops != &moved_ops && m->now->ops != &moved_ops &&
                   m->was->refs == 1 && m->now->refs == 1 && S_ISREG(f->inode->mode)
               ? 0
               : -EINVAL;
}
