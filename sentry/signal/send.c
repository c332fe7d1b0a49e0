/* Sending signals and the pending queues: signal(7), kernel/signal.c for the fine points. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/core/core.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/ns/ns.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/kernel/user_counts.h"
#include "sentry/signal/signal.h"
#include "sentry/signal/signal_internal.h"

#define SIGQUEUE_MAX 32768 /* per queue, whatever RLIMIT_SIGPENDING says */

static void sigqueue_free(struct sigqueue *q)
{
    user_uncharge(q->user, USER_SIGNALS, 1);
    free(q);
}

static bool reserved; /* POSIX timers have theirs from the beginning */

void signal_reserved(bool on)
{
    reserved = on;
}

static struct sigqueue *sigqueue_new(const struct sigpending *p, const struct task *t,
                                     const siginfo_t *info)
{
    /* A kill(2) is as sure as a fault: __send_signal_locked()'s override_rlimit. */
    bool override = info->si_signo < SIGRTMIN_KERNEL && info->si_code >= 0;
    override = override || reserved;
    struct sigqueue *q = p->count < SIGQUEUE_MAX ? malloc(sizeof(*q)) : NULL;

    if (!q)
        return NULL;
    q->user = user_charge(t->cred->uid, USER_SIGNALS, 1,
                          override ? UINT64_MAX : rlimit_cur(t, RLIMIT_SIGPENDING));
    if (!q->user) {
        free(q);
        return NULL;
    }
    q->info = *info;
    return q;
}

int sigpending_restore(struct sigpending *p, uid_t uid, const siginfo_t *info)
{
    struct sigqueue *q = p->count < SIGQUEUE_MAX ? malloc(sizeof(*q)) : NULL;

    if (!q)
        return -ENOMEM;
    q->user = user_charge(uid, USER_SIGNALS, 1, UINT64_MAX);
    if (!q->user) {
        free(q);
        return -ENOMEM;
    }
    q->info = *info;
    list_add_tail(&p->queue, &q->node);
    p->count++;
    return 0;
}

uid_t sigqueue_uid(const struct sigqueue *q)
{
    return user_counts_uid(q->user);
}

void signal_task_init(struct task *t)
{
    list_init(&t->sig.pending.queue);
    waitq_init(&t->sig.wq);
    t->sig.altstack.ss_flags = SS_DISABLE;
}

struct signal_shared *sighand_new(void)
{
    struct signal_shared *s = calloc(1, sizeof(*s));

    if (s) {
        s->refs = 1;
        list_init(&s->signalfd_waiters);
    }
    return s;
}

struct signal_shared *sighand_get(struct signal_shared *s)
{
    s->refs++;
    return s;
}

struct signal_shared *sighand_copy(const struct signal_shared *s)
{
    struct signal_shared *n = sighand_new();

    if (n)
        memcpy(n->action, s->action, sizeof(n->action));
    return n;
}

void sighand_put(struct signal_shared *s)
{
    if (s && --s->refs == 0)
        free(s);
}

void sighand_exec(struct signal_shared *s)
{
    for (int i = 1; i <= NV_NSIG; i++) {
        bool ignored = s->action[i].handler == (uint64_t)SIG_IGN;
        s->action[i] = (struct ksigaction){.handler = ignored ? (uint64_t)SIG_IGN : 0};
    }
}

void sigpending_flush(struct sigpending *p)
{
    struct sigqueue *q, *tmp;

    if (p->queue.next)
        list_for_each_safe(q, tmp, &p->queue, node) {
            list_del(&q->node);
            sigqueue_free(q);
        }
    p->set = 0;
    p->count = 0;
}

static void sigpending_remove(struct sigpending *p, ksigset set)
{
    struct sigqueue *q, *tmp;

    p->set &= ~set;
    list_for_each_safe(q, tmp, &p->queue, node) {
        if (ksig_bit(q->info.si_signo) & set) {
            list_del(&q->node);
            sigqueue_free(q);
            p->count--;
        }
    }
}

void signal_discard(struct thread_group *tg, int sig)
{
    struct task *t;

    sigpending_remove(&tg->sig.pending, ksig_bit(sig));
    list_for_each(t, &tg->tasks, tg_node)
        sigpending_remove(&t->sig.pending, ksig_bit(sig));
}

