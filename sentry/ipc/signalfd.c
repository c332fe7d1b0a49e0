/* signalfd(2). Reads and polls concern the signals of whoever makes the call, not of the creator.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "sentry/ckpt/types.h"
#include "sentry/ipc/signalfd.h"
#include "sentry/kernel/task.h"
#include "sentry/vfs/file.h"

struct signalfd {
    ksigset set;
    struct file *file; /* weak; of a restored one */
};

struct task *signalfd_poller;

/* Which fields of siginfo_t are meaningful: siginfo_layout() of kernel/signal.c. */
enum layout { OF_KILL, OF_TIMER, OF_POLL, OF_FAULT, OF_MEMORY_ERROR, OF_CHILD, OF_QUEUE, OF_CALL };

static enum layout layout_of(int sig, int code)
{
    static const struct {
        int sig, last;
        enum layout layout;
    } own[] = {{SIGILL, 11, OF_FAULT}, {SIGFPE, 15, OF_FAULT}, {SIGSEGV, 10, OF_FAULT},
               {SIGBUS, 5, OF_FAULT},  {SIGTRAP, 6, OF_FAULT}, {SIGCHLD, 6, OF_CHILD},
               {SIGIO, 6, OF_POLL},    {SIGSYS, 2, OF_CALL}};

    if (code <= 0 || code >= SI_KERNEL)
        return code == SI_TIMER   ? OF_TIMER
               : code == SI_SIGIO ? OF_POLL
               : code < 0         ? OF_QUEUE
                                  : OF_KILL;
    for (size_t i = 0; i < ARRAY_SIZE(own); i++)
        if (own[i].sig == sig && code <= own[i].last)
            return sig == SIGBUS && code >= BUS_MCEERR_AR ? OF_MEMORY_ERROR : own[i].layout;
    return code <= 6 ? OF_POLL : OF_KILL; /* NSIGPOLL: any signal may stand for SIGIO */
}

static void fill(struct signalfd_siginfo *o, const siginfo_t *i)
{
    enum layout l = layout_of(i->si_signo, i->si_code);

    *o = (struct signalfd_siginfo){
        .ssi_signo = (uint32_t)i->si_signo, .ssi_errno = i->si_errno, .ssi_code = i->si_code};
    if (l == OF_KILL || l == OF_CHILD || l == OF_QUEUE) {
        o->ssi_pid = (uint32_t)i->si_pid;
        o->ssi_uid = i->si_uid;
    }
    if (l == OF_QUEUE || l == OF_TIMER) {
        o->ssi_ptr = (uint64_t)i->si_ptr;
        o->ssi_int = i->si_int;
    }
    switch (l) {
    case OF_CHILD:
        o->ssi_status = i->si_status;
        o->ssi_utime = (uint64_t)i->si_utime;
        o->ssi_stime = (uint64_t)i->si_stime;
        break;
    case OF_TIMER:
        o->ssi_tid = (uint32_t)i->si_timerid;
        o->ssi_overrun = (uint32_t)i->si_overrun;
        break;
    case OF_POLL:
        o->ssi_band = (uint32_t)i->si_band;
        o->ssi_fd = i->si_fd;
        break;
    case OF_MEMORY_ERROR:
        o->ssi_addr_lsb = (uint16_t)i->si_addr_lsb;
        /* fall through */
    case OF_FAULT:
        o->ssi_addr = (uint64_t)i->si_addr;
        break;
    case OF_CALL:
        o->ssi_call_addr = (uint64_t)i->si_call_addr;
        o->ssi_syscall = i->si_syscall;
        o->ssi_arch = i->si_arch;
        break;
    default:
        break;
    }
}

static ssize_t sfd_read(struct task *t, struct file *f, struct uio *u, loff_t *pos, int rwf)
{
    struct signalfd *s = f->priv;
    struct signalfd_siginfo out;
    siginfo_t info;
    size_t done = 0;

    if (u->resid < sizeof(out))
        return -EINVAL;
    while (u->resid >= sizeof(out)) {
        int err = signal_dequeue(t, s->set, &info);
        if (err && done)
            break;
        if (err && ((f->flags & O_NONBLOCK) || (rwf & 8)))
            return -EAGAIN;
        if (err) {
            struct waitq *qs[] = {&t->sig.wq, &t->tg->sig.wq};
            err = task_wait_many(t, qs, 2, NO_DEADLINE);
            if (err)
                return err;
            continue;
        }
        fill(&out, &info);
        if (uio_write(u, &out, sizeof(out)) != sizeof(out))
            return done ? (ssize_t)done : -EFAULT;
        done += sizeof(out);
    }
    return (ssize_t)done;
}

