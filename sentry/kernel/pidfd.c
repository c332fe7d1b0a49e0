/* pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2). */
#include <errno.h>
#include <string.h>

#include "base/strbuf.h"
#include "sentry/ckpt/types.h"
#include "sentry/ns/ns.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/fs/fs.h"
#include "sentry/vfs/file.h"

struct thread_group *pidfd_group(struct task *t, int fd);

static uint32_t pidfd_poll(struct file *f, struct poll_table *pt)
{
    struct thread_group *tg = f->priv;

    poll_wait(pt, &tg->exit_wait);
    return tg->zombie || !tg->leader ? EPOLLIN | EPOLLRDNORM : 0;
}

static void pidfd_release(struct file *f)
{
    tg_put(f->priv);
}

static void pidfd_fdinfo(struct file *f, struct strbuf *out)
{
    struct thread_group *tg = f->priv;
    int pid = tg->leader ? tg_nr(tg) : -1;

    strbuf_printf(out, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static const struct file_ops pidfd_ops = {
    .kind = "[pidfd]",
    .poll = pidfd_poll,
    .release = pidfd_release,
    .fdinfo = pidfd_fdinfo,
    .priv_type = &ckpt_thread_group,
};
CKPT_SYMBOL("file_ops", "pidfd", pidfd_ops);

int pidfd_install(struct task *t, struct thread_group *tg, int flags)
{
    struct file *f = file_new_anon(&pidfd_ops, 0600, O_RDWR | flags, tg_get(tg));

    if (!f) {
        tg_put(tg);
        return file_new_error();
    }
    return fd_install_steal(t, f, true);
}

struct thread_group *pidfd_group(struct task *t, int fd)
{
    cleanup_file struct file *f = fd_get(t, fd);

    return f && f->ops == &pidfd_ops ? f->priv : NULL;
}

long sys_pidfd_open(struct task *t, const struct sysargs *a)
{
    pid_t pid = arg_i32(a, 0);

    if (arg_u32(a, 1) & ~(unsigned)O_NONBLOCK || pid <= 0)
        return -EINVAL;
    struct task *o = task_find_nr(pid);
    if (!o)
        return -ESRCH;
    if (o->tg->leader != o)
        return -EINVAL;
    return pidfd_install(t, o->tg, (int)arg_u32(a, 1));
}

/* include/uapi/linux/pidfd.h, of newer kernels than the headers may be. */
#define SELF_THREAD (-10000)
#define SELF_GROUP (-10001)
#define SIGNAL_THREAD 1U
#define SIGNAL_GROUP 2U
#define SIGNAL_PGRP 4U

/* A pidfd, a number that stands for the caller, or a directory /proc/PID: pidfd_send_signal(2). */
static int signal_target(struct task *t, int fd, struct thread_group **tg)
{
    *tg = fd == SELF_THREAD || fd == SELF_GROUP ? t->tg : pidfd_group(t, fd);
    if (!*tg) {
        cleanup_file struct file *f = fd_get(t, fd);
        pid_t pid = f ? procfs_dir_pid(f->inode) : 0;
        struct task *o = pid ? task_find(pid) : NULL;
        if (!pid)
            return -EBADF;
        if (!o)
            return -ESRCH;
        *tg = o->tg;
    }
    return (*tg)->leader ? 0 : -ESRCH;
}

/* To all of the group that the process leads: 0 if one of them got it. */
static long send_to_pgrp(struct task *t, pid_t pgid, const siginfo_t *info)
{
    struct process_group *p = pgrp_find(pgid);
    struct thread_group *tg, *tmp;
    long ret = -ESRCH;

    if (!p)
        return ret;
    list_for_each_safe(tg, tmp, &p->members, pgrp_node) {
        int err = signal_may_send(t, tg, info->si_signo);
        if (!err && info->si_signo)
            err = signal_send_group(tg, info);
        if (!err || ret == -ESRCH)
            ret = err;
    }
    return ret;
}

long sys_pidfd_send_signal(struct task *t, const struct sysargs *a)
{
    int sig = arg_i32(a, 1);
    siginfo_t info;

    uint32_t how = arg_u32(a, 3);

    if (how & ~(SIGNAL_THREAD | SIGNAL_GROUP | SIGNAL_PGRP) || (how & (how - 1)))
        return -EINVAL;
    struct thread_group *tg;
    int found = signal_target(t, arg_i32(a, 0), &tg);
    if (found)
        return found;
    siginfo_user(&info, sig, SI_USER, t);
    if (arg_u64(a, 2)) {
        if (get_user(t, &info, arg_u64(a, 2)))
            return -EFAULT;
        if (info.si_signo != sig)
            return -EINVAL;
        if (tg != t->tg && (info.si_code >= 0 || info.si_code == SI_TKILL))
            return -EPERM;
    }
    if (sig < 0 || sig > NV_NSIG)
        return -EINVAL;
    if (how == SIGNAL_PGRP)
        return send_to_pgrp(t, tg->tgid, &info);
    int err = signal_may_send(t, tg, sig);
    if (err || !sig)
        return err;
    if (how == SIGNAL_THREAD || (!how && arg_i32(a, 0) == SELF_THREAD)) {
        if (info.si_code == SI_USER)
            info.si_code = SI_TKILL;
        return signal_send_task(arg_i32(a, 0) == SELF_THREAD ? t : tg->leader, &info);
    }
    return signal_send_group(tg, &info);
}

long sys_pidfd_getfd(struct task *t, const struct sysargs *a)
{
    if (arg_u32(a, 2))
        return -EINVAL;
    struct thread_group *tg = pidfd_group(t, arg_i32(a, 0));
    if (!tg)
        return -EBADF;
    struct task *o = tg->leader;
    if (!o || !o->fds)
        return -ESRCH;
    if (!trace_may_attach(t, o))
        return -EPERM;
    struct file *f = fd_get(o, arg_i32(a, 1));
    return f ? fd_install_steal(t, f, true) : -EBADF;
}
