/*
 * File locks. All locks of an inode are in one list; an owner is a thread group (POSIX), or an open
 * file (flock, OFD). flock and fcntl locks do not see each other, as on Linux.
 */
#include "sentry/vfs/locks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "base/macros.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/vfs_internal.h"

#define LOCKS_MAX 65536

enum lock_kind { LOCK_POSIX, LOCK_FLOCK };

struct lock {
    struct list node;
    enum lock_kind kind;
    const void *owner;
    pid_t pid; /* -1 for OFD locks */
    bool exclusive;
    loff_t start, end; /* inclusive; end INT64_MAX: to the end of file */
};

struct file_locks {
    struct list locks;
    struct waitq wq;
    int count;
};

static struct file_locks *locks_of(struct inode *i)
{
    if (!i->locks) {
        i->locks = calloc(1, sizeof(*i->locks));
        if (i->locks) {
            list_init(&i->locks->locks);
            waitq_init(&i->locks->wq);
        }
    }
    return i->locks;
}

static void lock_del(struct file_locks *fl, struct lock *l)
{
    list_del(&l->node);
    free(l);
    fl->count--;
}

void locks_free(struct inode *i)
{
    struct lock *l, *tmp;

    list_for_each_safe(l, tmp, &i->locks->locks, node) lock_del(i->locks, l);
    free(i->locks);
    i->locks = NULL;
}

static void drop_owner(struct inode *i, const void *owner)
{
    struct lock *l, *tmp;
    bool any = false;

    if (!i || !i->locks)
        return;
    list_for_each_safe(l, tmp, &i->locks->locks, node)
    {
        if (l->owner == owner) {
            lock_del(i->locks, l);
            any = true;
        }
    }
    if (any)
        waitq_wake_all(&i->locks->wq);
}

void locks_closed(const struct fdtable *ft, struct file *f)
{
    drop_owner(f->inode, ft);
}

void locks_released(struct file *f)
{
    drop_owner(f->inode, f);
}

static struct lock *conflict(struct file_locks *fl, const struct lock *want)
{
    struct lock *l;

    list_for_each(l, &fl->locks, node)
    {
        if (l->kind == want->kind && l->owner != want->owner && l->start <= want->end &&
            want->start <= l->end && (l->exclusive || want->exclusive))
            return l;
    }
    return NULL;
}

static int add_lock(struct file_locks *fl, const struct lock *tmpl, loff_t start, loff_t end)
{
    struct lock *l = fl->count < LOCKS_MAX ? malloc(sizeof(*l)) : NULL;

    if (!l)
        return -ENOLCK;
    *l = *tmpl;
    l->start = start;
    l->end = end;
    list_add_tail(&fl->locks, &l->node);
    fl->count++;
    return 0;
}

/* Takes [start, end] away from the owner's locks of this kind, splitting them. */
static int cut(struct file_locks *fl, const struct lock *w)
{
    struct lock *l, *tmp;

    list_for_each_safe(l, tmp, &fl->locks, node)
    {
        if (l->kind != w->kind || l->owner != w->owner || l->start > w->end || w->start > l->end)
            continue;
        if (l->start < w->start && l->end > w->end) {
            int err = add_lock(fl, l, w->end + 1, l->end);
            if (err)
                return err;
            l->end = w->start - 1;
        } else if (l->start < w->start) {
            l->end = w->start - 1;
        } else if (l->end > w->end) {
            l->start = w->end + 1;
        } else {
            lock_del(fl, l);
        }
    }
    return 0;
}

static int set_lock(struct task *t, struct inode *i, const struct lock *want, bool unlock,
                    bool wait)
{
    struct file_locks *fl = locks_of(i);

    if (!fl)
        return -ENOLCK;
    while (!unlock && conflict(fl, want)) {
        if (!wait)
            return -EAGAIN;
        int err = task_wait(t, &fl->wq, NO_DEADLINE);
        if (err)
            return err;
    }
    int err = cut(fl, want);
    if (!err && !unlock)
        err = add_lock(fl, want, want->start, want->end);
    waitq_wake_all(&fl->wq);
    return err;
}

static int range_of(struct file *f, const struct flock *k, struct lock *l)
{
    loff_t base = k->l_whence == SEEK_CUR ? f->pos : k->l_whence == SEEK_END ? f->inode->size : 0;

    if (k->l_whence != SEEK_SET && k->l_whence != SEEK_CUR && k->l_whence != SEEK_END)
        return -EINVAL;
    if (__builtin_add_overflow(base, k->l_start, &l->start))
        return -EOVERFLOW;
    if (k->l_len > 0) {
        if (__builtin_add_overflow(l->start, k->l_len - 1, &l->end))
            return -EOVERFLOW;
    } else if (k->l_len < 0) {
        l->end = l->start - 1;
        l->start += k->l_len;
    } else {
        l->end = INT64_MAX;
    }
    return l->start < 0 ? -EINVAL : 0;
}

static long get_lock(struct task *t, struct file *f, struct lock *want, struct flock *k,
                     uint64_t addr)
{
    struct lock *l = f->inode->locks ? conflict(f->inode->locks, want) : NULL;

    if (!l) {
        k->l_type = F_UNLCK;
    } else {
        k->l_type = l->exclusive ? F_WRLCK : F_RDLCK;
        k->l_whence = SEEK_SET;
        k->l_start = l->start;
        k->l_len = l->end == INT64_MAX ? 0 : l->end - l->start + 1;
        k->l_pid = l->pid;
    }
    return put_user(t, k, addr);
}

long fcntl_lock(struct task *t, struct file *f, int cmd, uint64_t addr)
{
    bool ofd = cmd >= F_OFD_GETLK, get = cmd == F_GETLK || cmd == F_OFD_GETLK;
    struct lock want = {.kind = LOCK_POSIX,
                        .owner = ofd ? (const void *)f : (const void *)t->fds,
                        .pid = ofd ? -1 : t->tg->tgid};
    struct flock k;

    if (get_user(t, &k, addr))
        return -EFAULT;
    if (k.l_type != F_RDLCK && k.l_type != F_WRLCK && k.l_type != F_UNLCK)
        return -EINVAL;
    if ((ofd && k.l_pid) || (get && k.l_type == F_UNLCK))
        return -EINVAL;
    int err = range_of(f, &k, &want);
    if (err)
        return err;
    want.exclusive = k.l_type == F_WRLCK;
    if (get)
        return get_lock(t, f, &want, &k, addr);
    if ((k.l_type == F_RDLCK && !file_readable(f)) || (k.l_type == F_WRLCK && !file_writable(f)))
        return -EBADF;
    return set_lock(t, f->inode, &want, k.l_type == F_UNLCK,
                    cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}

long sys_flock(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));
    int op = arg_i32(a, 1) & ~LOCK_NB;

    if (!f)
        return -EBADF;
    if (op != LOCK_SH && op != LOCK_EX && op != LOCK_UN)
        return -EINVAL;
    struct lock want = {.kind = LOCK_FLOCK,
                        .owner = f,
                        .exclusive = op == LOCK_EX,
                        .start = 0,
                        .end = INT64_MAX};
    return set_lock(t, f->inode, &want, op == LOCK_UN, !(arg_i32(a, 1) & LOCK_NB));
}
