/* Delivery: default actions, stops, handlers and the restart of interrupted system calls. */
#include <errno.h>
#include <sys/syscall.h>

#include "sentry/core/core.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/freeze.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/signal/signal_internal.h"

struct stop_waiter {
    struct waiter w;
    struct fiber *fiber;
};

static void stop_woken(struct waiter *w, uint32_t events)
{
    fiber_wake(container_of(w, struct stop_waiter, w)->fiber);
}

static bool all_stopped(struct thread_group *tg)
{
    struct task *t;

    list_for_each(t, &tg->tasks, tg_node) {
        if (t->state != TASK_STOPPED && !(t->trace.tracer && t->trace.past_stop))
            return false;
    }
    return true;
}

static void stop_done(struct task *t)
{
    struct thread_group *tg = t->tg;

    if (tg->sig.stopped || !all_stopped(tg))
        return;
    tg->sig.stopped = true;
    tg->sig.stop_reported = false;
    tg->sig.last_stop = tg->sig.stop_signal;
    if (!tg->leader->trace.tracer || trace_reparented(tg->leader))
        signal_notify_parent(tg, CLD_STOPPED, tg->sig.stop_signal);
}

/* Sleeps through a group stop; the last task to stop tells the parent. */
static void stop_here(struct task *t)
{
    struct thread_group *tg = t->tg;
    struct stop_waiter sw = {.w = {.mask = ~0U, .wake = stop_woken}, .fiber = t->fiber};

    if (t->trace.tracer) {
        t->trace.past_stop = true;
        stop_done(t);
        trace_trap(t);
        return;
    }
    waitq_add(&tg->sig.stop_wq, &sw.w);
    t->state = TASK_STOPPED;
    stop_done(t);
    while (tg->sig.stop_signal && !task_fatal_pending(t) && !t->trace.tracer) {
        if (sandbox_freezing)
            task_freeze(t);
        else
            fiber_park();
    }
    t->state = TASK_RUNNING;
    waitq_del(&sw.w);
}

static void begin_stop(struct task *t, int sig)
{
    struct task *o;

    t->tg->sig.stop_signal = sig;
    list_for_each(o, &t->tg->tasks, tg_node) {
        trace_group_stops(o);
        if (o != t)
            task_kick(o);
    }
}

static void default_action(struct task *t, const siginfo_t *info)
{
    int sig = info->si_signo;

    if (ksig_bit(sig) & SIG_DEFAULT_IGNORE)
        return;
    if (ksig_bit(sig) & SIG_DEFAULT_STOP) {
        /* TTIN, TTOU and TSTP do not stop an orphaned process group: setpgid(2). */
        if (sig == SIGSTOP || !t->tg->pgrp || !pgrp_is_orphaned(t->tg->pgrp))
            begin_stop(t, sig);
        return;
    }
    if (core_is_due(sig))
        core_dump(t, info);
    tg_exit(t->tg, sig);
}

/* Is the interrupted call run again after a handler with these flags? */
static bool restarts(long code, uint64_t sa_flags)
{
    switch (code) {
    case -ERESTARTNOINTR:
        return true;
    case -ERESTARTSYS:
        return sa_flags & SA_RESTART;
    default:
        return false;
    }
}

void signal_rewind_call(struct task *t, long nr)
{
    struct user_regs_struct *regs = task_regs(t);

    regs->rip -= 2;
    regs->rax = (uint64_t)nr;
    task_regs_dirty(t);
}

static void run_handler(struct task *t, const siginfo_t *info)
{
    int sig = info->si_signo;
    struct ksigaction *a = &t->tg->sighand->action[sig], copy = *a;
    struct user_regs_struct *regs = task_regs(t);

    if (t->ev.kind == PE_SYSCALL) {
        if (!is_restart_code(t->sys_result))
            regs->rax = (uint64_t)t->sys_result;
        else if (restarts(t->sys_result, copy.flags))
            signal_rewind_call(t, t->sys.nr);
        else
            regs->rax = (uint64_t)-EINTR;
        t->ev.kind = PE_INTERRUPTED; /* rax is settled */
    }
    task_regs_dirty(t);
    ksigset mask = t->sig.restore_saved ? t->sig.saved_blocked : t->sig.blocked;
    t->sig.restore_saved = false;
    if (copy.flags & SA_RESETHAND)
        a->handler = (uint64_t)SIG_DFL;
    if (signal_push_frame(t, info, &copy, mask)) {
        siginfo_t segv;
        siginfo_kernel(&segv, SIGSEGV);
        if (sig == SIGSEGV)
            a->handler = (uint64_t)SIG_DFL;
        signal_force(t, &segv);
        return;
    }
    ksigset block = t->sig.blocked | copy.mask;
    if (!(copy.flags & SA_NODEFER))
        block |= ksig_bit(sig);
    signal_set_blocked(t, block);
    if (unlikely(trace_stepping(t)))
        trace_stepped(t);
}

/* The next signal to act on; -EAGAIN: there is none. */
static int next_signal(struct task *t, siginfo_t *info)
{
    if (unlikely(t->trace.pass)) {
        t->trace.pass = false;
        *info = t->trace.info;
        return 0;
    }
    while (!signal_dequeue(t, ~t->sig.blocked, info)) {
        if (likely(!t->trace.tracer) || trace_signal(t, info))
            return 0;
        if (task_fatal_pending(t) || t->tg->sig.stop_signal || t->trace.trap_due)
            return -EINTR;
    }
    return -EAGAIN;
}

/* Runs what is pending and not blocked. */
static void deliver_unblocked(struct task *t)
{
    siginfo_t info;
    int err;

    for (;;) {
        if (t->tg->exiting || t->killed)
            task_exit(t, t->tg->group_exit_code);
        if (unlikely(t->tg->core)) {
            core_join(t);
            continue;
        }
        if (t->tg->sig.stop_signal && !t->trace.past_stop) {
            stop_here(t);
            continue;
        }
        if (unlikely(t->trace.trap_due)) {
            trace_trap(t);
            continue;
        }
        err = next_signal(t, &info);
        if (err == -EAGAIN)
            break;
        if (err)
            continue;
        uint64_t h = t->tg->sighand->action[info.si_signo].handler;
        if (h == (uint64_t)SIG_IGN)
            continue;
        if (h == (uint64_t)SIG_DFL)
            default_action(t, &info);
        else
            run_handler(t, &info);
    }
    if (t->ev.kind == PE_SYSCALL && is_restart_code(t->sys_result)) {
        if (t->ev.sys_done && t->ev.requeued) {
            t->sys_result = 0; /* futex(2): a wait may end for no reason */
            return;
        }
        signal_rewind_call(t, t->sys_result == -ERESTART_RESTARTBLOCK ? SYS_restart_syscall
                                                                      : t->sys.nr);
        t->ev.kind = PE_INTERRUPTED;
    }
}

void signal_deliver(struct task *t)
{
    deliver_unblocked(t);
    if (t->sig.restore_saved) {
        t->sig.restore_saved = false;
        signal_set_blocked(t, t->sig.saved_blocked);
        if (task_signal_pending(t))
            deliver_unblocked(t);
    }
}
