/*
 * CPU time is the host's account of the guest's process and tells nobody when it passes a mark. It
 * is looked at when it can have passed one at the earliest, every thread of the group running all
 * the time. While nothing of the group runs nobody looks: the next run of guest code takes it up.
 */
#include "sentry/time/cputimer.h"

#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"
#include "sentry/kernel/rusage.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/sandbox.h"

#define CHECK_MIN_NS 500000UL
#define CHECK_IDLE_NS 250000000UL /* threads in guest code that may sleep on a futex */

struct cpu_watch {
    struct thread_group *tg;
    struct list timers;
    struct ktimer check;
    uint64_t seen_ns;
    bool dormant;
    struct cpu_timer limit; /* RLIMIT_CPU */
};

static bool in_guest(struct thread_group *tg)
{
    struct task *t;

    list_for_each(t, &tg->tasks, tg_node) {
        if (t->in_guest)
            return true;
    }
    return false;
}

static void schedule(struct cpu_watch *w, uint64_t cpu_ns)
{
    struct cpu_timer *c;
    uint64_t left = UINT64_MAX;
    bool idle = cpu_ns == w->seen_ns;

    list_for_each(c, &w->timers, node)
        left = MIN(left, c->expires_ns > cpu_ns ? c->expires_ns - cpu_ns : 0);
    w->seen_ns = cpu_ns;
    w->dormant = false;
    if (list_empty(&w->timers)) {
        ktimer_cancel(&w->check);
    } else if (idle && !in_guest(w->tg)) {
        ktimer_cancel(&w->check);
        w->dormant = true;
    } else {
        uint64_t threads = (uint64_t)MAX(1, MIN(w->tg->ntasks, sandbox->ncpus));
        uint64_t wait = MAX(left / threads, idle ? CHECK_IDLE_NS : CHECK_MIN_NS);
        ktimer_arm(&w->check, now_ns() + MIN(wait, 1UL << 40));
    }
}

static void check(struct ktimer *k)
{
    struct cpu_watch *w = container_of(k, struct cpu_watch, check);
    uint64_t cpu = tg_cpu_ns(w->tg);
    struct cpu_timer *c, *next;
    struct list due = LIST_INIT(due);

    list_for_each_safe(c, next, &w->timers, node) {
        if (c->expires_ns <= cpu) {
            list_del(&c->node);
            list_add_tail(&due, &c->node);
        }
    }
    while (!list_empty(&due)) {
        c = list_first(&due, struct cpu_timer, node);
        list_del(&c->node);
        list_init(&c->node);
        c->fire(c);
    }
    schedule(w, cpu);
}

static struct cpu_watch *watch_of(struct thread_group *tg);

/* The soft limit is told once a second, the hard one kills: check_process_timers(). */
static void limit_fire(struct cpu_timer *c)
{
    struct thread_group *tg = c->tg;
    struct rlimit *l = &tg->rlim[RLIMIT_CPU];
    uint64_t seconds = tg_cpu_ns(tg) / NSEC_PER_SEC;
    siginfo_t info;

    if (l->rlim_max != RLIM_INFINITY && seconds >= l->rlim_max) {
        siginfo_kernel(&info, SIGKILL);
        signal_send_group(tg, &info);
        return;
    }
    if (seconds >= l->rlim_cur) {
        siginfo_kernel(&info, SIGXCPU);
        signal_send_group(tg, &info);
        l->rlim_cur = MIN(seconds + 1, l->rlim_max);
    }
    cpu_limit_changed(tg);
}

static struct cpu_watch *watch_of(struct thread_group *tg)
{
    struct cpu_watch *w = tg->cpu_watch;

    if (w)
        return w;
    w = calloc(1, sizeof(*w));
    if (!w)
        return NULL;
    w->tg = tg;
    list_init(&w->timers);
    ktimer_init(&w->check, check);
    cpu_timer_init(&w->limit, tg, limit_fire);
    tg->cpu_watch = w;
    return w;
}

void cpu_timer_init(struct cpu_timer *c, struct thread_group *tg, void (*fire)(struct cpu_timer *c))
{
    list_init(&c->node);
    c->tg = tg;
    c->fire = fire;
}

int cpu_timer_arm(struct cpu_timer *c, uint64_t expires_ns)
{
    struct cpu_watch *w = watch_of(c->tg);

    if (!w)
        return -ENOMEM;
    cpu_timer_cancel(c);
    c->expires_ns = expires_ns;
    list_add_tail(&w->timers, &c->node);
    w->seen_ns = 0; /* the caller runs */
    schedule(w, tg_cpu_ns(c->tg));
    return 0;
}

int cpu_timer_rearm(struct cpu_timer *c, uint64_t expires_ns)
{
    struct cpu_watch *w = watch_of(c->tg);

    if (!w)
        return -ENOMEM;
    cpu_timer_cancel(c);
    c->expires_ns = expires_ns;
    list_add_tail(&w->timers, &c->node);
    w->dormant = true;
    return 0;
}

void cpu_timer_cancel(struct cpu_timer *c)
{
    if (cpu_timer_armed(c)) {
        list_del(&c->node);
        list_init(&c->node);
    }
}

void cpu_watch_resume(struct thread_group *tg)
{
    struct cpu_watch *w = tg->cpu_watch;

    if (w->dormant) {
        w->seen_ns = 0;
        schedule(w, tg_cpu_ns(tg));
    }
}

static uint64_t limit_seconds(const struct thread_group *tg)
{
    const struct rlimit *l = &tg->rlim[RLIMIT_CPU];

    return MIN(l->rlim_cur, l->rlim_max);
}

static uint64_t limit_ns(uint64_t seconds)
{
    return MIN(seconds, 1UL << 33) * NSEC_PER_SEC;
}

int cpu_limit_restored(struct thread_group *tg)
{
    uint64_t seconds = limit_seconds(tg);

    if (seconds == RLIM_INFINITY)
        return 0;
    struct cpu_watch *w = watch_of(tg);
    return w ? cpu_timer_rearm(&w->limit, limit_ns(seconds)) : -ENOMEM;
}

int cpu_limit_changed(struct thread_group *tg)
{
    uint64_t seconds = limit_seconds(tg);

    if (seconds == RLIM_INFINITY) {
        if (tg->cpu_watch)
            cpu_timer_cancel(&tg->cpu_watch->limit);
        return 0;
    }
    struct cpu_watch *w = watch_of(tg);
    if (!w)
        return -ENOMEM;
    return cpu_timer_arm(&w->limit, limit_ns(seconds));
}

void cpu_watch_exit(struct thread_group *tg)
{
    struct cpu_watch *w = tg->cpu_watch;

    if (!w)
        return;
    ktimer_cancel(&w->check);
    while (!list_empty(&w->timers))
        cpu_timer_cancel(list_first(&w->timers, struct cpu_timer, node));
    free(w);
    tg->cpu_watch = NULL;
}
