/* setitimer(2), alarm(2), timer_create(2) and relatives. CPU-time timers run on real time. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

#include "base/macros.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/time/clock.h"

#define TIMERS_MAX 1024

/* --- ITIMER_REAL --- */
void itimer_real_expired(struct ktimer *k)
{
    struct thread_group *tg = container_of(k, struct thread_group, itimer_real);
    siginfo_t info;

    siginfo_kernel(&info, SIGALRM);
    if (tg->itimer_real_interval_ns)
        ktimer_arm(k, MAX(k->expires_ns + tg->itimer_real_interval_ns, now_ns()));
    signal_send_group(tg, &info);
}

static struct timeval ns_to_tv(uint64_t ns)
{
    return (struct timeval){(time_t)(ns / NSEC_PER_SEC), (suseconds_t)(ns % NSEC_PER_SEC / 1000)};
}

static struct itimerval itimer_get(struct thread_group *tg)
{
    struct itimerval v = {.it_interval = ns_to_tv(tg->itimer_real_interval_ns)};

    if (ktimer_armed(&tg->itimer_real)) {
        uint64_t now = now_ns(), at = tg->itimer_real.expires_ns;
        v.it_value = ns_to_tv(at > now ? MAX(at - now, 1000UL) : 1000);
    }
    return v;
}

static void itimer_set(struct thread_group *tg, uint64_t value_ns, uint64_t interval_ns)
{
    ktimer_cancel(&tg->itimer_real);
    tg->itimer_real_interval_ns = interval_ns;
    if (value_ns)
        ktimer_arm(&tg->itimer_real, now_ns() + value_ns);
}

long sys_getitimer(struct task *t, const struct sysargs *a)
{
    struct itimerval v = {0};

    if (arg_u32(a, 0) > ITIMER_PROF)
        return -EINVAL;
    if (arg_i32(a, 0) == ITIMER_REAL)
        v = itimer_get(t->tg);
    return put_user(t, &v, arg_u64(a, 1));
}

static bool tv_valid(const struct timeval *tv)
{
    return tv->tv_sec >= 0 && tv->tv_usec >= 0 && tv->tv_usec < 1000000;
}

static uint64_t tv_to_ns(const struct timeval *tv)
{
    return MIN((uint64_t)tv->tv_sec, 1UL << 32) * NSEC_PER_SEC + (uint64_t)tv->tv_usec * 1000;
}

long sys_setitimer(struct task *t, const struct sysargs *a)
{
    struct itimerval new = {0}, old;

    if (arg_u64(a, 1) && get_user(t, &new, arg_u64(a, 1)))
        return -EFAULT;
    if (arg_u32(a, 0) > ITIMER_PROF || !tv_valid(&new.it_value) || !tv_valid(&new.it_interval))
        return -EINVAL;
    if (arg_i32(a, 0) != ITIMER_REAL) {
        explain_missing("setitimer", "CPU-time timer %d", arg_i32(a, 0));
        old = (struct itimerval){0};
    } else {
        old = itimer_get(t->tg);
        itimer_set(t->tg, tv_to_ns(&new.it_value), tv_to_ns(&new.it_interval));
    }
    return arg_u64(a, 2) ? put_user(t, &old, arg_u64(a, 2)) : 0;
}

long sys_alarm(struct task *t, const struct sysargs *a)
{
    struct itimerval old = itimer_get(t->tg);
    long left = old.it_value.tv_sec + (old.it_value.tv_usec >= 500000);

    if (!left && old.it_value.tv_usec)
        left = 1;
    itimer_set(t->tg, arg_u32(a, 0) * (uint64_t)NSEC_PER_SEC, 0);
    return left;
}

/* --- POSIX timers --- */
struct posix_timer {
    struct list node;
    int id;
    clockid_t clock;
    struct ktimer timer;
    uint64_t interval_ns;
    struct thread_group *tg; /* weak: timers end with their group */
    pid_t tid;               /* SIGEV_THREAD_ID, 0: the group */
    int notify, signo, overrun, last_overrun;
    union sigval value;
};

