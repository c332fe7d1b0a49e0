/*
 * The file system of a namespace's queues: one flat directory. mq_open(2) works in a mount of the
 * namespace's own; mount(2) shows the same elsewhere.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/ipc/mqueue/mqueue_internal.h"
#include "sentry/ns/ns.h"

#define MQUEUE_MAGIC 0x19800202
#define CAP_SYS_RESOURCE 24
#define FILE_SIZE 80      /* what stat(2) shows */
#define NAME_COST 20      /* of a name in the directory's size */
#define QUEUES_HARD 16384 /* even for who may exceed queues_max */

static struct mq_super *MQ_S(const struct superblock *sb)
{
    return sb->priv;
}

static struct mq_name *find_name(const struct mq_super *s, const struct dentry *d)
{
    struct mq_name *n;

    list_for_each(n, &s->names, node) {
        if (n->len == d->name_len && !memcmp(n->name, d->name, n->len))
            return n;
    }
    return NULL;
}

static void name_free(struct mq_name *n)
{
    list_del(&n->node);
    inode_put(n->inode);
    free(n);
}

void mqueue_names_free(struct mq_super *s)
{
    struct mq_name *n, *next;

    list_for_each_safe(n, next, &s->names, node)
        name_free(n);
}

/* --- the directory --- */
static int dir_lookup(struct task *t, struct inode *dir, struct dentry *d)
{
    const struct mq_name *n = find_name(MQ_S(dir->sb), d);

    if (n)
        dentry_set_inode(d, inode_get(n->inode));
    return 0;
}

int mqueue_create(struct task *t, struct inode *dir, struct dentry *d, mode_t mode,
                  const struct mq_attr_k *attr)
{
    struct mq_super *s = MQ_S(dir->sb);
    struct mqueue *q;

    if (!s->ns)
        return -EACCES;
    if ((s->count >= s->ns->mq_queues_max && !cred_capable(t->cred, CAP_SYS_RESOURCE)) ||
        s->count >= QUEUES_HARD)
        return -ENOSPC;
    int err = mqueue_new(t, s->ns, attr, &q);
    if (err)
        return err;
    struct inode *i = inode_new(dir->sb, &mqueue_inode_ops, S_IFREG | (mode & 07777));
    struct mq_name *n = calloc(1, sizeof(*n) + d->name_len + 1UL);
    if (!i || !n) {
        mqueue_free(q);
        free(i);
        free(n);
        return -ENOMEM;
    }
    i->priv = q;
    i->uid = t->cred->fsuid;
    i->gid = t->cred->fsgid;
    i->size = FILE_SIZE;
    n->inode = i;
    n->len = d->name_len;
    memcpy(n->name, d->name, d->name_len);
    n->cookie = s->next_cookie++;
    list_add_tail(&s->names, &n->node);
    s->count++;
    dir->size += NAME_COST;
    inode_touch(dir, true, true);
    dentry_set_inode(d, inode_get(i));
    return 0;
}

static int dir_create(struct task *t, struct inode *dir, struct dentry *d, mode_t mode)
{
    return mqueue_create(t, dir, d, mode, NULL);
}

static int dir_unlink(struct task *t, struct inode *dir, struct dentry *d)
{
    struct mq_super *s = MQ_S(dir->sb);
    struct mq_name *n = find_name(s, d);

    if (!n || n->inode != d->inode)
        return -ENOENT;
    inode_touch(dir, true, true);
    dir->size -= NAME_COST;
    d->inode->ctime = ktime_now();
    d->inode->nlink--;
    s->count--;
    name_free(n);
    return 0;
}

static int any_setattr(struct task *t, struct dentry *d, const struct setattr *a)
{
    struct inode *i = d->inode;

    inode_apply_mode(i, a);
    if (a->mask & SETATTR_ATIME)
        i->atime = a->atime;
    if (a->mask & SETATTR_MTIME)
        i->mtime = a->mtime;
    if (a->mask & SETATTR_CTIME)
        i->ctime = a->ctime;
    return 0;
}

static int dir_readdir(struct task *t, struct file *f, struct dir_context *c)
{
    const struct mq_name *n;

    if (c->pos == 0 && !c->emit(c, ".", 1, 1, f->inode->ino, 4))
        return 0;
    if (c->pos <= 1 && !c->emit(c, "..", 2, 2, f->inode->ino, 4))
        return 0;
    list_for_each(n, &MQ_S(f->inode->sb)->names, node) {
        if ((loff_t)n->cookie >= c->pos &&
            !c->emit(c, n->name, n->len, (loff_t)n->cookie + 1, n->inode->ino, 8))
            break;
    }
    return 0;
}

static int dir_restore(struct file *f)
{
    return f->inode->ops == &mqueue_dir_ops ? 0 : -EINVAL;
}

static const struct file_ops dir_file_ops = {
    .kind = "mqueue directory",
    .readdir = dir_readdir,
    .llseek = dir_llseek,
    .restore = dir_restore,
};
CKPT_SYMBOL("file_ops", "mqueue directory", dir_file_ops);

static int dir_open(struct task *t, struct inode *i, const struct path *p, int flags,
                    struct file **out)
{
    *out = file_new(&dir_file_ops, i, p, flags);
    return *out ? 0 : file_new_error();
}

const struct inode_ops mqueue_dir_ops = {
    .lookup = dir_lookup,
    .create = dir_create,
    .unlink = dir_unlink,
    .open = dir_open,
    .setattr = any_setattr,
};

