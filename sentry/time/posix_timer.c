/* timer_create(2) and relatives. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "sentry/ckpt/types.h"
#include "sentry/kernel/rusage.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/kernel/user_counts.h"
#include "sentry/ns/ns.h"
#include "sentry/time/clock.h"
#include "sentry/time/cputimer.h"

#define PAUSE_NS (4UL * NSEC_PER_MSEC)
#define PAUSE_EACH_NS 4000UL
#define TIMERS_MAX 16384 /* of one process, whatever RLIMIT_SIGPENDING says */

struct posix_timer {
    struct list node;
    int id;
    clockid_t clock;
    struct ktimer timer;           /* clocks of the world */
    struct cpu_timer cpu;          /* CPU clocks */
    uint64_t interval_ns, late_ns; /* it is armed so much after its time: timer_pause() */
    bool is_wall;                  /* it waits for a time of the wall clock */
    struct thread_group *tg;       /* weak: timers end with their group */
    struct user_counts *user;      /* has its signal charged */
    pid_t tid;                     /* SIGEV_THREAD_ID, 0: the group */
    int notify, signo;
    bool is_queued;   /* its signal, of which there is one at a time */
    uint64_t overrun; /* expirations since that was queued */
    int last_overrun; /* of the signal delivered last */
    union sigval value;
};

struct posix_timers {
    struct list timers;
    int next_id, count;
    struct thread_group *tg; /* weak */
    unsigned int owners;     /* in an image: groups it belongs to */
};

/* /proc/PID/timers: show_timer() */
int posix_timers_print(struct task *t, struct strbuf *out)
{
    const struct posix_timer *pt;

    if (t->tg->timers)
        list_for_each(pt, &t->tg->timers->timers, node)
            strbuf_printf(out, "ID: %d\nsignal: %d/%016lx\nnotify: %s/%s.%d\nClockID: %d\n", pt->id,
                          pt->signo, (unsigned long)pt->value.sival_ptr,
                          pt->notify == SIGEV_NONE ? "none" : "signal", pt->tid ? "tid" : "pid",
                          pt->tid ? id_nr(pt->tid) : tg_nr(t->tg), pt->clock);
    return 0;
}

/* The expiry after the one at expires_ns; counts those that were missed. */
static uint64_t next_expiry(struct posix_timer *pt, uint64_t expires_ns, uint64_t now)
{
    uint64_t next = expires_ns + pt->interval_ns;

    if (next <= now) {
        uint64_t missed = (now - next) / pt->interval_ns + 1;
        pt->overrun += missed;
        next += missed * pt->interval_ns;
    }
    return next;
}

static bool is_pending(const struct posix_timer *pt, const struct task *target)
{
    ksigset pending = target ? target->sig.pending.set : pt->tg->sig.pending.set;

    return pending & ksig_bit(pt->signo);
}

/*
 * The signal is sent before the missed expirations are counted: they are overruns of this one.
 * False: nobody has been told, since its last one still waits, or none is wanted.
 */
static bool timer_notify(struct posix_timer *pt)
{
    siginfo_t info = {.si_signo = pt->signo, .si_code = SI_TIMER};

    if (pt->notify == SIGEV_NONE)
        return false;
    struct task *target = pt->tid ? task_find(pt->tid) : NULL;
    if (pt->is_queued && is_pending(pt, target)) {
        pt->overrun++;
        return false;
    }
    pt->is_queued = true;
    pt->overrun = 0;
    info.si_timerid = pt->id;
    info.si_value = pt->value;
    signal_reserved(true);
    if (target && target->tg == pt->tg)
        signal_send_task(target, &info);
    else if (!pt->tid)
        signal_send_group(pt->tg, &info);
    signal_reserved(false);
    return is_pending(pt, target);
}

void posix_timer_taken(struct thread_group *tg, siginfo_t *info)
{
    struct posix_timer *pt;

    if (tg->timers)
        list_for_each(pt, &tg->timers->timers, node) {
            if (pt->id != info->si_timerid || pt->signo != info->si_signo || !pt->is_queued)
                continue;
            pt->is_queued = false;
            pt->last_overrun = (int)MIN(pt->overrun, (uint64_t)INT32_MAX);
            info->si_overrun = pt->last_overrun;
            if (pt->late_ns && ktimer_armed(&pt->timer)) {
                ktimer_arm(&pt->timer, pt->timer.expires_ns - pt->late_ns);
                pt->late_ns = 0;
            }
            return;
        }
}

/*
 * While nobody takes its signals a timer need not fire at each of its times, they are counted
 * later: all timers of a process together cost as much as one.
 */
