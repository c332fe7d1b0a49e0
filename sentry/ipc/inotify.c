/* inotify(7). Watches hang on inodes; events queue up in the instance. */
#include "sentry/ipc/inotify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "base/strbuf.h"
#include "sentry/ckpt/types.h"
#include "sentry/kernel/task.h"
#include "sentry/kernel/user_counts.h"
#include "sentry/sandbox.h"
#include "sentry/vfs/file.h"

#define QUEUE_MAX 16384
#define WATCHES_MAX 1048576
#define WATCH_COST 1024 /* with its inode and dentry, which it keeps in the cache */
#define ALL_INOTIFY_BITS                                                                           \
    (IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW |       \
     IN_EXCL_UNLINK | IN_MASK_ADD | IN_MASK_CREATE | IN_ISDIR | (uint32_t)IN_ONESHOT)

struct inotify {
    struct list watches, queue;
    struct waitq wq;
    int next_wd, nwatches, nqueued;
    struct file *file;        /* weak; of a restored one */
    struct user_counts *user; /* has an instance, and each watch, charged */
};

struct watch {
    struct list inode_node, node, all_node;
    struct inotify *in;
    struct dentry *dentry; /* reference: keeps the inode from leaving the cache */
    int wd;
    uint32_t mask;
};

/* Watches do not keep the mount: what is left when the file system goes is found here. */
static struct list all_watches = LIST_INIT(all_watches);

struct event {
    struct list node;
    struct inotify_event e; /* ends with the name */
};

static void queue_event(struct inotify *in, int wd, uint32_t mask, uint32_t cookie,
                        const char *name)
{
    size_t len = name ? ROUND_UP(strlen(name) + 1, 16UL) : 0;
    struct event *last = list_empty(&in->queue) ? NULL : list_last(&in->queue, struct event, node);

    if (last && last->e.wd == wd && last->e.mask == mask && last->e.cookie == cookie &&
        last->e.len == len && (!len || !strcmp(last->e.name, name)))
        return; /* identical successive events are one: inotify(7) */
    if (in->nqueued >= QUEUE_MAX) {
        if (last && last->e.mask == IN_Q_OVERFLOW)
            return;
        wd = -1;
        mask = IN_Q_OVERFLOW;
        len = 0;
        name = NULL;
    }
    struct event *ev = calloc(1, sizeof(*ev) + len);
    if (!ev)
        return;
    ev->e.wd = wd;
    ev->e.mask = mask;
    ev->e.cookie = cookie;
    ev->e.len = (uint32_t)len;
    if (name)
        memcpy(ev->e.name, name, strlen(name) + 1);
    list_add_tail(&in->queue, &ev->node);
    in->nqueued++;
    waitq_wake(&in->wq, EPOLLIN | EPOLLRDNORM);
}

/* A hundredth of the memory: fs/notify/inotify/inotify_user.c inotify_user_setup(). */
uint64_t inotify_watches_max(void)
{
    return MAX(MIN(sandbox->memory_bytes / 100 / WATCH_COST, (uint64_t)WATCHES_MAX), 8192UL);
}

static void watch_free(struct watch *w, bool tell)
{
    if (tell)
        queue_event(w->in, w->wd, IN_IGNORED, 0, NULL);
    list_del(&w->inode_node);
    list_del(&w->node);
    list_del(&w->all_node);
    w->in->nwatches--;
    user_uncharge(w->in->user, USER_INOTIFY_WATCHES, 1);
    dentry_put(w->dentry);
    free(w);
}

static void notify_one(struct inode *i, uint32_t mask, uint32_t cookie, const char *name,
                       uint32_t isdir, bool unlinked)
{
    struct watch *w, *tmp;

    inode_get(i); /* the last watch may hold the last reference */
    list_for_each_safe(w, tmp, &i->watches, inode_node) {
        bool wanted = w->mask & mask & IN_ALL_EVENTS;
        /* Only what is done through a descriptor: fsnotify_event_needs_parent() and its data. */
        if (unlinked && (w->mask & IN_EXCL_UNLINK) && !(mask & IN_ATTRIB))
            continue;
        if (wanted)
            queue_event(w->in, w->wd, mask | isdir, cookie, name);
        if ((wanted && (w->mask & IN_ONESHOT)) || (mask & IN_DELETE_SELF))
            watch_free(w, true);
    }
    inode_put(i);
}

/*
 * d, when given, is the entry that the event is about: for events of directory contents i is the
 * directory, else i is the object itself and its parent hears of it too.
 */
