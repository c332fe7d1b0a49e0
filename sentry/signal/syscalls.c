/* The signal system calls: rt_sig*(2), kill(2), tgkill(2), sigaltstack(2). */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/ns/ns.h"
#include "sentry/signal/signal_internal.h"

#define SIGSET_SIZE 8
#define ALTSTACK_MIN 2048

long sys_rt_sigaction(struct task *t, const struct sysargs *a)
{
    int sig = arg_i32(a, 0);
    struct ksigaction new;

    if (arg_u64(a, 3) != SIGSET_SIZE || sig < 1 || sig > NV_NSIG)
        return -EINVAL;
    if (arg_u64(a, 1) && get_user(t, &new, arg_u64(a, 1)))
        return -EFAULT;
    if (arg_u64(a, 1) && (sig == SIGKILL || sig == SIGSTOP))
        return -EINVAL;
    struct ksigaction *act = &t->tg->sighand->action[sig], old = *act;
    if (arg_u64(a, 1)) {
        new.mask &= ~SIG_UNMASKABLE;
        *act = new;
        bool ignores = new.handler == (uint64_t)SIG_IGN ||
                       (new.handler == (uint64_t)SIG_DFL && (ksig_bit(sig) & SIG_DEFAULT_IGNORE));
        if (ignores)
            signal_discard(t->tg, sig);
    }
    if (arg_u64(a, 2) && put_user(t, &old, arg_u64(a, 2)))
        return -EFAULT;
    return 0;
}

long sys_rt_sigprocmask(struct task *t, const struct sysargs *a)
{
    ksigset set, old = t->sig.blocked;

    if (arg_u64(a, 3) != SIGSET_SIZE)
        return -EINVAL;
    if (arg_u64(a, 1)) {
        if (get_user(t, &set, arg_u64(a, 1)))
            return -EFAULT;
        switch (arg_i32(a, 0)) {
        case SIG_BLOCK:
            set = old | set;
            break;
        case SIG_UNBLOCK:
            set = old & ~set;
            break;
        case SIG_SETMASK:
            break;
        default:
            return -EINVAL;
        }
        signal_set_blocked(t, set);
    }
    return arg_u64(a, 2) ? put_user(t, &old, arg_u64(a, 2)) : 0;
}

long sys_rt_sigpending(struct task *t, const struct sysargs *a)
{
    ksigset set = signal_pending_set(t) & t->sig.blocked;

    if (arg_u64(a, 1) > SIGSET_SIZE)
        return -EINVAL;
    return copy_out(t, arg_u64(a, 0), &set, arg_u64(a, 1));
}

long sys_rt_sigsuspend(struct task *t, const struct sysargs *a)
{
    struct waitq never;
    ksigset set;

    if (arg_u64(a, 1) != SIGSET_SIZE)
        return -EINVAL;
    if (get_user(t, &set, arg_u64(a, 0)))
        return -EFAULT;
    t->sig.saved_blocked = t->sig.blocked;
    t->sig.restore_saved = true;
    signal_set_blocked(t, set);
    waitq_init(&never);
    while (!task_wait(t, &never, NO_DEADLINE))
        ;
    return -ERESTARTNOHAND;
}

long sys_pause(struct task *t, const struct sysargs *a)
{
    struct waitq never;

    waitq_init(&never);
    while (!task_wait(t, &never, NO_DEADLINE))
        ;
    return -ERESTARTNOHAND;
}

