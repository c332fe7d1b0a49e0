/*
 * The end of tasks and processes: exit(2), exit_group(2), wait status for the parent, orphans.
 *
 * Order: the task leaves its group; the last one makes the group a zombie. A task's memory, files
 * and platform thread go at once, its identity when the zombie is waited for.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "sentry/ipc/sysv/ipc_ns.h"
#include "sentry/ipc/uring/uring.h"
#include "sentry/kernel/fiber.h"
#include "sentry/kernel/freeze.h"
#include "sentry/kernel/rusage.h"
#include "sentry/kernel/pidfd.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm.h"
#include "sentry/ns/ns.h"
#include "sentry/seccomp/seccomp.h"
#include "sentry/vfs/file.h"
#include "sentry/vfs/mount.h"
#include "sentry/time/cputimer.h"

#define EXIT_GRACE_NS 250000000ULL

/* A restore that is still under way, and told to end, may not have made it yet. */
static void end_memory(struct mm *mm)
{
    if (mm->as)
        platform->aspace_kill(mm->as);
}

void tg_exit(struct thread_group *tg, int code)
{
    struct task *t;

    if (tg->exiting)
        return;
    tg->exiting = true;
    tg->group_exit_code = code;
    /* Nobody else lives in this memory: end guest code now, without a round of interrupts. */
    trace_kill_group(tg);
    if (tg->ntasks > 1 && !trace_group_traced(tg) && tg->leader && tg->leader->mm &&
        tg->leader->mm->refs == (unsigned)tg->ntasks)
        end_memory(tg->leader->mm);
    list_for_each(t, &tg->tasks, tg_node)
        task_kick(t);
    waitq_wake_all(&tg->sig.stop_wq);
    tg->exit_since_ns = now_ns();
    ktimer_arm(&tg->exit_timer, tg->exit_since_ns + EXIT_GRACE_NS);
}

/*
 * Guest code that broke its stub answers neither interrupts nor host calls. Its process is killed
 * then; memory that others share only when they, too, have had time to let go of it.
 */
void tg_exit_overdue(struct ktimer *k)
{
    struct thread_group *tg = container_of(k, struct thread_group, exit_timer);
    uint64_t now = now_ns(), waited = now - tg->exit_since_ns;
    struct task *t;

    list_for_each(t, &tg->tasks, tg_node) {
        if (t->mm && !t->trace.stopped && (t->in_guest || waited > 3 * EXIT_GRACE_NS) &&
            (t->mm->refs <= (unsigned)tg->ntasks || waited > 20 * EXIT_GRACE_NS))
            end_memory(t->mm);
    }
    if (tg->ntasks)
        ktimer_arm(k, now + EXIT_GRACE_NS);
}

/* A process group is orphaned when no member has a parent outside it in the same session. */
static bool has_outside_parent(struct process_group *p, struct thread_group *except)
{
    struct thread_group *tg;

    list_for_each(tg, &p->members, pgrp_node) {
        if (tg->zombie || tg == except)
            continue;
        if (tg == init_tg ||
            (tg->parent && tg->parent->pgrp != p && tg->parent->session == p->session))
            return true;
    }
    return false;
}

bool pgrp_is_orphaned(struct process_group *p)
{
    return !has_outside_parent(p, NULL);
}

static bool has_stopped(struct process_group *p)
{
    struct thread_group *tg;

    list_for_each(tg, &p->members, pgrp_node) {
        if (tg->sig.stopped)
            return true;
    }
    return false;
}

/* Newly orphaned groups with stopped members get SIGHUP and SIGCONT: exit(3). */
void tg_orphan_check(struct thread_group *tg)
{
    struct process_group *p = tg->pgrp;
    siginfo_t info;

    if (!p || has_outside_parent(p, tg) || !has_stopped(p))
        return;
    siginfo_kernel(&info, SIGHUP);
    signal_send_pgrp(p->id, &info);
    siginfo_kernel(&info, SIGCONT);
    signal_send_pgrp(p->id, &info);
}

static struct thread_group *new_parent(struct thread_group *tg)
{
    struct thread_group *p;

    const struct pid_ns *ns = tg->leader ? tg->leader->pid_ns : NULL;

    for (p = tg->parent; p && p != init_tg && p->leader && p->leader->pid_ns == ns; p = p->parent)
        if (p->is_subreaper && !p->exiting && !p->zombie)
            return p;
    /* Without an init all that are left are dying: nobody waits for them. */
    return !ns ? init_tg : ns->dead ? NULL : ns->reaper;
}

