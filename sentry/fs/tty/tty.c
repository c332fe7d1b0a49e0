/* Terminals as files: slaves, the console over a host terminal, /dev/tty, ptys and devpts. */
#include "sentry/fs/tty/tty.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/fs/fs.h"
#include "sentry/kernel/task_internal.h"

#define TTYAUX_MAJOR 5
#define PTS_MAJOR 136

struct tty *console_tty;
struct tty *ptys[PTYS_MAX];

static const struct termios default_termios = {
    .c_iflag = ICRNL | IXON,
    .c_oflag = OPOST | ONLCR,
    .c_cflag = B38400 | CS8 | CREAD,
    .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    .c_cc = {[VINTR] = 3,
             [VQUIT] = 28,
             [VERASE] = 127,
             [VKILL] = 21,
             [VEOF] = 4,
             [VMIN] = 1,
             [VSTART] = 17,
             [VSTOP] = 19,
             [VSUSP] = 26,
             [VREPRINT] = 18,
             [VDISCARD] = 15,
             [VWERASE] = 23,
             [VLNEXT] = 22},
};

struct tty *tty_alloc(void)
{
    struct tty *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->refs = 1;
    t->index = t->host_fd = -1;
    t->termios = default_termios;
    waitq_init(&t->in_wq);
    waitq_init(&t->out_wq);
    return t;
}

struct tty *tty_get(struct tty *t)
{
    t->refs++;
    return t;
}

void tty_put(struct tty *t)
{
    if (--t->refs)
        return;
    if (t->index >= 0)
        ptys[t->index] = NULL;
    free(t);
}

/* The other side is gone: SIGHUP to the session's leader and foreground group. */
void tty_hangup(struct tty *t)
{
    struct session *s = t->session;
    siginfo_t info;

    waitq_wake_all(&t->in_wq);
    waitq_wake_all(&t->out_wq);
    if (!s)
        return;
    struct thread_group *leader = tg_find(s->id);
    siginfo_kernel(&info, SIGHUP);
    if (leader)
        signal_send_group(leader, &info);
    if (s->foreground && (!leader || s->foreground != leader->pgrp))
        signal_send_pgrp(s->foreground->id, &info);
}

/* --- the slave side --- */
static ssize_t slave_read(struct task *task, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    return tty_read(task, f, f->priv, u);
}

static ssize_t slave_write(struct task *task, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    return tty_write(task, f, f->priv, u);
}

static uint32_t slave_poll(struct file *f, struct poll_table *pt)
{
    struct tty *t = f->priv;
    uint32_t e = 0;

    poll_wait(pt, &t->in_wq);
    poll_wait(pt, &t->out_wq);
    if (t->termios.c_lflag & ICANON ? t->lines || t->eof : t->done > 0)
        e |= EPOLLIN | EPOLLRDNORM;
    if (!t->stopped && tty_out_room(t, 8))
        e |= EPOLLOUT | EPOLLWRNORM;
    if (tty_is_hung(t))
        e |= EPOLLHUP | EPOLLIN | EPOLLERR;
    return e;
}

static long slave_ioctl(struct task *task, struct file *f, unsigned int cmd, unsigned long arg)
{
    return tty_ioctl(task, f, f->priv, cmd, arg);
}

static void slave_release(struct file *f)
{
    struct tty *t = f->priv;

    t->slaves--;
    waitq_wake_all(&t->out_wq);
    tty_put(t);
}

const struct file_ops tty_slave_ops = {.kind = "tty",
                                       .read = slave_read,
                                       .write = slave_write,
                                       .poll = slave_poll,
                                       .ioctl = slave_ioctl,
                                       .release = slave_release,
                                       .no_seek = true,
                                       .priv_type = &ckpt_tty,
                                       .restore = tty_restore_slave};
CKPT_SYMBOL("file_ops", "tty", tty_slave_ops);

struct file *tty_file(struct tty *t, struct inode *i, const struct path *p, int flags)
{
    struct file *f = i ? file_new(&tty_slave_ops, i, p, flags)
                       : file_new_anon(&tty_slave_ops, S_IFCHR | 0620, flags, NULL);

    if (!f)
        return NULL;
    f->priv = tty_get(t);
    t->slaves++;
    t->slave_seen = true;
    return f;
}

static int open_slave(struct task *task, struct tty *t, struct inode *i, const struct path *p,
                      int flags, struct file **out)
{
    if (!t)
        return -ENXIO;
    if (t->locked || tty_is_hung(t))
        return -EIO;
    *out = tty_file(t, i, p, flags);
    if (!*out)
        return -ENOMEM;
    if (!(flags & O_NOCTTY))
        tty_claim(task, t);
    return 0;
}

/* --- the master side --- */
static ssize_t master_read(struct task *task, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct tty *t = f->priv;

    while (!t->out_len) {
        if (t->slave_seen && !t->slaves)
            return -EIO;
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        int err = task_wait(task, &t->out_wq, NO_DEADLINE);
        if (err)
            return err;
    }
    ssize_t n = uio_write(u, t->out, MIN(t->out_len, u->resid));
    if (n > 0) {
        memmove(t->out, t->out + n, t->out_len - (size_t)n);
        t->out_len -= (size_t)n;
        waitq_wake(&t->out_wq, EPOLLOUT | EPOLLWRNORM);
    }
    return n;
}