/* --- queues as files --- */
static int queue_open(struct task *t, struct inode *i, const struct path *p, int flags,
                      struct file **out)
{
    *out = file_new(&mqueue_file_ops, i, p, flags);
    return *out ? 0 : file_new_error();
}

const struct inode_ops mqueue_inode_ops = {.open = queue_open, .setattr = any_setattr};

static ssize_t queue_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    const struct mqueue *q = MQ(f->inode);
    const struct mq_notify *n = &q->notify;
    char text[FILE_SIZE + 1];

    int len =
        snprintf(text, sizeof(text), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
                 (unsigned long)q->bytes, n->owner ? n->how : 0,
                 n->owner && n->how == SIGEV_SIGNAL ? n->signo : 0, n->owner ? n->owner->tgid : 0);
    if (*pos >= len)
        return 0;
    ssize_t r = uio_write(u, text + *pos, MIN(u->resid, (size_t)(len - *pos)));
    if (r > 0) {
        *pos += r;
        f->inode->atime = f->inode->ctime = ktime_now();
    }
    return r;
}

static uint32_t queue_poll(struct file *f, struct poll_table *pt)
{
    struct mqueue *q = MQ(f->inode);

    poll_wait(pt, &q->wq);
    return (q->curmsgs ? EPOLLIN | EPOLLRDNORM : 0) |
           (q->curmsgs < q->maxmsg ? EPOLLOUT | EPOLLWRNORM : 0);
}

/* Each close(2) by the process that is to be told ends that. */
static int queue_flush(struct task *t, struct file *f)
{
    struct mqueue *q = MQ(f->inode);

    if (q->notify.owner == t->tg)
        mqueue_forget_notify(q);
    return 0;
}

static int queue_restore(struct file *f)
{
    return f->inode->ops == &mqueue_inode_ops ? 0 : -EINVAL;
}

const struct file_ops mqueue_file_ops = {
    .kind = "mqueue",
    .io = FILE_PLAIN_READ,
    .read = queue_read,
    .llseek = generic_llseek,
    .poll = queue_poll,
    .flush = queue_flush,
    .restore = queue_restore,
};
CKPT_SYMBOL("file_ops", "mqueue", mqueue_file_ops);

/* --- the file system --- */
static void mq_evict(struct inode *i)
{
    if (i->ops == &mqueue_inode_ops && i->priv)
        mqueue_free(i->priv);
    else if (i->ops == &mqueue_dir_ops)
        mqueue_names_free(MQ_S(i->sb));
}

static void mq_put_super(struct superblock *sb)
{
    free(sb->priv);
}

static int mq_statfs(struct task *t, struct superblock *sb, struct statfs *st)
{
    st->f_type = MQUEUE_MAGIC;
    st->f_bsize = NV_PAGE_SIZE;
    st->f_namelen = 255;
    return 0;
}

static const struct inode_ops *ops_of(mode_t mode)
{
    return S_ISDIR(mode) ? &mqueue_dir_ops : S_ISREG(mode) ? &mqueue_inode_ops : NULL;
}

const struct super_ops mqueue_super_ops = {
    .evict = mq_evict,
    .statfs = mq_statfs,
    .put_super = mq_put_super,
    .priv_type = &ckpt_mqueue_fs,
    .inode_ops = ops_of,
    .save_inode = mqueue_save_inode,
    .load_inode = mqueue_load_inode,
    .restore_inode = mqueue_restore_inode,
};
CKPT_SYMBOL("super_ops", "mqueue", mqueue_super_ops);

static struct superblock *super_make(struct ipc_ns *ns)
{
    struct mq_super *s = calloc(1, sizeof(*s));
    struct superblock *sb = s ? super_new(&mqueue_super_ops, "mqueue", MQUEUE_MAGIC, s) : NULL;

    if (!sb) {
        free(s);
        return NULL;
    }
    s->ns = ns;
    s->next_cookie = 2;
    list_init(&s->names);
    struct inode *root = inode_new(sb, &mqueue_dir_ops, S_IFDIR | 01777);
    if (!root || !dentry_new_root(sb, root)) {
        super_put(sb);
        return NULL;
    }
    root->nlink = 2;
    root->size = 2 * NAME_COST;
    sb->source = strdup("mqueue");
    sb->user_ns = user_ns_get(ns->owner);
    return sb;
}

struct mount *mqueue_mount(struct ipc_ns *ns)
{
    if (!ns->mqueue) {
        struct superblock *sb = super_make(ns);
        ns->mqueue = sb ? vfs_private_mount(sb) : NULL;
    }
    return ns->mqueue;
}

int mqueue_super(struct superblock **out)
{
    const struct mount *m = mqueue_mount(task_current()->ipc);

    if (!m)
        return -ENOMEM;
    *out = m->sb;
    m->sb->refs++;
    return 0;
}

void mqueue_ns_exit(struct ipc_ns *ns)
{
    if (!ns->mqueue)
        return;
    MQ_S(ns->mqueue->sb)->ns = NULL;
    vfs_private_umount(ns->mqueue);
    ns->mqueue = NULL;
}

bool mqueue_ns_restored(struct ipc_ns *ns)
{
    const struct mount *m = ns->mqueue;

    if (!m->sb || m->sb->ops != &mqueue_super_ops || !m->sb->priv || MQ_S(m->sb)->ns || !m->root ||
        m->root != m->sb->root)
        return false;
    MQ_S(m->sb)->ns = ns;
    return true;
}
