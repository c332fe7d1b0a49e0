/* setitimer(2), getitimer(2), alarm(2). All CPU time counts as user time: kernel/rusage.c. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

#include "base/macros.h"
#include "sentry/ckpt/types.h"
#include "sentry/kernel/rusage.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/time/cputimer.h"

struct itimers_cpu { /* ITIMER_VIRTUAL, ITIMER_PROF */
    struct itimer_cpu {
        struct cpu_timer timer;
        uint64_t interval_ns;
        int signo;
    } of[2];
    struct thread_group *tg; /* weak */
    unsigned int owners;     /* in an image: groups it belongs to */
};

void itimer_real_expired(struct ktimer *k)
{
    struct thread_group *tg = container_of(k, struct thread_group, itimer_real);
    siginfo_t info;

    siginfo_kernel(&info, SIGALRM);
    if (tg->itimer_real_interval_ns)
        ktimer_arm(k, MAX(k->expires_ns + tg->itimer_real_interval_ns, now_ns()));
    signal_send_group(tg, &info);
}

static void itimer_cpu_expired(struct cpu_timer *c)
{
    struct itimer_cpu *it = container_of(c, struct itimer_cpu, timer);
    siginfo_t info;

    siginfo_kernel(&info, it->signo);
    if (it->interval_ns)
        cpu_timer_arm(c, MAX(c->expires_ns + it->interval_ns, tg_cpu_ns(c->tg)));
    signal_send_group(c->tg, &info);
}

void itimers_cpu_exit(struct thread_group *tg)
{
    if (!tg->itimers_cpu)
        return;
    for (int i = 0; i < 2; i++)
        cpu_timer_cancel(&tg->itimers_cpu->of[i].timer);
    free(tg->itimers_cpu);
    tg->itimers_cpu = NULL;
}

static struct timeval ns_to_tv(uint64_t ns)
{
    return (struct timeval){(time_t)(ns / NSEC_PER_SEC), (suseconds_t)(ns % NSEC_PER_SEC / 1000)};
}

static struct itimerval remaining(uint64_t interval_ns, bool armed, uint64_t at, uint64_t now)
{
    struct itimerval v = {.it_interval = ns_to_tv(interval_ns)};

    if (armed)
        v.it_value = ns_to_tv(at > now ? MAX(at - now, 1000UL) : 1000);
    return v;
}

static struct itimerval itimer_get(struct thread_group *tg, int which)
{
    if (which == ITIMER_REAL)
        return remaining(tg->itimer_real_interval_ns, ktimer_armed(&tg->itimer_real),
                         tg->itimer_real.expires_ns, now_ns());
    if (!tg->itimers_cpu)
        return (struct itimerval){0};
    const struct itimer_cpu *it = &tg->itimers_cpu->of[which - ITIMER_VIRTUAL];
    return remaining(it->interval_ns, cpu_timer_armed(&it->timer), it->timer.expires_ns,
                     tg_cpu_ns(tg));
}

static struct itimers_cpu *itimers_cpu_new(struct thread_group *tg)
{
    struct itimers_cpu *its = calloc(1, sizeof(*its));

    if (!its)
        return NULL;
    its->tg = tg;
    for (int i = 0; i < 2; i++) {
        cpu_timer_init(&its->of[i].timer, tg, itimer_cpu_expired);
        its->of[i].signo = i ? SIGPROF : SIGVTALRM;
    }
    return its;
}

static int itimer_set(struct thread_group *tg, int which, uint64_t value_ns, uint64_t interval_ns)
{
    if (which == ITIMER_REAL) {
        ktimer_cancel(&tg->itimer_real);
        tg->itimer_real_interval_ns = interval_ns;
        if (value_ns)
            ktimer_arm(&tg->itimer_real, now_ns() + value_ns);
        return 0;
    }
    if (!tg->itimers_cpu)
        tg->itimers_cpu = itimers_cpu_new(tg);
    if (!tg->itimers_cpu)
        return -ENOMEM;
    struct itimer_cpu *it = &tg->itimers_cpu->of[which - ITIMER_VIRTUAL];
    cpu_timer_cancel(&it->timer);
    it->interval_ns = interval_ns;
    return value_ns ? cpu_timer_arm(&it->timer, tg_cpu_ns(tg) + value_ns) : 0;
}

long sys_getitimer(struct task *t, const struct sysargs *a)
{
    if (arg_u32(a, 0) > ITIMER_PROF)
        return -EINVAL;
    struct itimerval v = itimer_get(t->tg, arg_i32(a, 0));
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
    struct itimerval new = {0};
    int which = arg_i32(a, 0);

    if (arg_u64(a, 1) && get_user(t, &new, arg_u64(a, 1)))
        return -EFAULT;
    if (arg_u32(a, 0) > ITIMER_PROF || !tv_valid(&new.it_value) || !tv_valid(&new.it_interval))
        return -EINVAL;
    struct itimerval old = itimer_get(t->tg, which);
    int err = itimer_set(t->tg, which, tv_to_ns(&new.it_value), tv_to_ns(&new.it_interval));
    if (err)
        return err;
    return arg_u64(a, 2) ? put_user(t, &old, arg_u64(a, 2)) : 0;
}

long sys_alarm(struct task *t, const struct sysargs *a)
{
    struct itimerval old = itimer_get(t->tg, ITIMER_REAL);
    long left = old.it_value.tv_sec + (old.it_value.tv_usec >= 500000);

    if (!left && old.it_value.tv_usec)
        left = 1;
    itimer_set(t->tg, ITIMER_REAL, arg_u32(a, 0) * (uint64_t)NSEC_PER_SEC, 0);
    return left;
}

/* --- checkpoints --- */
static void itimers_save(struct ckpt_writer *w, void *obj)
{
    const struct itimers_cpu *its = obj;

    for (int i = 0; i < 2; i++) {
        const struct itimer_cpu *it = &its->of[i];
        ckpt_put_u64(w, it->interval_ns);
        ckpt_put_u64(w, cpu_timer_armed(&it->timer) ? it->timer.expires_ns : UINT64_MAX);
    }
}

static void *itimers_create(struct ckpt_reader *r)
{
    return itimers_cpu_new(NULL);
}

static void itimers_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct itimers_cpu *its = obj;

    for (int i = 0; i < 2; i++) {
        its->of[i].interval_ns = ckpt_get_u64(r);
        its->of[i].timer.expires_ns = ckpt_get_u64(r);
    }
}

static void itimers_link(struct ckpt_reader *r, void *obj)
{
    struct itimers_cpu *its = obj;

    if (!its->tg || its->tg->itimers_cpu != its || its->owners != 1) {
        ckpt_bad(r, "nobody's");
        return;
    }
    for (int i = 0; i < 2; i++) {
        struct cpu_timer *c = &its->of[i].timer;
        c->tg = its->tg;
        if (c->expires_ns != UINT64_MAX && cpu_timer_rearm(c, c->expires_ns))
            ckpt_bad(r, "out of memory");
    }
}

static void itimers_hold(void *obj)
{
    ((struct itimers_cpu *)obj)->owners++;
}

static const struct ckpt_field itimers_fields[] = {
    CKPT_WEAK(struct itimers_cpu, tg, &ckpt_thread_group)};

const struct ckpt_type ckpt_itimers_cpu = {
    .name = "interval timers",
    .id = CT_ITIMERS_CPU,
    .version = 1,
    CKPT_TABLE(itimers_fields),
    .save = itimers_save,
    .create = itimers_create,
    .load = itimers_load,
    .link = itimers_link,
    .hold = itimers_hold,
};
CKPT_TYPE_REGISTER(ckpt_itimers_cpu);