static uint64_t timer_pause(const struct posix_timer *pt)
{
    return MAX((uint64_t)PAUSE_NS, (uint64_t)pt->tg->timers->count * PAUSE_EACH_NS);
}

static void timer_fire(struct ktimer *k)
{
    struct posix_timer *pt = container_of(k, struct posix_timer, timer);

    uint64_t at = k->expires_ns - pt->late_ns, now = now_ns();
    bool told = timer_notify(pt);
    pt->late_ns = 0;
    if (!pt->interval_ns)
        return;
    uint64_t next = next_expiry(pt, at, now), pause = told ? 0 : timer_pause(pt);
    if (next < now + pause)
        pt->late_ns = now + pause - next;
    ktimer_arm(k, next + pt->late_ns);
}

static void timer_fire_cpu(struct cpu_timer *c)
{
    struct posix_timer *pt = container_of(c, struct posix_timer, cpu);

    timer_notify(pt);
    if (pt->interval_ns)
        cpu_timer_arm(c, next_expiry(pt, c->expires_ns, tg_cpu_ns(pt->tg)));
}

static bool is_cpu_clock(clockid_t id)
{
    return id < 0 || id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID;
}

static struct posix_timer *timer_find(struct task *t, int id)
{
    struct posix_timers *pts = t->tg->timers;

    /* Ids grow: the youngest first. */
    for (struct list *l = pts ? pts->timers.prev : NULL; l && l != &pts->timers; l = l->prev) {
        struct posix_timer *pt = list_entry(l, struct posix_timer, node);
        if (pt->id <= id)
            return pt->id == id ? pt : NULL;
    }
    return NULL;
}

static void timer_drop(struct posix_timers *pts, struct posix_timer *pt)
{
    ktimer_cancel(&pt->timer);
    cpu_timer_cancel(&pt->cpu);
    list_del(&pt->node);
    pts->count--;
    user_uncharge(pt->user, USER_SIGNALS, 1);
    free(pt);
}

void posix_timers_exit(struct thread_group *tg)
{
    struct posix_timers *pts = tg->timers;

    if (!pts)
        return;
    while (!list_empty(&pts->timers))
        timer_drop(pts, list_first(&pts->timers, struct posix_timer, node));
    free(pts);
    tg->timers = NULL;
}

void posix_timers_exec(struct thread_group *tg)
{
    posix_timers_exit(tg);
}

static int parse_event(struct task *t, uint64_t addr, struct posix_timer *pt)
{
    struct sigevent ev;

    pt->notify = SIGEV_SIGNAL;
    pt->signo = SIGALRM;
    pt->value.sival_int = pt->id;
    if (!addr)
        return 0;
    if (get_user(t, &ev, addr))
        return -EFAULT;
    pt->notify = ev.sigev_notify;
    pt->signo = ev.sigev_signo;
    pt->value = ev.sigev_value;
    switch (ev.sigev_notify) {
    case SIGEV_NONE:
        return 0;
    case SIGEV_THREAD_ID: {
        struct task *o = task_find_nr(ev._sigev_un._tid);
        if (!o || o->tg != t->tg)
            return -EINVAL;
        pt->tid = o->tid;
        break;
    }
    case SIGEV_SIGNAL:
    case SIGEV_THREAD:
        break;
    default:
        return -EINVAL;
    }
    return ev.sigev_signo < 1 || ev.sigev_signo > NV_NSIG ? -EINVAL : 0;
}

long sys_timer_create(struct task *t, const struct sysargs *a)
{
    struct timespec probe;
    clockid_t id = arg_i32(a, 0);

    if (clock_read(t, id, &probe))
        return -EINVAL;
    if (id == CLOCK_MONOTONIC_RAW || id == CLOCK_REALTIME_COARSE || id == CLOCK_MONOTONIC_COARSE)
        return -EOPNOTSUPP;
    if (!t->tg->timers) {
        t->tg->timers = calloc(1, sizeof(*t->tg->timers));
        if (!t->tg->timers)
            return -ENOMEM;
        list_init(&t->tg->timers->timers);
        t->tg->timers->tg = t->tg;
    }
    struct posix_timers *pts = t->tg->timers;
    struct posix_timer *pt = pts->count < TIMERS_MAX ? calloc(1, sizeof(*pt)) : NULL;
    if (pt) /* each has a signal of its own that is always there to be queued */
        pt->user = user_charge(t->cred->uid, USER_SIGNALS, 1, rlimit_cur(t, RLIMIT_SIGPENDING));
    if (!pt || !pt->user) {
        free(pt);
        return -EAGAIN;
    }
    pt->id = pts->next_id++;
    pt->clock = id;
    pt->tg = t->tg;
    ktimer_init(&pt->timer, timer_fire);
    cpu_timer_init(&pt->cpu, t->tg, timer_fire_cpu);
    int err = parse_event(t, arg_u64(a, 1), pt);
    if (!err && put_user(t, &pt->id, arg_u64(a, 2)))
        err = -EFAULT;
    if (err) {
        user_uncharge(pt->user, USER_SIGNALS, 1);
        free(pt);
        return err;
    }
    list_add_tail(&pts->timers, &pt->node);
    pts->count++;
    return 0;
}

