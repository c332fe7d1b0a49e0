/*
 * pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2). What a descriptor stands for is a process,
 * or a thread that does not lead one (PIDFD_THREAD). That of a leader is one of its process with
 * another default scope of signals: it says nothing before all threads have gone. fs/pidfs.c of
 * Linux.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "sentry/ckpt/types.h"
#include "sentry/ns/ns.h"
#include "sentry/kernel/pidfd.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/fs/fs.h"
#include "sentry/vfs/file.h"

/* --- threads --- */
static void thread_put(struct pid_thread *p)
{
    if (!p || --p->refs)
        return;
    if (p->task)
        p->task->pidfd = NULL;
    waitq_release(&p->wait);
    tg_put(p->tg);
    free(p);
}

static struct pid_thread *thread_get(struct task *o)
{
    struct pid_thread *p = o->pidfd;

    if (p) {
        p->refs++;
        return p;
    }
    p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->refs = 1;
    p->tg = tg_get(o->tg);
    p->task = o;
    p->exited = o->state == TASK_ZOMBIE;
    waitq_init(&p->wait);
    return o->pidfd = p;
}

void pidfd_thread_exited(struct task *t)
{
    if (!t->pidfd)
        return;
    t->pidfd->exited = true;
    waitq_wake_all(&t->pidfd->wait);
}

void pidfd_thread_gone(struct task *t)
{
    struct pid_thread *p = t->pidfd;

    if (!p)
        return;
    t->pidfd = NULL;
    p->task = NULL;
    p->exited = true;
    p->exit_code = t->exit_code;
    waitq_wake_all(&p->wait);
}

/* --- files --- */
static uint32_t poll_process(struct file *f, struct poll_table *pt)
{
    struct thread_group *tg = f->priv;

    poll_wait(pt, &tg->exit_wait);
    return !tg->leader ? EPOLLIN | EPOLLRDNORM | EPOLLHUP : tg->zombie ? EPOLLIN | EPOLLRDNORM : 0;
}

static uint32_t poll_thread(struct file *f, struct poll_table *pt)
{
    struct pid_thread *p = f->priv;

    poll_wait(pt, &p->wait);
    return !p->task ? EPOLLIN | EPOLLRDNORM | EPOLLHUP : p->exited ? EPOLLIN | EPOLLRDNORM : 0;
}

static void release_process(struct file *f)
{
    tg_put(f->priv);
}

static void release_thread(struct file *f)
{
    thread_put(f->priv);
}