struct posix_timers {
    struct list timers;
    int next_id, count;
};

static void timer_fire(struct ktimer *k)
{
    struct posix_timer *pt = container_of(k, struct posix_timer, timer);
    siginfo_t info = {.si_signo = pt->signo, .si_code = SI_TIMER};
    uint64_t now = now_ns();

    pt->overrun = 0;
    if (pt->interval_ns) {
        uint64_t next = k->expires_ns + pt->interval_ns;
        if (next <= now) {
            uint64_t missed = (now - next) / pt->interval_ns + 1;
            pt->overrun = (int)MIN(missed, (uint64_t)INT32_MAX);
            next += missed * pt->interval_ns;
        }
        ktimer_arm(k, next);
    }
    if (pt->notify == SIGEV_NONE)
        return;
    info.si_timerid = pt->id;
    info.si_overrun = pt->overrun;
    info.si_value = pt->value;
    struct task *target = pt->tid ? task_find(pt->tid) : NULL;
    ksigset pending = target ? target->sig.pending.set : pt->tg->sig.pending.set;
    if (pending & ksig_bit(pt->signo)) { /* one signal a timer: the rest are overruns */
        pt->last_overrun++;
        return;
    }
    pt->last_overrun = pt->overrun;
    if (target && target->tg == pt->tg)
        signal_send_task(target, &info);
    else if (!pt->tid)
        signal_send_group(pt->tg, &info);
}

static struct posix_timer *timer_find(struct task *t, int id)
{
    struct posix_timer *pt;

    if (t->tg->timers)
        list_for_each(pt, &t->tg->timers->timers, node) {
            if (pt->id == id)
                return pt;
        }
    return NULL;
}

static void timer_drop(struct posix_timers *pts, struct posix_timer *pt)
{
    ktimer_cancel(&pt->timer);
    list_del(&pt->node);
    pts->count--;
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
        struct task *o = task_find(ev._sigev_un._tid);
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

    if (clock_read(t, id, &probe) || id == CLOCK_MONOTONIC_RAW)
        return -EINVAL;
    if (!t->tg->timers) {
        t->tg->timers = calloc(1, sizeof(*t->tg->timers));
        if (!t->tg->timers)
            return -ENOMEM;
        list_init(&t->tg->timers->timers);
    }
    struct posix_timers *pts = t->tg->timers;
    struct posix_timer *pt = pts->count < TIMERS_MAX ? calloc(1, sizeof(*pt)) : NULL;
    if (!pt)
        return -EAGAIN;
    pt->id = pts->next_id++;
    pt->clock = id;
    pt->tg = t->tg;
    ktimer_init(&pt->timer, timer_fire);
    int err = parse_event(t, arg_u64(a, 1), pt);
    if (!err && put_user(t, &pt->id, arg_u64(a, 2)))
        err = -EFAULT;
    if (err) {
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
    uint64_t now = now_ns();

    v.it_interval.tv_sec = (time_t)(pt->interval_ns / NSEC_PER_SEC);
    v.it_interval.tv_nsec = (long)(pt->interval_ns % NSEC_PER_SEC);
    if (ktimer_armed(&pt->timer)) {
        uint64_t left = pt->timer.expires_ns > now ? pt->timer.expires_ns - now : 1;
        v.it_value.tv_sec = (time_t)(left / NSEC_PER_SEC);
        v.it_value.tv_nsec = (long)(left % NSEC_PER_SEC);
    }
    return v;
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
    pt->interval_ns = MIN((uint64_t) new.it_interval.tv_sec, 1UL << 32) * NSEC_PER_SEC +
                      (uint64_t) new.it_interval.tv_nsec;
    if (new.it_value.tv_sec || new.it_value.tv_nsec)
        ktimer_arm(&pt->timer,
                   clock_to_deadline(pt->clock, &new.it_value, arg_i32(a, 1) & TIMER_ABSTIME));
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