static struct itimerspec timer_value(const struct posix_timer *pt)
{
    struct itimerspec v = {0};
    bool cpu = cpu_timer_armed(&pt->cpu);
    uint64_t now = cpu ? tg_cpu_ns(pt->tg) : now_ns();

    v.it_interval.tv_sec = (time_t)(pt->interval_ns / NSEC_PER_SEC);
    v.it_interval.tv_nsec = (long)(pt->interval_ns % NSEC_PER_SEC);
    if (cpu || ktimer_armed(&pt->timer)) {
        uint64_t at = cpu ? pt->cpu.expires_ns : pt->timer.expires_ns - pt->late_ns;
        if (pt->interval_ns && at <= now)
            at += ((now - at) / pt->interval_ns + 1) * pt->interval_ns;
        uint64_t left = at > now ? at - now : 1;
        v.it_value.tv_sec = (time_t)(left / NSEC_PER_SEC);
        v.it_value.tv_nsec = (long)(left % NSEC_PER_SEC);
    }
    return v;
}

static int timer_start(struct posix_timer *pt, const struct timespec *value, bool absolute)
{
    pt->is_wall = absolute && clock_is_wall(pt->clock);
    if (!is_cpu_clock(pt->clock)) {
        ktimer_arm(&pt->timer, clock_to_deadline(pt->clock, value, absolute));
        return 0;
    }
    uint64_t ns = MIN((uint64_t)value->tv_sec, 1UL << 32) * NSEC_PER_SEC + (uint64_t)value->tv_nsec;
    return cpu_timer_arm(&pt->cpu, absolute ? ns : tg_cpu_ns(pt->tg) + ns);
}

long sys_timer_settime(struct task *t, const struct sysargs *a)
{
    struct itimerspec new, old;

    if (!arg_u64(a, 2))
        return -EINVAL;
    if (get_user(t, &new, arg_u64(a, 2)))
        return -EFAULT;
    if (!timespec_valid(&new.it_value) || !timespec_valid(&new.it_interval))
        return -EINVAL;
    struct posix_timer *pt = timer_find(t, arg_i32(a, 0));
    if (!pt)
        return -EINVAL;
    old = timer_value(pt);
    ktimer_cancel(&pt->timer);
    cpu_timer_cancel(&pt->cpu);
    pt->overrun = 0;
    pt->last_overrun = 0;
    pt->late_ns = 0;
    pt->interval_ns = MIN((uint64_t) new.it_interval.tv_sec, 1UL << 32) * NSEC_PER_SEC +
                      (uint64_t) new.it_interval.tv_nsec;
    int err = 0;
    if (new.it_value.tv_sec || new.it_value.tv_nsec)
        err = timer_start(pt, &new.it_value, arg_i32(a, 1) & TIMER_ABSTIME);
    if (err)
        return err;
    return arg_u64(a, 3) ? put_user(t, &old, arg_u64(a, 3)) : 0;
}

long sys_timer_gettime(struct task *t, const struct sysargs *a)
{
    struct posix_timer *pt = timer_find(t, arg_i32(a, 0));

    if (!pt)
        return -EINVAL;
    struct itimerspec v = timer_value(pt);
    return put_user(t, &v, arg_u64(a, 1));
}

long sys_timer_getoverrun(struct task *t, const struct sysargs *a)
{
    struct posix_timer *pt = timer_find(t, arg_i32(a, 0));

    return pt ? pt->last_overrun : -EINVAL;
}

long sys_timer_delete(struct task *t, const struct sysargs *a)
{
    struct posix_timer *pt = timer_find(t, arg_i32(a, 0));

    if (!pt)
        return -EINVAL;
    timer_drop(t->tg->timers, pt);
    return 0;
}

/* --- checkpoints --- */
static const struct ckpt_field timer_fields[] = {
    CKPT_UINT_MAX(struct posix_timer, id, INT32_MAX),
    CKPT_UINT(struct posix_timer, clock),
    CKPT_UINT_MAX(struct posix_timer, interval_ns, INT64_MAX),
    CKPT_BOOL(struct posix_timer, is_wall),
    CKPT_UINT_MAX(struct posix_timer, tid, INT32_MAX),
    CKPT_UINT(struct posix_timer, notify),
    CKPT_UINT(struct posix_timer, signo),
    CKPT_BOOL(struct posix_timer, is_queued),
    CKPT_UINT(struct posix_timer, overrun),
    CKPT_UINT(struct posix_timer, last_overrun),
    CKPT_BYTES(struct posix_timer, value),
};