static ssize_t master_write(struct task *task, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct tty *t = f->priv;
    unsigned char buf[256];
    size_t done = 0;

    while (u->resid) {
        struct uio look = *u;
        ssize_t n = uio_read(&look, buf, MIN(u->resid, sizeof(buf)));
        if (n <= 0)
            return done ? (ssize_t)done : -EFAULT;
        size_t took = tty_input(t, buf, (size_t)n);
        uio_advance(u, took);
        done += took;
        if (took < (size_t)n)
            return done ? (ssize_t)done : -EAGAIN;
    }
    return (ssize_t)done;
}

static uint32_t master_poll(struct file *f, struct poll_table *pt)
{
    struct tty *t = f->priv;
    uint32_t e = EPOLLOUT | EPOLLWRNORM;

    poll_wait(pt, &t->out_wq);
    if (t->out_len)
        e |= EPOLLIN | EPOLLRDNORM;
    if (t->slave_seen && !t->slaves)
        e |= EPOLLHUP;
    return e;
}

/* The slave by its name beside the master's, whatever is mounted elsewhere: ioctl_tty(2). */
static long open_peer(struct task *task, struct file *f, struct tty *t, int flags)
{
    const struct path dir = {f->path.mnt, f->path.dentry->parent};
    cleanup_path struct path at = {0};
    char name[16];
    struct file *slave;

    snprintf(name, sizeof(name), "%d", t->index);
    int err = vfs_walk_from(task, &dir, name, 0, &at);
    if (!err)
        err = vfs_open_path(task, &at, flags & ~O_CLOEXEC, &slave);
    return err ? err : fd_install_steal(task, slave, flags & O_CLOEXEC);
}

static long master_ioctl(struct task *task, struct file *f, unsigned int cmd, unsigned long arg)
{
    struct tty *t = f->priv;
    int v;

    switch (cmd) {
    case TIOCGPTN:
        return put_user(task, &t->index, arg);
    case TIOCSPTLCK:
        if (get_user(task, &v, arg))
            return -EFAULT;
        t->locked = v != 0;
        return 0;
    case TIOCGPTLCK:
        v = t->locked;
        return put_user(task, &v, arg);
    case FIONREAD:
        v = (int)t->out_len;
        return put_user(task, &v, arg);
    case TIOCGPTPEER:
        return open_peer(task, f, t, (int)arg);
    case TIOCGPGRP:
        v = t->session && t->session->foreground ? t->session->foreground->id : 0;
        return put_user(task, &v, arg);
    default:
        return tty_ioctl(task, f, t, cmd, arg);
    }
}

static void master_release(struct file *f)
{
    struct tty *t = f->priv;

    t->masters--;
    tty_hangup(t);
    tty_put(t);
}

const struct file_ops tty_master_ops = {.kind = "ptmx",
                                        .read = master_read,
                                        .write = master_write,
                                        .poll = master_poll,
                                        .ioctl = master_ioctl,
                                        .release = master_release,
                                        .no_seek = true,
                                        .priv_type = &ckpt_tty,
                                        .restore = tty_restore_master};
CKPT_SYMBOL("file_ops", "pty master", tty_master_ops);

static int open_ptmx(struct task *task, struct inode *i, const struct path *p, int flags,
                     struct file **out)
{
    int index = 0;

    while (index < PTYS_MAX && ptys[index])
        index++;
    struct tty *t = index < PTYS_MAX ? tty_alloc() : NULL;
    if (!t)
        return index < PTYS_MAX ? -ENOMEM : -ENOSPC;
    t->index = index;
    t->locked = true;
    t->masters = 1;
    *out = file_new(&tty_master_ops, i, p, flags);
    if (!*out) {
        free(t);
        return -ENOMEM;
    }
    (*out)->priv = t;
    ptys[index] = t;
    return 0;
}

/* --- device numbers --- */
static int open_aux(struct task *task, struct inode *i, const struct path *p, int flags,
                    struct file **out)
{
    switch (minor(i->rdev)) {
    case 0: {
        struct tty *t = task->tg->session ? task->tg->session->tty : NULL;
        return open_slave(task, t, i, p, flags | O_NOCTTY, out);
    }
    case 1:
        return open_slave(task, console_tty, i, p, flags, out);
    case 2:
        return open_ptmx(task, i, p, flags, out);
    default:
        return -ENXIO;
    }
}

static int open_pts(struct task *task, struct inode *i, const struct path *p, int flags,
                    struct file **out)
{
    unsigned int n = minor(i->rdev);

    return open_slave(task, n < PTYS_MAX ? ptys[n] : NULL, i, p, flags, out);
}

int tty_init(void)
{
    int err = chrdev_register(TTYAUX_MAJOR, ~0U, open_aux);

    return err ? err : chrdev_register(PTS_MAJOR, ~0U, open_pts);
}

