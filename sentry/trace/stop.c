/*
 * Stops: ptrace(2), "Stopped states"; kernel/signal.c's ptrace_stop() for the fine points.
 *
 * While a task is in a stop its fiber waits here, and its tracer may use its host thread (busy).
 */
#include <errno.h>
#include <linux/ptrace.h>
#include <string.h>

#include "sentry/kernel/fiber.h"
#include "sentry/kernel/freeze.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/mm/mm.h"
#include "sentry/signal/signal_internal.h"
#include "sentry/trace/trace_internal.h"

#define EFLAGS_TF 0x100UL

void trace_task_init(struct task *t)
{
    list_init(&t->trace.node);
    list_init(&t->trace.tracees);
}

bool trace_reparented(const struct task *t)
{
    return t->trace.tracer && t->trace.tracer->tg != t->tg->parent;
}

/* SIGCHLD for the tracer: do_notify_parent_cldstop(). */
static void tell_tracer(struct task *t, int why)
{
    struct thread_group *tg = t->trace.tracer->tg;
    const struct ksigaction *a = &tg->sighand->action[SIGCHLD];
    siginfo_t info = {.si_signo = SIGCHLD, .si_code = why};

    info.si_pid = t->tid;
    info.si_uid = t->cred->uid;
    info.si_status = t->trace.code & 0x7f;
    if (a->handler != (uint64_t)SIG_IGN && !(a->flags & SA_NOCLDSTOP))
        signal_send_group(tg, &info);
    waitq_wake_all(&tg->child_wait);
}

/* Until the tracer lets t go on, or SIGKILL does. Who uses its host thread finishes first. */
static void rest(struct task *t)
{
    struct task_trace *tr = &t->trace;

    while ((tr->stopped && !tr->killed) || tr->busy) {
        if (sandbox_freezing && !tr->busy)
            task_freeze(t);
        else
            fiber_park();
    }
    tr->stopped = tr->has_info = tr->listening = false;
    t->state = TASK_RUNNING;
    if (tr->regs_changed)
        trace_take_regs(t);
    tr->regs_changed = false;
}

/* Returns the signal that the tracer gives; without a tracer, or killed, the stop's own. */
static int stop(struct task *t, enum trace_kind kind, int code, int why, const siginfo_t *info)
{
    struct task_trace *tr = &t->trace;

    if (!tr->tracer || tr->killed || (task_fatal_pending(t) && kind != TRACE_END))
        return code;
    if (mm_watch(t, true) || !tr->tracer || tr->killed)
        return code;
    tr->kind = (uint8_t)kind;
    tr->code = tr->given = code;
    tr->stopped = true;
    tr->reported = tr->listening = tr->regs_changed = false;
    tr->has_info = info != NULL;
    if (info)
        tr->info = *info;
    if (t->thr && platform->out_flush)
        platform->out_flush(t->thr);
    trace_show_regs(t);
    t->state = TASK_TRACED;
    tell_tracer(t, why);
    rest(t);
    return tr->given;
}

/* ptrace_do_notify(): a stop that is about no signal. */
static int notify(struct task *t, enum trace_kind kind, int code, uint64_t message)
{
    siginfo_t info;

    siginfo_user(&info, SIGTRAP, code, t);
    info.si_pid = t->tid;
    if (t->trace.tracer)
        t->trace.message = message;
    return stop(t, kind, code, CLD_TRAPPED, &info);
}

static void event(struct task *t, enum trace_kind kind, unsigned int what, uint64_t message)
{
    notify(t, kind, SIGTRAP | (int)what << 8, message);
}

/* --- calls --- */
static int syscall_stop(struct task *t, enum trace_kind kind, uint64_t message)
{
    int code = SIGTRAP | (t->trace.options & PTRACE_O_TRACESYSGOOD ? 0x80 : 0);

    int sig = notify(t, kind, code, message);
    return t->trace.killed || sig == code ? 0 : sig;
}