void fsnotify(struct inode *i, struct dentry *d, uint32_t mask, uint32_t cookie)
{
    const uint32_t contents = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
    uint32_t isdir = mask & IN_ISDIR;

    mask &= ~(uint32_t)IN_ISDIR;
    if (mask & contents) {
        notify_one(i, mask, cookie, d ? d->name : NULL, isdir, false);
        return;
    }
    if (S_ISDIR(i->mode) && mask != IN_DELETE_SELF && mask != IN_MOVE_SELF)
        isdir = IN_ISDIR;
    if (d && d->parent != d && d->parent->inode && !list_empty(&d->parent->inode->watches))
        notify_one(d->parent->inode, mask, cookie, d->name, isdir, !d->hashed);
    if (!list_empty(&i->watches))
        notify_one(i, mask, cookie, NULL, isdir, false);
}

void inotify_unused(struct dentry *d, unsigned int ours)
{
    struct inode *i = d->inode;
    unsigned int refs = 0, watches = 0;
    const struct dentry *alias;
    const struct watch *w;

    list_for_each(alias, &i->names, alias) {
        if (alias->hashed)
            return;
        refs += alias->refs;
    }
    list_for_each(w, &i->watches, inode_node)
        watches++;
    if (refs > ours + watches)
        return;
    dentry_get(d); /* more than watches: freeing them does not come here again */
    notify_one(i, IN_DELETE_SELF, 0, NULL, 0, false);
    dentry_put(d);
}

void inotify_inode_gone(struct inode *i)
{
    while (!list_empty(&i->watches))
        watch_free(list_first(&i->watches, struct watch, inode_node), true);
}

void inotify_super_gone(const struct superblock *sb)
{
    struct watch *w, *tmp;

    list_for_each_safe(w, tmp, &all_watches, all_node) {
        if (w->dentry->sb != sb)
            continue;
        queue_event(w->in, w->wd, IN_UNMOUNT, 0, NULL);
        watch_free(w, true);
    }
}

static ssize_t in_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct inotify *in = f->priv;
    size_t done = 0;

    while (list_empty(&in->queue)) {
        if ((f->flags & O_NONBLOCK) || (rwf & 8))
            return -EAGAIN;
        int err = task_wait(t, &in->wq, NO_DEADLINE);
        if (err)
            return err;
    }
    while (!list_empty(&in->queue)) {
        struct event *ev = list_first(&in->queue, struct event, node);
        size_t len = sizeof(ev->e) + ev->e.len;
        if (len > u->resid)
            return done ? (ssize_t)done : -EINVAL;
        if (uio_write(u, &ev->e, len) != (ssize_t)len)
            return done ? (ssize_t)done : -EFAULT;
        list_del(&ev->node);
        free(ev);
        in->nqueued--;
        done += len;
    }
    return (ssize_t)done;
}

static uint32_t in_poll(struct file *f, struct poll_table *pt)
{
    struct inotify *in = f->priv;

    poll_wait(pt, &in->wq);
    return list_empty(&in->queue) ? 0 : EPOLLIN | EPOLLRDNORM;
}

static void in_fdinfo(struct file *f, struct strbuf *out)
{
    const struct inotify *in = f->priv;

    /* The newest first. Handles, which Linux tells besides, are of file systems that have them. */
    for (struct list *at = in->watches.prev; at != &in->watches; at = at->prev) {
        const struct watch *w = container_of(at, struct watch, node);
        const struct inode *i = w->dentry->inode;
        strbuf_printf(out, "inotify wd:%x ino:%lx sdev:%x mask:%x ignored_mask:0 \n", w->wd,
                      (unsigned long)i->ino, major(i->sb->dev) << 20 | minor(i->sb->dev),
                      w->mask & (IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT));
    }
}

static long in_ioctl(struct task *t, struct file *f, unsigned int cmd, unsigned long arg)
{
    struct inotify *in = f->priv;
    struct event *ev;
    int n = 0;

    if (cmd != FIONREAD)
        return -ENOTTY;
    list_for_each(ev, &in->queue, node)
        n += (int)(sizeof(ev->e) + ev->e.len);
    return put_user(t, &n, arg);
}

static void in_release(struct file *f)
{
    struct inotify *in = f->priv;

    while (!list_empty(&in->watches))
        watch_free(list_first(&in->watches, struct watch, node), false);
    while (!list_empty(&in->queue)) {
        struct event *ev = list_first(&in->queue, struct event, node);
        list_del(&ev->node);
        free(ev);
    }
    user_uncharge(in->user, USER_INOTIFY_INSTANCES, 1);
    free(in);
}

