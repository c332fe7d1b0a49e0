/* ioctl_tty(2). */
#include <asm/ioctls.h>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/macros.h"
#include "sentry/fs/tty/tty.h"
#include "sentry/kernel/cred.h"
#include "sentry/kernel/task_internal.h"

struct termio { /* of System V */
    unsigned short c_iflag, c_oflag, c_cflag, c_lflag;
    unsigned char c_line, c_cc[8];
};

/* --- settings --- */
static unsigned int baud(tcflag_t cflag, unsigned int other)
{
    static const unsigned int low[] = {0,   50,   75,   110,  134,  150,  200,   300,
                                       600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
    static const unsigned int high[] = {0,       57600,   115200,  230400,  460800,  500000,
                                        576000,  921600,  1000000, 1152000, 1500000, 2000000,
                                        2500000, 3000000, 3500000, 4000000};
    unsigned int rate = cflag & CBAUD;

    if (rate == BOTHER)
        return other;
    return rate & CBAUDEX ? high[rate & 15] : low[rate & 15];
}

/* Was VSTOP at its usual place, and did it stop? TIOCPKT tells of changes. */
static bool usual_flow(const struct termios *t)
{
    return (t->c_iflag & IXON) && t->c_cc[VSTOP] == 023 && t->c_cc[VSTART] == 021;
}

/* drivers/tty/tty_ioctl.c unset_locked_termios() */
static void keep_locked(struct termios *n, const struct termios *old, const struct termios *kept)
{
#define KEEP(field) (n->field = (n->field & ~kept->field) | (old->field & kept->field))
    KEEP(c_iflag);
    KEEP(c_oflag);
    KEEP(c_cflag);
    KEEP(c_lflag);
#undef KEEP
    if (kept->c_line)
        n->c_line = old->c_line;
    for (size_t i = 0; i < ARRAY_SIZE(n->c_cc); i++)
        if (kept->c_cc[i])
            n->c_cc[i] = old->c_cc[i];
}

static void change_termios(struct tty *t, const struct termios *n)
{
    const struct termios old = t->termios;

    t->termios = *n;
    if (t->index >= 0)
        t->termios.c_cflag = (n->c_cflag & ~(CSIZE | PARENB)) | CS8 | CREAD;
    keep_locked(&t->termios, &old, &t->kept);
    n = &t->termios;
    if ((old.c_lflag ^ n->c_lflag) & ICANON)
        tty_input_mode_changed(t);
    if ((old.c_iflag & IXON) && !(n->c_iflag & IXON))
        tty_stop(t, false, false);
    if (usual_flow(&old) != usual_flow(n))
        tty_packet_event(t, usual_flow(n) ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP,
                         TIOCPKT_DOSTOP | TIOCPKT_NOSTOP);
    waitq_wake(&t->in_wq, EPOLLIN | EPOLLRDNORM);
}

enum settings { OLDEST, OLD, NEW }; /* struct termio, termios, termios2 */

static int get_termios(struct task *task, const struct tty *t, unsigned long arg, enum settings how)
{
    const struct termios *is = &t->termios;
    struct termios2 out = {.c_iflag = is->c_iflag,
                           .c_oflag = is->c_oflag,
                           .c_cflag = is->c_cflag,
                           .c_lflag = is->c_lflag,
                           .c_line = is->c_line,
                           .c_ispeed = t->ispeed,
                           .c_ospeed = t->ospeed};

    memcpy(out.c_cc, is->c_cc, sizeof(out.c_cc));
    if (how != OLDEST)
        return copy_out(task, arg, &out, how == NEW ? sizeof(out) : sizeof(*is));
    struct termio o = {(unsigned short)is->c_iflag,
                       (unsigned short)is->c_oflag,
                       (unsigned short)is->c_cflag,
                       (unsigned short)is->c_lflag,
                       is->c_line,
                       {0}};
    memcpy(o.c_cc, is->c_cc, sizeof(o.c_cc));
    return put_user(task, &o, arg);
}

static void take_oldest(struct termios2 *n, const struct termio *o)
{
    n->c_iflag = (n->c_iflag & 0xffff0000) | o->c_iflag;
    n->c_oflag = (n->c_oflag & 0xffff0000) | o->c_oflag;
    n->c_cflag = (n->c_cflag & 0xffff0000) | o->c_cflag;
    n->c_lflag = (n->c_lflag & 0xffff0000) | o->c_lflag;
    n->c_line = o->c_line;
    memcpy(n->c_cc, o->c_cc, sizeof(o->c_cc));
}

static int set_termios(struct task *task, struct tty *t, unsigned long arg, enum settings how,
                       bool flush)
{
    struct termios2 n = {.c_ispeed = t->ispeed, .c_ospeed = t->ospeed};
    struct termios plain;
    struct termio oldest;

    int err = tty_job_control(task, t, SIGTTOU);
    if (err)
        return err;
    memcpy(&n, &t->termios, sizeof(t->termios));
    if (how == OLDEST ? get_user(task, &oldest, arg)
                      : copy_in(task, &n, arg, how == NEW ? sizeof(n) : sizeof(plain)))
        return -EFAULT;
    if (how == OLDEST)
        take_oldest(&n, &oldest);
    if (flush)
        tty_flush_input(t);
    memcpy(&plain, &n, sizeof(plain));
    t->ospeed = baud(n.c_cflag, n.c_ospeed);
    t->ispeed = n.c_cflag & CIBAUD ? baud(n.c_cflag >> IBSHIFT, n.c_ispeed) : t->ospeed;
    change_termios(t, &plain);
    return 0;
}

static long settings_ioctl(struct task *task, struct tty *t, unsigned int cmd, unsigned long arg)
{
    switch (cmd) {
    case TCGETA:
        return get_termios(task, t, arg, OLDEST);
    case TCGETS:
        return get_termios(task, t, arg, OLD);
    case TCGETS2:
        return get_termios(task, t, arg, NEW);
    case TCSETA:
    case TCSETAW:
    case TCSETAF:
        return set_termios(task, t, arg, OLDEST, cmd == TCSETAF);
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        return set_termios(task, t, arg, OLD, cmd == TCSETSF);
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
        return set_termios(task, t, arg, NEW, cmd == TCSETSF2);
    case TIOCGLCKTRMIOS:
        return put_user(task, &t->kept, arg);
    case TIOCSLCKTRMIOS:
        return cred_capable(task->cred, CAP_SYS_ADMIN) ? get_user(task, &t->kept, arg) : -EPERM;
    default:
        return -ENOTTY;
    }
}

/* --- queues --- */
static long flush_queue(struct tty *t, unsigned long which)
{
    if (which > TCIOFLUSH)
        return -EINVAL;
    if (which != TCOFLUSH)
        tty_flush_input(t);
    if (which != TCIFLUSH)
        tty_flush_output(t);
    return 0;
}

/* tcflow(3) */
static long flow(struct tty *t, unsigned long what)
{
    if (what > TCION)
        return -EINVAL;
    if (what <= TCOON)
        tty_stop(t, what == TCOOFF, true);
    return 0;
}

static long queue_ioctl(struct task *task, struct tty *t, unsigned int cmd, unsigned long arg)
{
    int v, err;

    switch (cmd) {
    case FIONREAD:
        v = (int)tty_input_ready(t);
        return put_user(task, &v, arg);
    case TIOCOUTQ:
        v = 0; /* what a pty's master has not read counts as sent */
        return put_user(task, &v, arg);
    case TCFLSH:
        err = tty_job_control(task, t, SIGTTOU);
        return err ? err : flush_queue(t, arg);
    case TCXONC:
        err = tty_job_control(task, t, SIGTTOU);
        return err ? err : flow(t, arg);
    case TCSBRK:
    case TCSBRKP:
    case TIOCSBRK:
    case TIOCCBRK:
        return tty_job_control(task, t, SIGTTOU); /* nothing waits in a wire */
    default:
        return -ENOTTY;
    }
}

/* --- the rest --- */
void tty_set_size(struct tty *t, const struct tty_size *size)
{
    if (!memcmp(&t->size, size, sizeof(*size)))
        return;
    t->size = *size;
    tty_signal_foreground(t, SIGWINCH);
}

static bool is_admin(const struct task *task)
{
    return cred_capable(task->cred, CAP_SYS_ADMIN);
}

/* As Linux with dev.tty.legacy_tiocsti=0. */
static long fake_input(struct task *task, struct tty *t, unsigned long arg)
{
    unsigned char c;

    if (!is_admin(task))
        return -EIO;
    if (get_user(task, &c, arg))
        return -EFAULT;
    tty_input(t, &c, 1);
    return 0;
}

static long discipline_ioctl(struct task *task, unsigned int cmd, unsigned long arg)
{
    int v = 0; /* N_TTY */

    if (cmd == TIOCGETD)
        return put_user(task, &v, arg);
    if (get_user(task, &v, arg))
        return -EFAULT;
    return v ? -EINVAL : 0;
}

static long state_ioctl(struct task *task, struct tty *t, unsigned int cmd, unsigned long arg)
{
    struct tty_size size;
    dev_t dev = tty_device(t);
    int v;

    switch (cmd) {
    case TIOCGWINSZ:
        return put_user(task, &t->size, arg);
    case TIOCSWINSZ:
        if (get_user(task, &size, arg))
            return -EFAULT;
        tty_set_size(t, &size);
        return 0;
    case TIOCEXCL:
    case TIOCNXCL:
        t->exclusive = cmd == TIOCEXCL;
        return 0;
    case TIOCGEXCL:
        v = t->exclusive;
        return put_user(task, &v, arg);
    case TIOCGDEV:
        v = (int)dev;
        return put_user(task, &v, arg);
    case TIOCGETD:
    case TIOCSETD:
        return discipline_ioctl(task, cmd, arg);
    case TIOCSTI:
        return fake_input(task, t, arg);
    case TIOCVHANGUP:
        if (!is_admin(task))
            return -EPERM;
        tty_hangup(t);
        return 0;
    default:
        return -ENOTTY;
    }
}

long tty_ioctl(struct task *task, struct file *f, struct tty *t, unsigned int cmd,
               unsigned long arg)
{
    static long (*const parts[])(struct task *, struct tty *, unsigned int, unsigned long) = {
        settings_ioctl, queue_ioctl, state_ioctl, tty_session_ioctl};
    long r = -ENOTTY;

    for (size_t i = 0; i < ARRAY_SIZE(parts) && r == -ENOTTY; i++)
        r = parts[i](task, t, cmd, arg);
    return r;
}
