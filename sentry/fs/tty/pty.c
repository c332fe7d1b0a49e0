/* Pseudo-terminals: pty(7), the master side. */
#include <asm/ioctls.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "sentry/ckpt/types.h"
#include "sentry/fs/tty/tty.h"
#include "sentry/kernel/cred.h"
#include "sentry/ns/ns.h"
#include "sentry/kernel/task_internal.h"

struct tty *ptys[PTYS_MAX];

static bool master_is_ready(const struct tty *t)
{
    return t->out_len || (t->packet && t->packet_status);
}

static int wait_for_output(struct task *task, struct file *f, struct tty *t)
{
    while (!master_is_ready(t)) {
        if (t->slave_seen && !t->slaves)
            return -EIO;
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        int err = task_wait(task, &t->out_wq, NO_DEADLINE);
        if (err)
            return err;
    }
    return 0;
}

static ssize_t read_output(struct tty *t, struct uio *u)
{
    ssize_t n = uio_write(u, t->out, MIN(t->out_len, u->resid));

    if (n > 0) {
        memmove(t->out, t->out + n, t->out_len - (size_t)n);
        t->out_len -= (size_t)n;
        waitq_wake(&t->out_wq, EPOLLOUT | EPOLLWRNORM);
    }
    return n;
}

/* TIOCPKT: a byte that tells what happened, or zero and output. */
static ssize_t read_packet(struct tty *t, struct uio *u)
{
    unsigned char status = t->packet_status;
    ssize_t n = uio_write(u, &status, 1);

    if (n <= 0)
        return n;
    t->packet_status = 0;
    if (status || !u->resid)
        return n;
    ssize_t more = read_output(t, u);
    return more < 0 ? more : n + more;
}

static ssize_t master_read(struct task *task, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct tty *t = f->priv;

    if (!u->resid)
        return 0;
    int err = wait_for_output(task, f, t);
    if (err)
        return err;
    return t->packet ? read_packet(t, u) : read_output(t, u);
}

static ssize_t master_write(struct task *task, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct tty *t = f->priv;
    unsigned char buf[256];
    size_t done = 0;

    while (u->resid) {
        size_t room = TTY_TYPED_MAX - t->ntyped;
        if (!room) {
            int err = f->flags & O_NONBLOCK ? -EAGAIN : task_wait(task, &t->out_wq, NO_DEADLINE);
            if (err)
                return done ? (ssize_t)done : err;
            continue;
        }
        ssize_t n = uio_read(u, buf, MIN(MIN(u->resid, sizeof(buf)), room));
        if (n <= 0)
            return done ? (ssize_t)done : -EFAULT;
        int err = tty_type(t, buf, (size_t)n);
        if (err)
            return done ? (ssize_t)done : err;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static uint32_t master_poll(struct file *f, struct poll_table *pt)
{
    struct tty *t = f->priv;
    uint32_t e = 0;

    poll_wait(pt, &t->out_wq);
    if (master_is_ready(t))
        e |= EPOLLIN | EPOLLRDNORM;
    if (t->packet && t->packet_status)
        e |= EPOLLPRI;
    if (t->ntyped < TTY_TYPED_MAX)
        e |= EPOLLOUT | EPOLLWRNORM;
    if (t->slave_seen && !t->slaves)
        e |= EPOLLHUP;
    return e;
}

static long set_packet_mode(struct task *task, struct tty *t, unsigned long arg)
{
    int on;

    if (get_user(task, &on, arg))
        return -EFAULT;
    if (on && !t->packet)
        t->packet_status = 0;
    t->packet = on != 0;
    return 0;
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
    case TIOCPKT:
        return set_packet_mode(task, t, arg);
    case TIOCGPKT:
        v = t->packet;
        return put_user(task, &v, arg);
    case FIONREAD:
        v = (int)t->out_len;
        return put_user(task, &v, arg);
    case TIOCGPTPEER:
        return open_peer(task, f, t, (int)arg);
    case TIOCGPGRP:
        v = t->session && t->session->foreground ? id_nr(t->session->foreground->id) : 0;
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

static void master_fdinfo(struct file *f, struct strbuf *out)
{
    const struct tty *tty = f->priv;

    strbuf_printf(out, "tty-index:\t%d\n", tty->index);
}

const struct file_ops tty_master_ops = {.kind = "ptmx",
                                        .fdinfo = master_fdinfo,
                                        .read = master_read,
                                        .write = master_write,
                                        .poll = master_poll,
                                        .ioctl = master_ioctl,
                                        .release = master_release,
                                        .no_seek = true,
                                        .priv_type = &ckpt_tty,
                                        .restore = tty_restore_master};
CKPT_SYMBOL("file_ops", "pty master", tty_master_ops);

int ptmx_open(struct task *task, struct inode *i, const struct path *p, int flags,
              struct file **out)
{
    int index = 0;

    while (index < PTYS_MAX && ptys[index])
        index++;
    struct tty *t = index < PTYS_MAX ? tty_alloc() : NULL;
    if (!t)
        return index < PTYS_MAX ? -ENOMEM : -ENOSPC;
    t->index = index;
    t->uid = task->cred->fsuid;
    t->gid = task->cred->fsgid;
    t->locked = true;
    t->masters = 1;
    *out = file_new(&tty_master_ops, i, p, flags);
    if (!*out) {
        free(t);
        return file_new_error();
    }
    (*out)->priv = t;
    ptys[index] = t;
    return 0;
}
