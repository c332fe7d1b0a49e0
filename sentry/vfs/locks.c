/*
 * File locks. All locks of an inode are in one list; an owner is a thread group (POSIX), or an open
 * file (flock, OFD). flock and fcntl locks do not see each other, as on Linux.
 */
#include "sentry/vfs/locks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "sentry/ckpt/types.h"
#include "sentry/kernel/task.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/vfs_internal.h"

#define LOCKS_MAX 16384 /* of a file: each call looks at all of them */
#define LOCKS_TEXT_MAX (1 << 20)

enum lock_kind { LOCK_POSIX, LOCK_FLOCK };

struct lock {
    struct list node;
    enum lock_kind kind;
    const void *owner;
    const struct file *file; /* that it was asked of, as long as the owner has it; NULL: restored */
    pid_t pid;               /* -1 for OFD locks; 0: a restored one of flock(2) */
    bool exclusive;
    loff_t start, end; /* inclusive; end INT64_MAX: to the end of file */
};

struct file_locks {
    struct list all_node;
    const struct inode *inode;
    struct list locks; /* those of an owner are together, in the order of their ranges */
    struct list waiters;
    struct waitq wq;
    int count;
};
static struct list all_locks = LIST_INIT(all_locks);

/* Who waits for whose POSIX lock, to refuse cycles: EDEADLK of fcntl(2). */
struct lock_waiter {
    struct list node, of_inode;
    const void *owner, *blocker;
    const struct lock *want, *held; /* held: to be compared only */
};
static struct list lock_waiters = LIST_INIT(lock_waiters);

/* What the name leads to: a stacked file system's files are of one layer's inode or another's. */
static struct inode *lock_inode(const struct file *f)
{
    const struct dentry *d = f->path.dentry;

    return d && d->inode ? d->inode : f->inode;
}