static uint32_t sfd_poll(struct file *f, struct poll_table *pt)
{
    const struct signalfd *s = f->priv;
    struct task *t = signalfd_poller ? signalfd_poller : task_current();

    if (!t)
        return 0;
    poll_wait(pt, &t->sig.wq);
    poll_wait(pt, &t->tg->sig.wq);
    return signal_pending_set(t) & s->set ? EPOLLIN : 0;
}

static void sfd_release(struct file *f)
{
    free(f->priv);
}

static void sfd_fdinfo(struct file *f, struct strbuf *out)
{
    const struct signalfd *s = f->priv;

    strbuf_printf(out, "sigmask:\t%016lx\n", (unsigned long)s->set);
}

/* --- checkpoints --- */
static int sfd_restore(struct file *f)
{
    struct signalfd *s = f->priv;

    if (s->file)
        return -EINVAL;
    s->file = f;
    s->set &= ~(ksig_bit(SIGKILL) | ksig_bit(SIGSTOP));
    return 0;
}

static const struct ckpt_field sfd_fields[] = {CKPT_UINT(struct signalfd, set)};

static const struct ckpt_type ckpt_signalfd = {
    .name = "signalfd",
    .id = CT_SIGNALFD,
    .version = 1,
    .size = sizeof(struct signalfd),
    CKPT_TABLE(sfd_fields),
};
CKPT_TYPE_REGISTER(ckpt_signalfd);

static const struct file_ops signalfd_ops = {
    .kind = "[signalfd]",
    .read = sfd_read,
    .poll = sfd_poll,
    .release = sfd_release,
    .fdinfo = sfd_fdinfo,
    .llseek = noop_llseek,
    .no_seek = true,
    .io = FILE_NOWAIT | FILE_NO_SPLICE_READ,
    .priv_type = &ckpt_signalfd,
    .restore = sfd_restore,
};
CKPT_SYMBOL("file_ops", "signalfd", signalfd_ops);

bool is_signalfd(const struct file *f)
{
    return f->ops == &signalfd_ops;
}

static long new_signalfd(struct task *t, ksigset set, int flags)
{
    struct signalfd *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->set = set;
    struct file *f = file_new_anon(&signalfd_ops, 0600, O_RDWR | (flags & O_NONBLOCK), s);
    if (!f) {
        free(s);
        return file_new_error();
    }
    return fd_install_steal(t, f, flags & SFD_CLOEXEC);
}

static long do_signalfd(struct task *t, int fd, uint64_t addr, uint64_t size, int flags)
{
    ksigset set;

    if (size != sizeof(set))
        return -EINVAL;
    if (get_user(t, &set, addr))
        return -EFAULT;
    if (flags & ~(SFD_CLOEXEC | SFD_NONBLOCK))
        return -EINVAL;
    set &= ~(ksig_bit(SIGKILL) | ksig_bit(SIGSTOP));
    if (fd == -1)
        return new_signalfd(t, set, flags);
    cleanup_file struct file *f = fd_get(t, fd);
    if (!f)
        return -EBADF;
    if (f->ops != &signalfd_ops)
        return -EINVAL;
    ((struct signalfd *)f->priv)->set = set;
    /* Whoever waits for the old set has to look again. */
    waitq_wake(&t->sig.wq, EPOLLIN | EPOLLRDNORM);
    waitq_wake(&t->tg->sig.wq, EPOLLIN | EPOLLRDNORM);
    return fd;
}

long sys_signalfd(struct task *t, const struct sysargs *a)
{
    return do_signalfd(t, arg_i32(a, 0), arg_u64(a, 1), arg_u64(a, 2), 0);
}

long sys_signalfd4(struct task *t, const struct sysargs *a)
{
    return do_signalfd(t, arg_i32(a, 0), arg_u64(a, 1), arg_u64(a, 2), arg_i32(a, 3));
}
