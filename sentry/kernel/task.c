/* Task and thread-group objects, ids, lookup, kicking. */
#include "sentry/kernel/rusage.h"
#include "sentry/kernel/task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/kernel/fiber.h"
#include "sentry/kernel/freeze.h"
#include "sentry/kernel/pidfd.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/mm/mm.h"
#include "sentry/ns/ns.h"
#include "sentry/seccomp/seccomp.h"
#include "sentry/time/clock.h"
#include "sentry/vfs/file.h"

static struct task *by_tid[PID_MAX];
static pid_t last_tid;
static int ntasks;
struct list all_thread_groups = LIST_INIT(all_thread_groups);
struct thread_group *init_tg;
static struct list pgrps = LIST_INIT(pgrps);

/* Every fiber is a task's. */
struct task *task_current(void)
{
    return fiber_current() ? fiber_arg() : NULL;
}

int task_count(void)
{
    return ntasks;
}

static pid_t tid_alloc(struct task *t)
{
    for (int i = 0; i < PID_MAX; i++) {
        last_tid = last_tid + 1 >= PID_MAX ? 2 : last_tid + 1;
        if (!by_tid[last_tid] && !pgrp_find(last_tid)) {
            pid_ns_forget(last_tid);
            by_tid[last_tid] = t;
            sandbox_totals.forks++;
            return last_tid;
        }
    }
    return -EAGAIN;
}

struct task *task_find(pid_t tid)
{
    return tid > 0 && tid < PID_MAX ? by_tid[tid] : NULL;
}

struct task *task_find_nr(pid_t nr)
{
    const struct task *t = task_current();

    return task_find(pid_id(t ? t->pid_ns : NULL, nr));
}

struct thread_group *tg_find(pid_t tgid)
{
    struct task *t = task_find(tgid);

    return t && t->tg->tgid == tgid && t->tg->leader == t ? t->tg : NULL;
}

struct task *task_new(struct thread_group *tg)
{
    struct task *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->tid = tid_alloc(t);
    if (t->tid < 0) {
        free(t);
        return NULL;
    }
    ntasks++;
    t->refs = 1;
    t->tg = tg_get(tg);
    list_init(&t->tg_node);
    waitq_init(&t->vfork_done);
    signal_task_init(t);
    trace_task_init(t);
    t->start_ns = time_guest_ns();
    return t;
}

bool task_claim_id(struct task *t)
{
    if (t->tid <= 0 || t->tid >= PID_MAX || by_tid[t->tid])
        return false;
    by_tid[t->tid] = t;
    ntasks++;
    return true;
}

pid_t task_last_id(void)
{
    return last_tid;
}

void task_set_last_id(pid_t id)
{
    last_tid = id >= 0 && id < PID_MAX ? id : 0;
}

void task_release_id(struct task *t)
{
    if (t->tid > 0 && by_tid[t->tid] == t)
        by_tid[t->tid] = NULL;
    pidfd_thread_gone(t);
}

/* exec by a thread: it takes over the leader's id. */
void task_swap_ids(struct task *t, struct task *leader)
{
    pid_t tid = t->tid;

    pidfd_thread_gone(t); /* nobody has its number any more */
    t->tid = leader->tid;
    leader->tid = tid;
    by_tid[t->tid] = t;
    by_tid[leader->tid] = leader;
}

struct task *task_get(struct task *t)
{
    t->refs++;
    return t;
}

void task_put(struct task *t)
{
    if (!t || --t->refs)
        return;
    task_release_id(t);
    ntasks--;
    sigpending_flush(&t->sig.pending);
    waitq_release(&t->sig.wq); /* epoll sets may watch a signalfd through it */
    seccomp_task_exit(t);
    cred_put(t->cred);
    pid_ns_put(t->pid_ns);
    tg_put(t->tg);
    free(t->fpstate);
    free(t->affinity);
    free(t);
}

struct thread_group *tg_new(void)
{
    struct thread_group *tg = calloc(1, sizeof(*tg));

