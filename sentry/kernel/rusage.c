/*
 * CPU time: getrusage(2), times(2). Guest code runs in host processes, whose CPU clocks tell the
 * time it has used; what the sentry spends on its behalf is not known per process, so that all of
 * it counts as user time.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

#include "base/macros.h"
#include "sentry/kernel/rusage.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/mm/mm.h"
#include "sentry/mm/usage.h"
#include "sentry/time/clock.h"

#define CLK_TCK_NS 10000000
#define PEAK_FRESH_NS 50000000 /* to ask takes 0.1 ms */

struct sandbox_totals sandbox_totals;

static uint64_t aspace_cpu_ns(struct mm *mm)
{
    pid_t pid = platform->aspace_pid(mm->as);
    struct timespec ts;

    /* CPUCLOCK_SCHED of a process: include/linux/posix-timers.h */
    if (pid <= 0 || clock_gettime((clockid_t)(~(unsigned int)pid << 3 | 2), &ts))
        return 0;
    return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t tg_cpu_ns(struct thread_group *tg)
{
    uint64_t past = (uint64_t)tg->ru_self.ru_utime.tv_sec * NSEC_PER_SEC +
                    (uint64_t)tg->ru_self.ru_utime.tv_usec * NSEC_PER_USEC;

    return past + tg->cpu_rest_ns +
           (tg->leader && tg->leader->mm ? aspace_cpu_ns(tg->leader->mm) : 0);
}

uint64_t sandbox_cpu_ns(void)
{
    struct thread_group *tg;
    uint64_t ns = sandbox_totals.gone_cpu_ns;

    list_for_each(tg, &all_thread_groups, all_node)
        ns += tg_cpu_ns(tg);
    return ns;
}

/*
 * Resident memory is the host's to know. It is asked at most so often, unless more is mapped now,
 * and not at the end of a process, where what is mapped privately and writable stands in for it.
 */
static void note_peak(struct task *t, bool ask)
{
    struct rusage *ru = &t->tg->ru_self;

    if (ask)
        mm_usage_ask(t->mm, PEAK_FRESH_NS);
    uint64_t bytes = ask ? t->mm->usage.peak : t->mm->data_vm;
    ru->ru_maxrss = MAX(ru->ru_maxrss, (long)(bytes / 1024));
}

static bool shares_memory(const struct task *t)
{
    struct thread_group *tg;
    struct task *o;

    if (t->mm->refs == 1)
        return false;
    list_for_each(tg, &all_thread_groups, all_node) {
        list_for_each(o, &tg->tasks, tg_node) {
            if (o != t && o->mm == t->mm)
                return true;
        }
    }
    return false; /* the other reference is that of a restore */
}

void task_account(struct task *t)
{
    if (!t->mm || shares_memory(t))
        return;
    note_peak(t, false);
    uint64_t ns = aspace_cpu_ns(t->mm);
    struct timeval tv = {.tv_sec = (time_t)(ns / NSEC_PER_SEC),
                         .tv_usec = (suseconds_t)(ns % NSEC_PER_SEC / NSEC_PER_USEC)};
    timeradd(&t->tg->ru_self.ru_utime, &tv, &t->tg->ru_self.ru_utime);
}

static void io_add(struct task_io *to, const struct task_io *io)
{
    to->rchar += io->rchar;
    to->wchar += io->wchar;
    to->syscr += io->syscr;
    to->syscw += io->syscw;
}

struct task_io tg_io(const struct thread_group *tg)
{
    struct task_io io = tg->io_past;
    const struct task *t;

    list_for_each(t, &tg->tasks, tg_node)
        io_add(&io, &t->io);
    return io;
}

long tg_nvcsw(const struct thread_group *tg)
{
    long n = tg->ru_self.ru_nvcsw;
    const struct task *t;

    list_for_each(t, &tg->tasks, tg_node)
        n += (long)t->nvcsw;
    return n;
}

void task_leave_account(const struct task *t)
{
    io_add(&t->tg->io_past, &t->io);
    t->tg->ru_self.ru_nvcsw += (long)t->nvcsw;
}

void tg_leave_account(const struct thread_group *tg)
{
    struct rusage *to = &tg->parent->ru_children;
    const struct rusage *own[] = {&tg->ru_self, &tg->ru_children};

    for (int i = 0; i < 2; i++) {
        timeradd(&to->ru_utime, &own[i]->ru_utime, &to->ru_utime);
        timeradd(&to->ru_stime, &own[i]->ru_stime, &to->ru_stime);
        to->ru_maxrss = MAX(to->ru_maxrss, own[i]->ru_maxrss);
        to->ru_nvcsw += own[i]->ru_nvcsw;
    }
    io_add(&tg->parent->io_past, &tg->io_past);
}

uint64_t task_cpu_ns(struct task *t)
{
    uint64_t ns = 0;

    if (t->thr && platform->thread_cpu_ns(t->thr, &ns))
        ns = 0;
    return t->cpu_past_ns + ns;
}

/* What a process has used is never less than what one of its threads has. */
void cpu_times_sample(void)
{
    struct thread_group *tg;
    struct task *t;

    list_for_each(tg, &all_thread_groups, all_node) {
        list_for_each(t, &tg->tasks, tg_node)
            t->cpu_sampled_ns = task_cpu_ns(t);
        tg->cpu_sampled_ns = tg_cpu_ns(tg);
    }
}

long sys_getrusage(struct task *t, const struct sysargs *a)
{
    struct rusage ru;
    uint64_t ns;

    switch (arg_i32(a, 0)) {
    case RUSAGE_SELF:
    case RUSAGE_THREAD:
        ns = arg_i32(a, 0) == RUSAGE_THREAD ? task_cpu_ns(t) : tg_cpu_ns(t->tg);
        note_peak(t, true);
        ru = t->tg->ru_self;
        ru.ru_utime.tv_sec = (time_t)(ns / NSEC_PER_SEC);
        ru.ru_utime.tv_usec = (suseconds_t)(ns % NSEC_PER_SEC / NSEC_PER_USEC);
        ru.ru_nvcsw = arg_i32(a, 0) == RUSAGE_THREAD ? (long)t->nvcsw : tg_nvcsw(t->tg);
        break;
    case RUSAGE_CHILDREN:
        ru = t->tg->ru_children;
        break;
    default:
        return -EINVAL;
    }
    return put_user(t, &ru, arg_u64(a, 1));
}

static clock_t tv_ticks(const struct timeval *tv)
{
    return tv->tv_sec * 100 + tv->tv_usec / 10000;
}

long sys_times(struct task *t, const struct sysargs *a)
{
    struct tms tms = {
        .tms_utime = (clock_t)(tg_cpu_ns(t->tg) / CLK_TCK_NS),
        .tms_cutime = tv_ticks(&t->tg->ru_children.ru_utime),
        .tms_cstime = tv_ticks(&t->tg->ru_children.ru_stime),
    };

    if (arg_u64(a, 0) && put_user(t, &tms, arg_u64(a, 0)))
        return -EFAULT;
    return (long)(time_guest_ns() / CLK_TCK_NS);
}
