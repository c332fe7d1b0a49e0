/* timerfd_create(2). */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "sentry/ckpt/types.h"
#include "sentry/kernel/task.h"
#include "sentry/time/clock.h"
#include "sentry/vfs/file.h"

/* As good as never: a timer that nobody has read fires no more until somebody does. */
#define UNREAD_NS (3600 * NSEC_PER_SEC)

#ifndef TFD_IOC_SET_TICKS
#define TFD_IOC_SET_TICKS _IOW('T', 0, uint64_t)
#endif

struct timerfd {
    clockid_t clock;
    struct ktimer timer;
    uint64_t interval_ns, ticks;
    uint64_t late_ns; /* it is armed so much after its time: count_ticks() */
    bool is_wall;     /* it waits for a time of the wall clock */
    bool cancel_on_set, canceled;
    int settime_flags;
    struct waitq wq;
    struct file *file; /* weak; of a restored one */
};

/* Counts the expirations until now and waits for the next one, at least for so long. */
static void count_ticks(struct timerfd *tf, uint64_t pause)
{
    uint64_t next = tf->timer.expires_ns - tf->late_ns, now = now_ns();

    if (next <= now) {
        uint64_t n = (now - next) / tf->interval_ns + 1;
        tf->ticks += n;
        next += n * tf->interval_ns;
    }
    tf->late_ns = next < now + pause ? now + pause - next : 0;
    ktimer_arm(&tf->timer, next + tf->late_ns);
}

static void tfd_expired(struct ktimer *k)
{
    struct timerfd *tf = container_of(k, struct timerfd, timer);

    if (tf->interval_ns)
        count_ticks(tf, UNREAD_NS);
    else
        tf->ticks++;
    waitq_wake(&tf->wq, EPOLLIN | EPOLLRDNORM);
}

static ssize_t tfd_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct timerfd *tf = f->priv;

    if (u->resid < sizeof(tf->ticks))
        return -EINVAL;
    while (!tf->ticks && !tf->canceled) {
        if ((f->flags & O_NONBLOCK) || (rwf & 8))
            return -EAGAIN;
        int err = task_wait(t, &tf->wq, NO_DEADLINE);
        if (err)
            return err;
    }
    if (tf->canceled) { /* the clock was set: timerfd_create(2), ECANCELED */
        tf->canceled = false;
        return -ECANCELED;
    }
    if (tf->late_ns && ktimer_armed(&tf->timer))
        count_ticks(tf, 0);
    uint64_t n = tf->ticks;
    tf->ticks = 0;
    return uio_write(u, &n, sizeof(n));
}

static uint32_t tfd_poll(struct file *f, struct poll_table *pt)
{
    struct timerfd *tf = f->priv;

    poll_wait(pt, &tf->wq);
    return tf->ticks || tf->canceled ? EPOLLIN : 0;
}

/* TFD_IOC_SET_TICKS: as many expirations as this were not read yet. */
static long tfd_ioctl(struct task *t, struct file *f, unsigned int cmd, unsigned long arg)
{
    struct timerfd *tf = f->priv;
    uint64_t ticks;

    if (cmd != TFD_IOC_SET_TICKS)
        return -ENOTTY;
    if (get_user(t, &ticks, arg))
        return -EFAULT;
    if (!ticks)
        return -EINVAL;
    if (tf->canceled) {
        tf->canceled = false;
        return -ECANCELED;
    }
    tf->ticks = ticks;
    waitq_wake(&tf->wq, EPOLLIN);
    return 0;
}

static void tfd_release(struct file *f)
{
    struct timerfd *tf = f->priv;

    ktimer_cancel(&tf->timer);
    free(tf);
}

static struct itimerspec tfd_value(const struct timerfd *tf)
{
    struct itimerspec v = {0};
    uint64_t now = now_ns();

