/* mq_open(2), mq_unlink(2), mq_timedsend(2), mq_timedreceive(2), mq_notify(2), mq_getsetattr(2). */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "sentry/ipc/inotify.h"
#include "sentry/ipc/mqueue/mqueue_internal.h"
#include "sentry/socket/socket.h"

#define CAP_FOWNER 3

/* A name in the namespace's directory. */
static int find(struct task *t, uint64_t addr, struct path *dir, struct dentry **d)
{
    cleanup_free char *name = NULL;
    const struct mount *m = mqueue_mount(t->ipc);

    if (!m)
        return -ENOMEM;
    int err = vfs_get_name(t, addr, 0, &name);
    if (err)
        return err;
    if (!strcmp(name, ".") || !strcmp(name, "..") || strchr(name, '/'))
        return -EACCES;
    if (strlen(name) > NAME_MAX)
        return -ENAMETOOLONG;
    *dir = path_get(&(struct path){(struct mount *)(uintptr_t)m, m->root});
    err = inode_permission(t, m->root->inode, MAY_EXEC);
    return err ? err : vfs_lookup(t, dir, name, strlen(name), d);
}

static int make(struct task *t, const struct path *dir, struct dentry *d, mode_t mode,
                const struct mq_attr_k *attr)
{
    int err = inode_permission(t, dir->dentry->inode, MAY_WRITE | MAY_EXEC);

    if (!err)
        err = mqueue_create(t, dir->dentry->inode, d, mode & 07777 & ~t->fs->umask, attr);
    if (!err)
        fsnotify(dir->dentry->inode, d, IN_CREATE, 0);
    return err;
}

static int may_open(struct task *t, const struct dentry *d, int flags)
{
    static const int mask[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE};

    if ((flags & O_CREAT) && (flags & O_EXCL))
        return -EEXIST;
    if ((flags & O_ACCMODE) == O_ACCMODE)
        return -EINVAL;
    return inode_permission(t, d->inode, mask[flags & O_ACCMODE]);
}

static int open_queue(struct task *t, uint64_t name, int flags, mode_t mode,
                      const struct mq_attr_k *attr, struct file **out)
{
    cleanup_path struct path dir = {0};
    struct path p = {0};

    int err = find(t, name, &dir, &p.dentry);
    if (err)
        return err;
    p.mnt = dir.mnt;
    if (p.dentry->inode)
        err = may_open(t, p.dentry, flags);
    else if (flags & O_CREAT)
        err = make(t, &dir, p.dentry, mode, attr);
    else
        err = -ENOENT;
    const struct inode *i = p.dentry->inode;
    if (!err)
        err = i->ops->open(t, p.dentry->inode, &p, flags & ~(O_CREAT | O_EXCL | O_CLOEXEC), out);
    if (!err && !(*out)->cred)
        (*out)->cred = cred_get(t->cred);
    dentry_put(p.dentry);
    return err;
}

long sys_mq_open(struct task *t, const struct sysargs *a)
{
    struct mq_attr_k attr;
    bool has_attr = arg_u64(a, 3);
    struct file *f;

    if (has_attr && get_user(t, &attr, arg_u64(a, 3)))
        return -EFAULT;
    int err = fd_available(t);
    if (err)
        return err;
    err = open_queue(t, arg_u64(a, 0), arg_i32(a, 1), arg_u32(a, 2), has_attr ? &attr : NULL, &f);
    return err ? err : fd_install_steal(t, f, true);
}

long sys_mq_unlink(struct task *t, const struct sysargs *a)
{
    cleanup_path struct path dir = {0};
    struct dentry *d = NULL;

    int err = find(t, arg_u64(a, 0), &dir, &d);
    if (err)
        return err;
    struct inode *di = dir.dentry->inode;
    if (!d->inode)
        err = -ENOENT;
    else
        err = inode_permission(t, di, MAY_WRITE | MAY_EXEC);
    if (!err && t->cred->fsuid != d->inode->uid && t->cred->fsuid != di->uid &&
        !cred_capable(t->cred, CAP_FOWNER))
        err = -EPERM;
    if (!err)
        err = di->ops->unlink(t, di, d);
    if (!err) {
        fsnotify(di, d, IN_DELETE, 0);
        dentry_drop(d);
    }
    dentry_put(d);
    return err;
}