    if (!tg)
        return NULL;
    tg->refs = 1;
    list_init(&tg->tasks);
    list_init(&tg->children);
    list_init(&tg->sibling);
    list_init(&tg->pgrp_node);
    waitq_init(&tg->child_wait);
    waitq_init(&tg->exit_wait);
    list_init(&tg->sig.pending.queue);
    waitq_init(&tg->sig.stop_wq);
    waitq_init(&tg->sig.wq);
    ktimer_init(&tg->itimer_real, itimer_real_expired);
    ktimer_init(&tg->exit_timer, tg_exit_overdue);
    tg->dumpable = true;
    tg->start_ns = time_guest_ns();
    list_add_tail(&all_thread_groups, &tg->all_node);
    return tg;
}

struct thread_group *tg_get(struct thread_group *tg)
{
    tg->refs++;
    return tg;
}

void tg_put(struct thread_group *tg)
{
    if (!tg || --tg->refs)
        return;
    sandbox_totals.gone_cpu_ns += tg_cpu_ns(tg);
    list_del(&tg->all_node);
    list_del(&tg->sibling);
    tg_leave_pgrp(tg);
    ktimer_cancel(&tg->itimer_real);
    ktimer_cancel(&tg->exit_timer);
    sigpending_flush(&tg->sig.pending);
    waitq_release(&tg->sig.wq);
    sighand_put(tg->sighand);
    if (tg->exe)
        file_put(tg->exe);
    free(tg);
}

/* --- process groups and sessions --- */
struct process_group *pgrp_find(pid_t id)
{
    struct process_group *p;

    list_for_each(p, &pgrps, node) {
        if (p->id == id)
            return p;
    }
    return NULL;
}

bool pgrp_claim_id(struct process_group *p)
{
    if (p->id <= 0 || p->id >= PID_MAX || pgrp_find(p->id))
        return false;
    list_add_tail(&pgrps, &p->node);
    return true;
}

struct session *session_new(pid_t id)
{
    struct session *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->refs = 0;
    s->id = id;
    list_init(&s->pgrps);
    return s;
}

static void session_unref(struct session *s)
{
    if (--s->refs)
        return;
    session_tty_release(s);
    free(s);
}

int tg_join_pgrp(struct thread_group *tg, pid_t id, struct session *s)
{
    struct process_group *p = pgrp_find(id);

    if (!p) {
        p = calloc(1, sizeof(*p));
        if (!p)
            return -ENOMEM;
        p->id = id;
        p->session = s;
        s->refs++;
        list_init(&p->members);
        list_add_tail(&pgrps, &p->node);
    }
    p->refs++;
    tg_leave_pgrp(tg);
    tg->pgrp = p;
    tg->session = p->session;
    list_add_tail(&p->members, &tg->pgrp_node);
    return 0;
}

void tg_leave_pgrp(struct thread_group *tg)
{
    struct process_group *p = tg->pgrp;

    if (!p)
        return;
    list_del(&tg->pgrp_node);
    tg->pgrp = NULL;
    if (--p->refs)
        return;
    list_del(&p->node);
    if (p->session->foreground == p)
        p->session->foreground = NULL;
    session_unref(p->session);
    free(p);
}

/* --- kicking --- */
void task_kick(struct task *t)
{
    t->interrupted = true;
    if (t->in_guest)
        platform->interrupt(t->thr);
    else if (t->fiber)
        fiber_wake(t->fiber);
}

bool task_fatal_pending(const struct task *t)
{
    return t->tg->exiting || t->killed || (t->tg->core && t->tg->core_dumper != t) ||
           (t->sig.pending.set & ksig_bit(SIGKILL)) || (t->tg->sig.pending.set & ksig_bit(SIGKILL));
}

bool task_signal_pending(const struct task *t)
{
    return unlikely(sandbox_freezing) || task_signal_waiting(t);
}

bool task_signal_waiting(const struct task *t)
{
    return task_fatal_pending(t) || (t->tg->sig.stop_signal && !t->trace.past_stop) ||
           t->trace.trap_due || ((t->sig.pending.set | t->tg->sig.pending.set) & ~t->sig.blocked);
}

struct user_regs_struct *task_regs(struct task *t)
{
    if (!t->regs_valid) {
        platform->get_regs(t->thr, &t->regs);
        t->regs_valid = true;
    }
    return &t->regs;
}

uint64_t rlimit_cur(const struct task *t, int resource)
{
    return t->tg->rlim[resource].rlim_cur;
}