void siginfo_kernel(siginfo_t *info, int sig)
{
    memset(info, 0, sizeof(*info));
    info->si_signo = sig;
    info->si_code = SI_KERNEL;
}

void siginfo_user(siginfo_t *info, int sig, int code, struct task *sender)
{
    memset(info, 0, sizeof(*info));
    info->si_signo = sig;
    info->si_code = code;
    info->si_pid = sender->tg->tgid; /* of the first namespace: send() translates */
    info->si_uid = sender->cred->uid;
}

ksigset signal_blocked(const struct task *t)
{
    if (!t->in_guest || !platform->get_sigmask)
        return t->sig.blocked;
    return platform->get_sigmask(t->thr) & ~SIG_UNMASKABLE;
}

bool signal_mask_shown(const struct task *t)
{
    return t->sig.shown == t->sig.blocked && t->sig.shown_to == t->thr &&
           t->sig.waits_shown == (signal_pending_set(t) != 0);
}

void signal_show_mask(struct task *t)
{
    t->sig.shown = t->sig.blocked;
    t->sig.shown_to = t->thr;
    t->sig.waits_shown = signal_pending_set(t) != 0;
    if (platform->set_sigmask)
        platform->set_sigmask(t->thr, t->sig.blocked, t->sig.waits_shown);
}

void signal_take_mask(struct task *t)
{
    ksigset mask =
        platform->get_sigmask ? platform->get_sigmask(t->thr) & ~SIG_UNMASKABLE : t->sig.blocked;

    t->sig.shown = mask;
    if (mask != t->sig.blocked)
        signal_set_blocked(t, mask);
}

/* Before its mask is looked at: from now on it does not unblock anything without us. */
static void make_ask(struct task *t)
{
    if (!t->in_guest || t->sig.waits_shown || !platform->signal_waits)
        return;
    t->sig.waits_shown = true;
    platform->signal_waits(t->thr);
}

static bool sig_ignored(struct thread_group *tg, const struct task *t, int sig)
{
    uint64_t h = tg->sighand->action[sig].handler;

    if (t && t->trace.tracer && sig != SIGKILL)
        return false; /* its tracer wants to see it */
    /* A blocked signal may get a handler before it is unblocked. */
    if (t && (signal_blocked(t) & ksig_bit(sig)))
        return false;
    if (h == (uint64_t)SIG_IGN)
        return true;
    return h == (uint64_t)SIG_DFL && (ksig_bit(sig) & SIG_DEFAULT_IGNORE);
}

/* Stop signals and SIGCONT cancel each other when they are generated: prepare_signal(). */
/* NOLINTNEXTLINE(misc-no-recursion): to SIGCHLD, which stops nothing */
static void prepare(struct thread_group *tg, int sig)
{
    struct task *t;
    ksigset drop = ksig_bit(sig) & SIG_DEFAULT_STOP ? ksig_bit(SIGCONT)
                   : sig == SIGCONT                 ? SIG_DEFAULT_STOP
                                                    : 0;

    if (drop) {
        sigpending_remove(&tg->sig.pending, drop);
        list_for_each(t, &tg->tasks, tg_node)
            sigpending_remove(&t->sig.pending, drop);
    }
    if (sig != SIGCONT)
        return;
    bool was_stopped = tg->sig.stopped;
    tg->sig.stop_signal = 0;
    tg->sig.stopped = false;
    list_for_each(t, &tg->tasks, tg_node)
        trace_continued(t);
    if (was_stopped) {
        tg->sig.continued = true;
        signal_notify_parent(tg, CLD_CONTINUED, SIGCONT);
    }
    waitq_wake_all(&tg->sig.stop_wq);
}

/* Who sent it, as the receiver knows them. */
static void translate(siginfo_t *info, const struct task *t)
{
    int code = info->si_code;

    if (code != SI_USER && code != SI_TKILL && !(info->si_signo == SIGCHLD && code > 0))
        return;
    info->si_pid = pid_nr(t->pid_ns, info->si_pid);
    info->si_uid = kuid_seen(t, info->si_uid);
}