/* --- checkpoints --- */
#define EVENT_NAME_MAX 256 /* NAME_MAX and its NUL, in steps of 16 */

static struct inotify *inotify_new(void)
{
    struct inotify *in = calloc(1, sizeof(*in));

    if (!in)
        return NULL;
    list_init(&in->watches);
    list_init(&in->queue);
    waitq_init(&in->wq);
    in->next_wd = 1;
    return in;
}

static void inotify_save(struct ckpt_writer *w, void *obj)
{
    const struct inotify *in = obj;
    const struct watch *k;
    const struct event *ev;

    ckpt_put_u32(w, (uint32_t)in->nwatches);
    list_for_each(k, &in->watches, node) {
        ckpt_put_u32(w, (uint32_t)k->wd);
        ckpt_put_u32(w, k->mask);
        ckpt_put_ref(w, &ckpt_dentry, k->dentry);
    }
    ckpt_put_u32(w, (uint32_t)in->nqueued);
    list_for_each(ev, &in->queue, node) {
        ckpt_put_u32(w, (uint32_t)ev->e.wd);
        ckpt_put_u32(w, ev->e.mask);
        ckpt_put_u32(w, ev->e.cookie);
        ckpt_put_u32(w, ev->e.len);
        ckpt_put_bytes(w, ev->e.name, ev->e.len);
    }
}

static void *inotify_create(struct ckpt_reader *r)
{
    return inotify_new();
}

static void load_watch(struct ckpt_reader *r, struct inotify *in)
{
    struct watch *k = calloc(1, sizeof(*k));

    if (!k) {
        ckpt_bad(r, "out of memory");
        return;
    }
    k->in = in;
    k->wd = (int)ckpt_get_u32(r);
    k->mask = ckpt_get_u32(r);
    ckpt_get_ref(r, &ckpt_dentry, &k->dentry);
    list_init(&k->inode_node);
    list_init(&k->all_node);
    /* Numbers grow along the list: no two are the same. */
    if (k->wd >= in->next_wd ||
        k->wd <= (list_empty(&in->watches) ? 0 : list_last(&in->watches, struct watch, node)->wd))
        ckpt_bad(r, "watches out of order");
    list_add_tail(&in->watches, &k->node);
    in->nwatches++;
}

static void load_event(struct ckpt_reader *r, struct inotify *in)
{
    struct inotify_event e;

    e.wd = (int)ckpt_get_u32(r);
    e.mask = ckpt_get_u32(r);
    e.cookie = ckpt_get_u32(r);
    e.len = ckpt_get_count(r, EVENT_NAME_MAX, 1);
    struct event *ev = calloc(1, sizeof(*ev) + e.len + 1);
    if (!ev) {
        ckpt_bad(r, "out of memory");
        return;
    }
    ev->e = e;
    ckpt_get_bytes(r, ev->e.name, e.len);
    list_add_tail(&in->queue, &ev->node);
    in->nqueued++;
}

static void inotify_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    uint32_t n = ckpt_get_count(r, WATCHES_MAX, 3 * sizeof(uint32_t));

    while (n-- && !ckpt_failed(r))
        load_watch(r, obj);
    n = ckpt_get_count(r, QUEUE_MAX + 1, 4 * sizeof(uint32_t));
    while (n-- && !ckpt_failed(r))
        load_event(r, obj);
}

static void inotify_link(struct ckpt_reader *r, void *obj)
{
    struct inotify *in = obj;
    struct watch *k, *o;

    list_for_each(k, &in->watches, node) {
        if (!k->dentry || !k->dentry->inode) {
            ckpt_bad(r, "a watch of nothing");
            return;
        }
        list_for_each(o, &k->dentry->inode->watches, inode_node) {
            if (o->in == in) {
                ckpt_bad(r, "two watches of the same");
                return;
            }
        }
        list_add_tail(&k->dentry->inode->watches, &k->inode_node);
        list_add_tail(&all_watches, &k->all_node);
    }
}

static int inotify_restore(struct file *f)
{
    struct inotify *in = f->priv;

    if (in->file)
        return -EINVAL;
    in->file = f;
    in->user = user_charge(f->inode->uid, USER_INOTIFY_INSTANCES, 1, UINT64_MAX);
    if (!in->user)
        return -ENOMEM;
    user_charge(f->inode->uid, USER_INOTIFY_WATCHES, (uint64_t)in->nwatches, UINT64_MAX);
    return 0;
}

