/* The line discipline: termios(3), n_tty of the kernel. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "sentry/fs/tty/tty.h"
#include "sentry/kernel/task.h"

#define HOST_PATIENCE_MS 100
#define FLAG(t, field, bit) ((t)->termios.field & (bit))

static void put_host(struct tty *t, unsigned char c)
{
    struct pollfd p = {.fd = t->host_fd, .events = POLLOUT};

    /* A slow terminal is waited for a little, a stuck one loses output: the loop must go on. */
    while (write(t->host_fd, &c, 1) < 0 && errno == EAGAIN)
        if (poll(&p, 1, HOST_PATIENCE_MS) <= 0)
            break;
}

bool tty_out_room(const struct tty *t, size_t n)
{
    return t->index < 0 || t->out_len + n <= TTY_BUF;
}

static void put_raw(struct tty *t, unsigned char c)
{
    if (t->host_fd >= 0) {
        put_host(t, c);
    } else if (t->index >= 0 && t->out_len < TTY_BUF) {
        t->out[t->out_len++] = c;
        waitq_wake(&t->out_wq, EPOLLIN | EPOLLRDNORM);
    }
}

int tty_write_byte(struct tty *t, unsigned char c)
{
    if (!tty_out_room(t, 8))
        return -EAGAIN;
    if (!FLAG(t, c_oflag, OPOST)) {
        put_raw(t, c);
        return 0;
    }
    switch (c) {
    case '\n':
        if (FLAG(t, c_oflag, ONLCR))
            put_raw(t, '\r');
        t->column = 0;
        break;
    case '\r':
        if (FLAG(t, c_oflag, OCRNL)) {
            c = '\n';
        } else if (FLAG(t, c_oflag, ONOCR) && t->column == 0) {
            return 0;
        }
        t->column = 0;
        break;
    case '\t':
        if (FLAG(t, c_oflag, TABDLY) == XTABS) {
            do
                put_raw(t, ' ');
            while (++t->column % 8);
            return 0;
        }
        t->column = (t->column + 8) & ~7UL;
        break;
    case '\b':
        t->column -= t->column > 0;
        break;
    default:
        if (FLAG(t, c_oflag, OLCUC) && c >= 'a' && c <= 'z')
            c = (unsigned char)(c - 32);
        t->column += c >= 32;
    }
    put_raw(t, c);
    return 0;
}

static void echo(struct tty *t, unsigned char c)
{
    if (FLAG(t, c_lflag, ECHOCTL) && (c < 32 || c == 127) && c != '\n' && c != '\t') {
        tty_write_byte(t, '^');
        tty_write_byte(t, c ^ 64);
    } else {
        tty_write_byte(t, c);
    }
}

static void erase_shown(struct tty *t, unsigned char c)
{
    int cells = FLAG(t, c_lflag, ECHOCTL) && (c < 32 || c == 127) ? 2 : 1;

    while (cells--) {
        tty_write_byte(t, '\b');
        tty_write_byte(t, ' ');
        tty_write_byte(t, '\b');
    }
}

/* Takes one character (of UTF-8, all its bytes) off the line. */
static bool erase_one(struct tty *t)
{
    if (t->len == t->done)
        return false;
    unsigned char c = t->in[--t->len];
    while (FLAG(t, c_iflag, IUTF8) && (c & 0xc0) == 0x80 && t->len > t->done)
        c = t->in[--t->len];
    if (FLAG(t, c_lflag, ECHO) && FLAG(t, c_lflag, ECHOE))
        erase_shown(t, c);
    return true;
}

static void signal_foreground(struct tty *t, int sig, unsigned char c)
{
    siginfo_t info;

    if (!FLAG(t, c_lflag, NOFLSH)) {
        t->len = t->done = 0;
        t->lines = 0;
        t->out_len = 0;
    }
    if (FLAG(t, c_lflag, ECHO))
        echo(t, c);
    if (!t->session || !t->session->foreground)
        return;
    siginfo_kernel(&info, sig);
    signal_send_pgrp(t->session->foreground->id, &info);
}

static bool is_cc(const struct tty *t, int which, unsigned char c)
{
    return t->termios.c_cc[which] && t->termios.c_cc[which] == c;
}

static bool signal_char(struct tty *t, unsigned char c)
{
    int sig = is_cc(t, VINTR, c)   ? SIGINT
              : is_cc(t, VQUIT, c) ? SIGQUIT
              : is_cc(t, VSUSP, c) ? SIGTSTP
                                   : 0;

    if (!sig || !FLAG(t, c_lflag, ISIG))
        return false;
    signal_foreground(t, sig, c);
    return true;
}

static void line_done(struct tty *t)
{
    t->done = t->len;
    t->lines++;
    waitq_wake(&t->in_wq, EPOLLIN | EPOLLRDNORM);
}

/* The editing characters of canonical mode; true if c was one. */
static bool edit_char(struct tty *t, unsigned char c)
{
    if (is_cc(t, VERASE, c)) {
        erase_one(t);
        return true;
    }
    if (is_cc(t, VKILL, c)) {
        while (erase_one(t))
            ;
        return true;
    }
    if (FLAG(t, c_lflag, IEXTEN) && is_cc(t, VWERASE, c)) {
        while (t->len > t->done && t->in[t->len - 1] == ' ')
            erase_one(t);
        while (t->len > t->done && t->in[t->len - 1] != ' ')
            erase_one(t);
        return true;
    }
    if (FLAG(t, c_lflag, IEXTEN) && is_cc(t, VREPRINT, c)) {
        echo(t, c);
        tty_write_byte(t, '\n');
        for (size_t i = t->done; i < t->len; i++)
            echo(t, t->in[i]);
        return true;
    }
    if (is_cc(t, VEOF, c)) {
        if (t->len == t->done)
            t->eof = true;
        line_done(t);
        return true;
    }
    return false;
}