static int enqueue(struct sigpending *p, const struct task *t, const siginfo_t *from)
{
    siginfo_t seen = *from, *info = &seen;
    int sig = info->si_signo;

    if (t->pid_ns || t->cred->user_ns)
        translate(info, t);

    if (sig < SIGRTMIN_KERNEL && (p->set & ksig_bit(sig)))
        return 0; /* standard signals do not queue */
    struct sigqueue *q = sigqueue_new(p, t, info);
    if (!q && sig >= SIGRTMIN_KERNEL && info->si_code != SI_USER && info->si_code != SI_KERNEL)
        return -EAGAIN;
    if (q) { /* without one the signal is delivered, its siginfo is lost */
        list_add_tail(&p->queue, &q->node);
        p->count++;
    }
    p->set |= ksig_bit(sig);
    return 0;
}

static bool wants(const struct task *t, int sig)
{
    return !(signal_blocked(t) & ksig_bit(sig)) && t->state != TASK_ZOMBIE;
}

static void wake_for(struct thread_group *tg, struct task *target, int sig)
{
    struct task *t;

    if (target) {
        make_ask(target);
        waitq_wake_all(&target->sig.wq);
        if (wants(target, sig))
            task_kick(target);
        return;
    }
    list_for_each(t, &tg->tasks, tg_node)
        make_ask(t);
    waitq_wake_all(&tg->sig.wq);
    if (tg->leader && tg->leader->tg == tg && tg->leader->state != TASK_ZOMBIE &&
        wants(tg->leader, sig)) {
        task_kick(tg->leader);
        return;
    }
    list_for_each(t, &tg->tasks, tg_node) {
        if (wants(t, sig)) {
            task_kick(t);
            return;
        }
    }
}

/*
 * The init of a namespace of processes gets only signals that it has handlers for, and SIGKILL and
 * SIGSTOP from outside: sig_task_ignored(). What the kernel sends, faults say, is another matter.
 */
static bool is_protected(const struct thread_group *tg, const siginfo_t *info)
{
    const struct task *from = task_current();
    const struct pid_ns *ns = tg->leader ? tg->leader->pid_ns : NULL;

    if (!ns || ns->reaper != tg || !from || info->si_code > 0)
        return false;
    bool inside = pid_ns_is_in(from->pid_ns, ns);
    if (info->si_signo == SIGKILL || info->si_signo == SIGSTOP)
        return inside;
    return tg->sighand->action[info->si_signo].handler == (uint64_t)SIG_DFL;
}

/* NOLINTNEXTLINE(misc-no-recursion): see prepare() */
static int send(struct thread_group *tg, struct task *t, const siginfo_t *info)
{
    int sig = info->si_signo;

    /* clone(2) takes any number as the signal of a child's end; one that is none is not sent. */
    if (info->si_signo < 1 || info->si_signo > NV_NSIG)
        return -EINVAL;
    if (tg->zombie || list_empty(&tg->tasks))
        return 0;
    if (is_protected(tg, info))
        return 0;
    if (sig == SIGKILL) {
        trace_kill_group(tg);
        if (tg->core)
            core_interrupt(tg);
        else
            tg_exit(tg, SIGKILL);
        return 0;
    }
    prepare(tg, sig);
    struct task *checker = t ? t : list_first(&tg->tasks, struct task, tg_node);
    if (sig_ignored(tg, checker, sig))
        return 0;
    int err = enqueue(t ? &t->sig.pending : &tg->sig.pending, checker, info);
    if (!err)
        wake_for(tg, t, sig);
    return err;
}

int signal_send_task(struct task *t, const siginfo_t *info)
{
    return send(t->tg, t, info);
}

/* NOLINTNEXTLINE(misc-no-recursion): see prepare() */
int signal_send_group(struct thread_group *tg, const siginfo_t *info)
{
    return send(tg, NULL, info);
}

int signal_send_pgrp(pid_t pgid, const siginfo_t *info)
{
    struct process_group *p = pgrp_find(pgid);
    struct thread_group *tg, *tmp;
    int n = 0;

    if (!p)
        return -ESRCH;
    p->refs++; /* members may leave while we send */
    list_for_each_safe(tg, tmp, &p->members, pgrp_node) {
        send(tg, NULL, info);
        n++;
    }
    p->refs--;
    return n ? 0 : -ESRCH;
}