static const struct ckpt_field inotify_fields[] = {
    CKPT_UINT_MAX(struct inotify, next_wd, INT32_MAX)};

static const struct ckpt_type ckpt_inotify = {
    .name = "inotify",
    .id = CT_INOTIFY,
    .version = 1,
    CKPT_TABLE(inotify_fields),
    .save = inotify_save,
    .create = inotify_create,
    .load = inotify_load,
    .link = inotify_link,
};
CKPT_TYPE_REGISTER(ckpt_inotify);

static const struct file_ops inotify_ops = {.kind = "inotify",
                                            .read = in_read,
                                            .poll = in_poll,
                                            .fdinfo = in_fdinfo,
                                            .ioctl = in_ioctl,
                                            .release = in_release,
                                            .llseek = noop_llseek,
                                            .no_seek = true,
                                            .io = FILE_PLAIN_READ,
                                            .priv_type = &ckpt_inotify,
                                            .restore = inotify_restore};
CKPT_SYMBOL("file_ops", "inotify", inotify_ops);

static long do_init(struct task *t, int flags)
{
    if (flags & ~(IN_CLOEXEC | IN_NONBLOCK))
        return -EINVAL;
    struct inotify *in = inotify_new();
    if (!in)
        return -ENOMEM;
    in->user = user_charge(t->cred->uid, USER_INOTIFY_INSTANCES, 1, INOTIFY_INSTANCES_MAX);
    if (!in->user) {
        free(in);
        return -EMFILE;
    }
    struct file *f = file_new_anon(&inotify_ops, 0600, O_RDONLY | (flags & O_NONBLOCK), in);
    if (!f) {
        user_uncharge(in->user, USER_INOTIFY_INSTANCES, 1);
        free(in);
        return file_new_error();
    }
    return fd_install_steal(t, f, flags & IN_CLOEXEC);
}

long sys_inotify_init(struct task *t, const struct sysargs *a)
{
    return do_init(t, 0);
}

long sys_inotify_init1(struct task *t, const struct sysargs *a)
{
    return do_init(t, arg_i32(a, 0));
}

static long add_watch(struct inotify *in, struct dentry *d, uint32_t mask)
{
    struct inode *i = d->inode;
    struct watch *w;

    list_for_each(w, &i->watches, inode_node) {
        if (w->in != in)
            continue;
        if (mask & IN_MASK_CREATE)
            return -EEXIST;
        w->mask = mask & IN_MASK_ADD ? w->mask | mask : mask;
        return w->wd;
    }
    if (!user_charge(user_counts_uid(in->user), USER_INOTIFY_WATCHES, 1, inotify_watches_max()))
        return -ENOSPC;
    w = calloc(1, sizeof(*w));
    if (!w) {
        user_uncharge(in->user, USER_INOTIFY_WATCHES, 1);
        return -ENOMEM;
    }
    w->in = in;
    w->dentry = dentry_get(d);
    w->mask = mask;
    w->wd = in->next_wd++;
    list_add_tail(&i->watches, &w->inode_node);
    list_add_tail(&in->watches, &w->node);
    list_add_tail(&all_watches, &w->all_node);
    in->nwatches++;
    return w->wd;
}

long sys_inotify_add_watch(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));
    cleanup_free char *name = NULL;
    cleanup_path struct path p = {0};
    uint32_t mask = arg_u32(a, 2);

    if (!(mask & ALL_INOTIFY_BITS) || (mask & ~ALL_INOTIFY_BITS))
        return -EINVAL;
    if (!f)
        return -EBADF;
    if ((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE))
        return -EINVAL;
    if (f->ops != &inotify_ops)
        return -EINVAL;
    int err = vfs_get_name(t, arg_u64(a, 1), 0, &name);
    if (!err)
        err = vfs_walk(t, AT_FDCWD, name,
                       (mask & IN_DONT_FOLLOW ? WALK_NOFOLLOW : 0) |
                           (mask & IN_ONLYDIR ? WALK_DIRECTORY : 0),
                       &p);
    if (!err)
        err = inode_permission(t, p.dentry->inode, MAY_READ);
    return err ? err : add_watch(f->priv, p.dentry, mask);
}

long sys_inotify_rm_watch(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));
    struct watch *w;

    if (!f)
        return -EBADF;
    if (f->ops != &inotify_ops)
        return -EINVAL;
    list_for_each(w, &((struct inotify *)f->priv)->watches, node) {
        if (w->wd == arg_i32(a, 1)) {
            watch_free(w, true);
            return 0;
        }
    }
    return -EINVAL;
}
