/* wait4(2), waitid(2). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "base/macros.h"
#include "sentry/kernel/rusage.h"
#include "sentry/kernel/pidfd.h"
#include "sentry/kernel/task_internal.h"
#include "sentry/kernel/uaccess.h"
#include "sentry/ns/ns.h"
#include "sentry/vfs/file.h"

struct wait_request {
    idtype_t type; /* P_ALL, P_PID, P_PGID */
    pid_t id;
    int options;
    /* result */
    pid_t pid;
    uid_t uid;
    int code, status; /* CLD_*, wait status */
    struct rusage ru;
};

/* A child of this very thread? When that has ended, of any of the group. */
static bool is_own(const struct task *t, const struct thread_group *c)
{
    const struct task *by = task_find(c->parent_tid);

    return by == t || !by || by->tg != t->tg || by->state == TASK_ZOMBIE;
}

static bool eligible(const struct task *t, const struct thread_group *c,
                     const struct wait_request *w)
{
    if ((w->options & __WNOTHREAD) && !is_own(t, c))
        return false;
    if (w->type == P_PID && c->tgid != w->id)
        return false;
    if (w->type == P_PGID && (!c->pgrp || c->pgrp->id != w->id))
        return false;
    if (w->options & __WALL)
        return true;
    return !!(w->options & __WCLONE) == (c->exit_signal != SIGCHLD);
}

static void report(struct thread_group *c, struct wait_request *w, int code, int status)
{
    w->pid = tg_nr(c);
    w->uid = c->leader ? kuid_seen(task_current(), c->leader->cred->uid) : 0;
    w->code = code;
    w->status = status;
    w->ru = c->ru_self;
    timeradd(&w->ru.ru_utime, &c->ru_children.ru_utime, &w->ru.ru_utime);
    timeradd(&w->ru.ru_stime, &c->ru_children.ru_stime, &w->ru.ru_stime);
    w->ru.ru_nvcsw += c->ru_children.ru_nvcsw;
}

/* A tracee that is nobody's child, or a thread, has no group to report for. */
static void report_task(struct task *c, struct wait_request *w, int code, int status)
{
    w->pid = task_nr(c);
    w->uid = c->cred->uid;
    w->code = code;
    w->status = status;
    w->ru = c->tg->ru_self;
    uint64_t ns = tg_cpu_ns(c->tg);
    w->ru.ru_utime.tv_sec = (time_t)(ns / NSEC_PER_SEC);
    w->ru.ru_utime.tv_usec = (suseconds_t)(ns % NSEC_PER_SEC / NSEC_PER_USEC);
}

static bool try_dead_tracee(struct task *c, struct wait_request *w)
{
    struct thread_group *tg = c->tg;
    bool keep = w->options & WNOWAIT;
    int status = tg->exiting ? tg->group_exit_code : c->exit_code;

    if (!(w->options & WEXITED) || (tg->leader == c && !tg->zombie))
        return false;
    int code = exit_cld(status);
    if (tg->leader != c) {
        report_task(c, w, code, status);
        if (!keep)
            trace_release_held(c);
        return true;
    }
    report(tg, w, code, status);
    if (keep)
        return true;
    if (trace_reparented(c)) {
        trace_unlink(c);
        tg_tell_parent(tg);
    } else {
        tg_reap(tg);
    }
    return true;
}

/* A tracee may have something to report whether that was asked for or not: ptrace_do_wait(). */
static bool try_tracee(struct task *c, struct wait_request *w)
{
    if (c->state == TASK_ZOMBIE)
        return try_dead_tracee(c, w);
    if (!c->trace.stopped || c->trace.reported || c->trace.listening)
        return false;
    report_task(c, w, CLD_TRAPPED, c->trace.code << 8 | 0x7f);
    c->trace.reported = !(w->options & WNOWAIT);
    return true;
}

static bool eligible_tracee(const struct task *c, const struct wait_request *w)
{
    if (w->type == P_PID)
        return c->tid == w->id;
    return w->type != P_PGID || (c->tg->pgrp && c->tg->pgrp->id == w->id);
}

static bool try_tracees(struct task *t, struct wait_request *w, bool *any)
{
    struct task *c, *tmp;

    list_for_each_safe(c, tmp, &t->trace.tracees, trace.node) {
        if (!eligible_tracee(c, w))
            continue;
        *any |= c->state != TASK_ZOMBIE || (w->options & WEXITED);
        if (try_tracee(c, w))
            return true;
    }
    return false;
}

static bool try_all_tracees(struct task *t, struct wait_request *w, bool *any)
{
    struct task *o;

    if (w->options & __WNOTHREAD)
        return try_tracees(t, w, any);
    list_for_each(o, &t->tg->tasks, tg_node) {
        if (try_tracees(o, w, any))
            return true;
    }
    return false;
}