    v.it_interval.tv_sec = (time_t)(tf->interval_ns / NSEC_PER_SEC);
    v.it_interval.tv_nsec = (long)(tf->interval_ns % NSEC_PER_SEC);
    if (ktimer_armed(&tf->timer)) {
        uint64_t at = tf->timer.expires_ns - tf->late_ns;
        if (tf->interval_ns && at <= now)
            at += ((now - at) / tf->interval_ns + 1) * tf->interval_ns;
        uint64_t left = at > now ? at - now : 1;
        v.it_value.tv_sec = (time_t)(left / NSEC_PER_SEC);
        v.it_value.tv_nsec = (long)(left % NSEC_PER_SEC);
    }
    return v;
}

static void tfd_fdinfo(struct file *f, struct strbuf *out)
{
    const struct timerfd *tf = f->priv;
    struct itimerspec v = tfd_value(tf);

    strbuf_printf(out,
                  "clockid: %d\nticks: %lu\nsettime flags: 0%o\nit_value: (%ld, %ld)\n"
                  "it_interval: (%ld, %ld)\n",
                  tf->clock, (unsigned long)tf->ticks, (unsigned int)tf->settime_flags,
                  v.it_value.tv_sec, v.it_value.tv_nsec, v.it_interval.tv_sec,
                  v.it_interval.tv_nsec);
}

/* --- checkpoints --- */
static struct timerfd *timerfd_new(void)
{
    struct timerfd *tf = calloc(1, sizeof(*tf));

    if (!tf)
        return NULL;
    waitq_init(&tf->wq);
    ktimer_init(&tf->timer, tfd_expired);
    return tf;
}

static void tfd_save(struct ckpt_writer *w, void *obj)
{
    const struct timerfd *tf = obj;

    struct ktimer k = tf->timer;

    k.expires_ns -= tf->late_ns;
    timer_save(w, &k, tf->is_wall);
}

static void *tfd_create(struct ckpt_reader *r)
{
    return timerfd_new();
}

static bool clock_known(clockid_t id)
{
    return id == CLOCK_REALTIME || id == CLOCK_MONOTONIC || id == CLOCK_BOOTTIME ||
           id == CLOCK_REALTIME_ALARM || id == CLOCK_BOOTTIME_ALARM;
}

static void tfd_load(struct ckpt_reader *r, void *obj, unsigned int version)
{
    struct timerfd *tf = obj;
    uint64_t deadline;

    if (!clock_known(tf->clock) || tf->interval_ns > INT64_MAX)
        ckpt_bad(r, "of clock %d, or without end", tf->clock);
    bool armed = timer_load(r, tf->is_wall, &deadline);
    if (armed && !ckpt_failed(r))
        ktimer_arm(&tf->timer, deadline);
    tf->canceled |= armed && tf->is_wall && tf->cancel_on_set; /* the wall clock has jumped */
}

static int tfd_restore(struct file *f)
{
    struct timerfd *tf = f->priv;

    if (tf->file)
        return -EINVAL;
    tf->file = f;
    return 0;
}

static const struct ckpt_field tfd_fields[] = {
    CKPT_UINT(struct timerfd, clock),
    CKPT_UINT(struct timerfd, interval_ns),
    CKPT_UINT(struct timerfd, ticks),
    CKPT_BOOL(struct timerfd, is_wall),
    CKPT_BOOL(struct timerfd, cancel_on_set),
    CKPT_BOOL(struct timerfd, canceled),
    CKPT_SINCE(2, CKPT_KIND_UINT, struct timerfd, settime_flags),
};

static const struct ckpt_type ckpt_timerfd = {
    .name = "timerfd",
    .id = CT_TIMERFD,
    .version = 2, /* 2: flags for fdinfo */
    CKPT_TABLE(tfd_fields),
    .save = tfd_save,
    .create = tfd_create,
    .load = tfd_load,
};
CKPT_TYPE_REGISTER(ckpt_timerfd);