static void timers_save(struct ckpt_writer *w, void *obj)
{
    const struct posix_timers *pts = obj;
    const struct posix_timer *pt;

    ckpt_put_u32(w, (uint32_t)pts->count);
    list_for_each(pt, &pts->timers, node) {
        ckpt_put_fields(w, timer_fields, ARRAY_SIZE(timer_fields), pt);
        struct ktimer k = pt->timer;
        k.expires_ns -= pt->late_ns;
        timer_save(w, &k, pt->is_wall);
        ckpt_put_u64(w, cpu_timer_armed(&pt->cpu) ? pt->cpu.expires_ns : UINT64_MAX);
    }
}

static void *timers_create(struct ckpt_reader *r)
{
    struct posix_timers *pts = calloc(1, sizeof(*pts));

    if (pts)
        list_init(&pts->timers);
    return pts;
}

static bool timer_valid(const struct posix_timers *pts, const struct posix_timer *pt)
{
    bool signals =
        pt->notify == SIGEV_SIGNAL || pt->notify == SIGEV_THREAD || pt->notify == SIGEV_THREAD_ID;
    int floor =
        list_empty(&pts->timers) ? 0 : list_last(&pts->timers, struct posix_timer, node)->id + 1;

    if (pt->clock > CLOCK_TAI || pt->id < floor || pt->id >= pts->next_id)
        return false;
    return signals ? pt->signo >= 1 && pt->signo <= NV_NSIG : pt->notify == SIGEV_NONE;
}

static void load_timer(struct ckpt_reader *r, struct posix_timers *pts, unsigned int version)
{
    struct posix_timer *pt = calloc(1, sizeof(*pt));
    uint64_t deadline;

    if (!pt) {
        ckpt_bad(r, "out of memory");
        return;
    }
    list_init(&pt->node);
    ktimer_init(&pt->timer, timer_fire);
    cpu_timer_init(&pt->cpu, NULL, timer_fire_cpu);
    ckpt_get_fields(r, timer_fields, ARRAY_SIZE(timer_fields), pt, version);
    bool armed = timer_load(r, pt->is_wall, &deadline);
    pt->cpu.expires_ns = ckpt_get_u64(r);
    if (ckpt_failed(r))
        return;
    if (!timer_valid(pts, pt) || (armed && is_cpu_clock(pt->clock)) ||
        (pt->cpu.expires_ns != UINT64_MAX && !is_cpu_clock(pt->clock))) {
        ckpt_bad(r, "timer %d is not valid", pt->id);
        return;
    }
    list_add_tail(&pts->timers, &pt->node);
    pts->count++;
    if (armed)
        ktimer_arm(&pt->timer, deadline);
}

static void timers_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    uint32_t n = ckpt_get_count(r, TIMERS_MAX, 32);

    while (n-- && !ckpt_failed(r))
        load_timer(r, obj, version);
}

static void timers_link(struct ckpt_reader *r, void *obj)
{
    struct posix_timers *pts = obj;
    struct posix_timer *pt;

    if (!pts->tg || pts->tg->timers != pts || pts->owners != 1) {
        ckpt_bad(r, "nobody's");
        return;
    }
    list_for_each(pt, &pts->timers, node) {
        pt->tg = pt->cpu.tg = pts->tg;
        uid_t uid = pts->tg->leader && pts->tg->leader->cred ? pts->tg->leader->cred->uid : 0;
        pt->user = user_charge(uid, USER_SIGNALS, 1, UINT64_MAX);
        if (pt->cpu.expires_ns != UINT64_MAX && is_cpu_clock(pt->clock) &&
            cpu_timer_rearm(&pt->cpu, pt->cpu.expires_ns))
            ckpt_bad(r, "out of memory");
    }
}

static void timers_hold(void *obj)
{
    ((struct posix_timers *)obj)->owners++;
}

static const struct ckpt_field timers_fields[] = {
    CKPT_UINT_MAX(struct posix_timers, next_id, INT32_MAX),
    CKPT_WEAK(struct posix_timers, tg, &ckpt_thread_group),
};

const struct ckpt_type ckpt_posix_timers = {
    .name = "timers",
    .id = CT_POSIX_TIMERS,
    .version = 1,
    CKPT_TABLE(timers_fields),
    .save = timers_save,
    .create = timers_create,
    .load = timers_load,
    .link = timers_link,
    .hold = timers_hold,
};
CKPT_TYPE_REGISTER(ckpt_posix_timers);