long sys_rt_sigtimedwait(struct task *t, const struct sysargs *a)
{
    uint64_t deadline = NO_DEADLINE;
    struct timespec ts;
    siginfo_t info;
    ksigset set;

    if (arg_u64(a, 3) != SIGSET_SIZE)
        return -EINVAL;
    if (get_user(t, &set, arg_u64(a, 0)))
        return -EFAULT;
    set &= ~SIG_UNMASKABLE;
    if (arg_u64(a, 2)) {
        if (get_user(t, &ts, arg_u64(a, 2)))
            return -EFAULT;
        if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= NSEC_PER_SEC)
            return -EINVAL;
        deadline = deadline_after(&ts);
    }
    while (signal_dequeue(t, set, &info)) {
        struct waitq *qs[] = {&t->sig.wq, &t->tg->sig.wq};
        /* Unblocked meanwhile, so that senders see a taker in this task. */
        int err = task_wait_many(t, qs, 2, deadline);
        if (err == -ETIMEDOUT)
            return signal_dequeue(t, set, &info) ? -EAGAIN : info.si_signo;
        if (err) {
            if (!signal_dequeue(t, set, &info))
                break;
            return -EINTR;
        }
    }
    if (arg_u64(a, 1) && put_user(t, &info, arg_u64(a, 1)))
        return -EFAULT;
    return info.si_signo;
}

/* 0 sends nothing but checks. */
static int check_and_send(struct task *t, struct thread_group *tg, struct task *target,
                          const siginfo_t *info)
{
    int sig = info->si_signo;
    int err = signal_may_send(t, tg, sig);

    if (err || !sig)
        return err;
    return target ? signal_send_task(target, info) : signal_send_group(tg, info);
}

static long kill_many(struct task *t, pid_t pid, const siginfo_t *info)
{
    struct thread_group *tg, *tmp;
    int n = 0, sent = 0, err = 0;

    if (pid != -1) {
        pid_t pgid = pid == 0 ? t->tg->pgrp->id : pid_id(t->pid_ns, -pid);
        struct process_group *p = pgrp_find(pgid);
        if (!p)
            return -ESRCH;
        p->refs++;
        list_for_each_safe(tg, tmp, &p->members, pgrp_node) {
            int r = check_and_send(t, tg, NULL, info);
            n++;
            sent += r == 0;
            err = r ? r : err;
        }
        p->refs--;
    } else {
        list_for_each_safe(tg, tmp, &all_thread_groups, all_node) {
            if (tg == t->tg || tg == init_tg || tg->zombie || pid_nr(t->pid_ns, tg->tgid) <= 1)
                continue;
            n++;
            int r = check_and_send(t, tg, NULL, info);
            sent += r == 0;
            err = r ? r : err;
        }
    }
    return !n ? -ESRCH : sent ? 0 : err;
}

long sys_kill(struct task *t, const struct sysargs *a)
{
    pid_t pid = arg_i32(a, 0);
    int sig = arg_i32(a, 1);
    siginfo_t info;

    if (sig < 0 || sig > NV_NSIG)
        return -EINVAL;
    siginfo_user(&info, sig, SI_USER, t);
    if (pid <= 0)
        return pid == INT32_MIN ? -ESRCH : kill_many(t, pid, &info);
    struct task *target = task_find_nr(pid);
    return target ? check_and_send(t, target->tg, NULL, &info) : -ESRCH;
}

static long do_tkill(struct task *t, pid_t tgid, pid_t tid, const siginfo_t *info)
{
    struct task *target = task_find_nr(tid);

    if (!target || (tgid > 0 && tg_nr(target->tg) != tgid) || target->state == TASK_ZOMBIE)
        return -ESRCH;
    return check_and_send(t, target->tg, target, info);
}

long sys_tgkill(struct task *t, const struct sysargs *a)
{
    siginfo_t info;

    if (arg_i32(a, 0) <= 0 || arg_i32(a, 1) <= 0 || arg_i32(a, 2) < 0 || arg_i32(a, 2) > NV_NSIG)
        return -EINVAL;
    siginfo_user(&info, arg_i32(a, 2), SI_TKILL, t);
    return do_tkill(t, arg_i32(a, 0), arg_i32(a, 1), &info);
}