/* What a tracer gives at the stops of a call is sent: ptrace_report_syscall(). */
static void send_given(struct task *t, int sig)
{
    siginfo_t info;

    if (sig < 1 || sig > NV_NSIG)
        return;
    siginfo_kernel(&info, sig);
    signal_send_task(t, &info);
}

/* The call after its tracer has seen it. */
static bool still_made(struct task *t)
{
    if (t->sys.nr != -1)
        return true;
    t->sys_result = (long)task_regs(t)->rax;
    return false;
}

static bool after_entry(struct task *t, int sig)
{
    send_given(t, sig);
    if (task_fatal_pending(t)) {
        t->sys_result = -EINTR;
        return false;
    }
    if (t->trace.emulated) {
        t->sys_result = (long)task_regs(t)->rax;
        return false;
    }
    return still_made(t);
}

bool trace_enter(struct task *t)
{
    struct task_trace *tr = &t->trace;

    if (tr->resume == RESUME_CONT || tr->resume == RESUME_STEP)
        return true;
    tr->emulated = tr->resume != RESUME_SYSCALL;
    return after_entry(t, syscall_stop(t, TRACE_ENTRY, PTRACE_EVENTMSG_SYSCALL_ENTRY));
}

bool trace_seccomp(struct task *t, uint32_t data)
{
    event(t, TRACE_SECCOMP, PTRACE_EVENT_SECCOMP, data);
    t->trace.recheck = true;
    if (task_fatal_pending(t)) {
        t->sys_result = -EINTR;
        return false;
    }
    return still_made(t);
}

void trace_leave(struct task *t)
{
    struct task_trace *tr = &t->trace;

    if (tr->event_due) {
        unsigned int what = tr->event_due;
        tr->event_due = 0;
        if (what == PTRACE_EVENT_EXEC && !(tr->options & PTRACE_O_TRACEEXEC)) {
            siginfo_t info;
            siginfo_user(&info, SIGTRAP, SI_USER, t);
            if (!tr->seized) /* as before there were events */
                signal_send_task(t, &info);
        } else {
            event(t, TRACE_OTHER, what, tr->event_msg);
        }
    }
    if (tr->vfork_done && !t->vfork_child) {
        uint64_t tid = tr->vfork_done;
        tr->vfork_done = 0;
        event(t, TRACE_OTHER, PTRACE_EVENT_VFORK_DONE, tid);
    }
    if (!tr->exit_due || t->vfork_child)
        return;
    tr->exit_due = false;
    if (trace_stepping(t)) { /* instead of a trap behind the call: user_single_step_report() */
        siginfo_t info = {.si_signo = SIGTRAP, .si_code = TRAP_BRKPT};
        info.si_addr = (void *)task_regs(t)->rip;
        signal_force(t, &info);
    } else if (tr->resume == RESUME_SYSCALL) {
        send_given(t, syscall_stop(t, TRACE_OTHER, PTRACE_EVENTMSG_SYSCALL_EXIT));
    }
}

/* --- signals and stops of the group --- */
static bool take_signal(struct task *t, int sig, siginfo_t *info)
{
    struct task *tracer = t->trace.tracer;

    if (sig < 1 || sig > NV_NSIG)
        return false;
    *info = t->trace.info;
    if (sig != info->si_signo) { /* SETSIGINFO was the way to say more about it */
        memset(info, 0, sizeof(*info));
        info->si_signo = sig;
        info->si_code = SI_USER;
        info->si_pid = tracer ? tracer->tg->tgid : 0;
        info->si_uid = tracer ? tracer->cred->uid : 0;
    }
    if (!(t->sig.blocked & ksig_bit(sig)) && !task_fatal_pending(t))
        return true;
    signal_send_task(t, info);
    return false;
}

bool trace_signal(struct task *t, siginfo_t *info)
{
    t->trace.info = *info;
    int sig = stop(t, TRACE_SIGNAL, info->si_signo, CLD_TRAPPED, info);
    return take_signal(t, sig, info);
}