/* --- the console: a host terminal in raw mode --- */
static void host_readable(struct loop_fd *w, uint32_t revents)
{
    unsigned char buf[256];
    ssize_t n = read(w->fd, buf, sizeof(buf));

    if (n > 0) {
        tty_input(console_tty, buf, (size_t)n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        loop_fd_del(w);
        console_tty->host_fd = -1;
        tty_hangup(console_tty);
    }
}

void tty_console_resized(void)
{
    struct tty_size size;

    if (console_tty && console_tty->host_fd >= 0 && !ioctl(console_tty->host_fd, TIOCGWINSZ, &size))
        tty_set_size(console_tty, &size);
}

int console_bind(struct tty *t, int host_fd)
{
    static struct loop_fd in = {.events = EPOLLIN, .cb = host_readable};

    t->host_fd = in.fd = host_fd;
    int err = loop_fd_add(&in);
    if (!err)
        tty_console_resized();
    return err;
}

int console_attach(int host_fd)
{
    if (console_tty)
        return 0;
    console_tty = tty_alloc();
    if (!console_tty)
        return -ENOMEM;
    console_tty->termios.c_iflag |= IUTF8;
    int err = console_bind(console_tty, host_fd);
    if (err)
        return err;
    if (task_current()) /* none: a restored stream, whose session has what it had */
        tty_claim(task_current(), console_tty);
    return 0;
}

int console_take_file(struct file *f, int host_fd)
{
    int err = console_attach(host_fd);

    if (err)
        return err;
    f->ops = &tty_slave_ops;
    f->priv = tty_get(console_tty);
    f->inode->mode = S_IFCHR | 0620;
    f->inode->rdev = makedev(TTYAUX_MAJOR, 1);
    console_tty->slaves++;
    console_tty->slave_seen = true;
    return 0;
}

/* --- devpts --- */
static const struct inode_ops pts_dir_ops;
static const struct inode_ops pts_node_ops = {0};

static int pts_lookup(struct task *task, struct inode *dir, struct dentry *d)
{
    char *end;
    long n = strtol(d->name, &end, 10);
    bool ptmx = !strcmp(d->name, "ptmx");

    if (!ptmx && (*end || end == d->name || n < 0 || n >= PTYS_MAX || !ptys[n]))
        return 0;
    struct inode *i = inode_new(d->sb, &pts_node_ops, S_IFCHR | (ptmx ? 0666 : 0620));
    if (!i)
        return -ENOMEM;
    i->ino = ptmx ? 2 : (uint64_t)n + 3;
    i->rdev = ptmx ? makedev(TTYAUX_MAJOR, 2) : makedev(PTS_MAJOR, (unsigned int)n);
    i->uid = task->cred->fsuid;
    i->gid = task->cred->fsgid;
    dentry_set_inode(d, i);
    return 0;
}

static int pts_revalidate(struct task *task, struct dentry *d)
{
    return d->inode && !strcmp(d->name, "ptmx");
}

static int pts_readdir(struct task *task, struct file *f, struct dir_context *c)
{
    char name[16];

    if (c->pos == 0 && !c->emit(c, ".", 1, 1, 1, 4))
        return 0;
    if (c->pos == 1 && !c->emit(c, "..", 2, 2, 1, 4))
        return 0;
    if (c->pos == 2 && !c->emit(c, "ptmx", 4, 3, 2, 2))
        return 0;
    for (loff_t n = c->pos - 3; n < PTYS_MAX; n++) {
        int len = snprintf(name, sizeof(name), "%d", (int)n);
        if (ptys[n] && !c->emit(c, name, (size_t)len, n + 4, (uint64_t)n + 3, 2))
            return 0;
    }
    return 0;
}

static const struct file_ops pts_dir_file_ops = {
    .kind = "devpts directory", .readdir = pts_readdir, .llseek = dir_llseek};

static int pts_open(struct task *task, struct inode *i, const struct path *p, int flags,
                    struct file **out)
{
    *out = file_new(&pts_dir_file_ops, i, p, flags);
    return *out ? 0 : -ENOMEM;
}

static const struct inode_ops pts_dir_ops = {.lookup = pts_lookup, .open = pts_open};

static const struct inode_ops *pts_ops_of(mode_t mode)
{
    return S_ISDIR(mode) ? &pts_dir_ops : S_ISCHR(mode) ? &pts_node_ops : NULL;
}

static const struct super_ops pts_super_ops = {.revalidate = pts_revalidate,
                                               .inode_ops = pts_ops_of};
CKPT_SYMBOL("super_ops", "devpts", pts_super_ops);
CKPT_SYMBOL("file_ops", "devpts directory", pts_dir_file_ops);

int devpts_new(struct superblock **out)
{
    struct superblock *sb = super_new(&pts_super_ops, "devpts", DEVPTS_SUPER_MAGIC, NULL);
    struct inode *root = sb ? inode_new(sb, &pts_dir_ops, S_IFDIR | 0755) : NULL;

    if (!root)
        return -ENOMEM;
    root->nlink = 2;
    *out = sb;
    return dentry_new_root(sb, root) ? 0 : -ENOMEM;
}
