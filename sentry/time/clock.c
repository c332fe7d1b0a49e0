/* Clocks: clock_gettime(2), gettimeofday(2), nanosleep(2), clock_nanosleep(2). */
#include <errno.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

#include "base/macros.h"
#include "ckpt/record.h"
#include "platform/vdso/vdso.h"
#include "sentry/kernel/rusage.h"
#include "sentry/ns/ns.h"
#include "sentry/kernel/task.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/sandbox.h"
#include "sentry/time/clock.h"

#define CAP_SYS_TIME 25

static int64_t offset_ns;
static uint64_t boot_ns; /* of a restored sandbox */

void time_set_offset(int64_t ns)
{
    offset_ns = ns;
    vdso_set_offset(ns);
}

int64_t time_offset(void)
{
    return offset_ns;
}

uint64_t time_from_guest(uint64_t guest_ns)
{
    if (offset_ns > 0)
        return guest_ns > (uint64_t)offset_ns ? guest_ns - (uint64_t)offset_ns : 0;
    uint64_t behind = (uint64_t)0 - (uint64_t)offset_ns;
    return guest_ns < NO_DEADLINE - 1 - behind ? guest_ns + behind : NO_DEADLINE - 1;
}

uint64_t time_guest_ns(void)
{
    return now_ns() + (uint64_t)offset_ns;
}

uint64_t time_boot_ns(void)
{
    return boot_ns ? boot_ns : sandbox->boot_ns;
}

void time_set_boot(uint64_t guest_ns)
{
    boot_ns = guest_ns;
}

uint64_t time_uptime_ns(void)
{
    return time_guest_ns() - time_boot_ns();
}

static int guest_clock(clockid_t id, struct timespec *ts)
{
    if (clock_gettime(id, ts))
        return -errno;
    if (!offset_ns || !vdso_is_monotonic((uint32_t)id))
        return 0;
    int64_t ns = ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec + offset_ns;
    *ts = (struct timespec){ns / NSEC_PER_SEC, ns % NSEC_PER_SEC};
    return 0;
}

/* CPU clocks of a process or thread: include/linux/posix-timers.h */
static int cpu_clock(struct task *t, clockid_t id, struct timespec *ts)
{
    struct thread_group *tg = t->tg;

    if (id < 0) {
        pid_t pid = ~(id >> 3);
        struct task *o = pid ? task_find_nr(pid) : t;
        if ((id & 3) == 3 || !o)
            return -EINVAL;
        tg = o->tg;
    }
    uint64_t ns = tg_cpu_ns(tg);
    *ts = (struct timespec){(time_t)(ns / NSEC_PER_SEC), (long)(ns % NSEC_PER_SEC)};
    return 0;
}

int clock_read(struct task *t, clockid_t id, struct timespec *ts)
{
    switch (id) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_TAI:
        return guest_clock(id, ts);
    case CLOCK_REALTIME_ALARM:
        return guest_clock(CLOCK_REALTIME, ts);
    case CLOCK_BOOTTIME_ALARM:
        return guest_clock(CLOCK_BOOTTIME, ts);
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        return cpu_clock(t, id, ts);
    default:
        return id < 0 ? cpu_clock(t, id, ts) : -EINVAL;
    }
}

