/* Terminals as files: those that programs open, /dev/tty, and the numbers of devices. */
#include "sentry/fs/tty/tty.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/fs/fs.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/task_internal.h"

#define TTYAUX_MAJOR 5
#define PTS_MAJOR 136
#define DEFAULT_SPEED 38400

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
    t->ispeed = t->ospeed = DEFAULT_SPEED;
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
    free(t->typed);
    free(t->opened);
    free(t);
}

dev_t tty_device(const struct tty *t)
{
    return t->index < 0 ? makedev(TTYAUX_MAJOR, 1) : makedev(PTS_MAJOR, (unsigned int)t->index);
}

dev_t session_tty_device(const struct session *s)
{
    return s->tty ? tty_device(s->tty) : 0;
}

/* --- as files --- */
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
    return tty_poll(f->priv, pt);
}

static long slave_ioctl(struct task *task, struct file *f, unsigned int cmd, unsigned long arg)
{
    return tty_ioctl(task, f, f->priv, cmd, arg);
}

static void slave_release(struct file *f)
{
    struct tty *t = f->priv;

    if (!t)
        return;
    for (size_t i = 0; i < t->nopened; i++)
        if (t->opened[i] == f)
            t->opened[i--] = t->opened[--t->nopened];
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

/* --- as files that were hung up --- */
static ssize_t hung_read(struct task *task, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    return 0;
}

static ssize_t hung_write(struct task *task, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    return -EIO;
}

static uint32_t hung_poll(struct file *f, struct poll_table *pt)
{
    return EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDNORM | EPOLLWRNORM;
}

static long hung_ioctl(struct task *task, struct file *f, unsigned int cmd, unsigned long arg)
{
    return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
}

const struct file_ops tty_hung_ops = {.kind = "tty",
                                      .read = hung_read,
                                      .write = hung_write,
                                      .poll = hung_poll,
                                      .ioctl = hung_ioctl,
                                      .release = slave_release,
                                      .no_seek = true,
                                      .priv_type = &ckpt_tty,
                                      .restore = tty_restore_slave};
CKPT_SYMBOL("file_ops", "tty hung up", tty_hung_ops);

void tty_hangup(struct tty *t)
{
    for (size_t i = 0; i < t->nopened; i++)
        t->opened[i]->ops = &tty_hung_ops;
    t->nopened = 0;
    t->packet_status = 0;
    t->stopped = t->flow_stopped = false;
    tty_flush_input(t);
    t->termios = default_termios;
    t->ispeed = t->ospeed = DEFAULT_SPEED;
    waitq_wake_all(&t->in_wq);
    waitq_wake_all(&t->out_wq);
    tty_leave_session(t);
}

/* --- opening --- */
int tty_attach(struct tty *t, struct file *f)
{
    struct file **p = realloc(t->opened, (t->nopened + 1) * sizeof(*p));

    if (!p)
        return -ENOMEM;
    t->opened = p;
    t->opened[t->nopened++] = f;
    t->slaves++;
    t->slave_seen = true;
    f->priv = tty_get(t);
    return 0;
}

struct file *tty_file(struct tty *t, struct inode *i, const struct path *p, int flags)
{
    struct file *f = i ? file_new(&tty_slave_ops, i, p, flags)
                       : file_new_anon(&tty_slave_ops, S_IFCHR | 0620, flags, NULL);

    if (f && tty_attach(t, f)) {
        file_put(f);
        return NULL;
    }
    return f;
}

int tty_open(struct task *task, struct tty *t, struct inode *i, const struct path *p, int flags,
             struct file **out)
{
    if (!t)
        return -ENXIO;
    if (t->locked || tty_is_hung(t))
        return -EIO;
    if (t->exclusive && !cred_capable(task->cred, CAP_SYS_ADMIN))
        return -EBUSY;
    *out = tty_file(t, i, p, flags);
    if (!*out)
        return -ENOMEM;
    if (!(flags & O_NOCTTY))
        tty_claim(task, t);
    return 0;
}

/* --- device numbers --- */
static int open_aux(struct task *task, struct inode *i, const struct path *p, int flags,
                    struct file **out)
{
    switch (minor(i->rdev)) {
    case 0: {
        struct tty *t = task->tg->session ? task->tg->session->tty : NULL;
        return tty_open(task, t, i, p, flags | O_NOCTTY, out);
    }
    case 1:
        return tty_open(task, console_tty, i, p, flags, out);
    case 2:
        return ptmx_open(task, i, p, flags, out);
    default:
        return -ENXIO;
    }
}

static int open_pts(struct task *task, struct inode *i, const struct path *p, int flags,
                    struct file **out)
{
    unsigned int n = minor(i->rdev);

    return tty_open(task, n < PTYS_MAX ? ptys[n] : NULL, i, p, flags, out);
}

int tty_init(void)
{
    int err = chrdev_register(TTYAUX_MAJOR, ~0U, open_aux);

    return err ? err : chrdev_register(PTS_MAJOR, ~0U, open_pts);
}
