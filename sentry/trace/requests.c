/* ptrace(2): who traces whom, and letting tracees go on. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/ptrace.h>
#include <string.h>

#include "sentry/ns/ns.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/mm/mm.h"
#include "sentry/signal/signal_internal.h"
#include "sentry/trace/trace_internal.h"

#define OPTIONS_MASK (0xffU | PTRACE_O_EXITKILL)

static void link_to(struct task *t, struct task *tracer, bool seized, uint32_t options)
{
    struct task_trace *tr = &t->trace;

    tr->tracer = tracer;
    list_add_tail(&tracer->trace.tracees, &tr->node);
    tr->seized = seized;
    tr->options = options;
    tr->resume = RESUME_CONT;
    tr->trap_due = tr->past_stop = tr->exit_due = false;
    tr->event_due = 0;
    tr->vfork_done = 0;
    t->facts_cred = NULL; /* it asks from now on */
    task_publish_facts(t);
}

/* __ptrace_unlink(): what was to be reported is not any more; a stopped group holds it again. */
void trace_unlink(struct task *t)
{
    struct task_trace *tr = &t->trace;

    if (!tr->tracer)
        return;
    list_del(&tr->node);
    list_init(&tr->node);
    tr->tracer = NULL;
    tr->seized = tr->trap_due = tr->past_stop = tr->exit_due = false;
    tr->options = 0;
    tr->resume = RESUME_CONT;
    tr->event_due = 0;
    tr->vfork_done = 0;
    t->facts_cred = NULL;
    if (t->tg->sig.stop_signal && !t->tg->exiting)
        task_kick(t);
}

/* A zombie that its tracer lets go of is its parent's affair from then on, or nobody's. */
static void detach(struct task *t, int sig)
{
    struct thread_group *tg = t->tg;
    bool reparented = trace_reparented(t);

    trace_unlink(t);
    if (t->trace.held) {
        trace_release_held(t);
    } else if (tg->zombie && tg->leader == t) {
        if (reparented)
            tg_tell_parent(tg);
    } else {
        trace_go_on(t, sig);
    }
}

void trace_let_go(struct task *t)
{
    while (!list_empty(&t->trace.tracees)) {
        struct task *c = container_of(t->trace.tracees.next, struct task, trace.node);
        bool kill = c->trace.options & PTRACE_O_EXITKILL;
        struct thread_group *tg = tg_get(c->tg);
        /* A signal that nobody has waited for is not lost. */
        detach(c, c->trace.kind == TRACE_SIGNAL && !c->trace.reported ? c->trace.code : 0);
        if (kill && !tg->exiting)
            tg_exit(tg, SIGKILL);
        tg_put(tg);
    }
}

/* --- becoming a tracee --- */
bool trace_may_attach(const struct task *viewer, const struct task *target)
{
    return task_may_access_as(viewer, target, viewer->cred->uid, viewer->cred->gid,
                              viewer->cred->cap_permitted);
}

static struct task *parent_task(struct task *t)
{
    struct thread_group *p = t->tg->parent;
    struct task *o = p ? task_find(t->tg->parent_tid) : NULL;

    if (!p || p->zombie)
        return NULL;
    if (o && o->tg == p && o->state != TASK_ZOMBIE)
        return o;
    return list_empty(&p->tasks) ? NULL : list_first(&p->tasks, struct task, tg_node);
}

static long trace_me(struct task *t)
{
    struct task *p = parent_task(t);

    if (t->trace.tracer || !p)
        return -EPERM;
    link_to(t, p, false, 0);
    return 0;
}

static long attach(struct task *by, struct task *t, bool seize, uint64_t addr, uint64_t options)
{
    siginfo_t info;

    if (seize && (addr || (options & ~(uint64_t)OPTIONS_MASK)))
        return -EIO;
    if (by->tg == t->tg || !trace_may_attach(by, t))
        return -EPERM;
    if (t->state == TASK_ZOMBIE || t->tg->exiting || t->trace.tracer)
        return -EPERM;
    link_to(t, by, seize, seize ? (uint32_t)options : 0);
    if (!seize) {
        siginfo_kernel(&info, SIGSTOP);
        signal_send_task(t, &info);
    }
    if (t->state == TASK_STOPPED) { /* from the group's stop into the tracer's */
        t->trace.trap_due = true;
        waitq_wake_all(&t->tg->sig.stop_wq);
    }
    return 0;
}

