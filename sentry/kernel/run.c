/* The life of a task's fiber: guest code, event, handler, signals, guest code. */
#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "base/timeline.h"
#include "platform/vdso/vdso.h"
#include "sentry/ctl.h"
#include "sentry/ipc/uring/uring.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/freeze.h"
#include "sentry/kernel/stat.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm.h"
#include "sentry/sandbox.h"
#include "sentry/seccomp/seccomp.h"
#include "sentry/time/cputimer.h"

static void count_syscall(struct task *t, uint64_t since_ns)
{
    stat_call(t->sys.nr, now_ns() - since_ns);
    if (t->ev.trapped)
        stats.trapped++;
    else
        stats.fast++;
}

/* Calls that sleep and never ask for anything of the host thread: they may wait without one. */
static bool needs_thread(const struct sysargs *a)
{
    switch (a->nr) {
    case SYS_read:
    case SYS_readv:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_recvmmsg:
    case SYS_accept:
    case SYS_accept4:
    case SYS_write:
    case SYS_writev:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_poll:
    case SYS_ppoll:
    case SYS_select:
    case SYS_pselect6:
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2:
    case SYS_nanosleep:
    case SYS_clock_nanosleep:
    case SYS_pause:
    case SYS_rt_sigsuspend:
    case SYS_rt_sigtimedwait:
    case SYS_restart_syscall:
    case SYS_wait4:
    case SYS_waitid:
    case SYS_futex_waitv:
        return false;
    case SYS_futex:
        switch (a->arg[1] & FUTEX_CMD_MASK) {
        case FUTEX_WAIT:
        case FUTEX_WAIT_BITSET:
            return false;
        default:
            return true;
        }
    default:
        return true;
    }
}

static bool call_allowed(struct task *t)
{
    return (!t->dispatch.on || user_dispatch_allows(t)) && (!t->seccomp_mode || seccomp_allows(t));
}

static void make_call(struct task *t)
{
    static int ncalls;
    uint64_t since_ns = unlikely(stat_enabled) ? now_ns() : 0;

    if (unlikely(!t->thr) && needs_thread(&t->sys)) {
        int err = task_materialize(t);
        if (err) {
            t->sys_result = err;
            return;
        }
    }
    if (unlikely(sandbox->checkpoint_every) && ++ncalls == sandbox->checkpoint_every)
        ctl_send(CTL_WANT_RELAY, 0);
    t->in_syscall = true;
    t->wait_cut = false;
    if (likely(!t->seccomp_mode && !t->dispatch.on) || call_allowed(t))
        t->sys_result = syscall_dispatch(t, &t->sys);
    t->in_syscall = false;
    if (unlikely(sandbox_freezing))
        task_cut_short(t);
    if (unlikely(stat_enabled))
        count_syscall(t, since_ns);
}

/* A wait that the guest's side served: as if it had been ours. */
static void futex_interrupted(struct task *t)
{
    const struct user_regs_struct *r = task_regs(t);

    t->sys =
        (struct sysargs){.nr = SYS_futex, .arg = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9}};
    t->kept_deadline_ns = 0;
    if (t->sys_result == -ERESTART_RESTARTBLOCK) {
        t->kept_deadline_ns = t->ev.deadline_ns;
        futex_restart_later(t, r->rdi, true, (uint32_t)r->rdx, t->ev.deadline_ns);
    }
}

static void handle_syscall(struct task *t)
{
    t->sys.nr = t->ev.sys.nr;
    memcpy(t->sys.arg, t->ev.sys.args, sizeof(t->sys.arg));
    if (!t->ev.sys_done) {
        t->trace.exit_due = t->trace.tracer != NULL;
        if (likely(!t->trace.tracer) || trace_enter(t))
            make_call(t);
        return;
    }
    t->sys_result = t->ev.sys_result;
    if (t->sys.nr == SYS_futex)
        futex_interrupted(t);
}