void signal_force(struct task *t, const siginfo_t *info)
{
    int sig = info->si_signo;
    struct ksigaction *a = &t->tg->sighand->action[sig];
    bool blocked = t->sig.blocked & ksig_bit(sig);

    if (blocked || a->handler == (uint64_t)SIG_IGN)
        a->handler = (uint64_t)SIG_DFL;
    if (blocked)
        t->sig.blocked &= ~ksig_bit(sig);
    t->sig.pending.set &= ~ksig_bit(sig);
    enqueue(&t->sig.pending, t, info);
    t->sig.sync |= ksig_bit(sig);
}

int signal_may_send(struct task *sender, struct thread_group *to, int sig)
{
    const struct cred *c = sender->cred;

    if (sender->tg == to || !to->leader ||
        ns_capable(c, to->leader->cred->user_ns, 5 /* CAP_KILL */))
        return 0;
    const struct cred *r = to->leader->cred;
    if (c->euid == r->suid || c->euid == r->uid || c->uid == r->suid || c->uid == r->uid)
        return 0;
    return sig == SIGCONT && sender->tg->session == to->session ? 0 : -EPERM;
}

ksigset signal_pending_set(const struct task *t)
{
    return t->sig.pending.set | t->tg->sig.pending.set;
}

/* The lowest signal of set first, as Linux does; synchronous ones before all others. */
static int pick(const struct sigpending *p, ksigset set, ksigset first)
{
    ksigset m = p->set & set;

    if (!m)
        return 0;
    if (m & first)
        m &= first;
    return __builtin_ctzll(m) + 1;
}

static void take(struct sigpending *p, int sig, siginfo_t *out)
{
    struct sigqueue *q, *found = NULL;
    bool more = false;

    list_for_each(q, &p->queue, node) {
        if (q->info.si_signo != sig)
            continue;
        if (found) {
            more = true;
            break;
        }
        found = q;
    }
    if (!more)
        p->set &= ~ksig_bit(sig);
    if (!found) {
        memset(out, 0, sizeof(*out));
        out->si_signo = sig;
        out->si_code = SI_USER;
        return;
    }
    *out = found->info;
    list_del(&found->node);
    sigqueue_free(found);
    p->count--;
}

int signal_dequeue(struct task *t, ksigset set, siginfo_t *out)
{
    struct sigpending *p = &t->sig.pending;
    int sig = pick(p, set, t->sig.sync);

    if (!sig) {
        p = &t->tg->sig.pending;
        sig = pick(p, set, 0);
    }
    if (!sig)
        return -EAGAIN;
    take(p, sig, out);
    if (out->si_code == SI_TIMER)
        posix_timer_taken(t->tg, out);
    t->sig.sync &= ~ksig_bit(sig);
    return 0;
}

void signal_set_blocked(struct task *t, ksigset mask)
{
    struct task *o;
    ksigset newly = mask & ~t->sig.blocked;

    t->sig.blocked = mask & ~SIG_UNMASKABLE;
    /* A shared signal this task was woken for may now need another taker. */
    if (newly & t->tg->sig.pending.set)
        list_for_each(o, &t->tg->tasks, tg_node) {
            if (o != t && (t->tg->sig.pending.set & ~signal_blocked(o)))
                task_kick(o);
        }
}

int signal_set_temp_mask(struct task *t, uint64_t addr, uint64_t size)
{
    ksigset set;

    if (!addr)
        return 0;
    if (size != sizeof(set))
        return -EINVAL;
    if (get_user(t, &set, addr))
        return -EFAULT;
    t->sig.saved_blocked = t->sig.blocked;
    t->sig.restore_saved = true;
    signal_set_blocked(t, set);
    return 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): see prepare() */
void signal_notify_parent(struct thread_group *tg, int code, int status)
{
    struct thread_group *parent = tg->parent;
    siginfo_t info = {.si_signo = SIGCHLD, .si_code = code};

    if (!parent)
        return;
    info.si_pid = tg->tgid;
    info.si_uid = tg->leader ? tg->leader->cred->uid : 0;
    info.si_status = status;
    if (code == CLD_STOPPED || code == CLD_CONTINUED) {
        if (!(parent->sighand->action[SIGCHLD].flags & SA_NOCLDSTOP))
            signal_send_group(parent, &info);
    } else if (tg->exit_signal) {
        info.si_signo = tg->exit_signal;
        signal_send_group(parent, &info);
    }
    waitq_wake_all(&parent->child_wait);
}