void trace_cloned(struct task *t, struct task *c, uint64_t flags, int exit_signal)
{
    struct task_trace *tr = &t->trace;
    uint32_t option = PTRACE_O_TRACECLONE;
    unsigned int what = PTRACE_EVENT_CLONE;
    siginfo_t info;

    if (!tr->tracer)
        return;
    if (flags & CLONE_VFORK) {
        option = PTRACE_O_TRACEVFORK;
        what = PTRACE_EVENT_VFORK;
    } else if (exit_signal == SIGCHLD && !(flags & CLONE_THREAD)) {
        option = PTRACE_O_TRACEFORK;
        what = PTRACE_EVENT_FORK;
    }
    bool told = !(flags & CLONE_UNTRACED) && (tr->options & option);
    if (told) {
        tr->event_due = what;
        tr->event_msg = (uint64_t)pid_nr(tr->tracer->pid_ns, c->tid);
    }
    if ((flags & CLONE_VFORK) && !(flags & CLONE_UNTRACED) &&
        (tr->options & PTRACE_O_TRACEVFORKDONE))
        tr->vfork_done = (uint64_t)pid_nr(tr->tracer->pid_ns, c->tid);
    if (!told && !(flags & CLONE_PTRACE))
        return;
    link_to(c, tr->tracer, tr->seized, tr->options);
    if (tr->seized) {
        c->trace.trap_due = true;
    } else {
        siginfo_kernel(&info, SIGSTOP);
        signal_send_task(c, &info);
    }
}

void trace_execed(struct task *t, pid_t old_tid)
{
    if (!t->trace.tracer)
        return;
    t->trace.event_due = PTRACE_EVENT_EXEC;
    t->trace.event_msg = (uint64_t)old_tid;
}

/* --- using a tracee's host thread --- */
void trace_use(struct task *t)
{
    task_get(t);
    t->trace.busy++;
}

void trace_unuse(struct task *t)
{
    if (!--t->trace.busy && t->fiber)
        fiber_wake(t->fiber);
    task_put(t);
}

/* --- requests --- */
static long go_on(struct task *t, enum trace_resume how, uint64_t sig)
{
    if (sig > NV_NSIG)
        return -EIO;
    t->trace.resume = (uint8_t)how;
    trace_go_on(t, (int)sig);
    return 0;
}

static long interrupt(struct task *t)
{
    if (!t->trace.seized)
        return -EIO;
    t->trace.trap_due = true;
    if (t->trace.listening)
        trace_go_on(t, 0);
    else if (!t->trace.stopped)
        task_kick(t);
    return 0;
}

/* Only out of a PTRACE_EVENT_STOP. */
static long listen(struct task *t)
{
    if (!t->trace.seized || !t->trace.has_info || t->trace.info.si_code >> 8 != PTRACE_EVENT_STOP)
        return -EIO;
    t->trace.listening = true;
    if (t->trace.trap_due) /* something has changed meanwhile: JOBCTL_TRAP_NOTIFY */
        trace_go_on(t, 0);
    return 0;
}

static long kill_tracee(struct task *t)
{
    if (t->tg->exiting)
        trace_kill(t);
    tg_exit(t->tg, SIGKILL);
    return 0;
}

static long set_options(struct task *t, uint64_t options)
{
    if (options & ~(uint64_t)OPTIONS_MASK) /* PTRACE_O_SUSPEND_SECCOMP is for checkpoints */
        return -EINVAL;
    t->trace.options = (uint32_t)options;
    return 0;
}

static long request_stopped(struct task *by, struct task *t, const struct sysargs *a)
{
    uint64_t addr = arg_u64(a, 2), data = arg_u64(a, 3);

    switch (arg_i64(a, 0)) {
    case PTRACE_CONT:
        return go_on(t, RESUME_CONT, data);
    case PTRACE_SYSCALL:
        return go_on(t, RESUME_SYSCALL, data);
    case PTRACE_SINGLESTEP:
        return go_on(t, RESUME_STEP, data);
    case PTRACE_SYSEMU:
        return go_on(t, RESUME_EMU, data);
    case PTRACE_SYSEMU_SINGLESTEP:
        return go_on(t, RESUME_EMU_STEP, data);
    case PTRACE_LISTEN:
        return listen(t);
    case PTRACE_DETACH:
        if (data > NV_NSIG)
            return -EIO;
        detach(t, (int)data);
        return 0;
    case PTRACE_OLDSETOPTIONS:
    case PTRACE_SETOPTIONS:
        return set_options(t, data);
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA:
        return trace_peek(by, t, addr, data);
    case PTRACE_POKETEXT:
    case PTRACE_POKEDATA:
        return trace_poke(by, t, addr, data);
    default:;
        long r = trace_info_request(by, t, arg_i64(a, 0), addr, data);
        return r == -ENOSYS ? trace_regs_request(by, t, arg_i64(a, 0), addr, data) : r;
    }
}

long sys_ptrace(struct task *t, const struct sysargs *a)
{
    int64_t request = arg_i64(a, 0);

    if (request == PTRACE_TRACEME)
        return trace_me(t);
    struct task *o = task_find_nr(arg_i32(a, 1));
    if (!o || o->state == TASK_DEAD)
        return -ESRCH;
    if (request == PTRACE_ATTACH || request == PTRACE_SEIZE)
        return attach(t, o, request == PTRACE_SEIZE, arg_u64(a, 2), arg_u64(a, 3));
    if (o->trace.tracer != t)
        return -ESRCH;
    if (request == PTRACE_KILL)
        return kill_tracee(o);
    if (request == PTRACE_INTERRUPT)
        return interrupt(o);
    if (!o->trace.stopped || o->trace.listening || o->trace.killed)
        return -ESRCH;
    trace_use(o);
    long r = request_stopped(t, o, a);
    trace_unuse(o);
    return r;
}