static const struct file_ops timerfd_ops = {
    .kind = "[timerfd]",
    .read = tfd_read,
    .poll = tfd_poll,
    .ioctl = tfd_ioctl,
    .release = tfd_release,
    .fdinfo = tfd_fdinfo,
    .llseek = noop_llseek,
    .no_seek = true,
    .io = FILE_NOWAIT | FILE_NO_SPLICE_READ,
    .priv_type = &ckpt_timerfd,
    .restore = tfd_restore,
};
CKPT_SYMBOL("file_ops", "timerfd", timerfd_ops);

long sys_timerfd_create(struct task *t, const struct sysargs *a)
{
    clockid_t id = arg_i32(a, 0);
    int flags = arg_i32(a, 1);

    if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK))
        return -EINVAL;
    if (id == CLOCK_REALTIME_ALARM || id == CLOCK_BOOTTIME_ALARM) {
        if (!cred_capable(t->cred, 35 /* CAP_WAKE_ALARM */))
            return -EPERM;
    } else if (id != CLOCK_REALTIME && id != CLOCK_MONOTONIC && id != CLOCK_BOOTTIME) {
        return -EINVAL;
    }
    struct timerfd *tf = timerfd_new();
    if (!tf)
        return -ENOMEM;
    tf->clock = id;
    struct file *f = file_new_anon(&timerfd_ops, 0600, O_RDWR | (flags & O_NONBLOCK), tf);
    if (!f) {
        free(tf);
        return file_new_error();
    }
    return fd_install_steal(t, f, flags & TFD_CLOEXEC);
}

static struct file *tfd_get(struct task *t, int fd, int *err)
{
    struct file *f = fd_get(t, fd);

    *err = f ? 0 : -EBADF;
    if (f && f->ops != &timerfd_ops) {
        file_put(f);
        *err = -EINVAL;
        return NULL;
    }
    return f;
}

long sys_timerfd_settime(struct task *t, const struct sysargs *a)
{
    struct itimerspec new, old;
    int err, flags = arg_i32(a, 1);

    if (get_user(t, &new, arg_u64(a, 2)))
        return -EFAULT;
    if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) || !timespec_valid(&new.it_value) ||
        !timespec_valid(&new.it_interval))
        return -EINVAL;
    cleanup_file struct file *f = tfd_get(t, arg_i32(a, 0), &err);
    if (!f)
        return err;
    struct timerfd *tf = f->priv;
    old = tfd_value(tf);
    ktimer_cancel(&tf->timer);
    tf->ticks = tf->late_ns = 0;
    tf->is_wall = (flags & TFD_TIMER_ABSTIME) && clock_is_wall(tf->clock);
    tf->cancel_on_set = tf->is_wall && (flags & TFD_TIMER_CANCEL_ON_SET);
    tf->canceled = false;
    tf->settime_flags = flags;
    tf->interval_ns = MIN((uint64_t) new.it_interval.tv_sec, 1UL << 32) * NSEC_PER_SEC +
                      (uint64_t) new.it_interval.tv_nsec;
    if (new.it_value.tv_sec || new.it_value.tv_nsec) {
        clockid_t id = tf->clock == CLOCK_REALTIME_ALARM   ? CLOCK_REALTIME
                       : tf->clock == CLOCK_BOOTTIME_ALARM ? CLOCK_BOOTTIME
                                                           : tf->clock;
        ktimer_arm(&tf->timer, clock_to_deadline(id, &new.it_value, flags & TFD_TIMER_ABSTIME));
    }
    return arg_u64(a, 3) ? put_user(t, &old, arg_u64(a, 3)) : 0;
}

long sys_timerfd_gettime(struct task *t, const struct sysargs *a)
{
    int err;
    cleanup_file struct file *f = tfd_get(t, arg_i32(a, 0), &err);

    if (!f)
        return err;
    struct timerfd *tf = f->priv;
    struct itimerspec v = tfd_value(tf);
    if (tf->late_ns)
        count_ticks(tf, 0);
    return put_user(t, &v, arg_u64(a, 1));
}