/* --- messages --- */
static int get_deadline(struct task *t, uint64_t addr, uint64_t *deadline)
{
    struct timespec ts;
    uint64_t now = realtime_ns(), at;

    *deadline = NO_DEADLINE;
    if (!addr)
        return 0;
    if (get_user(t, &ts, addr))
        return -EFAULT;
    if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    if (__builtin_mul_overflow((uint64_t)ts.tv_sec, (uint64_t)NSEC_PER_SEC, &at) ||
        __builtin_add_overflow(at, (uint64_t)ts.tv_nsec, &at) || at - now > INT64_MAX)
        at = at > now ? INT64_MAX / 2 : now;
    *deadline = at > now ? now_ns() + (at - now) : now_ns();
    return 0;
}

/* -EBADF: no queue, or not opened so. */
static int get_queue(struct task *t, int fd, bool write, struct file **out)
{
    struct file *f = fd_get(t, fd);

    if (!f)
        return -EBADF;
    if (f->ops != &mqueue_file_ops || !(write ? file_writable(f) : file_readable(f))) {
        file_put(f);
        return -EBADF;
    }
    *out = f;
    return 0;
}

static int wait_room(struct task *t, const struct file *f, struct mqueue *q, uint64_t deadline)
{
    while (q->curmsgs >= q->maxmsg) {
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        int err = task_wait(t, &q->wq, deadline);
        if (err)
            return err;
    }
    return 0;
}

long sys_mq_timedsend(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    uint32_t prio = arg_u32(a, 3);
    uint64_t len = arg_u64(a, 2), deadline;

    int err = get_deadline(t, arg_u64(a, 4), &deadline);
    if (err)
        return err;
    if (prio >= MQ_PRIO_MAX_K)
        return -EINVAL;
    err = get_queue(t, arg_i32(a, 0), true, &f);
    if (err)
        return err;
    struct mqueue *q = MQ(f->inode);
    if (len > (uint64_t)q->msgsize)
        return -EMSGSIZE;
    struct mq_msg *m = mq_msg_new((uint32_t)len);
    if (!m)
        return -ENOMEM;
    m->prio = prio;
    err = copy_in(t, m->text, arg_u64(a, 1), len);
    if (!err)
        err = wait_room(t, f, q, deadline);
    if (err) {
        mq_msg_free(m);
        return err;
    }
    bool tell = !q->curmsgs && !q->nreceivers;
    mqueue_insert(q, m);
    inode_touch(f->inode, true, true);
    if (tell)
        mqueue_tell(q, t);
    waitq_wake(&q->wq, EPOLLIN | EPOLLRDNORM);
    return 0;
}

static int wait_message(struct task *t, const struct file *f, struct mqueue *q, uint64_t deadline)
{
    while (!q->curmsgs) {
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        q->nreceivers++;
        int err = task_wait(t, &q->wq, deadline);
        q->nreceivers--;
        if (err)
            return err;
    }
    return 0;
}