static bool input_byte(struct tty *t, unsigned char c)
{
    bool canon = FLAG(t, c_lflag, ICANON);

    if (FLAG(t, c_iflag, ISTRIP))
        c &= 127;
    if (c == '\r') {
        if (FLAG(t, c_iflag, IGNCR))
            return true;
        if (FLAG(t, c_iflag, ICRNL))
            c = '\n';
    } else if (c == '\n' && FLAG(t, c_iflag, INLCR)) {
        c = '\r';
    }
    if (signal_char(t, c))
        return true;
    if (FLAG(t, c_iflag, IXON) && (is_cc(t, VSTOP, c) || is_cc(t, VSTART, c))) {
        t->stopped = is_cc(t, VSTOP, c);
        waitq_wake(&t->out_wq, EPOLLOUT | EPOLLWRNORM);
        return true;
    }
    if (canon && edit_char(t, c))
        return true;
    bool ends = c == '\n' || is_cc(t, VEOL, c) || is_cc(t, VEOL2, c);
    if (t->len >= (size_t)TTY_BUF - (canon && !ends))
        return canon; /* a line that is too long loses its end; raw input waits */
    if (FLAG(t, c_lflag, ECHO) || (c == '\n' && FLAG(t, c_lflag, ECHONL) && canon))
        echo(t, c);
    t->in[t->len++] = c;
    if (canon && ends) {
        line_done(t);
    } else if (!canon) {
        t->done = t->len;
        waitq_wake(&t->in_wq, EPOLLIN | EPOLLRDNORM);
    }
    return true;
}

size_t tty_input(struct tty *t, const unsigned char *buf, size_t n)
{
    size_t i = 0;

    while (i < n && input_byte(t, buf[i]))
        i++;
    return i;
}

/* --- reading and writing by the guest --- */
/* Background processes may not read (TTIN), nor write with TOSTOP (TTOU). */
static int job_control(struct task *task, struct tty *t, int sig)
{
    struct thread_group *tg = task->tg;
    siginfo_t info;

    if (tg->session == NULL || tg->session->tty != t || !tg->session->foreground ||
        tg->pgrp == tg->session->foreground)
        return 0;
    bool ignored = tg->sighand->action[sig].handler == (uint64_t)SIG_IGN ||
                   (task->sig.blocked & ksig_bit(sig));
    if (ignored)
        return sig == SIGTTIN ? -EIO : 0;
    siginfo_kernel(&info, sig);
    signal_send_pgrp(tg->pgrp->id, &info);
    return -ERESTARTSYS;
}

static size_t line_length(const struct tty *t)
{
    for (size_t i = 0; i < t->done; i++)
        if (t->in[i] == '\n' || is_cc(t, VEOL, t->in[i]) || is_cc(t, VEOL2, t->in[i]))
            return i + 1;
    return t->done;
}

static bool readable(const struct tty *t)
{
    if (FLAG(t, c_lflag, ICANON))
        return t->lines > 0 || t->eof;
    return t->done >= MAX((size_t)t->termios.c_cc[VMIN], 1UL) ||
           (t->done && t->termios.c_cc[VTIME]);
}

static uint64_t read_deadline(const struct tty *t)
{
    bool timed = !FLAG(t, c_lflag, ICANON) && t->termios.c_cc[VTIME];

    if (!timed || (t->termios.c_cc[VMIN] && !t->done))
        return NO_DEADLINE;
    return now_ns() + t->termios.c_cc[VTIME] * 100ULL * NSEC_PER_MSEC;
}

static void drop_input(struct tty *t, size_t n)
{
    memmove(t->in, t->in + n, t->len - n);
    t->done -= n;
    t->len -= n;
}

ssize_t tty_read(struct task *task, struct file *f, struct tty *t, struct uio *u)
{
    bool canon = FLAG(t, c_lflag, ICANON);

    int err = job_control(task, t, SIGTTIN);
    if (err)
        return err;
    if (!u->resid)
        return 0;
    while (!readable(t)) {
        if (tty_is_hung(t))
            return t->done || t->index < 0 ? 0 : -EIO;
        if (!canon && !t->termios.c_cc[VMIN] && !t->termios.c_cc[VTIME])
            break;
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        err = task_wait(task, &t->in_wq, read_deadline(t));
        if (err == -ETIMEDOUT)
            break;
        if (err)
            return err;
        canon = FLAG(t, c_lflag, ICANON);
    }
    size_t n = canon ? line_length(t) : t->done;
    bool whole = n <= u->resid;
    n = MIN(n, u->resid);
    ssize_t r = n ? uio_write(u, t->in, n) : 0;
    if (r < 0)
        return r;
    drop_input(t, (size_t)r);
    if (canon && whole) {
        t->lines -= t->lines > 0;
        t->eof = false;
    }
    return r;
}

ssize_t tty_write(struct task *task, struct file *f, struct tty *t, struct uio *u)
{
    size_t done = 0;

    if (FLAG(t, c_lflag, TOSTOP)) {
        int err = job_control(task, t, SIGTTOU);
        if (err)
            return err;
    }
    while (u->resid) {
        unsigned char c;
        if (tty_is_hung(t))
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