int task_materialize(struct task *t)
{
    struct user_regs_struct fresh;

    int err = mm_thread_new(t->mm, &t->thr);
    sched_pin(t);
    if (!err)
        err = platform->get_regs(t->thr, &fresh);
    if (!err)
        err = platform->set_fpstate(t->thr, t->fpstate, platform->fpstate_size());
    if (err)
        return err;
    /* Selectors are the host's; the base of %gs is the platform's own. */
    t->regs.cs = fresh.cs;
    t->regs.ss = fresh.ss;
    t->regs.ds = fresh.ds;
    t->regs.es = fresh.es;
    t->regs.fs = fresh.fs;
    t->regs.gs = fresh.gs;
    t->regs.gs_base = fresh.gs_base;
    t->regs.orig_rax = (unsigned long long)-1;
    t->regs_dirty = true;
    free(t->fpstate);
    t->fpstate = NULL;
    if (t->rseq)
        task_rseq_restore(t);
    return 0;
}

/*
 * Code of a vDSO is other code on another host and in another nv, and its sums are of that host's
 * clock: no image may have a task inside, nor a signal frame that leads there. Such functions are
 * short: the task goes on step by step until it is out, before it is stopped or gets a signal.
 */
#define VDSO_STEPS 20000
#define EFLAGS_TF 0x100UL

static void set_stepping(struct task *t, bool on)
{
    struct user_regs_struct *r = task_regs(t);

    r->eflags = on ? r->eflags | EFLAGS_TF : r->eflags & ~EFLAGS_TF;
    task_regs_dirty(t);
    t->vdso_steps = on ? t->vdso_steps + 1 : 0;
}

/* True: one step more, whatever is due waits. */
static bool leaves_vdso(struct task *t)
{
    bool done = t->ev.kind == PE_INTERRUPTED ||
                (t->ev.kind == PE_SYSCALL && t->sys_result > -ERESTARTSYS && !t->cut_short);
    bool inside = done && t->thr && !task_fatal_pending(t) && t->vdso_steps < VDSO_STEPS &&
                  vdso_contains(task_regs(t)->rip);

    if (!inside && !t->vdso_steps)
        return false;
    /* A program that steps itself sees its own steps. */
    if (inside && (t->vdso_steps || !(t->regs.eflags & EFLAGS_TF)))
        set_stepping(t, true);
    else if (t->vdso_steps)
        set_stepping(t, false);
    return inside && t->vdso_steps;
}

static bool waits_elsewhere(const struct task *t)
{
    return t->ev.kind == PE_SYSCALL && t->ev.sys_done && t->ev.requeued &&
           t->sys_result <= -ERESTARTSYS && !task_signal_waiting(t);
}

/* What comes before guest code may go on. False: look again. */
static bool may_run(struct task *t)
{
    t->interrupted = false;
    if (unlikely(t->trace.stopped) && trace_rest_restored(t)) {
        make_call(t);
        return false;
    }
    if (unlikely(t->vdso_steps || task_signal_pending(t)) && leaves_vdso(t))
        return true;
    if (unlikely(sandbox_freezing) && !task_fatal_pending(t)) {
        if (waits_elsewhere(t))
            t->sys_result = 0; /* futex(2): a wait may end for no reason */
        task_freeze(t);
        return false;
    }
    if (unlikely(t->cut_short)) {
        bool again = task_resume_call(t);
        if (again)
            make_call(t);
        t->resuming = false;
        if (t->done_ago && !t->cut_short) {
            t->sys_result = (t->sys_result > 0 ? t->sys_result : 0) + (int64_t)t->done_ago;
            t->done_ago = 0;
        }
        if (again)
            return false;
    }
    if (unlikely(t->trace.tracer))
        trace_leave(t);
    if (unlikely(t->vfork_child)) {
        struct task *c = t->vfork_child;
        while (c->vfork_parent)
            if (task_wait_freezable(t, &c->vfork_done) && !task_fatal_pending(t))
                return false;
            else if (task_fatal_pending(t))
                break;
        c->vfork_parent = NULL;
        t->vfork_child = NULL;
        task_put(c);
        if (unlikely(t->trace.tracer))
            trace_leave(t);
    }
    if (unlikely(!t->thr) && !task_fatal_pending(t)) {
        int err = task_materialize(t);
        if (err) {
            log_warn("no host thread for task %d: %s", t->tid, strerror(-err));
            tg_exit(t->tg, SIGKILL);
        }
        return false;
    }
    if (unlikely(t->uring_work) && t->thr && !task_signal_pending(t))
        uring_run_work(t);
    if (unlikely(task_signal_pending(t) || t->sig.restore_saved || t->trace.pass ||
                 (t->ev.kind == PE_SYSCALL && t->sys_result <= -ERESTARTSYS)))
        signal_deliver(t);
    if (unlikely(t->trace.tracer || t->seccomp_mode || t->dispatch.on) && mm_watch(t, false))
        return task_fatal_pending(t);
    /* Kicked while a frame was laid down: nobody will interrupt what does not run yet. */
    return !t->interrupted || !task_signal_pending(t);
}