long sys_mq_timedreceive(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = NULL;
    uint64_t deadline;

    int err = get_deadline(t, arg_u64(a, 4), &deadline);
    if (!err)
        err = get_queue(t, arg_i32(a, 0), false, &f);
    if (err)
        return err;
    struct mqueue *q = MQ(f->inode);
    if (arg_u64(a, 2) < (uint64_t)q->msgsize)
        return -EMSGSIZE;
    err = wait_message(t, f, q, deadline);
    if (err)
        return err;
    struct mq_msg *m = list_first(&q->msgs, struct mq_msg, node);
    list_del(&m->node);
    q->curmsgs--;
    q->bytes -= m->len;
    inode_touch(f->inode, true, true);
    waitq_wake(&q->wq, EPOLLOUT | EPOLLWRNORM);
    long n = m->len;
    if ((arg_u64(a, 3) && put_user(t, &m->prio, arg_u64(a, 3))) ||
        copy_out(t, arg_u64(a, 1), m->text, m->len))
        n = -EFAULT;
    mq_msg_free(m);
    return n;
}

long sys_mq_getsetattr(struct task *t, const struct sysargs *a)
{
    cleanup_file struct file *f = fd_get(t, arg_i32(a, 0));
    struct mq_attr_k new;
    uint64_t in = arg_u64(a, 1), out = arg_u64(a, 2);

    if (in && get_user(t, &new, in))
        return -EFAULT;
    if (in && (new.flags & ~(int64_t)O_NONBLOCK))
        return -EINVAL;
    if (!f || f->ops != &mqueue_file_ops)
        return -EBADF;
    const struct mqueue *q = MQ(f->inode);
    struct mq_attr_k old = {.flags = f->flags & O_NONBLOCK,
                            .maxmsg = q->maxmsg,
                            .msgsize = q->msgsize,
                            .curmsgs = q->curmsgs};
    if (in) {
        f->flags = (f->flags & ~O_NONBLOCK) | (int)(new.flags &O_NONBLOCK);
        f->inode->atime = f->inode->ctime = ktime_now();
    }
    return out && put_user(t, &old, out) ? -EFAULT : 0;
}

/* --- mq_notify --- */
struct sigevent_k { /* the beginning of struct sigevent */
    uint64_t value;
    int signo, notify;
};

static int ask_thread(struct task *t, const struct sigevent_k *ev, struct mq_notify *n)
{
    if (copy_in(t, n->cookie, ev->value, MQ_COOKIE_LEN))
        return -EFAULT;
    n->sock = fd_get(t, ev->signo);
    if (!n->sock)
        return -EBADF;
    int err = netlink_deliver(n->sock, NULL, 0);
    if (err) {
        file_put(n->sock);
        n->sock = NULL;
    }
    return err;
}

static int set_notify(struct task *t, struct file *f, struct mq_notify *n, bool has)
{
    if (!f || f->ops != &mqueue_file_ops)
        return -EBADF;
    struct mqueue *q = MQ(f->inode);
    if (!has) {
        if (q->notify.owner == t->tg)
            mqueue_forget_notify(q);
        return 0;
    }
    if (q->notify.owner)
        return -EBUSY;
    n->owner = tg_get(t->tg);
    q->notify = *n;
    n->sock = NULL;
    f->inode->atime = f->inode->ctime = ktime_now();
    return 0;
}

long sys_mq_notify(struct task *t, const struct sysargs *a)
{
    bool has = arg_u64(a, 1);
    struct sigevent_k ev;
    struct mq_notify n = {0};
    int err = 0;

    if (has && get_user(t, &ev, arg_u64(a, 1)))
        return -EFAULT;
    if (has && ev.notify != SIGEV_NONE && ev.notify != SIGEV_SIGNAL && ev.notify != SIGEV_THREAD)
        return -EINVAL;
    if (has && ev.notify == SIGEV_SIGNAL && (ev.signo < 0 || ev.signo > NV_NSIG))
        return -EINVAL;
    if (has) {
        n.how = ev.notify;
        n.signo = ev.signo;
        n.value = ev.value;
        err = ev.notify == SIGEV_THREAD ? ask_thread(t, &ev, &n) : 0;
    }
    cleanup_file struct file *f = err ? NULL : fd_get(t, arg_i32(a, 0));
    if (!err)
        err = set_notify(t, f, &n, has);
    if (n.sock)
        file_put(n.sock);
    return err;
}
