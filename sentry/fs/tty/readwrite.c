/* read(2), write(2) and poll(2) of the side that programs use. */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "sentry/fs/tty/tty.h"
#include "sentry/kernel/task.h"

#define FLAG TTY_FLAG

/* --- reading --- */
/* A line: how many bytes of it go to a reader of max, and in *taken how many are used up. */
static size_t line_length(const struct tty *t, size_t max, size_t *taken)
{
    size_t look = MIN(t->done, max + 1), i = 0;

    while (i < look && !tty_line_ends(t, i))
        i++;
    bool eof = i < look && !t->in[i];
    size_t n = MIN(i + (i < look && !eof), max);
    *taken = eof ? i + 1 : n;
    return n;
}

/* Bytes that a read waits for in noncanonical mode. */
static size_t wanted(const struct tty *t, size_t max)
{
    return MIN(MAX((size_t)t->termios.c_cc[VMIN], 1UL), max);
}

static bool can_read(const struct tty *t, size_t max)
{
    return t->done >= (FLAG(t, c_lflag, ICANON) ? 1 : wanted(t, max));
}

static uint64_t read_deadline(const struct tty *t)
{
    bool timed = !FLAG(t, c_lflag, ICANON) && t->termios.c_cc[VTIME];

    if (!timed || (t->termios.c_cc[VMIN] && !t->done))
        return NO_DEADLINE;
    return now_ns() + t->termios.c_cc[VTIME] * 100ULL * NSEC_PER_MSEC;
}

/* 0: something is there, or the wait is over without; what is there is read in any case. */
static int wait_for_input(struct task *task, struct file *f, struct tty *t, size_t max)
{
    while (!can_read(t, max)) {
        bool canon = FLAG(t, c_lflag, ICANON);
        if (tty_file_is_hung(f))
            return 0;
        if (!canon && !t->termios.c_cc[VMIN] && !t->termios.c_cc[VTIME])
            return 0;
        if (f->flags & O_NONBLOCK)
            return t->done ? 0 : -EAGAIN;
        int err = task_wait(task, &t->in_wq, read_deadline(t));
        if (err == -ETIMEDOUT || (err && t->done && !canon))
            return 0;
        if (err)
            return err;
    }
    return 0;
}

static void drop_input(struct tty *t, size_t n)
{
    size_t left = t->len - n;

    memmove(t->in, t->in + n, left);
    for (size_t i = 0; i < left; i++)
        tty_set_line_end(t, i, tty_line_ends(t, i + n));
    t->done -= n;
    t->len = left;
    tty_input_continue(t);
}

ssize_t tty_read(struct task *task, struct file *f, struct tty *t, struct uio *u)
{
    size_t taken;

    int err = tty_job_control(task, t, SIGTTIN);
    if (!err && u->resid)
        err = wait_for_input(task, f, t, u->resid);
    if (err || !u->resid)
        return err;
    size_t n = taken = MIN(t->done, u->resid);
    if (FLAG(t, c_lflag, ICANON))
        n = line_length(t, u->resid, &taken);
    ssize_t r = n ? uio_write(u, t->in, n) : 0;
    if (r < 0)
        return r;
    if (taken)
        drop_input(t, (size_t)r < n ? (size_t)r : taken);
    return r;
}

/* --- writing --- */
ssize_t tty_write(struct task *task, struct file *f, struct tty *t, struct uio *u)
{
    size_t done = 0;

    if (FLAG(t, c_lflag, TOSTOP)) {
        int err = tty_job_control(task, t, SIGTTOU);
        if (err)
            return err;
    }
    while (u->resid) {
        unsigned char c;
        if (tty_file_is_hung(f))
            return done ? (ssize_t)done : -EIO;
        if (t->stopped || !tty_out_room(t, 8)) {
            int err = f->flags & O_NONBLOCK ? -EAGAIN : task_wait(task, &t->out_wq, NO_DEADLINE);
            if (err)
                return done ? (ssize_t)done : err;
            continue;
        }
        if (uio_read(u, &c, 1) != 1)
            return done ? (ssize_t)done : -EFAULT;
        tty_write_byte(t, c);
        done++;
    }
    return (ssize_t)done;
}

uint32_t tty_poll(struct tty *t, struct poll_table *pt)
{
    bool counted = !FLAG(t, c_lflag, ICANON) && !t->termios.c_cc[VTIME];
    uint32_t e = 0;

    poll_wait(pt, &t->in_wq);
    poll_wait(pt, &t->out_wq);
    if (t->done >= (counted ? MAX((size_t)t->termios.c_cc[VMIN], 1UL) : 1))
        e |= EPOLLIN | EPOLLRDNORM;
    if (!t->stopped && tty_out_room(t, 8))
        e |= EPOLLOUT | EPOLLWRNORM;
    return e;
}