/*
 * PR_SET_PDEATHSIG is about the thread that made the child: its other threads go on as parents.
 * forget_original_parent().
 */
static void leave_children(struct task *t)
{
    struct thread_group *tg = t->tg, *c, *tmp;
    struct task *m, *next = NULL;
    siginfo_t info;

    if (!list_empty(&tg->tasks))
        next = list_first(&tg->tasks, struct task, tg_node);
    list_for_each_safe(c, tmp, &tg->children, sibling) {
        if (c->parent_tid != t->tid)
            continue;
        c->parent_tid = next ? next->tid : 0;
        if (c->zombie)
            continue;
        list_for_each(m, &c->tasks, tg_node) {
            siginfo_user(&info, m->pdeath_signal, SI_USER, t);
            if (m->pdeath_signal)
                signal_send_group(c, &info);
        }
    }
}

static void reparent_children(struct thread_group *tg)
{
    struct thread_group *c, *tmp, *to = new_parent(tg);

    list_for_each_safe(c, tmp, &tg->children, sibling) {
        list_del(&c->sibling);
        c->parent = to == tg ? NULL : to;
        if (!c->parent) {
            if (c->zombie)
                tg_reap(c);
            continue;
        }
        list_add_tail(&to->children, &c->sibling);
        c->exit_signal = SIGCHLD; /* no other signal slays init: reparent_leader() */
        struct task *m;
        list_for_each(m, &c->tasks, tg_node)
            task_publish_facts(m);
        tg_orphan_check(c);
        if (c->zombie && !(c->leader && trace_reparented(c->leader))) {
            signal_notify_parent(c, exit_cld(c->group_exit_code), 0);
        }
    }
}

void tg_reap(struct thread_group *tg)
{
    struct task *leader = tg->leader;

    if (tg->parent)
        tg_leave_account(tg);
    trace_unlink(leader);
    list_del(&tg->sibling);
    tg_leave_pgrp(tg);
    tg->parent = NULL;
    tg->leader = NULL;
    waitq_wake_all(&tg->exit_wait); /* pidfds hang up */
    if (tg->exe) /* who only remembers the process does not keep its file system */
        file_put(tg->exe);
    tg->exe = NULL;
    task_release_id(leader);
    task_put(leader);
    tg_put(tg);
}

/* Does the parent not want to wait for it? SA_NOCLDWAIT or an ignored SIGCHLD: wait(2). */
static bool autoreap(struct thread_group *tg)
{
    if (!tg->parent)
        return true;
    if (tg->exit_signal != SIGCHLD)
        return false;
    const struct ksigaction *a = &tg->parent->sighand->action[SIGCHLD];
    return a->handler == (uint64_t)SIG_IGN || (a->flags & SA_NOCLDWAIT);
}

/* Of the end of a task; the tracer is not its parent. */
static void tell_tracer(struct task *t, int status)
{
    struct thread_group *tg = t->trace.tracer->tg;
    siginfo_t info = {.si_signo = SIGCHLD};

    info.si_code = exit_cld(status);
    info.si_status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    info.si_pid = t->tid;
    info.si_uid = t->cred->uid;
    signal_send_group(tg, &info);
    waitq_wake_all(&tg->child_wait);
}