uint64_t clock_to_deadline(clockid_t id, const struct timespec *ts, bool absolute)
{
    struct timespec now;

    if (!absolute)
        return deadline_after(ts);
    if (ts->tv_sec >= INT64_MAX / NSEC_PER_SEC)
        return NO_DEADLINE - 1;
    uint64_t at = (uint64_t)ts->tv_sec * NSEC_PER_SEC + (uint64_t)ts->tv_nsec, mono = now_ns();
    if (id == CLOCK_MONOTONIC)
        return time_from_guest(at);
    guest_clock(id, &now);
    uint64_t n = (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
    return at > n ? mono + (at - n) : mono;
}

void timer_save(struct ckpt_writer *w, const struct ktimer *k, bool is_wall)
{
    bool armed = ktimer_armed(k);
    uint64_t at = k->expires_ns;

    ckpt_put_u8(w, armed);
    if (!armed)
        return;
    if (is_wall)
        ckpt_put_u64(w, realtime_ns() + at - now_ns());
    else
        ckpt_put_time(w, at);
}

bool timer_load(struct ckpt_reader *r, bool is_wall, uint64_t *deadline)
{
    if (!ckpt_get_u8(r))
        return false;
    if (!is_wall) {
        *deadline = ckpt_get_time(r);
        return true;
    }
    uint64_t at = ckpt_get_u64(r), real = realtime_ns(), left = at > real ? at - real : 0;
    *deadline = MIN(left, (uint64_t)INT64_MAX) + now_ns();
    return true;
}

bool timespec_valid(const struct timespec *ts)
{
    return ts->tv_sec >= 0 && ts->tv_nsec >= 0 && ts->tv_nsec < NSEC_PER_SEC;
}

/* The caller's own thread clock, under either name. */
static bool is_own_thread(const struct task *t, clockid_t id)
{
    pid_t tid = ~(id >> 3);

    return id == CLOCK_THREAD_CPUTIME_ID ||
           (id < 0 && (id & 7) == 6 && (!tid || tid == task_nr(t)));
}

long sys_clock_gettime(struct task *t, const struct sysargs *a)
{
    struct timespec ts;

    if (is_own_thread(t, arg_i32(a, 0))) {
        uint64_t ns = task_cpu_ns(t);
        ts = (struct timespec){(time_t)(ns / NSEC_PER_SEC), (long)(ns % NSEC_PER_SEC)};
        return put_user(t, &ts, arg_u64(a, 1));
    }
    int err = clock_read(t, arg_i32(a, 0), &ts);

    if (!err && offset_ns && vdso_is_monotonic(arg_u32(a, 0)) && vdso_is_hosts(t->ev.sys.ip))
        err = clock_gettime(arg_i32(a, 0), &ts) ? -errno : 0; /* our vDSO adds the offset */
    return err ? err : put_user(t, &ts, arg_u64(a, 1));
}

long sys_clock_getres(struct task *t, const struct sysargs *a)
{
    struct timespec ts, res = {0, 1};
    clockid_t id = arg_i32(a, 0);
    int err = clock_read(t, id, &ts);

    if (err)
        return err;
    if (id == CLOCK_REALTIME_COARSE || id == CLOCK_MONOTONIC_COARSE)
        clock_getres(id, &res);
    return arg_u64(a, 1) ? put_user(t, &res, arg_u64(a, 1)) : 0;
}

long sys_clock_settime(struct task *t, const struct sysargs *a)
{
    struct timespec ts;

    if (arg_i32(a, 0) != CLOCK_REALTIME)
        return -EINVAL;
    if (get_user(t, &ts, arg_u64(a, 1)))
        return -EFAULT;
    return timespec_valid(&ts) ? -EPERM : -EINVAL; /* the clock is the host's */
}

long sys_gettimeofday(struct task *t, const struct sysargs *a)
{
    uint64_t ns = realtime_ns();
    struct timeval tv = {(time_t)(ns / NSEC_PER_SEC), (suseconds_t)(ns % NSEC_PER_SEC / 1000)};
    struct timezone tz = {0};

    if (arg_u64(a, 0) && put_user(t, &tv, arg_u64(a, 0)))
        return -EFAULT;
    return arg_u64(a, 1) ? put_user(t, &tz, arg_u64(a, 1)) : 0;
}

long sys_settimeofday(struct task *t, const struct sysargs *a)
{
    struct timeval tv;
    struct timezone tz;

    if (arg_u64(a, 0) && get_user(t, &tv, arg_u64(a, 0)))
        return -EFAULT;
    if (arg_u64(a, 0) && (tv.tv_usec < 0 || tv.tv_usec > 999999))
        return -EINVAL;
    if (arg_u64(a, 1) && get_user(t, &tz, arg_u64(a, 1)))
        return -EFAULT;
    return arg_u64(a, 0) || arg_u64(a, 1) ? -EPERM : 0;
}

long sys_time(struct task *t, const struct sysargs *a)
{
    int64_t now = (int64_t)(realtime_ns() / NSEC_PER_SEC);

    if (arg_u64(a, 0) && put_user(t, &now, arg_u64(a, 0)))
        return -EFAULT;
    return now;
}

static long do_adjtime(struct task *t, uint64_t addr)
{
    struct timex tx;

    if (get_user(t, &tx, addr))
        return -EFAULT;
    if (tx.modes)
        return -EPERM;
    int r = adjtimex(&tx);
    if (r < 0)
        return -errno;
    return put_user(t, &tx, addr) ? -EFAULT : r;
}

long sys_adjtimex(struct task *t, const struct sysargs *a)
{
    return do_adjtime(t, arg_u64(a, 0));
}

long sys_clock_adjtime(struct task *t, const struct sysargs *a)
{
    int id = arg_i32(a, 0);

    if (id == CLOCK_REALTIME)
        return do_adjtime(t, arg_u64(a, 1));
    /* Clocks of processes are known, but nobody's to adjust. */
    return id < 0 && (id & 7) != 3 ? -EOPNOTSUPP : -EINVAL;
}

/* --- sleeping --- */
static long sleep_until(struct task *t, uint64_t deadline, uint64_t rem_addr, bool absolute);

static long restart_sleep(struct task *t, void *data)
{
    return sleep_until(t, t->restart_deadline_ns, t->restart_data.u64[0], false);
}
CKPT_FUNCTION("restart", "sleep", restart_sleep);

static long sleep_until(struct task *t, uint64_t deadline, uint64_t rem_addr, bool absolute)
{
    struct waitq never;

    waitq_init(&never);
    int err = task_wait(t, &never, deadline);
    if (err == -ETIMEDOUT)
        return 0;
    if (absolute)
        return -ERESTARTNOHAND;
    uint64_t now = now_ns(), left = deadline > now ? deadline - now : 0;
    struct timespec rem = {(time_t)(left / NSEC_PER_SEC), (long)(left % NSEC_PER_SEC)};
    if (rem_addr && put_user(t, &rem, rem_addr))
        return -EFAULT;
    t->restart_fn = restart_sleep;
    t->restart_deadline_ns = deadline;
    t->restart_data.u64[0] = rem_addr;
    return -ERESTART_RESTARTBLOCK;
}

long sys_nanosleep(struct task *t, const struct sysargs *a)
{
    struct timespec ts;

    if (get_user(t, &ts, arg_u64(a, 0)))
        return -EFAULT;
    if (!timespec_valid(&ts))
        return -EINVAL;
    return sleep_until(t, deadline_after(&ts), arg_u64(a, 1), false);
}

long sys_clock_nanosleep(struct task *t, const struct sysargs *a)
{
    clockid_t id = arg_i32(a, 0);
    bool absolute = arg_i32(a, 1) & TIMER_ABSTIME;
    struct timespec ts, probe;

    if (clock_read(t, id, &probe))
        return -EINVAL;
    if (id == CLOCK_THREAD_CPUTIME_ID || id == CLOCK_MONOTONIC_RAW || id == CLOCK_REALTIME_COARSE ||
        id == CLOCK_MONOTONIC_COARSE)
        return -EOPNOTSUPP;
    if (get_user(t, &ts, arg_u64(a, 2)))
        return -EFAULT;
    if (!timespec_valid(&ts))
        return -EINVAL;
    return sleep_until(t, clock_to_deadline(id, &ts, absolute), arg_u64(a, 3), absolute);
}

long sys_restart_syscall(struct task *t, const struct sysargs *a)
{
    long (*fn)(struct task * t, void *data) = t->restart_fn;

    t->restart_fn = NULL;
    return fn ? fn(t, NULL) : -EINTR;
}
