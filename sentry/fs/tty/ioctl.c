/* ioctl_tty(2). */
#include <asm/ioctls.h>
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/fs/tty/tty.h"
#include "sentry/kernel/task_internal.h"

static int set_termios(struct task *task, struct tty *t, unsigned long arg, bool flush)
{
    struct termios n;

    if (copy_in(task, &n, arg, sizeof(n)))
        return -EFAULT;
    bool was_canon = t->termios.c_lflag & ICANON, canon = n.c_lflag & ICANON;
    t->termios = n;
    if (flush) {
        t->len = t->done = 0;
        t->lines = 0;
    }
    if (was_canon != canon) { /* what was typed so far becomes readable, or a line */
        t->done = t->len;
        t->lines = canon && t->len ? 1 : 0;
        waitq_wake(&t->in_wq, EPOLLIN);
    }
    return 0;
}

void tty_set_size(struct tty *t, const struct tty_size *size)
{
    siginfo_t info;

    if (!memcmp(&t->size, size, sizeof(*size)))
        return;
    t->size = *size;
    if (!t->session || !t->session->foreground)
        return;
    siginfo_kernel(&info, SIGWINCH);
    signal_send_pgrp(t->session->foreground->id, &info);
}

void tty_claim(struct task *task, struct tty *t)
{
    struct session *s = task->tg->session;

    if (!s || s->tty || t->session || s->id != task->tg->tgid)
        return;
    s->tty = tty_get(t);
    t->session = s;
    s->foreground = task->tg->pgrp;
}

void session_tty_release(struct session *s)
{
    struct tty *t = s->tty;

    if (!t)
        return;
    s->tty = NULL;
    t->session = NULL;
    tty_put(t);
}

static long set_foreground(struct task *task, struct tty *t, unsigned long arg)
{
    int pgid;

    if (task->tg->session != t->session || !t->session)
        return -ENOTTY;
    if (get_user(task, &pgid, arg))
        return -EFAULT;
    if (pgid < 0)
        return -EINVAL;
    struct process_group *p = pgrp_find(pgid);
    if (!p)
        return -ESRCH;
    if (p->session != t->session)
        return -EPERM;
    t->session->foreground = p;
    return 0;
}

static long flush_queue(struct tty *t, unsigned long which)
{
    if (which > TCIOFLUSH)
        return -EINVAL;
    if (which != TCOFLUSH) {
        t->len = t->done = 0;
        t->lines = 0;
        t->eof = false;
    }
    if (which != TCIFLUSH)
        t->out_len = 0;
    waitq_wake(&t->out_wq, EPOLLOUT);
    return 0;
}

static long session_ioctl(struct task *task, struct tty *t, unsigned int cmd, unsigned long arg)
{
    int v;

    switch (cmd) {
    case TIOCGPGRP:
        if (task->tg->session != t->session || !t->session)
            return -ENOTTY;
        v = t->session->foreground ? t->session->foreground->id : 0;
        return put_user(task, &v, arg);
    case TIOCSPGRP:
        return set_foreground(task, t, arg);
    case TIOCGSID:
        if (task->tg->session != t->session || !t->session)
            return -ENOTTY;
        v = t->session->id;
        return put_user(task, &v, arg);
    case TIOCSCTTY:
        if (t->session == task->tg->session && t->session)
            return 0;
        tty_claim(task, t);
        return t->session == task->tg->session ? 0 : -EPERM;
    case TIOCNOTTY:
        if (!task->tg->session || task->tg->session->tty != t)
            return -ENOTTY;
        if (task->tg->session->id == task->tg->tgid)
            session_tty_release(task->tg->session);
        return 0;
    default:
        return -ENOTTY;
    }
}

long tty_ioctl(struct task *task, struct file *f, struct tty *t, unsigned int cmd,
               unsigned long arg)
{
    struct tty_size size;
    int v;

    switch (cmd) {
    case TCGETS:
        return copy_out(task, arg, &t->termios, sizeof(t->termios));
    case TCSETS:
    case TCSETSW:
        return set_termios(task, t, arg, false);
    case TCSETSF:
        return set_termios(task, t, arg, true);
    case TIOCGWINSZ:
        return put_user(task, &t->size, arg);
    case TIOCSWINSZ:
        if (get_user(task, &size, arg))
            return -EFAULT;
        tty_set_size(t, &size);
        return 0;
    case FIONREAD:
        v = (int)t->done;
        return put_user(task, &v, arg);
    case TIOCOUTQ:
        v = (int)t->out_len;
        return put_user(task, &v, arg);
    case TCFLSH:
        return flush_queue(t, arg);
    case TCSBRK:
    case TCSBRKP:
        return 0; /* nothing waits in a wire */
    case TCXONC:
        if (arg > TCION)
            return -EINVAL;
        if (arg <= TCOON) {
            t->stopped = arg == TCOOFF;
            waitq_wake(&t->out_wq, EPOLLOUT);
        }
        return 0;
    case TIOCSTI:
        return -EIO; /* as Linux with dev.tty.legacy_tiocsti=0 */
    default:
        return session_ioctl(task, t, cmd, arg);
    }
}
