/* Terminals and sessions: tty_jobctrl.c of the kernel, credentials(7). */
#include <asm/ioctls.h>
#include <errno.h>
#include <linux/capability.h>

#include "sentry/fs/tty/tty.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/syscall.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/ns/ns.h"

static void signal_group(const struct process_group *p, int sig)
{
    siginfo_t info;

    siginfo_kernel(&info, sig);
    signal_send_pgrp(p->id, &info);
}

int tty_job_control(struct task *task, struct tty *t, int sig)
{
    struct thread_group *tg = task->tg;

    if (!tg->session || tg->session->tty != t || !tg->session->foreground ||
        tg->pgrp == tg->session->foreground)
        return 0;
    bool ignored = tg->sighand->action[sig].handler == (uint64_t)SIG_IGN ||
                   (task->sig.blocked & ksig_bit(sig));
    if (ignored)
        return sig == SIGTTIN ? -EIO : 0;
    if (pgrp_is_orphaned(tg->pgrp))
        return -EIO;
    signal_group(tg->pgrp, sig);
    return -ERESTARTSYS;
}

void tty_signal_foreground(const struct tty *t, int sig)
{
    if (t->session && t->session->foreground)
        signal_group(t->session->foreground, sig);
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
    s->foreground = NULL;
    t->session = NULL;
    tty_put(t);
}

void session_leader_exited(struct session *s)
{
    bool had_lost_it = !s->tty;

    if (s->foreground) {
        signal_group(s->foreground, SIGHUP);
        if (had_lost_it)
            signal_group(s->foreground, SIGCONT);
    }
    session_tty_release(s);
    s->foreground = NULL;
}

void tty_leave_session(struct tty *t)
{
    struct session *s = t->session;
    siginfo_t info;

    if (!s)
        return;
    struct thread_group *leader = tg_find(s->id);
    if (leader) {
        siginfo_kernel(&info, SIGHUP);
        signal_send_group(leader, &info);
        siginfo_kernel(&info, SIGCONT);
        signal_send_group(leader, &info);
    }
    /* When the leader ends, those who were in the foreground hear of it. */
    struct process_group *old = s->foreground;
    session_tty_release(s);
    s->foreground = old;
}

static long set_foreground(struct task *task, struct tty *t, unsigned long arg)
{
    int pgid;

    int err = tty_job_control(task, t, SIGTTOU);
    if (err)
        return err == -EIO ? -ENOTTY : err;
    if (get_user(task, &pgid, arg))
        return -EFAULT;
    if (pgid < 0)
        return -EINVAL;
    if (task->tg->session != t->session || !t->session)
        return -ENOTTY;
    struct process_group *p = pgrp_find(pid_id(task->pid_ns, pgid));
    if (!p)
        return -ESRCH;
    if (p->session != t->session)
        return -EPERM;
    t->session->foreground = p;
    return 0;
}

static long give_up(struct task *task, struct tty *t)
{
    struct session *s = task->tg->session;

    if (!s || s->tty != t)
        return -ENOTTY;
    if (s->id != task->tg->tgid)
        return 0;
    tty_signal_foreground(t, SIGHUP);
    tty_signal_foreground(t, SIGCONT);
    session_tty_release(s);
    return 0;
}

long tty_session_ioctl(struct task *task, struct tty *t, unsigned int cmd, unsigned long arg)
{
    bool ours = t->session && task->tg->session == t->session;
    int v;

    switch (cmd) {
    case TIOCGPGRP:
        if (!ours)
            return -ENOTTY;
        v = t->session->foreground ? id_nr(t->session->foreground->id) : 0;
        return put_user(task, &v, arg);
    case TIOCSPGRP:
        return set_foreground(task, t, arg);
    case TIOCGSID:
        if (!ours)
            return -ENOTTY;
        v = id_nr(t->session->id);
        return put_user(task, &v, arg);
    case TIOCSCTTY:
        if (ours && t->session->id == task->tg->tgid)
            return 0;
        tty_claim(task, t);
        return t->session && t->session == task->tg->session && t->session->id == task->tg->tgid
                   ? 0
                   : -EPERM;
    case TIOCNOTTY:
        return give_up(task, t);
    default:
        return -ENOTTY;
    }
}

long sys_vhangup(struct task *t, const struct sysargs *a)
{
    struct tty *own = t->tg->session ? t->tg->session->tty : NULL;

    if (!cred_capable(t->cred, CAP_SYS_TTY_CONFIG))
        return -EPERM;
    if (own)
        tty_hangup(own);
    return 0;
}