void tg_tell_parent(struct thread_group *tg)
{
    int status = tg->group_exit_code;
    bool reap = autoreap(tg);

    signal_notify_parent(tg, exit_cld(status),
                         WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    if (reap)
        tg_reap(tg);
}

static void group_exited(struct thread_group *tg)
{
    tg->exiting = true;
    tg->zombie = true;
    ktimer_cancel(&tg->itimer_real);
    ktimer_cancel(&tg->exit_timer);
    posix_timers_exit(tg);
    itimers_cpu_exit(tg);
    cpu_watch_exit(tg);
    if (tg->session && tg->session->id == tg->tgid)
        session_leader_exited(tg->session);
    tg_orphan_check(tg);
    if (tg->leader && tg->leader->pid_ns && tg->leader->pid_ns->reaper == tg)
        pid_ns_zap(tg->leader->pid_ns);
    reparent_children(tg);
    waitq_wake_all(&tg->exit_wait);
    if (tg == init_tg) {
        loop_stop();
        return;
    }
    if (trace_reparented(tg->leader))
        tell_tracer(tg->leader, tg->group_exit_code);
    else
        tg_tell_parent(tg);
}

void task_release_vfork(struct task *t)
{
    if (!t->vfork_parent)
        return;
    t->vfork_parent = NULL;
    waitq_wake_all(&t->vfork_done);
}

/* What others can see change: the tid word is cleared and its waiters are woken. */
void task_clear_tid(struct task *t)
{
    if (t->clear_child_tid && t->mm && t->mm->refs > 1 && !t->tg->exiting) {
        store_u32(t, t->clear_child_tid, 0);
        futex_wake_addr(t, t->clear_child_tid, false, 1);
    }
    t->clear_child_tid = 0;
}

void task_exit_memory(struct task *t)
{
    task_release_vfork(t);
    sched_unpin(t);
    if (t->thr)
        platform->thread_free(t->thr);
    t->thr = NULL;
    if (t->mm)
        mm_put(t->mm);
    t->mm = NULL;
}

/* The last one makes its group a zombie. */
static void release_thread(struct task *t)
{
    struct thread_group *tg = tg_get(t->tg);

    trace_unlink(t);
    task_release_id(t);
    task_put(t);
    if (tg->ntasks == 0 && tg->nheld == 0 && !tg->zombie)
        group_exited(tg);
    tg_put(tg);
}

void trace_release_held(struct task *t)
{
    t->trace.held = false;
    t->tg->nheld--;
    release_thread(t);
}

void task_exit(struct task *t, int code)
{
    struct thread_group *tg = t->tg;

    trace_exit_stop(t, code);
    t->exit_code = code;
    t->in_syscall = false;
    if (t->mm && t->ev.kind != PE_EXITED) {
        robust_list_exit(t);
        if (t->rseq)
            task_rseq_leave(t);
        task_clear_tid(t);
    }
    futex_pi_exit(t);
    seccomp_task_exit(t);
    ipc_task_exit(t);
    futex_wait_drop(t, 0);
    uring_task_gone(t, false);
    struct fdtable *fds = t->fds;
    struct fs_context *fs = t->fs;
    t->fds = NULL;
    t->fs = NULL;
    fdtable_put(fds);
    fs_context_put(fs);
    ns_exit(t);
    task_account(t);
    task_exit_memory(t);
    t->state = TASK_ZOMBIE;
    t->fiber = NULL;
    task_leave_account(t);
    list_del(&t->tg_node);
    if (--tg->ntasks == 0 && !tg->exiting) { /* the last thread's code counts */
        tg->exiting = true;
        tg->group_exit_code = code;
    }
    freeze_progress();
    if (tg->core)
        fiber_wake(tg->core_dumper->fiber);
    waitq_wake_all(&tg->exit_wait);
    pidfd_thread_exited(t);
    trace_let_go(t);
    leave_children(t);
    if (t != tg->leader && t->trace.tracer) {
        t->trace.held = true;
        tg->nheld++;
        tell_tracer(t, code);
    } else if (t != tg->leader) {
        release_thread(t);
    } else if (tg->ntasks == 0 && tg->nheld == 0) {
        group_exited(tg);
    } else {
        trace_kill(t); /* what it is as a zombie it is not in a stop */
    }
    fiber_exit();
}

/*
 * exec: this task goes on alone. Others leave at their next chance; we wait for them. Of two
 * threads at it at once the first stays: fs/exec.c de_thread(). The caller asks
 * task_fatal_pending() whether this one did.
 */
void task_kill_others(struct task *t)
{
    struct thread_group *tg = t->tg;
    struct task *o;

    if (task_fatal_pending(t))
        return;
    list_for_each(o, &tg->tasks, tg_node) {
        if (o != t) {
            o->killed = true;
            trace_kill(o);
            task_kick(o);
        }
    }
    while (tg->ntasks > 1 && !tg->exiting)
        if (task_wait_killable(t, &tg->exit_wait))
            return;
    if (tg->leader != t && !tg->exiting) {
        struct task *old = tg->leader;
        task_swap_ids(t, old);
        tg->leader = t;
        trace_unlink(old);
        task_release_id(old);
        task_put(old);
    }
}

long sys_exit(struct task *t, const struct sysargs *a)
{
    task_exit(t, (arg_i32(a, 0) & 0xff) << 8);
}

long sys_exit_group(struct task *t, const struct sysargs *a)
{
    tg_exit(t->tg, (arg_i32(a, 0) & 0xff) << 8);
    task_exit(t, t->tg->group_exit_code);
}