/* True if the child has something to report that was asked for. */
static bool try_child(struct thread_group *c, struct wait_request *w)
{
    bool keep = w->options & WNOWAIT;

    if (c->leader && c->leader->trace.tracer && !trace_reparented(c->leader))
        return try_tracee(c->leader, w);
    if (c->zombie) {
        if (c->leader && trace_reparented(c->leader))
            return false; /* after its tracer */
        if (!(w->options & WEXITED))
            return false;
        int status = c->group_exit_code;
        report(c, w, exit_cld(status), status);
        if (!keep)
            tg_reap(c);
        return true;
    }
    if ((w->options & WSTOPPED) && c->sig.stopped && !c->sig.stop_reported) {
        report(c, w, CLD_STOPPED, c->sig.last_stop << 8 | 0x7f);
        c->sig.stop_reported = !keep;
        return true;
    }
    if ((w->options & WCONTINUED) && c->sig.continued) {
        report(c, w, CLD_CONTINUED, 0xffff);
        c->sig.continued = keep;
        return true;
    }
    return false;
}

/* 1: reported, 0: none ready (WNOHANG), negative errno. */
static long do_wait(struct task *t, struct wait_request *w)
{
    struct thread_group *c, *tmp;

    for (;;) {
        bool any = false;
        list_for_each_safe(c, tmp, &t->tg->children, sibling) {
            if (!eligible(t, c, w))
                continue;
            /* A zombie can change in no other way any more: wait_consider_task(). */
            any |= !c->zombie || (w->options & WEXITED);
            if (try_child(c, w))
                return 1;
        }
        if (try_all_tracees(t, w, &any))
            return 1;
        if (!any)
            return -ECHILD;
        if (w->options & WNOHANG)
            return 0;
        int err = task_wait(t, &t->tg->child_wait, NO_DEADLINE);
        if (err)
            return err;
    }
}

long sys_wait4(struct task *t, const struct sysargs *a)
{
    pid_t pid = arg_i32(a, 0);
    int options = arg_i32(a, 2);
    struct wait_request w = {.options = options | WEXITED};

    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | (int)__WALL))
        return -EINVAL;
    if (pid == INT32_MIN)
        return -ESRCH;
    w.type = pid > 0 ? P_PID : pid == -1 ? P_ALL : P_PGID;
    w.id = pid == 0 ? t->tg->pgrp->id : pid_id(t->pid_ns, pid > 0 ? pid : -pid);
    long r = do_wait(t, &w);
    if (r <= 0)
        return r;
    if (arg_u64(a, 1) && put_user(t, &w.status, arg_u64(a, 1)))
        return -EFAULT;
    if (arg_u64(a, 3) && put_user(t, &w.ru, arg_u64(a, 3)))
        return -EFAULT;
    return w.pid;
}

long sys_waitid(struct task *t, const struct sysargs *a)
{
    struct wait_request w = {
        .type = (idtype_t)arg_i32(a, 0), .id = arg_i32(a, 1), .options = arg_i32(a, 3)};
    siginfo_t info;
    bool would_block = false; /* PIDFD_NONBLOCK */

    if (w.options & ~(WNOHANG | WEXITED | WSTOPPED | WCONTINUED | WNOWAIT | __WNOTHREAD | __WCLONE |
                      (int)__WALL))
        return -EINVAL;
    if (!(w.options & (WEXITED | WSTOPPED | WCONTINUED)))
        return -EINVAL;
    switch (w.type) {
    case P_ALL:
        break;
    case P_PID:
        if (w.id <= 0)
            return -EINVAL;
        w.id = pid_id(t->pid_ns, w.id);
        break;
    case P_PGID:
        if (w.id < 0)
            return -EINVAL;
        w.id = w.id ? pid_id(t->pid_ns, w.id) : t->tg->pgrp->id;
        break;
    case P_PIDFD: {
        cleanup_file struct file *f = w.id < 0 ? NULL : fd_get(t, w.id);
        struct task *o;
        if (!f || !pidfd_target(f, &o))
            return w.id < 0 ? -EINVAL : -EBADF;
        w.type = P_PID;
        if (f->flags & O_NONBLOCK && !(w.options & WNOHANG)) {
            w.options |= WNOHANG;
            would_block = true;
        }
        w.id = o ? o->tid : 0; /* nobody has 0 */
        break;
    }
    default:
        return -EINVAL;
    }
    long r = do_wait(t, &w);
    if (!r && would_block)
        return -EAGAIN;
    memset(&info, 0, sizeof(info));
    if (r > 0) {
        info.si_signo = SIGCHLD;
        info.si_code = w.code;
        info.si_pid = w.pid;
        info.si_uid = w.uid;
        info.si_status = w.code == CLD_EXITED      ? WEXITSTATUS(w.status)
                         : w.code == CLD_KILLED    ? WTERMSIG(w.status)
                         : w.code == CLD_DUMPED    ? WTERMSIG(w.status)
                         : w.code == CLD_CONTINUED ? SIGCONT
                         : w.code == CLD_TRAPPED   ? w.status >> 8
                                                   : WSTOPSIG(w.status);
    }
    if (r > 0 && arg_u64(a, 4) && put_user(t, &w.ru, arg_u64(a, 4)))
        return -EFAULT;
    /* Zeros are written also when the wait failed. */
    if (arg_u64(a, 2) && put_user(t, &info, arg_u64(a, 2)))
        return -EFAULT;
    return r < 0 ? r : 0;
}