static void pidfd_fdinfo(struct file *f, struct strbuf *out)
{
    struct task *o;
    int pid = pidfd_target(f, &o) && o ? task_nr(o) : -1;

    strbuf_printf(out, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

/* But pread(2) finds that there is nothing to read, EINVAL. */
static loff_t pidfd_llseek(struct task *t, struct file *f, loff_t off, int whence)
{
    return -ESPIPE;
}

static const struct file_ops pidfd_ops = {
    .kind = "[pidfd]",
    .llseek = pidfd_llseek,
    .poll = poll_process,
    .ioctl = pidfd_ioctl,
    .release = release_process,
    .fdinfo = pidfd_fdinfo,
    .priv_type = &ckpt_thread_group,
};
CKPT_SYMBOL("file_ops", "pidfd", pidfd_ops);

static const struct ckpt_type ckpt_pid_thread;
static const struct file_ops pidfd_thread_ops = {
    .kind = "[pidfd]",
    .llseek = pidfd_llseek,
    .poll = poll_thread,
    .ioctl = pidfd_ioctl,
    .release = release_thread,
    .fdinfo = pidfd_fdinfo,
    .priv_type = &ckpt_pid_thread,
};
CKPT_SYMBOL("file_ops", "pidfd of a thread", pidfd_thread_ops);

/* Unique for as long as the sandbox lives: no two start in one microsecond with one number. */
static uint64_t inode_number(uint64_t start_ns, pid_t tid)
{
    return start_ns / NSEC_PER_USEC << 22 | (unsigned int)tid;
}

static struct file *pidfd_file(const struct file_ops *ops, void *priv, uint64_t ino, int flags)
{
    struct file *f = file_new_anon(ops, PIDFD_INODE_MODE, O_RDWR | flags, priv);

    if (!f)
        return NULL;
    f->flags |= flags & PIDFD_THREAD_K; /* F_GETFL tells */
    f->inode->ino = ino;
    f->inode->uid = f->inode->gid = 0;
    return f;
}

int pidfd_install(struct task *t, struct thread_group *tg, int flags)
{
    struct file *f =
        pidfd_file(&pidfd_ops, tg_get(tg), inode_number(tg->start_ns, tg->tgid), flags);

    if (!f) {
        tg_put(tg);
        return file_new_error();
    }
    return fd_install_steal(t, f, true);
}

int pidfd_install_thread(struct task *t, struct task *o, int flags)
{
    if (o->tg->leader == o)
        return pidfd_install(t, o->tg, flags | PIDFD_THREAD_K);
    struct pid_thread *p = thread_get(o);
    struct file *f = p ? pidfd_file(&pidfd_thread_ops, p, inode_number(o->start_ns, o->tid),
                                    flags | PIDFD_THREAD_K)
                       : NULL;
    if (!f) {
        thread_put(p);
        return file_new_error();
    }
    return fd_install_steal(t, f, true);
}

bool pidfd_target(const struct file *f, struct task **o)
{
    if (f->ops == &pidfd_ops)
        *o = ((const struct thread_group *)f->priv)->leader;
    else if (f->ops == &pidfd_thread_ops)
        *o = ((const struct pid_thread *)f->priv)->task;
    else
        return false;
    return true;
}

int pidfd_exit_code(const struct file *f)
{
    return f->ops == &pidfd_ops ? ((const struct thread_group *)f->priv)->group_exit_code
                                : ((const struct pid_thread *)f->priv)->exit_code;
}

struct thread_group *pidfd_group(struct task *t, int fd)
{
    cleanup_file struct file *f = fd_get(t, fd);

    return !f                            ? NULL
           : f->ops == &pidfd_ops        ? f->priv
           : f->ops == &pidfd_thread_ops ? ((const struct pid_thread *)f->priv)->tg
                                         : NULL;
}

long sys_pidfd_open(struct task *t, const struct sysargs *a)
{
    unsigned int flags = arg_u32(a, 1);
    pid_t pid = arg_i32(a, 0);

    if (flags & ~(unsigned)(O_NONBLOCK | PIDFD_THREAD_K) || pid <= 0)
        return -EINVAL;
    struct task *o = task_find_nr(pid);
    if (!o)
        return -ESRCH;
    if (flags & PIDFD_THREAD_K)
        return pidfd_install_thread(t, o, (int)flags);
    if (o->tg->leader != o)
        return -ENOENT;
    return pidfd_install(t, o->tg, (int)flags);
}

/* --- checkpoints --- */
static const struct ckpt_field pid_thread_fields[] = {
    CKPT_REF(struct pid_thread, tg, &ckpt_thread_group),
    CKPT_WEAK(struct pid_thread, task, &ckpt_task),
    CKPT_BOOL(struct pid_thread, exited),
    CKPT_UINT(struct pid_thread, exit_code),
};

static void *pid_thread_create(struct ckpt_reader *r)
{
    struct pid_thread *p = calloc(1, sizeof(*p));

    if (p)
        waitq_init(&p->wait);
    return p;
}

static void pid_thread_link(struct ckpt_reader *r, void *obj)
{
    struct pid_thread *p = obj;

    if (!p->tg || (p->task ? p->task->tg != p->tg || p->task->pidfd : !p->exited))
        ckpt_bad(r, "not what a pidfd can stand for");
    else if (p->task)
        p->task->pidfd = p;
}

static void pid_thread_hold(void *obj)
{
    ((struct pid_thread *)obj)->refs++;
}

static const struct ckpt_type ckpt_pid_thread = {
    .name = "thread of a pidfd",
    .id = CT_PIDFD,
    .version = 1,
    CKPT_TABLE(pid_thread_fields),
    .create = pid_thread_create,
    .link = pid_thread_link,
    .hold = pid_thread_hold,
};
CKPT_TYPE_REGISTER(ckpt_pid_thread);

/* include/uapi/linux/pidfd.h, of newer kernels than the headers may be. */
#define SELF_THREAD (-10000)
#define SELF_GROUP (-10001)
#define SIGNAL_THREAD 1U
#define SIGNAL_GROUP 2U
#define SIGNAL_PGRP 4U

/* Whom a signal is for, and whether for that thread alone if the flags do not say. */
struct target {
    struct thread_group *tg;
    struct task *task;
    bool thread;
};

/* A pidfd, a number that stands for the caller, or a directory /proc/PID: pidfd_send_signal(2). */
static int signal_target(struct task *t, int fd, struct target *out)
{
    cleanup_file struct file *f = NULL;

    *out = (struct target){.task = t, .thread = fd == SELF_THREAD};
    if (fd != SELF_THREAD && fd != SELF_GROUP) {
        f = fd_get(t, fd);
        pid_t pid = f ? procfs_dir_pid(f->inode) : 0;
        if (pid)
            out->task = task_find(pid);
        else if (!f || !pidfd_target(f, &out->task))
            return -EBADF;
        out->thread = f->flags & PIDFD_THREAD_K && !pid;
    }
    if (!out->task)
        return -ESRCH;
    out->tg = out->task->tg;
    return out->tg->leader ? 0 : -ESRCH;
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
    struct target to;
    int found = signal_target(t, arg_i32(a, 0), &to);
    if (found)
        return found;
    struct thread_group *tg = to.tg;
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
        return send_to_pgrp(t, to.task->tid, &info);
    int err = signal_may_send(t, tg, sig);
    if (err || !sig)
        return err;
    if (how == SIGNAL_THREAD || (!how && to.thread)) {
        if (info.si_code == SI_USER)
            info.si_code = SI_TKILL;
        return signal_send_task(arg_i32(a, 0) == SELF_GROUP ? tg->leader : to.task, &info);
    }
    return signal_send_group(tg, &info);
}

long sys_pidfd_getfd(struct task *t, const struct sysargs *a)
{
    if (arg_u32(a, 2))
        return -EINVAL;
    cleanup_file struct file *pidfd = fd_get(t, arg_i32(a, 0));
    struct task *o;
    if (!pidfd || !pidfd_target(pidfd, &o))
        return -EBADF;
    if (!o || !o->fds)
        return -ESRCH;
    if (!trace_may_attach(t, o))
        return -EPERM;
    struct file *f = fd_get(o, arg_i32(a, 1));
    return f ? fd_install_steal(t, f, true) : -EBADF;
}