static struct file_locks *locks_of(struct inode *i)
{
    if (!i->locks) {
        i->locks = calloc(1, sizeof(*i->locks));
        if (i->locks) {
            i->locks->inode = i;
            list_init(&i->locks->locks);
            list_init(&i->locks->waiters);
            list_add_tail(&all_locks, &i->locks->all_node);
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

    list_for_each_safe(l, tmp, &i->locks->locks, node)
        lock_del(i->locks, l);
    list_del(&i->locks->all_node);
    free(i->locks);
    i->locks = NULL;
}

static void drop_owner_kind(struct inode *i, const void *owner, enum lock_kind kind)
{
    struct lock *l, *tmp;
    bool any = false;

    if (!i || !i->locks)
        return;
    list_for_each_safe(l, tmp, &i->locks->locks, node) {
        if (l->owner == owner && l->kind == kind) {
            lock_del(i->locks, l);
            any = true;
        }
    }
    if (any)
        waitq_wake_all(&i->locks->wq);
}

void locks_closed(const struct fdtable *ft, struct file *f)
{
    drop_owner_kind(lock_inode(f), ft, LOCK_POSIX);
}

void locks_released(struct file *f)
{
    drop_owner_kind(lock_inode(f), f, LOCK_FLOCK);
    drop_owner_kind(lock_inode(f), f, LOCK_POSIX); /* of the open file description */
}

static struct lock *conflict(struct file_locks *fl, const struct lock *want)
{
    struct lock *l;

    list_for_each(l, &fl->locks, node) {
        if (l->kind == want->kind && l->owner != want->owner && l->start <= want->end &&
            want->start <= l->end && (l->exclusive || want->exclusive))
            return l;
    }
    return NULL;
}

static struct lock *new_lock(struct file_locks *fl, const struct lock *tmpl)
{
    struct lock *l = fl->count < LOCKS_MAX ? malloc(sizeof(*l)) : NULL;

    if (l) {
        *l = *tmpl;
        fl->count++;
    }
    return l;
}

static void add_first_of_owner(struct file_locks *fl, struct lock *l)
{
    struct lock *o;

    list_for_each(o, &fl->locks, node) {
        if (o->kind == l->kind && o->owner == l->owner) {
            list_add_tail(&o->node, &l->node);
            return;
        }
    }
    list_add_tail(&fl->locks, &l->node);
}

static int add_lock(struct file_locks *fl, const struct lock *tmpl, loff_t start, loff_t end)
{
    struct lock *l = new_lock(fl, tmpl), *o, *before = NULL;

    if (!l)
        return -ENOLCK;
    l->start = start;
    l->end = end;
    list_for_each(o, &fl->locks, node) {
        if (o->kind == l->kind && o->owner == l->owner && o->start < start)
            before = o;
        else if (before)
            break;
    }
    if (before)
        list_add(&before->node, &l->node);
    else
        add_first_of_owner(fl, l);
    return 0;
}

/* Takes [start, end] away from the owner's locks of this kind, splitting them. */
static int cut(struct file_locks *fl, const struct lock *w)
{
    struct lock *l, *tmp;

    list_for_each_safe(l, tmp, &fl->locks, node) {
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

/* Neighbours of the same owner and type become one: F_GETLK shows them so. */
static void merge(struct file_locks *fl, struct lock *w)
{
    struct lock *l, *tmp;

    list_for_each_safe(l, tmp, &fl->locks, node) {
        if (l->kind != w->kind || l->owner != w->owner || l->exclusive != w->exclusive)
            continue;
        if (l->end < INT64_MAX && l->end + 1 == w->start)
            w->start = l->start;
        else if (w->end < INT64_MAX && w->end + 1 == l->start)
            w->end = l->end;
        else
            continue;
        lock_del(fl, l);
    }
}

static bool would_deadlock(const struct lock *want, const struct lock *held)
{
    const void *owner = held->owner;
    struct lock_waiter *w;

    if (want->kind != LOCK_POSIX || want->pid < 0)
        return false;
    for (int depth = 0; depth < 10; depth++) { /* as far as Linux looks */
        const void *next = NULL;
        list_for_each(w, &lock_waiters, node) {
            if (w->owner == owner)
                next = w->blocker;
        }
        if (!next)
            return false;
        if (next == want->owner)
            return true;
        owner = next;
    }
    return false;
}

static int wait_for(struct task *t, struct file_locks *fl, const struct lock *want)
{
    for (struct lock *held; (held = conflict(fl, want));) {
        struct lock_waiter w = {
            .owner = want->owner, .blocker = held->owner, .want = want, .held = held};
        if (would_deadlock(want, held))
            return -EDEADLK;
        bool posix = want->kind == LOCK_POSIX && want->pid >= 0;
        list_init(&w.node);
        if (posix)
            list_add_tail(&lock_waiters, &w.node);
        list_add_tail(&fl->waiters, &w.of_inode);
        int err = task_wait(t, &fl->wq, NO_DEADLINE);
        list_del(&w.node);
        list_del(&w.of_inode);
        if (err)
            return err;
    }
    return 0;
}

static int set_lock(struct task *t, struct inode *i, const struct lock *want, bool unlock,
                    bool wait)
{
    struct file_locks *fl = locks_of(i);
    int err = 0;

    if (!fl)
        return -ENOLCK;
    if (!unlock && conflict(fl, want))
        err = wait ? wait_for(t, fl, want) : -EAGAIN;
    if (!err)
        err = cut(fl, want);
    if (!err && !unlock) {
        struct lock l = *want;
        merge(fl, &l);
        err = add_lock(fl, &l, l.start, l.end);
    }
    waitq_wake_all(&fl->wq);
    return err;
}

/* flock_to_posix_lock() of fs/locks.c. */
static int range_of(struct file *f, const struct flock *k, struct lock *l)
{
    loff_t base = k->l_whence == SEEK_CUR ? f->pos : k->l_whence == SEEK_END ? f->inode->size : 0;

    if (k->l_whence != SEEK_SET && k->l_whence != SEEK_CUR && k->l_whence != SEEK_END)
        return -EINVAL;
    if (k->l_start > INT64_MAX - base)
        return -EOVERFLOW;
    l->start = base + k->l_start;
    l->end = INT64_MAX;
    if (l->start < 0)
        return -EINVAL;
    if (k->l_len > 0) {
        if (k->l_len - 1 > INT64_MAX - l->start)
            return -EOVERFLOW;
        l->end = l->start + k->l_len - 1;
    } else if (k->l_len < 0) {
        if (l->start + k->l_len < 0)
            return -EINVAL;
        l->end = l->start - 1;
        l->start += k->l_len;
    }
    return 0;
}

static long get_lock(struct task *t, struct file *f, struct lock *want, struct flock *k,
                     uint64_t addr)
{
    struct lock *l = lock_inode(f)->locks ? conflict(lock_inode(f)->locks, want) : NULL;

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
                        .file = f,
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
    err = set_lock(t, lock_inode(f), &want, k.l_type == F_UNLCK,
                   cmd == F_SETLKW || cmd == F_OFD_SETLKW);
    /* A descriptor that was closed meanwhile has already dropped what it had. */
    if (!err && k.l_type != F_UNLCK && (cmd == F_SETLKW || cmd == F_OFD_SETLKW) &&
        !fdtable_has(t->fds, f)) {
        set_lock(t, lock_inode(f), &want, true, false);
        return -EBADF;
    }
    return err;
}

/* --- /proc: lock_get_status() --- */
static void lock_line(const struct lock *l, const struct inode *i, const struct pid_ns *ns,
                      struct strbuf *out)
{
    const dev_t dev = i->sb->dev;
    const char *kind = l->kind == LOCK_FLOCK ? "FLOCK " : l->pid < 0 ? "OFDLCK" : "POSIX ";
    const int pid = l->pid < 0 ? -1 : l->pid ? pid_nr(ns, l->pid) : 0;

    strbuf_printf(out, "%s ADVISORY  %s %d %02x:%02x:%lu %ld ", kind,
                  l->exclusive ? "WRITE" : "READ", pid, major(dev), minor(dev),
                  (unsigned long)i->ino, (long)l->start);
    if (l->end == INT64_MAX)
        strbuf_puts(out, "EOF\n");
    else
        strbuf_printf(out, "%ld\n", (long)l->end);
}

void locks_fdinfo(const struct file *f, const struct fdtable *ft, const struct pid_ns *ns,
                  struct strbuf *out)
{
    static const enum lock_kind order[] = {LOCK_FLOCK, LOCK_POSIX};
    const struct inode *i = lock_inode(f);
    const struct lock *l;
    int n = 0;

    for (size_t k = 0; i->locks && k < ARRAY_SIZE(order); k++) {
        list_for_each(l, &i->locks->locks, node) {
            if (l->kind != order[k] || (l->owner != f && l->owner != ft) ||
                (l->file && l->file != f))
                continue;
            strbuf_printf(out, "lock:\t%d: ", ++n);
            lock_line(l, i, ns, out);
        }
    }
}

/* What is held by processes that the reader cannot see is not shown. */
static bool lock_visible(const struct lock *l, const struct pid_ns *ns)
{
    return l->pid <= 0 || pid_nr(ns, l->pid);
}

void locks_print(const struct pid_ns *ns, struct strbuf *out)
{
    const struct file_locks *fl;
    const struct lock_waiter *w;
    const struct lock *l;
    int n = 0;

    list_for_each(fl, &all_locks, all_node) {
        list_for_each(l, &fl->locks, node) {
            if (out->len > LOCKS_TEXT_MAX)
                return;
            if (!lock_visible(l, ns))
                continue;
            strbuf_printf(out, "%d: ", ++n);
            lock_line(l, fl->inode, ns, out);
            list_for_each(w, &fl->waiters, of_inode) {
                if (w->held != l || !lock_visible(w->want, ns))
                    continue;
                strbuf_printf(out, "%d: -> ", n);
                lock_line(w->want, fl->inode, ns, out);
            }
        }
    }
}

/* --- checkpoints: who waits for a lock asks again --- */
static bool owned_by_table(const struct lock *l)
{
    return l->kind == LOCK_POSIX && l->pid >= 0;
}

void locks_save(struct ckpt_writer *w, const struct inode *i)
{
    const struct lock *l;

    ckpt_put_u32(w, i->locks ? (uint32_t)i->locks->count : 0);
    if (!i->locks)
        return;
    list_for_each(l, &i->locks->locks, node) {
        ckpt_put_u8(w, l->kind == LOCK_FLOCK);
        ckpt_put_u8(w, l->exclusive);
        ckpt_put_u32(w, (uint32_t)l->pid);
        ckpt_put_u64(w, (uint64_t)l->start);
        ckpt_put_u64(w, (uint64_t)l->end);
        ckpt_put_ref(w, owned_by_table(l) ? &ckpt_fdtable : &ckpt_file, l->owner);
    }
}

void locks_load(struct ckpt_reader *r, struct inode *i)
{
    uint32_t n = ckpt_get_count(r, LOCKS_MAX, 26);

    if (!n)
        return;
    struct file_locks *fl = locks_of(i);
    for (; fl && n && !ckpt_failed(r); n--) {
        struct lock tmpl = {.kind = ckpt_get_u8(r) ? LOCK_FLOCK : LOCK_POSIX};
        tmpl.exclusive = ckpt_get_u8(r);
        tmpl.pid = (pid_t)ckpt_get_u32(r);
        loff_t start = (loff_t)ckpt_get_u64(r), end = (loff_t)ckpt_get_u64(r);
        if (start < 0 || start > end)
            ckpt_bad(r, "a lock of nothing");
        struct lock *l = new_lock(fl, &tmpl);
        if (!l)
            break;
        l->start = start;
        l->end = end;
        list_add_tail(&fl->locks, &l->node);
        ckpt_get_weak(r, owned_by_table(l) ? &ckpt_fdtable : &ckpt_file, &l->owner);
    }
    if (n)
        ckpt_bad(r, "out of memory");
}

bool locks_valid(const struct inode *i)
{
    const struct lock *l;

    if (i->locks)
        list_for_each(l, &i->locks->locks, node) {
            if (!l->owner)
                return false;
        }
    return true;
}

static const struct lock *flock_held(const struct file *f)
{
    const struct lock *l;

    if (!lock_inode(f)->locks)
        return NULL;
    list_for_each(l, &lock_inode(f)->locks->locks, node) {
        if (l->kind == LOCK_FLOCK && l->owner == f)
            return l;
    }
    return NULL;
}

long sys_flock(struct task *t, const struct sysargs *a)
{
    int op = arg_i32(a, 1) & ~LOCK_NB;

    if (op & 32) /* LOCK_MAND: taken and ignored since Linux 5.18 */
        return 0;
    if (op != LOCK_SH && op != LOCK_EX && op != LOCK_UN)
        return -EINVAL;
    cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));
    if (!f)
        return -EBADF;
    struct lock want = {.kind = LOCK_FLOCK,
                        .owner = f,
                        .file = f,
                        .pid = t->tg->tgid,
                        .exclusive = op == LOCK_EX,
                        .end = INT64_MAX};
    /* Changing the type is not atomic: the old lock goes before the new one is waited for. */
    const struct lock *held = flock_held(f);
    if (held && op != LOCK_UN && held->exclusive == want.exclusive)
        return 0;
    if (held)
        drop_owner_kind(lock_inode(f), f, LOCK_FLOCK);
    return op == LOCK_UN ? 0 : set_lock(t, lock_inode(f), &want, false, !(arg_i32(a, 1) & LOCK_NB));
}