long sys_tkill(struct task *t, const struct sysargs *a)
{
    siginfo_t info;

    if (arg_i32(a, 0) <= 0 || arg_i32(a, 1) < 0 || arg_i32(a, 1) > NV_NSIG)
        return -EINVAL;
    siginfo_user(&info, arg_i32(a, 1), SI_TKILL, t);
    return do_tkill(t, 0, arg_i32(a, 0), &info);
}

/* Only a process itself may forge kernel or kill() origins: rt_sigqueueinfo(2). */
/* pid is that of a thread for rt_tgsigqueueinfo. */
static int queue_info(struct task *t, uint64_t addr, int sig, pid_t pid, pid_t own, siginfo_t *info)
{
    if (get_user(t, info, addr))
        return -EFAULT;
    if (sig < 0 || sig > NV_NSIG)
        return -EINVAL;
    info->si_signo = sig;
    if ((info->si_code >= 0 || info->si_code == SI_TKILL) && own != pid)
        return -EPERM;
    return 0;
}

long sys_rt_sigqueueinfo(struct task *t, const struct sysargs *a)
{
    pid_t pid = arg_i32(a, 0);
    siginfo_t info;
    int err = queue_info(t, arg_u64(a, 2), arg_i32(a, 1), pid, tg_nr(t->tg), &info);

    if (err)
        return err;
    struct task *target = task_find_nr(pid);
    return target ? check_and_send(t, target->tg, NULL, &info) : -ESRCH;
}

long sys_rt_tgsigqueueinfo(struct task *t, const struct sysargs *a)
{
    siginfo_t info;

    if (arg_i32(a, 0) <= 0 || arg_i32(a, 1) <= 0)
        return -EINVAL;
    int err = queue_info(t, arg_u64(a, 3), arg_i32(a, 2), arg_i32(a, 1), task_nr(t), &info);
    return err ? err : do_tkill(t, arg_i32(a, 0), arg_i32(a, 1), &info);
}

bool signal_on_altstack(const struct task *t, uint64_t sp)
{
    const stack_t *s = &t->sig.altstack;

    /* With autodisarm the stack may be in use by whoever set it again: do not look. */
    return !(s->ss_flags & (SS_DISABLE | SS_AUTODISARM_K)) && sp > (uint64_t)s->ss_sp &&
           sp - (uint64_t)s->ss_sp <= s->ss_size;
}

int signal_set_altstack(struct task *t, stack_t new, uint64_t sp)
{
    int mode = new.ss_flags & ~SS_AUTODISARM_K;

    if (signal_on_altstack(t, sp))
        return -EPERM;
    if (new.ss_sp == t->sig.altstack.ss_sp &&new.ss_size == t->sig.altstack.ss_size &&
        (new.ss_flags == t->sig.altstack.ss_flags ||
         (!new.ss_flags && t->sig.altstack.ss_flags == SS_DISABLE)))
        return 0; /* no change, before the size is looked at: do_sigaltstack() */
    if (mode != 0 && mode != SS_DISABLE && mode != SS_ONSTACK)
        return -EINVAL;
    if (mode == SS_DISABLE)
        new = (stack_t){.ss_flags = SS_DISABLE};
    else if (new.ss_size < ALTSTACK_MIN)
        return -ENOMEM;
    else
        new.ss_flags &= SS_AUTODISARM_K;
    t->sig.altstack = new;
    return 0;
}

long sys_sigaltstack(struct task *t, const struct sysargs *a)
{
    stack_t new, old = t->sig.altstack;
    uint64_t sp = task_regs(t)->rsp;

    if (signal_on_altstack(t, sp))
        old.ss_flags |= SS_ONSTACK;
    if (arg_u64(a, 0)) {
        if (get_user(t, &new, arg_u64(a, 0)))
            return -EFAULT;
        int err = signal_set_altstack(t, new, sp);
        if (err)
            return err;
    }
    return arg_u64(a, 1) ? put_user(t, &old, arg_u64(a, 1)) : 0;
}