/*
 * CPUID of a guest from which the host's is hidden: it faults as a privileged instruction would,
 * also in 16 bytes that begin with prefixes, which no compiler writes.
 */
static bool answer_cpuid(struct task *t)
{
    struct user_regs_struct *r = task_regs(t);
    uint8_t insn[2];
    uint32_t v[4];

    if (!sandbox->cpu_hidden || t->ev.info.si_code != SI_KERNEL ||
        copy_in(t, insn, r->rip, sizeof(insn)) || insn[0] != 0x0f || insn[1] != 0xa2)
        return false;
    cpu_guest_cpuid(&sandbox->cpu, (uint32_t)r->rax, (uint32_t)r->rcx, v);
    r->rax = v[0];
    r->rbx = v[1];
    r->rcx = v[2];
    r->rdx = v[3];
    r->rip += sizeof(insn);
    t->regs_dirty = true;
    return true;
}

static void handle_fault(struct task *t)
{
    siginfo_t *info = &t->ev.info;

    if (unlikely(t->vdso_steps) && info->si_signo == SIGTRAP && info->si_code == TRAP_TRACE) {
        t->ev.kind = PE_INTERRUPTED;
        return;
    }

    log_debug("task %d: signal %d code %d at %p, ip 0x%llx", t->tid, info->si_signo, info->si_code,
              info->si_addr, task_regs(t)->rip);
    if (info->si_signo == SIGSEGV && answer_cpuid(t))
        return;
    if (info->si_signo == SIGSEGV && mm_grow_stack(t, (uint64_t)info->si_addr))
        return;
    t->sig.fault_sig = info->si_signo;
    signal_force(t, info);
}

/* Resumes guest code until its next event. */
static void run_guest(struct task *t)
{
    if (unlikely(trace_stepping(t)))
        trace_arm_step(t);
    if (t->regs_dirty) {
        if (t->ev.kind == PE_SYSCALL)
            t->regs.rax = (uint64_t)t->sys_result;
        platform->set_regs(t->thr, &t->regs);
        t->regs_dirty = false;
    } else if (t->ev.kind == PE_SYSCALL) {
        platform->set_return(t->thr, t->sys_result);
    }
    t->regs_valid = false;
    t->sig.fault_sig = 0;
    t->ev.kind = PE_NONE;
    if (unlikely(!signal_mask_shown(t)))
        signal_show_mask(t);
    t->in_guest = true;
    if (unlikely(t->facts_cred != t->cred || t->facts_parent != t->tg->parent))
        task_publish_facts(t);
    if (unlikely(t->tg->cpu_watch))
        cpu_watch_resume(t->tg);
    platform->run(t->thr, &t->ev);
    signal_take_mask(t);
    t->in_guest = false;
    if (unlikely(t->trace.forced_tf))
        trace_disarm_step(t);
}

void task_run(struct task *t)
{
    for (;;) {
        if (!may_run(t))
            continue;
        run_guest(t);
        switch (t->ev.kind) {
        case PE_SYSCALL:
            handle_syscall(t);
            if (t->ev.trapped) {
                timeline_mark(PHASE_FIRST_CALL);
                mm_site_trapped(t);
            }
            break;
        case PE_FAULT:
            if (unlikely(t->rseq) && !platform->aborts_rseq)
                task_rseq_abort(t);
            handle_fault(t);
            break;
        case PE_EXITED:
            /* The host process is gone: crashed beyond the stub's repair, or killed by us. */
            if (!task_fatal_pending(t))
                tg_exit(t->tg, t->ev.exit_signal ? t->ev.exit_signal : SIGKILL);
            task_exit(t, t->tg->group_exit_code);
        case PE_INTERRUPTED:
            if (t->ev.trapped)
                mm_site_trapped(t);
            if (unlikely(t->rseq) && !platform->aborts_rseq)
                task_rseq_abort(t);
            break;
        default:
            break;
        }
    }
}

static void task_main(void *arg)
{
    task_run(arg);
}

int task_start(struct task *t)
{
    t->fiber = fiber_start(task_main, t);
    return t->fiber ? 0 : -ENOMEM;
}