/* do_jobctl_trap(). */
void trace_trap(struct task *t)
{
    struct task_trace *tr = &t->trace;
    int sig = t->tg->sig.stop_signal;
    siginfo_t info;

    tr->trap_due = false;
    if (sig)
        tr->past_stop = true;
    if (!tr->seized) {
        if (sig)
            stop(t, TRACE_OTHER, sig, CLD_STOPPED, NULL);
        return;
    }
    if (!sig)
        sig = SIGTRAP;
    int code = sig | PTRACE_EVENT_STOP << 8;
    siginfo_user(&info, sig, code, t);
    info.si_pid = t->tid;
    stop(t, TRACE_OTHER, code, CLD_STOPPED, &info);
}

void trace_stepped(struct task *t)
{
    notify(t, TRACE_OTHER, SIGTRAP, 0);
}

void trace_exit_stop(struct task *t, int code)
{
    t->trace.killed = false;
    if (!trace_option(&t->trace, PTRACE_O_TRACEEXIT) || t->trace.kind == TRACE_END)
        return; /* or it was reported before a restore */
    t->exit_code = code;
    event(t, TRACE_END, PTRACE_EVENT_EXIT, (uint64_t)code);
}

bool trace_rest_restored(struct task *t)
{
    struct task_trace *tr = &t->trace;
    siginfo_t info;
    int sysgood = tr->code & 0x80;

    t->state = TASK_TRACED;
    rest(t);
    switch ((enum trace_kind)tr->kind) {
    case TRACE_ENTRY:
        return after_entry(t, tr->killed || tr->given == (SIGTRAP | sysgood) ? 0 : tr->given);
    case TRACE_SECCOMP:
        /* A call that is made no more is not what the filters look at next. */
        tr->recheck = !task_fatal_pending(t) && still_made(t);
        return tr->recheck;
    case TRACE_SIGNAL:
        tr->pass = take_signal(t, tr->given, &info);
        tr->info = info;
        return false;
    case TRACE_END:
        task_exit(t, t->exit_code);
    default:
        return false;
    }
}

/* --- single steps --- */
bool trace_stepping(const struct task *t)
{
    return t->trace.tracer &&
           (t->trace.resume == RESUME_STEP || t->trace.resume == RESUME_EMU_STEP);
}

void trace_arm_step(struct task *t)
{
    struct user_regs_struct *r = task_regs(t);

    t->trace.forced_tf = !(r->eflags & EFLAGS_TF);
    r->eflags |= EFLAGS_TF;
    task_regs_dirty(t);
}

void trace_disarm_step(struct task *t)
{
    t->trace.forced_tf = false;
    if (t->ev.kind == PE_EXITED)
        return;
    task_regs(t)->eflags &= ~EFLAGS_TF;
    task_regs_dirty(t);
}

/* --- what others do to a task in a stop --- */
void trace_kill(struct task *t)
{
    t->trace.killed = true;
    if (t->trace.stopped && t->fiber)
        fiber_wake(t->fiber);
}

void trace_kill_group(struct thread_group *tg)
{
    struct task *t;

    list_for_each(t, &tg->tasks, tg_node)
        trace_kill(t);
}

/* ptrace_trap_notify(): a seized task is told of every change. */
static void trap_notify(struct task *t)
{
    if (!t->trace.tracer || !t->trace.seized)
        return;
    t->trace.trap_due = true;
    if (t->trace.listening)
        trace_go_on(t, 0);
    else if (!t->trace.stopped)
        task_kick(t);
}

void trace_continued(struct task *t)
{
    t->trace.past_stop = false;
    trap_notify(t);
}

void trace_group_stops(struct task *t)
{
    t->trace.past_stop = false;
    trap_notify(t);
}

void trace_go_on(struct task *t, int sig)
{
    struct task_trace *tr = &t->trace;

    if (!tr->stopped)
        return;
    tr->stopped = tr->listening = false;
    tr->given = sig;
    if (t->fiber)
        fiber_wake(t->fiber);
}

bool trace_group_traced(const struct thread_group *tg)
{
    const struct task *t;

    list_for_each(t, &tg->tasks, tg_node) {
        if (t->trace.tracer)
            return true;
    }
    return false;
}
