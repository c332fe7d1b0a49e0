/* timerfd_create(2). */
#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "sentry/kernel/task.h"
#include "sentry/time/clock.h"
#include "sentry/vfs/file.h"

struct timerfd {
    clockid_t clock;
    struct ktimer timer;
    uint64_t interval_ns, ticks;
    struct waitq wq;
};

static void tfd_expired(struct ktimer *k)
{
    struct timerfd *tf = container_of(k, struct timerfd, timer);

    tf->ticks++;
    if (tf->interval_ns) {
        uint64_t next = k->expires_ns + tf->interval_ns, now = now_ns();
        if (next <= now) {
            uint64_t missed = (now - next) / tf->interval_ns + 1;
            tf->ticks += missed;
            next += missed * tf->interval_ns;
        }
        ktimer_arm(k, next);
    }
    waitq_wake(&tf->wq, EPOLLIN | EPOLLRDNORM);
}

static ssize_t tfd_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct timerfd *tf = f->priv;

    if (u->resid < sizeof(tf->ticks))
        return -EINVAL;
    while (!tf->ticks) {
        if ((f->flags & O_NONBLOCK) || (rwf & 8))
            return -EAGAIN;
        int err = task_wait(t, &tf->wq, NO_DEADLINE);
        if (err)
            return err;
    }
    uint64_t n = tf->ticks;
    tf->ticks = 0;
    return uio_write(u, &n, sizeof(n));
}

static uint32_t tfd_poll(struct file *f, struct poll_table *pt)
{
    struct timerfd *tf = f->priv;

    poll_wait(pt, &tf->wq);
    return tf->ticks ? EPOLLIN | EPOLLRDNORM : 0;
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
        uint64_t left = tf->timer.expires_ns > now ? tf->timer.expires_ns - now : 1;
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
                  "clockid: %d\nticks: %lu\nsettime flags: 00\nit_value: (%ld, %ld)\n"
                  "it_interval: (%ld, %ld)\n",
                  tf->clock, (unsigned long)tf->ticks, v.it_value.tv_sec, v.it_value.tv_nsec,
                  v.it_interval.tv_sec, v.it_interval.tv_nsec);
}

static const struct file_ops timerfd_ops = {
    .kind = "[timerfd]",
    .read = tfd_read,
    .poll = tfd_poll,
    .release = tfd_release,
    .fdinfo = tfd_fdinfo,
    .llseek = noop_llseek,
    .no_seek = true,
};

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
    struct timerfd *tf = calloc(1, sizeof(*tf));
    if (!tf)
        return -ENOMEM;
    tf->clock = id;
    waitq_init(&tf->wq);
    ktimer_init(&tf->timer, tfd_expired);
    struct file *f = file_new_anon(&timerfd_ops, 0600, O_RDWR | (flags & O_NONBLOCK), tf);
    if (!f) {
        free(tf);
        return -ENOMEM;
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
    tf->ticks = 0;
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
    struct itimerspec v = tfd_value(f->priv);
    return put_user(t, &v, arg_u64(a, 1));
}
